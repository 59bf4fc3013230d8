// Bicubic interpolation: horizontally S = Σ a·pixel exact, then Σ b·S of four rows. The vertical sum is
// float32, begun with the lowest row, for the values that fill whole vectors of 8, and whole numbers for
// the few after them at the end of the row; both are what OpenCV's code for x86-64 gives.

import type { FixedPointAxis } from './resize-axis.js'
import { blendColumns } from './resize-columns.js'
import { blendRows } from './resize-lanczos.js'
import type { PixelImage } from './resize-method.js'

export function resizeCubic(image: PixelImage, horizontal: FixedPointAxis, vertical: FixedPointAxis): PixelImage {
  const [width, height] = [horizontal.first.length, vertical.first.length]
  const rowLength = width * image.channels
  const vectorEnd = rowLength - (rowLength % 8)
  const blended = blendColumns(image, horizontal)
  const sums = new Float32Array(vectorEnd)
  const data = new Uint8ClampedArray(rowLength * height) // rounds halves to even as it clamps
  for (let y = 0; y < height; y++) {
    const rows = Array.from({ length: 4 }, (_, tap) => blended(vertical.first[y]! + tap))
    const weights = vertical.weights.subarray(4 * y, 4 * y + 4)
    sums.fill(0)
    for (let tap = 3; tap >= 0; tap--) {
      const row = rows[tap]!
      const factor = Math.fround(weights[tap]! * 2 ** -22)
      for (let x = 0; x < vectorEnd; x++) sums[x]! += Math.fround(row[x]! * factor)
    }
    const out = data.subarray(y * rowLength, (y + 1) * rowLength)
    out.set(sums)
    blendRows(rows, weights, vectorEnd, out)
  }
  return { data: new Uint8Array(data.buffer), width, height, channels: image.channels }
}
