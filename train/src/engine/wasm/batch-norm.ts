// Batch normalisation with the batch's own statistics, over all axes but the last, and its gradient in
// one pass each over the values: Ioffe and Szegedy, "Batch Normalization", 2015, algorithm 1 and the
// chain rule of section 3. The stock gradient tiles the statistics to full size in JavaScript.
//
//   y  = gamma·x̂ + beta                  x̂ = (x − mean)·inverse,  inverse = 1/√(variance + epsilon)
//   dx = gamma·inverse·(dy − mean(dy) − x̂·mean(dy·x̂))
//   dgamma = Σ dy·x̂                       dbeta = Σ dy

import type { TensorInfo } from '@tensorflow/tfjs-core'
import type { Heap } from './heap.js'

export interface Normalised {
  readonly y: TensorInfo
  /** [channels] each; the variance is the biased one (divided by the number of values). */
  readonly mean: TensorInfo
  readonly variance: TensorInfo
}

export function normaliseBatch(heap: Heap, x: TensorInfo, gamma: TensorInfo, beta: TensorInfo, epsilon: number): Normalised {
  const channels = gamma.shape[0]!
  const [y, mean, variance] = [heap.allocate(x.shape), heap.allocate([channels]), heap.allocate([channels])]
  const [values, result, means, variances] = [heap.view(x), heap.view(y), heap.view(mean), heap.view(variance)]
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
  const [gammas, betas] = [heap.view(gamma), heap.view(beta)]
  for (let channel = 0; channel < channels; channel++) {
    const average = sums[channel]! / count
    means[channel] = average
    variances[channel] = Math.max(0, squares[channel]! / count - average * average)
    scale[channel] = gammas[channel]! / Math.sqrt(variances[channel]! + epsilon)
    shift[channel] = betas[channel]! - average * scale[channel]!
  }
  for (let index = 0; index < values.length;) {
    for (let channel = 0; channel < channels; channel++, index++) result[index] = values[index]! * scale[channel]! + shift[channel]!
  }
  return { y, mean, variance }
}

export interface NormaliseGradients {
  readonly dx: TensorInfo
  readonly dgamma: TensorInfo
  readonly dbeta: TensorInfo
}

export function normaliseBatchGradient(
  heap: Heap, dy: TensorInfo, x: TensorInfo, gamma: TensorInfo, mean: TensorInfo, variance: TensorInfo, epsilon: number,
): NormaliseGradients {
  const channels = gamma.shape[0]!
  const [dx, dgamma, dbeta] = [heap.allocate(x.shape), heap.allocate([channels]), heap.allocate([channels])]
  const [values, gradients, result, means, variances] = [heap.view(x), heap.view(dy), heap.view(dx), heap.view(mean), heap.view(variance)]
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
  const [gammas, dgammas, dbetas] = [heap.view(gamma), heap.view(dgamma), heap.view(dbeta)]
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
