// Convolution, forward and backward, as matrix products over rows of the image. NHWC; the filter is
// [kh, kw, ci, co]. With the image padded by zeros, the inputs of one output row and one filter row
// are a matrix read in place: pixel x of the row starts `stride·ci` values after pixel x - 1 and spans
// kw·ci values, so
//
//   forward   y[row]     += windows(x, row, ky) · filter[ky]      [ow, kw·ci]·[kw·ci, co]
//   filter    dfilter[ky] += windows(x, row, ky)ᵀ · dy[row]       [kw·ci, ow]·[ow, co]
//   input     forward again, on dy spread by the stride, with the filter flipped and turned
//
// tfjs-backend-wasm 4.22 has no filter gradient and a scalar loop for the input's.

import { backend_util, type TensorInfo } from '@tensorflow/tfjs-core'
import type { Heap } from './heap.js'

type ConvInfo = backend_util.Conv2DInfo
const floatBytes = 4

export function convolve(heap: Heap, x: TensorInfo, filter: TensorInfo, info: ConvInfo): TensorInfo {
  const { batchSize, inChannels, outHeight, outWidth, outChannels } = info
  const { padded, height, width } = padImages(heap, x, info)
  const y = heap.allocate([batchSize, outHeight, outWidth, outChannels])
  const image: PaddedImage = { address: heap.address(padded), height, width, channels: inChannels }
  convolveRows(heap, image, heap.address(filter), heap.address(y), info)
  if (padded !== x) heap.free(padded)
  return y
}

export function convolveFilterGradient(heap: Heap, x: TensorInfo, dy: TensorInfo, info: ConvInfo): TensorInfo {
  const { batchSize, inChannels, outHeight, outWidth, outChannels, filterHeight, filterWidth } = info
  const { padded, height, width } = padImages(heap, x, info)
  const gradient = heap.allocate(info.filterShape)
  const [xAddress, dyAddress, gradientAddress] = heap.addresses(padded, dy, gradient)
  const span = filterWidth * inChannels
  const pixelBytes = inChannels * floatBytes
  for (let ky = 0; ky < filterHeight; ky++) {
    for (let row = 0; row < batchSize * outHeight; row++) {
      const inputRow = Math.floor(row / outHeight) * height + (row % outHeight) * info.strideHeight + ky
      heap.multiply(
        span, outChannels, outWidth,
        xAddress + inputRow * width * pixelBytes, floatBytes, info.strideWidth * pixelBytes,
        dyAddress + row * outWidth * outChannels * floatBytes, outChannels * floatBytes,
        gradientAddress + ky * span * outChannels * floatBytes, outChannels * floatBytes,
        row === 0 ? 0 : 1,
      )
    }
  }
  if (padded !== x) heap.free(padded)
  return gradient
}

export function convolveInputGradient(heap: Heap, dy: TensorInfo, filter: TensorInfo, info: ConvInfo): TensorInfo {
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth, outChannels, filterHeight, filterWidth, padInfo } = info
  const height = inHeight + filterHeight - 1
  const width = inWidth + filterWidth - 1
  const place = { height, width, top: filterHeight - 1 - padInfo.top, left: filterWidth - 1 - padInfo.left, strideHeight: info.strideHeight, strideWidth: info.strideWidth }
  const padded = spread(heap, dy, [batchSize, outHeight, outWidth, outChannels], place)
  const turned = turnFilter(heap, filter, info)
  const dx = heap.allocate([batchSize, inHeight, inWidth, inChannels])
  const image: PaddedImage = { address: heap.address(padded), height, width, channels: outChannels }
  convolveRows(heap, image, heap.address(turned), heap.address(dx), {
    batchSize, outHeight: inHeight, outWidth: inWidth, outChannels: inChannels, filterHeight, filterWidth, strideHeight: 1, strideWidth: 1,
  })
  heap.free(turned)
  if (padded !== dy) heap.free(padded)
  return dx
}

interface PaddedImage {
  readonly address: number
  readonly height: number
  readonly width: number
  readonly channels: number
}

type RowShape = Pick<ConvInfo, 'batchSize' | 'outHeight' | 'outWidth' | 'outChannels' | 'filterHeight' | 'filterWidth' | 'strideHeight' | 'strideWidth'>

function convolveRows(heap: Heap, image: PaddedImage, filter: number, y: number, shape: RowShape): void {
  const span = shape.filterWidth * image.channels
  const pixelBytes = image.channels * floatBytes
  const outBytes = shape.outChannels * floatBytes
  for (let row = 0; row < shape.batchSize * shape.outHeight; row++) {
    const firstInputRow = Math.floor(row / shape.outHeight) * image.height + (row % shape.outHeight) * shape.strideHeight
    for (let ky = 0; ky < shape.filterHeight; ky++) {
      heap.multiply(
        shape.outWidth, shape.outChannels, span,
        image.address + (firstInputRow + ky) * image.width * pixelBytes, shape.strideWidth * pixelBytes, floatBytes,
        filter + ky * span * outBytes, outBytes,
        y + row * shape.outWidth * outBytes, outBytes,
        ky === 0 ? 0 : 1,
      )
    }
  }
}

/** The images with the convolution's zeros round them. */
function padImages(heap: Heap, x: TensorInfo, { batchSize, inHeight, inWidth, inChannels, padInfo }: ConvInfo): { padded: TensorInfo; height: number; width: number } {
  const { top, bottom, left, right } = padInfo
  const [height, width] = [inHeight + top + bottom, inWidth + left + right]
  return { padded: spread(heap, x, [batchSize, inHeight, inWidth, inChannels], { height, width, top, left, strideHeight: 1, strideWidth: 1 }), height, width }
}

interface Place {
  readonly height: number
  readonly width: number
  readonly top: number
  readonly left: number
  /** Distance at which neighbouring pixels are laid down. */
  readonly strideHeight: number
  readonly strideWidth: number
}

/** The images laid on larger ones of zeros; the tensor itself where nothing changes. Pixels that fall outside are left out. */
function spread(heap: Heap, x: TensorInfo, [count, height, width, channels]: readonly [number, number, number, number], place: Place): TensorInfo {
  if (place.height === height && place.width === width && place.top === 0 && place.left === 0 && place.strideHeight === 1 && place.strideWidth === 1) return x
  const result = heap.allocate([count, place.height, place.width, channels])
  const from = heap.view(x)
  const to = heap.view(result)
  to.fill(0)
  const firstColumn = Math.max(0, Math.ceil(-place.left / place.strideWidth))
  const lastColumn = Math.min(width - 1, Math.floor((place.width - 1 - place.left) / place.strideWidth))
  for (let image = 0; image < count; image++) {
    for (let row = 0; row < height; row++) {
      const targetRow = place.top + row * place.strideHeight
      if (targetRow < 0 || targetRow >= place.height) continue
      const source = (image * height + row) * width * channels
      const target = ((image * place.height + targetRow) * place.width + place.left) * channels
      if (place.strideWidth === 1) {
        to.set(from.subarray(source + firstColumn * channels, source + (lastColumn + 1) * channels), target + firstColumn * channels)
      } else {
        for (let column = firstColumn; column <= lastColumn; column++) {
          to.set(from.subarray(source + column * channels, source + (column + 1) * channels), target + column * place.strideWidth * channels)
        }
      }
    }
  }
  return result
}

/** [kh, kw, ci, co] → [kh, kw, co, ci], rows and columns in reverse. */
function turnFilter(heap: Heap, filter: TensorInfo, { filterHeight, filterWidth, inChannels, outChannels }: ConvInfo): TensorInfo {
  const turned = heap.allocate([filterHeight, filterWidth, outChannels, inChannels])
  const from = heap.view(filter)
  const to = heap.view(turned)
  const places = filterHeight * filterWidth
  for (let place = 0; place < places; place++) {
    const source = place * inChannels * outChannels
    const target = (places - 1 - place) * inChannels * outChannels
    for (let input = 0; input < inChannels; input++) {
      for (let output = 0; output < outChannels; output++) {
        to[target + output * inChannels + input] = from[source + input * outChannels + output]!
      }
    }
  }
  return turned
}
