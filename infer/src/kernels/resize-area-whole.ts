// Area averaging where each output pixel is the mean of m x n whole source pixels. The sum is a whole
// number; of 2 x 2 pixels halves round up, else the sum times float32 1 / (m·n) rounds halves to even.

import { roundHalfEven } from './resize-axis.js'
import { samplesLike, type PixelImage, type PixelSize } from './resize-method.js'

/** The reference. The sides of the image are multiples of those of `to`. */
export function resizeAreaWhole<Samples extends Uint8Array | Uint16Array>({ data, width, height, channels }: PixelImage<Samples>, to: PixelSize): PixelImage<Samples> {
  const [across, down] = [width / to.width, height / to.height]
  const mean = meanOf(across, down)
  const rowLength = to.width * channels
  const out = samplesLike(data, rowLength * to.height)
  for (let y = 0; y < to.height; y++) {
    for (let at = 0; at < rowLength; at++) {
      const [x, channel] = [Math.floor(at / channels), at % channels]
      let sum = 0
      for (let row = y * down; row < (y + 1) * down; row++) {
        for (let column = x * across; column < (x + 1) * across; column++) sum += data[(row * width + column) * channels + channel]!
      }
      out[y * rowLength + at] = mean(sum)
    }
  }
  return { data: out, width: to.width, height: to.height, channels }
}

function meanOf(across: number, down: number): (sum: number) => number {
  if (across === 2 && down === 2) return (sum) => (sum + 2) >> 2
  const factor = Math.fround(1 / (across * down))
  return (sum) => roundHalfEven(Math.fround(Math.fround(sum) * factor))
}
