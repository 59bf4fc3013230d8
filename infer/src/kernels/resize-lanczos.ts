// Lanczos interpolation over 8 x 8 pixels, in whole numbers throughout; no antialiasing.

import type { FixedPointAxis } from './resize-axis.js'
import { blendColumns } from './resize-columns.js'
import { sumFixedPoint } from './resize-cubic.js'
import type { PixelImage } from './resize-method.js'

export function resizeLanczos(image: PixelImage, horizontal: FixedPointAxis, vertical: FixedPointAxis): PixelImage {
  const [width, height] = [horizontal.first.length, vertical.first.length]
  const rowLength = width * image.channels
  const blended = blendColumns(image, horizontal)
  const data = new Uint8ClampedArray(rowLength * height)
  for (let y = 0; y < height; y++) {
    const rows = Array.from({ length: 8 }, (_, tap) => blended(vertical.first[y]! + tap))
    const weights = vertical.weights.subarray(8 * y, 8 * y + 8)
    for (let x = 0; x < rowLength; x++) data[y * rowLength + x] = sumFixedPoint(rows, weights, x)
  }
  return { data: new Uint8Array(data.buffer), width, height, channels: image.channels }
}
