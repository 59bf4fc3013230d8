// Area averaging: an output pixel is the mean of the source rectangle that it covers, pixels at the
// rectangle's edges counting by the part of them that lies within. Sums are float32, in the order left
// to right within a row, then top to bottom.

import { roundHalfEven } from './resize-axis.js'
import { axisScale, samplesLike, type PixelImage, type PixelSize } from './resize-method.js'

/** Output place `o` covers the source places from first[o] on, with weights[begin[o] … begin[o + 1]). */
export interface AreaAxis {
  readonly first: Int32Array
  readonly begin: Int32Array
  /** float32 numbers; those of one output place sum to about 1. */
  readonly weights: Float32Array
}

const float = Math.fround

/** The reference. */
export function resizeArea<Samples extends Uint8Array | Uint16Array>({ data, width, height, channels }: PixelImage<Samples>, to: PixelSize): PixelImage<Samples> {
  const horizontal = areaAxis(width, to.width)
  const vertical = areaAxis(height, to.height)
  const rowLength = to.width * channels
  const out = samplesLike(data, rowLength * to.height)
  const white = 2 ** (8 * data.BYTES_PER_ELEMENT) - 1
  for (let y = 0; y < to.height; y++) {
    const rows = vertical.begin[y + 1]! - vertical.begin[y]!
    for (let at = 0; at < rowLength; at++) {
      const [x, channel] = [Math.floor(at / channels), at % channels]
      let sum = 0
      for (let row = 0; row < rows; row++) {
        const start = (vertical.first[y]! + row) * width + horizontal.first[x]!
        let rowSum = 0
        for (let tap = horizontal.begin[x]!, pixel = start; tap < horizontal.begin[x + 1]!; tap++, pixel++) {
          rowSum = float(rowSum + float(data[pixel * channels + channel]! * horizontal.weights[tap]!))
        }
        sum = float(sum + float(vertical.weights[vertical.begin[y]! + row]! * rowSum))
      }
      out[y * rowLength + at] = Math.min(white, roundHalfEven(sum))
    }
  }
  return { data: out, width: to.width, height: to.height, channels }
}

/** For shrinking only: outSize ≤ inSize. Parts of a pixel below 1/1000 are left out. */
export function areaAxis(inSize: number, outSize: number): AreaAxis {
  const scale = axisScale(inSize, outSize)
  const first = new Int32Array(outSize)
  const begin = new Int32Array(outSize + 1)
  const weights: number[] = []
  for (let o = 0; o < outSize; o++) {
    const [from, to] = [o * scale, o * scale + scale]
    const covered = Math.min(scale, inSize - from)
    const lastWhole = Math.min(Math.floor(to), inSize - 1)
    const firstWhole = Math.min(Math.ceil(from), lastWhole)
    const hasLeftPart = firstWhole - from > 1e-3
    first[o] = hasLeftPart ? firstWhole - 1 : firstWhole
    if (hasLeftPart) weights.push((firstWhole - from) / covered)
    for (let whole = firstWhole; whole < lastWhole; whole++) weights.push(1 / covered)
    if (to - lastWhole > 1e-3) weights.push(Math.min(to - lastWhole, 1, covered) / covered)
    begin[o + 1] = weights.length
  }
  return { first, begin, weights: Float32Array.from(weights) }
}
