// The layers of training in float64, written from their definitions with plain loops and no eye to
// speed, and numeric gradients of whatever is computed with them: what the engine is held against.

import type { Padding } from '@millrace/infer'
import { randomNumbers } from '../../infer/networks.js'

/** An array with a shape, row-major. */
export interface Values {
  readonly shape: readonly number[]
  readonly data: Float64Array
}

export type Sides = readonly [vertical: number, horizontal: number]

export function zeros(shape: readonly number[]): Values {
  return { shape, data: new Float64Array(shape.reduce((product, side) => product * side, 1)) }
}

/** Numbers in −1 … 1 that float32 holds exactly, the same for the same seed. */
export function randomValues(shape: readonly number[], seed: number): Values {
  const random = randomNumbers(seed)
  const values = zeros(shape)
  for (let i = 0; i < values.data.length; i++) values.data[i] = Math.fround(2 * random() - 1)
  return values
}

/** The numbers 0 … count − 1 in random order, less `offset`: no two are closer than 1. */
export function shuffledValues(shape: readonly number[], seed: number, offset = 0): Values {
  const random = randomNumbers(seed)
  const values = zeros(shape)
  const keys = Array.from(values.data, () => random())
  for (const [rank, index] of [...keys.keys()].sort((left, right) => keys[left]! - keys[right]!).entries()) values.data[index] = rank - offset
  return values
}

/** Σ a·b: as a loss, its gradient in a is b. */
export function dot(a: Values, b: Values): number {
  return a.data.reduce((sum, value, index) => sum + value * b.data[index]!, 0)
}

/**
 * d(loss)/d(values) at some places by central differences, (loss(v + h) − loss(v − h)) / 2h; NaN
 * elsewhere. Exact up to rounding where the loss is linear in each value, whatever h is; else wrong by
 * the order of h².
 */
export function numericGradient(values: Float64Array, loss: () => number, h: number, places: Iterable<number> = values.keys()): Float64Array {
  const gradient = new Float64Array(values.length).fill(NaN)
  for (const place of places) {
    const value = values[place]!
    values[place] = value + h
    const above = loss()
    values[place] = value - h
    gradient[place] = (above - loss()) / (2 * h)
    values[place] = value
  }
  return gradient
}

/** Up to `count` different places of an array, spread over it at random. */
export function somePlaces(length: number, count: number, seed: number): number[] {
  if (length <= count) return [...Array(length).keys()]
  const random = randomNumbers(seed)
  return Array.from({ length: count }, () => Math.floor(random() * length))
}

/** Throws where the two differ by more than `tolerance` times the largest expected value (at least 1). NaN is expected of nothing. */
export function assertClose(what: string, actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  if (actual.length !== expected.length) throw new Error(`${what}: expected ${expected.length} values, found ${actual.length}`)
  const size = Array.from(expected).reduce((largest, value) => Math.max(largest, Math.abs(value) || 0), 1)
  for (let i = 0; i < expected.length; i++) {
    if (Number.isNaN(expected[i]!)) continue
    if (!(Math.abs(actual[i]! - expected[i]!) <= tolerance * size)) throw new Error(`${what}: value ${i} of ${expected.length}: expected ${expected[i]}, found ${actual[i]}`)
  }
}

/** Where windows begin, how many there are. TensorFlow's rule for 'same': the odd place of padding comes last. */
function windows(size: number, window: number, stride: number, padding: Padding): { count: number; before: number } {
  if (padding === 'valid') return { count: Math.ceil((size - window + 1) / stride), before: 0 }
  const count = Math.ceil(size / stride)
  return { count, before: Math.floor(Math.max(0, (count - 1) * stride + window - size) / 2) }
}

/** Calls back for every pair of an output pixel and a pixel of its window that is inside the image. */
function eachWindowPixel(
  [count, height, width]: readonly number[], window: Sides, strides: Sides, padding: Padding,
  visit: (output: number, input: number, place: number) => void,
): void {
  const [rows, columns] = [windows(height!, window[0], strides[0], padding), windows(width!, window[1], strides[1], padding)]
  for (let image = 0, output = 0; image < count!; image++) {
    for (let row = 0; row < rows.count; row++) {
      for (let column = 0; column < columns.count; column++, output++) {
        for (let ky = 0; ky < window[0]; ky++) {
          for (let kx = 0; kx < window[1]; kx++) {
            const [y, x] = [row * strides[0] - rows.before + ky, column * strides[1] - columns.before + kx]
            if (y >= 0 && y < height! && x >= 0 && x < width!) visit(output, (image * height! + y) * width! + x, ky * window[1] + kx)
          }
        }
      }
    }
  }
}

function windowedShape([count, height, width]: readonly number[], window: Sides, strides: Sides, padding: Padding, channels: number): number[] {
  return [count!, windows(height!, window[0], strides[0], padding).count, windows(width!, window[1], strides[1], padding).count, channels]
}

/** x [n, h, w, ci], kernel [kh, kw, ci, co]. */
export function convolution(x: Values, kernel: Values, strides: Sides, padding: Padding): Values {
  const [kernelHeight, kernelWidth, inChannels, outChannels] = kernel.shape as [number, number, number, number]
  const window: Sides = [kernelHeight, kernelWidth]
  const y = zeros(windowedShape(x.shape, window, strides, padding, outChannels))
  eachWindowPixel(x.shape, window, strides, padding, (output, input, place) => {
    for (let ci = 0; ci < inChannels; ci++) {
      const value = x.data[input * inChannels + ci]!
      for (let co = 0; co < outChannels; co++) y.data[output * outChannels + co]! += value * kernel.data[(place * inChannels + ci) * outChannels + co]!
    }
  })
  return y
}

/** The largest values, and the place in x of each: the first of equal ones. */
export function maxPool(x: Values, window: Sides, strides: Sides, padding: Padding): { y: Values; places: Int32Array } {
  const channels = x.shape[3]!
  const y = zeros(windowedShape(x.shape, window, strides, padding, channels))
  y.data.fill(-Infinity)
  const places = new Int32Array(y.data.length)
  eachWindowPixel(x.shape, window, strides, padding, (output, input) => {
    for (let channel = 0; channel < channels; channel++) {
      const [to, from] = [output * channels + channel, input * channels + channel]
      if (x.data[from]! > y.data[to]!) [y.data[to], places[to]] = [x.data[from]!, from]
    }
  })
  return { y, places }
}

/** Over all axes but the last, with the variance divided by the number of values. */
export function batchNorm(x: Values, gamma: Values, beta: Values, epsilon: number): { y: Values; mean: Values; variance: Values } {
  const channels = gamma.data.length
  const rows = x.data.length / channels
  const [y, mean, variance] = [zeros(x.shape), zeros([channels]), zeros([channels])]
  x.data.forEach((value, index) => (mean.data[index % channels]! += value / rows))
  x.data.forEach((value, index) => (variance.data[index % channels]! += (value - mean.data[index % channels]!) ** 2 / rows))
  x.data.forEach((value, index) => {
    const channel = index % channels
    y.data[index] = (gamma.data[channel]! * (value - mean.data[channel]!)) / Math.sqrt(variance.data[channel]! + epsilon) + beta.data[channel]!
  })
  return { y, mean, variance }
}

export function relu(x: Values): Values {
  return { shape: x.shape, data: x.data.map((value) => Math.max(value, 0)) }
}

/** a·b for a [m, k] and b [k, n]. */
export function product(a: Values, b: Values): Values {
  const [m, k] = a.shape as [number, number]
  const n = b.shape[1]!
  const c = zeros([m, n])
  for (let i = 0; i < m; i++) {
    for (let l = 0; l < k; l++) {
      for (let j = 0; j < n; j++) c.data[i * n + j]! += a.data[i * k + l]! * b.data[l * n + j]!
    }
  }
  return c
}

export function transposed({ shape, data }: Values): Values {
  const [rows, columns] = shape as [number, number]
  const turned = zeros([columns, rows])
  for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) turned.data[column * rows + row] = data[row * columns + column]!
  return turned
}
