// The horizontal half of separable interpolation: source rows blended along themselves, in whole
// numbers of 1/2048, each kept as long as output rows still need it.

import type { FixedPointAxis } from './resize-axis.js'
import type { PixelImage } from './resize-method.js'

/** Row `y` of the image (taken from its edge where y lies outside) at the new width: out · channels sums. */
export type BlendedRows = (y: number) => Int32Array

/** At most `axis.taps` neighbouring rows may be in use at once. */
export function blendColumns(image: PixelImage, axis: FixedPointAxis): BlendedRows {
  const { data, width, height, channels } = image
  const { taps, first, weights } = axis
  const outWidth = first.length
  // Where each tap's pixel begins in a row.
  const places = Int32Array.from({ length: outWidth * taps }, (_, tap) => clamp(first[Math.floor(tap / taps)]! + (tap % taps), width) * channels)
  const kept = Array.from({ length: taps }, () => ({ y: -1, sums: new Int32Array(outWidth * channels) }))
  return (row) => {
    const y = clamp(row, height)
    const place = kept[y % taps]!
    if (place.y === y) return place.sums
    place.y = y
    const { sums } = place
    const start = y * width * channels
    for (let x = 0; x < outWidth; x++) {
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0
        for (let tap = x * taps; tap < (x + 1) * taps; tap++) sum += weights[tap]! * data[start + places[tap]! + channel]!
        sums[x * channels + channel] = sum
      }
    }
    return sums
  }
}

function clamp(place: number, size: number): number {
  return Math.min(Math.max(place, 0), size - 1)
}
