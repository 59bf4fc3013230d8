// Digits as if written by hand: a typeface's outline bent, leaned, thickened and smeared.

import { Canvas } from '../canvas.js'
import { boundsOf, fillContours, type Contour } from '../coverage.js'
import { between, pick, type Random } from '../random.js'
import { commonTypefaces, digitGlyph, loadTypeface } from '../typefaces.js'

/** Draws a digit, white on black, into a square canvas; its strokes never reach the edge. */
export function drawWrittenDigit(random: Random, digit: number, side: number): Canvas {
  const { contours } = digitGlyph(loadTypeface(pick(random, commonTypefaces)), `${digit}`)
  const written = fit(bend(random, contours), side, random)
  const canvas = new Canvas(side, side)
  const light = between(random, 190, 252)
  canvas.fill(fillContours(written), [light, light, light])
  canvas.blur(between(random, 0.4, 0.8))
  return canvas
}

/** Waves across and down, a lean, a turn. */
function bend(random: Random, contours: readonly Contour[]): Contour[] {
  const [across, down] = [between(random, 0.02, 0.09), between(random, 0.02, 0.07)]
  const [phase, otherPhase] = [between(random, 0, 6.3), between(random, 0, 6.3)]
  const lean = between(random, -0.15, 0.45)
  const angle = between(random, -0.2, 0.2)
  const width = between(random, 0.8, 1.2)
  return contours.map((contour) => {
    const points: number[] = []
    for (let place = 0; place + 1 < contour.length; place += 2) {
      const [x, y] = [contour[place]! * width, contour[place + 1]!]
      const bentX = x + across * Math.sin(5 * y + phase) - lean * y * 0.5
      const bentY = y + down * Math.sin(5 * x + otherPhase)
      points.push(bentX * Math.cos(angle) - bentY * Math.sin(angle), bentX * Math.sin(angle) + bentY * Math.cos(angle))
    }
    return points
  })
}

/** About 20 of 28 pixels high, near the middle, as MNIST's are. */
function fit(contours: readonly Contour[], side: number, random: Random): Contour[] {
  const { left, top, right, bottom } = boundsOf(contours)
  const scale = Math.min((side * between(random, 0.6, 0.74)) / (bottom - top), (side * 0.72) / (right - left))
  const shift = (): number => between(random, -0.04, 0.04) * side
  const [x, y] = [side / 2 + shift() - ((left + right) / 2) * scale, side / 2 + shift() - ((top + bottom) / 2) * scale]
  return contours.map((contour) => Array.from(contour, (value, place) => value * scale + (place % 2 === 0 ? x : y)))
}
