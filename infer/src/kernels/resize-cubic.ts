// Bicubic interpolation: horizontally S = Σ a·pixel exact, then Σ b·S of four rows. The vertical sum is
// float32 for the values that fill whole vectors of 8, and whole numbers for the few after them at the
// end of the row; both are what OpenCV's code for x86-64 gives.

import { roundHalfEven, type FixedPointAxis } from './resize-axis.js'
import { blendColumns } from './resize-columns.js'
import type { PixelImage } from './resize-method.js'

const float = Math.fround

export function resizeCubic(image: PixelImage, horizontal: FixedPointAxis, vertical: FixedPointAxis): PixelImage {
  const [width, height] = [horizontal.first.length, vertical.first.length]
  const rowLength = width * image.channels
  const vectorEnd = rowLength - (rowLength % 8)
  const blended = blendColumns(image, horizontal)
  const data = new Uint8ClampedArray(rowLength * height)
  for (let y = 0; y < height; y++) {
    const rows = [0, 1, 2, 3].map((tap) => blended(vertical.first[y]! + tap))
    const weights = vertical.weights.subarray(4 * y, 4 * y + 4)
    const factors = Array.from(weights, (weight) => float(weight * 2 ** -22))
    for (let x = 0; x < vectorEnd; x++) {
      let sum = float(rows[3]![x]! * factors[3]!)
      for (let tap = 2; tap >= 0; tap--) sum = float(float(rows[tap]![x]! * factors[tap]!) + sum)
      data[y * rowLength + x] = roundHalfEven(sum)
    }
    for (let x = vectorEnd; x < rowLength; x++) data[y * rowLength + x] = sumFixedPoint(rows, weights, x)
  }
  return { data: new Uint8Array(data.buffer), width, height, channels: image.channels }
}

/** Σ b·S in 32-bit whole numbers, halves up; may lie outside 0 … 255. */
export function sumFixedPoint(rows: readonly Int32Array[], weights: Int16Array, x: number): number {
  let sum = 1 << 21
  for (let tap = 0; tap < rows.length; tap++) sum = (sum + Math.imul(weights[tap]!, rows[tap]![x]!)) | 0
  return sum >> 22
}
