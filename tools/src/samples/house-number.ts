// A house number as shapes: which digits, in which typeface, how far apart, and how the camera sees them
// (slope, slant, perspective). Lengths and digits are as frequent as in SVHN's training set
// (Netzer et al. 2011; 33,402 photos, 73,257 digits).

import { boundsOf, type Contour } from './coverage.js'
import { between, pick, pickWeighted, type Random } from './random.js'
import { digitGlyph, type Typeface } from './typefaces.js'

/** Where a point of the wall (in digit heights) lies in the picture (in pixels). */
export type Projection = (x: number, y: number) => readonly [x: number, y: number]

/** A number laid out in wall units: one unit is a digit's height, y goes down, the baseline is y = 0. */
export interface HouseNumber {
  readonly digits: string
  readonly typeface: Typeface
  /** The contours of each digit. */
  readonly shapes: readonly (readonly Contour[])[]
  readonly width: number
}

/** Photos of 1, 2, 3 and 4 digits as SVHN has them; of 5 digits it has 9, here about 0.5 % to learn from. */
const lengthWeights = [5137, 18130, 8691, 1434, 167]
/** SVHN's digits 0 to 9. */
const digitWeights = [4948, 13861, 10585, 8497, 7458, 6882, 5727, 5595, 5045, 4659]

/** A number of 1 to 5 digits, the first not 0. */
export function drawNumber(random: Random): string {
  const length = pickWeighted(random, lengthWeights) + 1
  let digits = String(1 + pickWeighted(random, digitWeights.slice(1)))
  while (digits.length < length) digits += pickWeighted(random, digitWeights)
  return digits
}

/** Sets `digits` in one of `typefaces`, each digit a little off its place and size. */
export function layOutNumber(random: Random, digits: string, typefaces: readonly Typeface[]): HouseNumber {
  const typeface = pick(random, typefaces)
  const spacing = between(random, 0, 0.16)
  const shapes: Contour[][] = []
  let right = 0
  for (const digit of digits) {
    const { contours } = digitGlyph(typeface, digit)
    const size = between(random, 0.96, 1.04)
    const baseline = between(random, -0.03, 0.03)
    // by the ink, not the typeface's advance: numerals are screwed on one by one
    const left = right - boundsOf(contours).left * size
    const placed = contours.map((contour) => contour.map((value, place) => value * size + (place % 2 === 0 ? left : baseline)))
    shapes.push(placed)
    right = boundsOf(placed).right + spacing + between(random, 0.05, 0.11)
  }
  return { digits, typeface, shapes, width: Math.max(...shapes.map((shape) => boundsOf(shape).right)) }
}

/** The camera's view of a wall on which a number of `width` units begins at x = 0. */
export function drawProjection(random: Random, width: number, digitHeight: number): Projection {
  const slope = (between(random, -1, 1) * between(random, 0, 7) * Math.PI) / 180
  const slant = between(random, -0.1, 0.1)
  const stretch = between(random, 0.88, 1.12)
  const nearer = between(random, -0.06, 0.06) / Math.max(1, width / 2) // one end of the number a little larger
  const [cosine, sine] = [Math.cos(slope), Math.sin(slope)]
  return (x, y) => {
    const across = (x - width / 2) * stretch - (y + 0.5) * slant
    const down = y + 0.5
    const scale = digitHeight / (1 + nearer * across)
    return [scale * (across * cosine - down * sine), scale * (across * sine + down * cosine)]
  }
}

/** `contours` as the camera sees them. */
export function project(contours: readonly Contour[], projection: Projection): Float32Array[] {
  return contours.map((contour) => {
    const points = new Float32Array(contour.length)
    for (let place = 0; place < contour.length; place += 2) points.set(projection(contour[place]!, contour[place + 1]!), place)
    return points
  })
}
