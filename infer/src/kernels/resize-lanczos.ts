// Lanczos interpolation over 8 x 8 pixels, in whole numbers throughout; no antialiasing.

import type { FixedPointAxis } from './resize-axis.js'
import { blendColumns } from './resize-columns.js'
import type { PixelImage } from './resize-method.js'

export function resizeLanczos(image: PixelImage, horizontal: FixedPointAxis, vertical: FixedPointAxis): PixelImage {
  const [width, height] = [horizontal.first.length, vertical.first.length]
  const rowLength = width * image.channels
  const blended = blendColumns(image, horizontal)
  const data = new Uint8ClampedArray(rowLength * height)
  for (let y = 0; y < height; y++) {
    const rows = Array.from({ length: 8 }, (_, tap) => blended(vertical.first[y]! + tap))
    blendRows(rows, vertical.weights.subarray(8 * y, 8 * y + 8), 0, data.subarray(y * rowLength, (y + 1) * rowLength))
  }
  return { data: new Uint8Array(data.buffer), width, height, channels: image.channels }
}

/** Sets the values of `out` from place `begin` on to Σ weight · row, halves up; sums are of 32 bits and may wrap. */
export function blendRows(rows: readonly Int32Array[], weights: Int16Array, begin: number, out: Uint8ClampedArray): void {
  const sums = new Int32Array(out.length - begin).fill(1 << 21)
  for (const [tap, row] of rows.entries()) {
    const weight = weights[tap]!
    for (let x = 0; x < sums.length; x++) sums[x]! += Math.imul(weight, row[begin + x]!)
  }
  for (let x = 0; x < sums.length; x++) out[begin + x] = sums[x]! >> 22
}
