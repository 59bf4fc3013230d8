// Nearest neighbour: output place o takes source place min(⌊o · scale⌋, in − 1). Note that this is the
// corner of the output pixel, not its centre.

import { axisScale, samplesLike, type PixelImage, type PixelSize } from './resize-method.js'

export function resizeNearest<Samples extends Uint8Array | Uint16Array>({ data, width, height, channels }: PixelImage<Samples>, to: PixelSize): PixelImage<Samples> {
  const columns = nearestPlaces(width, to.width)
  const rows = nearestPlaces(height, to.height)
  const out = samplesLike(data, to.width * to.height * channels)
  let at = 0
  for (const row of rows) {
    for (const column of columns) {
      const from = (row * width + column) * channels
      for (let channel = 0; channel < channels; channel++) out[at++] = data[from + channel]!
    }
  }
  return { data: out, width: to.width, height: to.height, channels }
}

/** The source place of each output place. */
export function nearestPlaces(inSize: number, outSize: number): Int32Array {
  const scale = axisScale(inSize, outSize)
  return Int32Array.from({ length: outSize }, (_, o) => Math.min(Math.floor(o * scale), inSize - 1))
}
