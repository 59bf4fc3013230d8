// Activations as code on a vector that a local holds: used at the end of convolutions and by themselves.
// Exponentials follow Cephes (S. Moshier, https://netlib.org/cephes): eˣ = 2ⁿ·eʳ with n = ⌊x/ln 2⌉, and a
// polynomial for eʳ. Relative error below 2 units in the last place; NaN stays NaN.

import {
  f32x4Absolute, f32x4Add, f32x4Const, f32x4ConvertI32x4, f32x4Divide, f32x4Greater, f32x4Less, f32x4Multiply, f32x4Nearest, f32x4PseudoMaximum, f32x4PseudoMinimum, f32x4Subtract,
  i32Const, i32x4Add, i32x4ShiftLeft, i32x4ShiftRightUnsigned, i32x4Subtract, i32x4TruncateF32x4, localGet, localSet, localTee, v128And, v128BitSelect, v128Const, v128Load, v128Or, type Code,
} from '../assembler.js'
import type { FunctionBuilder } from '../function-builder.js'

/** A function of each value by itself; see ActivationNode for the formulas. */
export type Activation =
  | { readonly kind: 'relu' | 'sigmoid' | 'tanh' | 'swish' | 'hardSwish' | 'gelu' }
  | { readonly kind: 'clip'; readonly min: number; readonly max: number }
  | { readonly kind: 'elu' | 'leakyRelu'; readonly alpha: number }
  | { readonly kind: 'hardSigmoid'; readonly alpha: number; readonly beta: number }
  /** alpha of each channel, read beside the values. */
  | { readonly kind: 'prelu' }

/** Writes the activation of local `value` into it. `alpha` leaves the vector of slopes of a prelu on the stack. */
export function activate(builder: FunctionBuilder, activation: Activation, value: number, alpha: Code = []): Code {
  const x = localGet(value)
  switch (activation.kind) {
    case 'relu':
      return [...x, ...f32x4Const(0), ...f32x4PseudoMaximum, ...localSet(value)]
    case 'clip':
      return [...clip(x, activation.min, activation.max), ...localSet(value)]
    case 'leakyRelu':
      return slope(value, f32x4Const(activation.alpha))
    case 'prelu':
      return slope(value, alpha)
    case 'elu':
      return [...x, ...exponential(builder, clip(x, -88, 0)), ...f32x4Const(1), ...f32x4Subtract, ...f32x4Const(activation.alpha), ...f32x4Multiply, ...whereAboveZero(value)]
    case 'sigmoid':
      return [...sigmoid(builder, value), ...localSet(value)]
    case 'swish':
      return [...x, ...sigmoid(builder, value), ...f32x4Multiply, ...localSet(value)]
    case 'hardSigmoid':
      return [...clip([...x, ...f32x4Const(activation.alpha), ...f32x4Multiply, ...f32x4Const(activation.beta), ...f32x4Add], 0, 1), ...localSet(value)]
    case 'hardSwish':
      return [...x, ...clip([...x, ...f32x4Const(3), ...f32x4Add], 0, 6), ...f32x4Multiply, ...f32x4Const(1 / 6), ...f32x4Multiply, ...localSet(value)]
    case 'tanh':
      return [...hyperbolicTangent(builder, value), ...localSet(value)]
    case 'gelu':
      return [...x, ...f32x4Const(0.5), ...f32x4Multiply, ...f32x4Const(1), ...errorFunction(builder, [...x, ...f32x4Const(Math.SQRT1_2), ...f32x4Multiply]), ...f32x4Add, ...f32x4Multiply, ...localSet(value)]
  }
}

/** min(max(x, low), high); NaN stays. */
function clip(x: Code, low: number, high: number): Code {
  return [...x, ...f32x4Const(low), ...f32x4PseudoMaximum, ...f32x4Const(high), ...f32x4PseudoMinimum]
}

/** value = value > 0 ? value : value · slope */
function slope(value: number, alpha: Code): Code {
  return [...localGet(value), ...localGet(value), ...alpha, ...f32x4Multiply, ...whereAboveZero(value)]
}

/** Of the value and the vector on the stack: the first where the value is above 0, into the local. */
function whereAboveZero(value: number): Code {
  return [...localGet(value), ...f32x4Const(0), ...f32x4Greater, ...v128BitSelect, ...localSet(value)]
}

/** 1 / (1 + e⁻ˣ) */
function sigmoid(builder: FunctionBuilder, value: number): Code {
  return [...f32x4Const(1), ...f32x4Const(1), ...exponential(builder, [...f32x4Const(0), ...localGet(value), ...f32x4Subtract]), ...f32x4Add, ...f32x4Divide]
}

/** eˣ of the vector that `x` leaves on the stack, held within what float32 can say. */
export function exponential(builder: FunctionBuilder, x: Code): Code {
  const [held, whole] = [builder.local('v128'), builder.local('v128')]
  const polynomial = [1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1].reduce<Code>(
    (sum, coefficient, index) => (index === 0 ? f32x4Const(1.9875691500e-4) : sum).concat(localGet(held), f32x4Multiply, f32x4Const(coefficient), f32x4Add), [])
  return [
    ...clip(x, -87.3, 88.7), ...localTee(held),
    ...f32x4Const(Math.LOG2E), ...f32x4Multiply, ...f32x4Nearest, ...localSet(whole),
    ...localGet(held), ...localGet(whole), ...f32x4Const(0.693359375), ...f32x4Multiply, ...f32x4Subtract, // ln 2 in two parts
    ...localGet(whole), ...f32x4Const(-2.12194440e-4), ...f32x4Multiply, ...f32x4Subtract, ...localSet(held),
    ...polynomial, ...localGet(held), ...f32x4Multiply, ...localGet(held), ...f32x4Multiply, ...localGet(held), ...f32x4Add, ...f32x4Const(1), ...f32x4Add,
    ...localGet(whole), ...i32x4TruncateF32x4, ...i32x4Const(127), ...i32x4Add, ...i32Const(23), ...i32x4ShiftLeft, ...f32x4Multiply,
  ]
}

/** ln x of the vector that `x` leaves on the stack, of numbers above 0: 2ⁿ·m with m in √½ … √2, and a polynomial for m. */
export function logarithm(builder: FunctionBuilder, x: Code): Code {
  const [given, mantissa, exponent] = builder.locals('v128', 3) as [number, number, number]
  const isLow: Code = [...localGet(mantissa), ...f32x4Const(Math.SQRT1_2), ...f32x4Less]
  const polynomial = [-1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1].reduce<Code>(
    (sum, coefficient, index) => (index === 0 ? f32x4Const(7.0376836292e-2) : sum).concat(localGet(mantissa), f32x4Multiply, f32x4Const(coefficient), f32x4Add), [])
  return [
    ...x, ...localTee(given), ...i32x4Const(0x7fffff), ...v128And, ...i32x4Const(0x3f000000), ...v128Or, ...localSet(mantissa), // ½ … 1
    ...localGet(given), ...i32Const(23), ...i32x4ShiftRightUnsigned, ...i32x4Const(126), ...i32x4Subtract, ...isLow, ...i32x4Add, ...f32x4ConvertI32x4, ...localSet(exponent),
    ...localGet(mantissa), ...localGet(mantissa), ...isLow, ...v128And, ...f32x4Add, ...f32x4Const(1), ...f32x4Subtract, ...localSet(mantissa),
    ...localGet(mantissa), ...localGet(mantissa), ...f32x4Multiply, ...localSet(given),
    ...polynomial, ...localGet(mantissa), ...f32x4Multiply, ...localGet(given), ...f32x4Multiply,
    ...localGet(exponent), ...f32x4Const(2.12194440e-4), ...f32x4Multiply, ...f32x4Subtract,
    ...localGet(given), ...f32x4Const(0.5), ...f32x4Multiply, ...f32x4Subtract,
    ...localGet(mantissa), ...f32x4Add, ...localGet(exponent), ...f32x4Const(0.693359375), ...f32x4Multiply, ...f32x4Add,
  ]
}

/** Near 0 x + x³·P(x²), elsewhere ±(1 − 2/(e^(2|x|) + 1)). */
function hyperbolicTangent(builder: FunctionBuilder, value: number): Code {
  const [square, size] = [builder.local('v128'), builder.local('v128')]
  const polynomial = [2.06390887954531e-2, -5.37397155531462e-2, 1.33314422036656e-1, -3.33332819422e-1].reduce<Code>(
    (sum, coefficient, index) => (index === 0 ? f32x4Const(-5.70498872745e-3) : sum).concat(localGet(square), f32x4Multiply, f32x4Const(coefficient), f32x4Add), [])
  const far = [...f32x4Const(1), ...f32x4Const(2), ...exponential(builder, [...localGet(size), ...localGet(size), ...f32x4Add]), ...f32x4Const(1), ...f32x4Add, ...f32x4Divide, ...f32x4Subtract]
  return [
    ...localGet(value), ...localGet(value), ...f32x4Multiply, ...localSet(square),
    ...localGet(value), ...f32x4Absolute, ...localSet(size),
    ...polynomial, ...localGet(square), ...f32x4Multiply, ...localGet(value), ...f32x4Multiply, ...localGet(value), ...f32x4Add,
    ...far, ...localGet(value), ...signBits, ...v128And, ...v128Or,
    ...localGet(size), ...f32x4Const(0.625), ...f32x4Less, ...v128BitSelect,
  ]
}

/** Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26; absolute error below 2e-7. */
function errorFunction(builder: FunctionBuilder, x: Code): Code {
  const [given, size, t] = builder.locals('v128', 3) as [number, number, number]
  const polynomial = [-1.453152027, 1.421413741, -0.284496736, 0.254829592].reduce<Code>(
    (sum, coefficient, index) => (index === 0 ? f32x4Const(1.061405429) : sum).concat(localGet(t), f32x4Multiply, f32x4Const(coefficient), f32x4Add), [])
  return [
    ...x, ...localTee(given), ...f32x4Absolute, ...localSet(size),
    ...f32x4Const(1), ...f32x4Const(1), ...localGet(size), ...f32x4Const(0.3275911), ...f32x4Multiply, ...f32x4Add, ...f32x4Divide, ...localSet(t),
    ...f32x4Const(1),
    ...polynomial, ...localGet(t), ...f32x4Multiply,
    ...exponential(builder, [...f32x4Const(0), ...localGet(size), ...localGet(size), ...f32x4Multiply, ...f32x4Subtract]), ...f32x4Multiply,
    ...f32x4Subtract,
    ...localGet(given), ...signBits, ...v128And, ...v128Or,
  ]
}

const signBits: Code = v128Const([0, 0, 0, 128, 0, 0, 0, 128, 0, 0, 0, 128, 0, 0, 0, 128])

function i32x4Const(value: number): Code {
  return v128Const(Array.from({ length: 4 }, () => [...new Uint8Array(Int32Array.of(value).buffer)]).flat())
}

/** What a kernel does to its sums before it stores them, in this order. */
export interface Epilogue {
  /** Adds another value of the same shape: the kernel's second address. */
  readonly residual: boolean
  readonly activation?: Activation
  /** Then · scale + shift by channel: a batch norm that stands after the activation. */
  readonly affine: boolean
}

/** Rows of numbers by channel that lead a panel of weights: bias, then what the epilogue wants. */
export function epilogueRows({ activation, affine }: Epilogue): readonly ('bias' | 'alpha' | 'scale' | 'shift')[] {
  return ['bias', ...(activation?.kind === 'prelu' ? (['alpha'] as const) : []), ...(affine ? (['scale', 'shift'] as const) : [])]
}

export const epilogueKey = ({ residual, activation, affine }: Epilogue): string => JSON.stringify([residual, activation ?? null, affine])

/**
 * Activation and affine of the vector in local `value`. `row` tells where a leading row of the panel lies:
 * bytes from `panel` on.
 */
export function finishVector(builder: FunctionBuilder, epilogue: Epilogue, value: number, panel: number, row: (name: 'alpha' | 'scale' | 'shift') => number): Code {
  const load = (name: 'alpha' | 'scale' | 'shift'): Code => [...localGet(panel), ...v128Load(row(name))]
  return [
    ...(epilogue.activation ? activate(builder, epilogue.activation, value, epilogue.activation.kind === 'prelu' ? load('alpha') : []) : []),
    ...(epilogue.affine ? [...localGet(value), ...load('scale'), ...f32x4Multiply, ...load('shift'), ...f32x4Add, ...localSet(value)] : []),
  ]
}
