// Operations that keep the shape, for the reference executor: activations, normalisations, arithmetic.

import type { ActivationNode, ArithmeticNode, BatchNormNode, LocalResponseNormNode, MaxoutNode, SubtractiveNormNode } from '../graph.js'
import { imageShape, type NodeWeight, type Value } from './value.js'

export function activate(node: ActivationNode, x: Value, y: Value, weight: NodeWeight): void {
  if (node.op === 'prelu') return prelu(x, y, weight('alpha'))
  const one = activationFunction(node)
  for (let i = 0; i < x.data.length; i++) y.data[i] = one(x.data[i]!)
}

/** The function of one number, in float64. */
function activationFunction(node: Exclude<ActivationNode, { readonly op: 'prelu' }>): (x: number) => number {
  switch (node.op) {
    case 'relu':
      return (x) => Math.max(x, 0)
    case 'clip':
      return (x) => Math.min(Math.max(x, node.min), node.max)
    case 'elu':
      return (x) => (x > 0 ? x : node.alpha * Math.expm1(x))
    case 'leakyRelu':
      return (x) => (x > 0 ? x : node.alpha * x)
    case 'sigmoid':
      return sigmoid
    case 'tanh':
      return Math.tanh
    case 'swish':
      return (x) => x * sigmoid(x)
    case 'hardSigmoid':
      return (x) => Math.min(Math.max(node.alpha * x + node.beta, 0), 1)
    case 'hardSwish':
      return (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6
    case 'gelu':
      return (x) => (x * (1 + erf(x / Math.SQRT2))) / 2
  }
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x))
}

/** W. J. Cody's series about 0 and continued fraction far from it: full double precision. */
function erf(x: number): number {
  const size = Math.abs(x)
  if (Number.isNaN(x) || size > 6) return Number.isNaN(x) ? x : Math.sign(x)
  if (size < 2.5) { // 2/√π Σ (−1)ⁿ x²ⁿ⁺¹ / (n! (2n + 1))
    let term = x
    let sum = x
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (-x * x) / n
      sum += term / (2 * n + 1)
    }
    return (2 / Math.sqrt(Math.PI)) * sum
  }
  let fraction = 0 // erfc(x) = e^(−x²)/√π · 1/(x + (1/2)/(x + 1/(x + (3/2)/(x + …
  for (let n = 60; n >= 1; n--) fraction = n / 2 / (size + fraction)
  return Math.sign(x) * (1 - Math.exp(-size * size) / Math.sqrt(Math.PI) / (size + fraction))
}

function prelu(x: Value, y: Value, alpha: Float32Array): void {
  for (let i = 0; i < x.data.length; i++) y.data[i] = x.data[i]! > 0 ? x.data[i]! : alpha[i % alpha.length]! * x.data[i]!
}

/** y = gamma · (x − mean) / √(variance + epsilon) + beta, by channel. */
export function batchNorm(node: BatchNormNode, x: Value, y: Value, weight: NodeWeight): void {
  const [gamma, beta, mean, variance] = ['gamma', 'beta', 'mean', 'variance'].map(weight) as [Float32Array, Float32Array, Float32Array, Float32Array]
  const channels = gamma.length
  for (let channel = 0; channel < channels; channel++) {
    const scale = gamma[channel]! / Math.sqrt(variance[channel]! + node.epsilon)
    const centre = mean[channel]!
    const shift = beta[channel]!
    for (let i = channel; i < x.data.length; i += channels) y.data[i] = scale * (x.data[i]! - centre) + shift
  }
}

/** exp(x − max) / Σ exp(x − max) over the last axis; without the maximum, exp overflows from 89 on. */
export function softmax(x: Value, y: Value): void {
  const length = x.shape.at(-1)!
  for (let start = 0; start < x.data.length; start += length) {
    let max = -Infinity
    for (let i = start; i < start + length; i++) max = Math.max(max, x.data[i]!)
    let sum = 0
    for (let i = start; i < start + length; i++) sum += Math.exp(x.data[i]! - max)
    for (let i = start; i < start + length; i++) y.data[i] = Math.exp(x.data[i]! - max) / sum
  }
}

export function localResponseNorm({ size, alpha, beta, bias }: LocalResponseNormNode, x: Value, y: Value): void {
  const channels = x.shape.at(-1)!
  const before = Math.floor((size - 1) / 2)
  for (let i = 0; i < x.data.length; i++) {
    const channel = i % channels
    let sum = 0
    for (let c = Math.max(0, channel - before); c < Math.min(channels, channel - before + size); c++) sum += x.data[i - channel + c]! ** 2
    y.data[i] = x.data[i]! / (bias + (alpha / size) * sum) ** beta
  }
}

export function subtractiveNorm({ size }: SubtractiveNormNode, x: Value, y: Value): void {
  const [height, width, channels] = imageShape(x)
  const means = Float64Array.from({ length: height * width }, (_, pixel) => mean(x.data.subarray(pixel * channels, (pixel + 1) * channels)))
  const reach = (size - 1) / 2
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      let [sum, total] = [0, 0]
      for (let iy = Math.max(0, row - reach); iy <= Math.min(height - 1, row + reach); iy++) {
        for (let ix = Math.max(0, column - reach); ix <= Math.min(width - 1, column + reach); ix++) {
          const weight = Math.exp(-8 * (((iy - row) / size) ** 2 + ((ix - column) / size) ** 2)) // 1 / (2 · (size/4)²) = 8 / size²
          sum += weight * means[iy * width + ix]!
          total += weight
        }
      }
      const at = (row * width + column) * channels
      for (let c = 0; c < channels; c++) y.data[at + c] = x.data[at + c]! - sum / total
    }
  }
}

function mean(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

export function maxout({ pieces }: MaxoutNode, x: Value, y: Value): void {
  for (let i = 0; i < y.data.length; i++) y.data[i] = x.data.subarray(i * pieces, (i + 1) * pieces).reduce((max, value) => Math.max(max, value), -Infinity)
}

/** Of two values of as many axes; an axis of 1 is repeated. */
export function arithmetic({ op }: ArithmeticNode, a: Value, b: Value, y: Value): void {
  const place = [0, 0]
  const stepsOf = ({ shape }: Value): number[] => shape.map((size, axis) => (size === 1 ? 0 : shape.slice(axis + 1).reduce((product, inner) => product * inner, 1)))
  const [stepsA, stepsB] = [stepsOf(a), stepsOf(b)]
  for (let i = 0; i < y.data.length; i++) {
    place.fill(0)
    for (let axis = y.shape.length - 1, rest = i; axis >= 0; axis--) {
      const index = rest % y.shape[axis]!
      rest = Math.floor(rest / y.shape[axis]!)
      place[0]! += index * stepsA[axis]!
      place[1]! += index * stepsB[axis]!
    }
    const [left, right] = [a.data[place[0]!]!, b.data[place[1]!]!]
    y.data[i] = op === 'add' ? left + right : op === 'subtract' ? left - right : left * right
  }
}
