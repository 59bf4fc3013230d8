// Bilinear interpolation without antialiasing, in fixed point. Horizontally S = Σ a·pixel exact; then
// of two rows, with the rounding of 16-bit vector units, where every product loses its low bits alone:
//
//   pixel = (⌊b0·⌊S0 / 16⌋ / 65536⌋ + ⌊b1·⌊S1 / 16⌋ / 65536⌋ + 2) / 4

import type { FixedPointAxis } from './resize-axis.js'
import { blendColumns } from './resize-columns.js'
import type { PixelImage } from './resize-method.js'

/** The reference. The axes say the new size and where "area" differs from plain bilinear. */
export function resizeBilinear(image: PixelImage, horizontal: FixedPointAxis, vertical: FixedPointAxis): PixelImage {
  const [width, height] = [horizontal.first.length, vertical.first.length]
  const rowLength = width * image.channels
  const rows = blendColumns(image, horizontal)
  const data = new Uint8Array(rowLength * height)
  for (let y = 0; y < height; y++) {
    const upper = rows(vertical.first[y]!)
    const lower = rows(vertical.first[y]! + 1)
    const upperWeight = vertical.weights[2 * y]!
    const lowerWeight = vertical.weights[2 * y + 1]!
    for (let x = 0; x < rowLength; x++) {
      const sum = ((upperWeight * (upper[x]! >> 4)) >> 16) + ((lowerWeight * (lower[x]! >> 4)) >> 16)
      data[y * rowLength + x] = (sum + 2) >> 2
    }
  }
  return { data, width, height, channels: image.channels }
}
