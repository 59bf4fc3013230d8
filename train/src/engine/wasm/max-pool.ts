// Max pooling's gradient: each dy goes to the first largest value of its window. The stock kernel of
// tfjs-backend-wasm 4.22 starts its search at the smallest positive number, so that windows without a
// positive value lose their gradient.

import { backend_util, type TensorInfo } from '@tensorflow/tfjs-core'
import type { Heap } from './heap.js'

export function maxPoolGradient(heap: Heap, dy: TensorInfo, x: TensorInfo, info: backend_util.Conv2DInfo): TensorInfo {
  const { batchSize, inHeight, inWidth, inChannels: channels, outHeight, outWidth, strideHeight, strideWidth, filterHeight, filterWidth, padInfo } = info
  const dx = heap.allocate([batchSize, inHeight, inWidth, channels])
  const [gradient, values, result] = [heap.view(dy), heap.view(x), heap.view(dx)]
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
