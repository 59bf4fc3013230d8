// The 1-D transforms of Winograd's minimal filtering on 6 points, from which both of our convolutions are
// made: 4 outputs of a kernel of 3, and 2 outputs of a kernel of 5.
//
//   outputs = Aᵀ [ (G g) ∘ (Bᵀ d) ]          d: 6 inputs, g: the kernel; in 2-D along rows and columns
//
// A polynomial product is known from its values at 6 points (S. Winograd, "Arithmetic Complexity of
// Computations", 1980; Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016). Ours are
// 0, ±a, ±b and ∞ with a = √½, b = √2, not the usual ±1 and ±2: a²·b² = 1 saves two multiplications, and
// the rounding error is less than half: over 64 channels of white noise 0.8e-6 of the output's size, against 1.8e-6,
// and 0.4e-6 of the definition's own sum.

import { f32x4Add, f32x4Const, f32x4Multiply, f32x4Subtract, localGet, localSet, type Code } from '../assembler.js'
import type { FunctionBuilder } from '../function-builder.js'

/** Points of a transform, so 36 matrices are multiplied. */
export const transformPoints = 6

const [a, b] = [Math.SQRT1_2, Math.SQRT2]
const [aa, bb] = [0.5, 2] // exactly
/** The finite points in the order of the transforms' rows; the sixth is ∞. */
const points = [0, a, -a, b, -b]

/** G: [6][kernelSize], in float64. */
export function kernelTransform(kernelSize: number): number[][] {
  const finite = points.map((point, index) => {
    const others = points.reduce((product, other, otherIndex) => (otherIndex === index ? product : product * (point - other)), 1)
    return Array.from({ length: kernelSize }, (_, power) => point ** power / others)
  })
  return [...finite, Array.from({ length: kernelSize }, (_, power) => (power === kernelSize - 1 ? 1 : 0))]
}

/** Locals for the transforms' factors, each set once: as constants in the code they would take half of it. */
export class Factors {
  readonly #builder: FunctionBuilder
  readonly #locals = new Map<number, number>()

  constructor(builder: FunctionBuilder) {
    this.#builder = builder
  }

  get(factor: number): Code {
    const local = this.#locals.get(factor) ?? this.#builder.local('v128')
    this.#locals.set(factor, local)
    return localGet(local)
  }

  /** Sets those that have been asked for. */
  begin(): Code {
    return [...this.#locals].flatMap(([factor, local]) => [...f32x4Const(factor), ...localSet(local)])
  }
}

/** Bᵀ of six vectors in locals; `spare` are four more; `store` leaves nothing on the stack. */
export function inputTransform(factors: Factors, values: readonly number[], spare: readonly number[], store: (point: number, value: Code) => Code): Code {
  const [even, odd] = spare as readonly [number, number]
  const linear = (terms: readonly Term[]): Code => sumOf(factors, terms)
  const term = (index: number, factor: number): Term => [values[index]!, factor]
  /** Even and odd parts of the polynomial without the factor x² − skipped, at ± the point. */
  const pair = (row: number, point: number, skipped: number): Code => [
    ...linear([term(4, 1), term(2, -skipped)]), ...localSet(even),
    ...linear([term(3, 1), term(1, -skipped)]), ...factors.get(point), ...f32x4Multiply, ...localSet(odd),
    ...store(row, [...localGet(even), ...localGet(odd), ...f32x4Add]),
    ...store(row + 1, [...localGet(even), ...localGet(odd), ...f32x4Subtract]),
  ]
  return [
    ...store(0, linear([term(0, 1), term(4, 1), term(2, -(aa + bb))])),
    ...pair(1, a, bb),
    ...pair(3, b, aa),
    ...store(5, linear([term(1, 1), term(5, 1), term(3, -(aa + bb))])),
  ]
}

/** Aᵀ of six vectors in locals; `store` gets each of the 4 or 2 outputs. */
export function outputTransform(factors: Factors, outputs: number, values: readonly number[], spare: readonly number[], store: (output: number, value: Code) => Code): Code {
  const [first, plusA, minusA, plusB, minusB, last] = values as readonly [number, number, number, number, number, number]
  const [sumA, sumB, differenceA, differenceB] = spare as readonly [number, number, number, number]
  const combine = (x: number, y: number, to: number, operation: Code): Code => [...localGet(x), ...localGet(y), ...operation, ...localSet(to)]
  return [
    ...combine(plusA, minusA, sumA, f32x4Add), ...combine(plusB, minusB, sumB, f32x4Add),
    ...combine(plusA, minusA, differenceA, f32x4Subtract), ...combine(plusB, minusB, differenceB, f32x4Subtract),
    ...Array.from({ length: outputs }, (_, power) => {
      const [atA, atB] = power % 2 === 0 ? [sumA, sumB] : [differenceA, differenceB]
      const ends = [...(power === 0 ? [[first, 1] as const] : []), ...(power === outputs - 1 ? [[last, 1] as const] : [])]
      return store(power, sumOf(factors, [[atA, power === 2 ? aa : a ** power], [atB, power === 2 ? bb : b ** power], ...ends]))
    }).flat(),
  ]
}

type Term = readonly [local: number, factor: number]

/** Σ factor · local, on the stack; the first factor is not negative. */
function sumOf(factors: Factors, terms: readonly Term[]): Code {
  return terms.flatMap(([local, factor], index) => [
    ...localGet(local),
    ...(Math.abs(factor) === 1 ? [] : [...factors.get(Math.abs(factor)), ...f32x4Multiply]),
    ...(index === 0 ? [] : factor < 0 ? f32x4Subtract : f32x4Add),
  ])
}
