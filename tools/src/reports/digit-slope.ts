// How a number slopes in its photo: the angle of the line through the centres of its digits' boxes, the
// one whose distances to the centres are least (Pearson, "On lines and planes of closest fit", 1901):
//
//   tan 2θ = 2·Σ(x−x̄)(y−ȳ) / (Σ(x−x̄)² − Σ(y−ȳ)²)
//
// in degrees, −90 to below 90; pixels count downwards, so a number that falls to the right is positive.

import type { PixelBox } from '@millrace/pipeline'

/** Degrees of a bin of the histogram; one of them is centred on 0. */
export const slopeBinDegrees = 3

/** `undefined` for fewer than two boxes, or where all have one centre. */
export function slopeOf(boxes: readonly PixelBox[]): number | undefined {
  if (boxes.length < 2) return undefined
  const centres = boxes.map(({ left, top, width, height }) => ({ x: left + width / 2, y: top + height / 2 }))
  const meanX = centres.reduce((sum, { x }) => sum + x, 0) / centres.length
  const meanY = centres.reduce((sum, { y }) => sum + y, 0) / centres.length
  let [xx, xy, yy] = [0, 0, 0]
  for (const { x, y } of centres) {
    xx += (x - meanX) ** 2
    xy += (x - meanX) * (y - meanY)
    yy += (y - meanY) ** 2
  }
  if (xx + yy === 0) return undefined
  const degrees = (Math.atan2(2 * xy, xx - yy) * 90) / Math.PI
  return degrees >= 90 ? degrees - 180 : degrees
}
