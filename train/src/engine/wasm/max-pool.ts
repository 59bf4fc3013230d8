// Max pooling's gradient: each dy goes to the first largest value of its window. The stock kernel of
// tfjs-backend-wasm 4.22 starts its search at the smallest positive number, so that windows without a
// positive value lose their gradient.
//
// The fast way goes through the places of the windows in order, a row of windows at a time: where x is
// the window's largest value, what is left of dy moves to dx, and nothing is left for later places.

import { backend_util, type TensorInfo } from '@tensorflow/tfjs-core'
import type { Heap } from './heap.js'

type PoolInfo = backend_util.Conv2DInfo

/** `y` is the pooling's output for x. */
export function maxPoolGradient(heap: Heap, dy: TensorInfo, x: TensorInfo, y: TensorInfo, info: PoolInfo): TensorInfo {
  const { batchSize, inHeight, inWidth, inChannels: channels, outHeight, outWidth, strideHeight, strideWidth, filterHeight, filterWidth, padInfo } = info
  if (channels % 4 !== 0) return maxPoolGradientReference(heap, dy, x, info)
  const [dx, left] = [heap.allocate([batchSize, inHeight, inWidth, channels]), heap.allocate(dy.shape)]
  heap.view(dx).fill(0)
  heap.view(left).set(heap.view(dy))
  const [xAddress, yAddress, leftAddress, dxAddress] = heap.addresses(x, y, left, dx)
  const pixelBytes = channels * 4
  for (let row = 0; row < batchSize * outHeight; row++) {
    const firstInputRow = (row % outHeight) * strideHeight - padInfo.top
    for (let ky = 0; ky < filterHeight; ky++) {
      const inputRow = firstInputRow + ky
      if (inputRow < 0 || inputRow >= inHeight) continue
      for (let kx = 0; kx < filterWidth; kx++) {
        const firstColumn = Math.max(0, Math.ceil((padInfo.left - kx) / strideWidth))
        const lastColumn = Math.min(outWidth - 1, Math.floor((inWidth - 1 + padInfo.left - kx) / strideWidth))
        if (lastColumn < firstColumn) continue
        const input = ((Math.floor(row / outHeight) * inHeight + inputRow) * inWidth + firstColumn * strideWidth - padInfo.left + kx) * pixelBytes
        const output = (row * outWidth + firstColumn) * pixelBytes
        for (let channelBytes = 0; channelBytes < pixelBytes; channelBytes += 16) {
          heap.rows.passToLargest(
            xAddress + input + channelBytes, yAddress + output + channelBytes, leftAddress + output + channelBytes, dxAddress + input + channelBytes,
            pixelBytes, strideWidth * pixelBytes, lastColumn - firstColumn + 1,
          )
        }
      }
    }
  }
  heap.free(left)
  return dx
}

/** The same by looking for each window's largest value, for any number of channels. */
export function maxPoolGradientReference(heap: Heap, dy: TensorInfo, x: TensorInfo, info: PoolInfo): TensorInfo {
  const { batchSize, inHeight, inWidth, inChannels: channels, outHeight, outWidth, strideHeight, strideWidth, filterHeight, filterWidth, padInfo } = info
  const dx = heap.allocate([batchSize, inHeight, inWidth, channels])
  const [gradient, values, result] = heap.views(dy, x, dx)
  result.fill(0)
  let out = 0
  for (let image = 0; image < batchSize; image++) {
    for (let row = 0; row < outHeight; row++) {
      const rowBegin = Math.max(0, row * strideHeight - padInfo.top)
      const rowEnd = Math.min(inHeight, row * strideHeight - padInfo.top + filterHeight)
      for (let column = 0; column < outWidth; column++) {
        const columnBegin = Math.max(0, column * strideWidth - padInfo.left)
        const columnEnd = Math.min(inWidth, column * strideWidth - padInfo.left + filterWidth)
        for (let channel = 0; channel < channels; channel++, out++) {
          let largest = -Infinity
          let place = -1
          for (let y = rowBegin; y < rowEnd; y++) {
            let index = ((image * inHeight + y) * inWidth + columnBegin) * channels + channel
            for (let x = columnBegin; x < columnEnd; x++, index += channels) {
              if (values[index]! > largest || place === -1) {
                largest = values[index]!
                place = index
              }
            }
          }
          result[place]! += gradient[out]!
        }
      }
    }
  }
  return dx
}
