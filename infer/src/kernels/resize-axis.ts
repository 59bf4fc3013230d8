// The weights of separable interpolation along one axis: float32 numbers for 16-bit pixels, fixed point
// for 8-bit ones, where 2048 = 2^11 is one. Output place o takes the `taps` source places from first[o]
// on; places outside the image stand for its edge. With scale = in / out, the centre of output o lies at
//
//   c(o) = (o + 0.5) · scale − 0.5 = ⌊c⌋ + x     (in float32, 0 ≤ x < 1)
//
// Floats are rounded to float32 after every step, and weights to whole numbers half to even, as
// OpenCV's compiled code does: one unit more or less changes pixels.

import { axisScale } from './resize-method.js'

export interface Axis<Weights extends Float32Array | Int16Array = Float32Array> {
  readonly taps: 2 | 4 | 8
  /** The first source place of each output place; may lie outside the image. */
  readonly first: Int32Array
  /** `taps` weights for each output place; they sum to about 1, or 2048. */
  readonly weights: Weights
}

export type FixedPointAxis = Axis<Int16Array>

const one = 2048
const float = Math.fround

/** Two taps, 1 − x and x. */
export function linearAxis(inSize: number, outSize: number): Axis {
  return centredAxis(inSize, outSize, 2, (x) => [float(1 - x), x])
}

/** Four taps: Keys' cubic with a = −0.75. */
export function cubicAxis(inSize: number, outSize: number): Axis {
  return centredAxis(inSize, outSize, 4, cubicWeights)
}

/** Eight taps: the sinc windowed by a sinc four times as wide. */
export function lanczosAxis(inSize: number, outSize: number): Axis {
  return centredAxis(inSize, outSize, 8, lanczosWeights)
}

/**
 * Two taps for enlarging with "area": an output pixel that lies within one source pixel takes that
 * alone, others blend two.
 */
export function areaEnlargeAxis(inSize: number, outSize: number): Axis {
  const scale = axisScale(inSize, outSize)
  const inverse = outSize / inSize
  return createAxis(outSize, 2, (o) => {
    const first = Math.floor(o * scale)
    const x = float(o + 1 - (first + 1) * inverse)
    const part = x <= 0 ? 0 : float(x - Math.floor(x))
    return { first, weights: [float(1 - part), part] }
  })
}

/** For 8-bit pixels. */
function fixedPoint({ taps, first, weights }: Axis): FixedPointAxis {
  const fixed = new Int16Array(weights.length)
  for (let at = 0; at < fixed.length; at++) fixed[at] = roundHalfEven(weights[at]! * one)
  return { taps, first, weights: fixed }
}

const placesKept = 2 ** 16

/** The same for 8-bit pixels, with those asked for last kept: crops and photos come in few sizes. */
export function keepAxes(axis: (inSize: number, outSize: number) => Axis): (inSize: number, outSize: number) => FixedPointAxis {
  const kept = new Map<string, FixedPointAxis>()
  let places = 0
  return (inSize, outSize) => {
    const key = `${inSize} ${outSize}`
    const known = kept.get(key)
    if (known) return known
    const made = fixedPoint(axis(inSize, outSize))
    if (places + outSize > placesKept) {
      kept.clear()
      places = 0
    }
    if (outSize > placesKept) return made
    kept.set(key, made)
    places += outSize
    return made
  }
}

/** The nearest whole number, halves to the even one: the rounding of the processor's float units. */
export function roundHalfEven(value: number): number {
  const below = Math.floor(value)
  const part = value - below
  if (part !== 0.5) return part < 0.5 ? below : below + 1
  return below % 2 === 0 ? below : below + 1
}

function centredAxis(inSize: number, outSize: number, taps: 2 | 4 | 8, weigh: (x: number) => readonly number[]): Axis {
  const scale = axisScale(inSize, outSize)
  return createAxis(outSize, taps, (o) => {
    const centre = float((o + 0.5) * scale - 0.5)
    const floor = Math.floor(centre)
    return { first: floor - taps / 2 + 1, weights: weigh(float(centre - floor)) }
  })
}

function createAxis(outSize: number, taps: 2 | 4 | 8, place: (o: number) => { first: number; weights: readonly number[] }): Axis {
  const axis = { taps, first: new Int32Array(outSize), weights: new Float32Array(outSize * taps) }
  for (let o = 0; o < outSize; o++) {
    const { first, weights } = place(o)
    axis.first[o] = first
    for (let tap = 0; tap < taps; tap++) axis.weights[o * taps + tap] = weights[tap]!
  }
  return axis
}

function cubicWeights(x: number): number[] {
  const a = -0.75
  const left = float(x + 1)
  const right = float(1 - x)
  const outer = float(float(float(float(float(float(float(a * left) - 5 * a) * left) + 8 * a) * left)) - 4 * a)
  const inner = (u: number): number => float(float(float(float(float(float((a + 2) * u) - (a + 3)) * u)) * u) + 1)
  const middle = [inner(x), inner(right)] as const
  return [outer, ...middle, float(float(float(1 - outer) - middle[0]) - middle[1])]
}

function lanczosWeights(x: number): number[] {
  const half = Math.SQRT1_2
  // sin(y − k·π/4) from the sine and cosine of the first tap's angle.
  const turns = [[1, 0], [-half, -half], [0, 1], [half, -half], [-1, 0], [half, half], [0, -1], [-half, half]] as const
  const angle = -float(x + 3) * Math.PI * 0.25
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)]
  const weights = turns.map(([bySine, byCosine], tap) => {
    const distance = float(float(x + 3) - tap)
    if (Math.abs(distance) < 1e-6) return float(1e30) // all other taps vanish beside this one
    const y = -distance * Math.PI * 0.25
    return float((bySine * sine + byCosine * cosine) / (y * y))
  })
  const factor = float(1 / weights.reduce((sum, weight) => float(sum + weight), 0))
  return weights.map((weight) => float(weight * factor))
}
