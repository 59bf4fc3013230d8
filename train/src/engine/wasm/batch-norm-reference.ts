// Batch normalisation and its gradient (batch-norm.ts has the formulas) in plain loops: the reference for
// the vector kernels, and the way for channel counts that are no multiple of four.

import type { TensorInfo } from '@tensorflow/tfjs-core'
import type { NormaliseGradients, NormaliseOptions, Normalised } from './batch-norm.js'
import type { Heap } from './heap.js'

export function normaliseReference(heap: Heap, x: TensorInfo, gamma: TensorInfo, beta: TensorInfo, { epsilon, rectify }: NormaliseOptions): Normalised {
  const channels = gamma.shape[0]!
  const [y, mean, variance] = [heap.allocate(x.shape), heap.allocate([channels]), heap.allocate([channels])]
  const [values, result, means, variances] = heap.views(x, y, mean, variance)
  const count = values.length / channels
  const sums = new Float64Array(channels)
  const squares = new Float64Array(channels)
  for (let index = 0; index < values.length;) {
    for (let channel = 0; channel < channels; channel++, index++) {
      const value = values[index]!
      sums[channel]! += value
      squares[channel]! += value * value
    }
  }
  const scale = new Float32Array(channels)
  const shift = new Float32Array(channels)
  const [gammas, betas] = heap.views(gamma, beta)
  for (let channel = 0; channel < channels; channel++) {
    const average = sums[channel]! / count
    means[channel] = average
    variances[channel] = Math.max(0, squares[channel]! / count - average * average)
    scale[channel] = gammas[channel]! / Math.sqrt(variances[channel]! + epsilon)
    shift[channel] = betas[channel]! - average * scale[channel]!
  }
  for (let index = 0; index < values.length;) {
    for (let channel = 0; channel < channels; channel++, index++) {
      const value = values[index]! * scale[channel]! + shift[channel]!
      result[index] = rectify ? Math.max(value, 0) : value
    }
  }
  return { y, mean, variance }
}

export function normaliseGradientReference(
  heap: Heap, dy: TensorInfo, x: TensorInfo, y: TensorInfo, gamma: TensorInfo, mean: TensorInfo, variance: TensorInfo, { epsilon, rectify }: NormaliseOptions,
): NormaliseGradients {
  const channels = gamma.shape[0]!
  const [dx, dgamma, dbeta] = [heap.allocate(x.shape), heap.allocate([channels]), heap.allocate([channels])]
  const [values, outputs, result, means, variances] = heap.views(x, y, dx, mean, variance)
  const gradients = rectify ? heap.view(dy).map((value, index) => (outputs[index]! > 0 ? value : 0)) : heap.view(dy)
  const count = values.length / channels
  const sums = new Float64Array(channels)
  const products = new Float64Array(channels) // Σ dy·(x − mean)
  for (let index = 0; index < values.length;) {
    for (let channel = 0; channel < channels; channel++, index++) {
      sums[channel]! += gradients[index]!
      products[channel]! += gradients[index]! * (values[index]! - means[channel]!)
    }
  }
  // dx = a·dy + b·x + c for each channel.
  const [a, b, c] = [new Float32Array(channels), new Float32Array(channels), new Float32Array(channels)]
  const [gammas, dgammas, dbetas] = heap.views(gamma, dgamma, dbeta)
  for (let channel = 0; channel < channels; channel++) {
    const inverse = 1 / Math.sqrt(variances[channel]! + epsilon)
    dgammas[channel] = products[channel]! * inverse
    dbetas[channel] = sums[channel]!
    a[channel] = gammas[channel]! * inverse
    b[channel] = (-a[channel]! * inverse * inverse * products[channel]!) / count
    c[channel] = (-a[channel]! * sums[channel]!) / count - b[channel]! * means[channel]!
  }
  for (let index = 0; index < values.length;) {
    for (let channel = 0; channel < channels; channel++, index++) {
      result[index] = a[channel]! * gradients[index]! + b[channel]! * values[index]! + c[channel]!
    }
  }
  return { dx, dgamma, dbeta }
}
