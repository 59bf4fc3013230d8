// Batch normalisation with the batch's own statistics, over all axes but the last, and its gradient, with
// the rectifier that mostly follows fused in: Ioffe and Szegedy, "Batch Normalization", 2015, algorithm 1
// and the chain rule of section 3. The stock gradient tiles the statistics to full size in JavaScript.
//
//   y  = gamma·x̂ + beta                  x̂ = (x − mean)·inverse,  inverse = 1/√(variance + epsilon)
//   dx = gamma·inverse·(dy − mean(dy) − x̂·mean(dy·x̂))  =  a·dy + b·x + c, constants a channel
//   dgamma = Σ dy·x̂                       dbeta = Σ dy
//
// Sums run in float32 over blocks of 256 rows and in float64 over the blocks. The moments are those of
// x − origin, the channel's first value: else a mean far from 0 would swallow the variance.

import type { TensorInfo } from '@tensorflow/tfjs-core'
import { normaliseReference, normaliseGradientReference } from './batch-norm-reference.js'
import type { Heap } from './heap.js'

export interface Normalised {
  readonly y: TensorInfo
  /** [channels] each; the variance is the biased one (divided by the number of values). */
  readonly mean: TensorInfo
  readonly variance: TensorInfo
}

export interface NormaliseGradients {
  readonly dx: TensorInfo
  readonly dgamma: TensorInfo
  readonly dbeta: TensorInfo
}

export interface NormaliseOptions {
  readonly epsilon: number
  /** Whether y is max(…, 0). */
  readonly rectify: boolean
}

const blockRows = 256
const vectorBytes = 16

export function normaliseBatch(heap: Heap, x: TensorInfo, gamma: TensorInfo, beta: TensorInfo, options: NormaliseOptions): Normalised {
  const channels = gamma.shape[0]!
  if (channels % 4 !== 0) return normaliseReference(heap, x, gamma, beta, options)
  const [y, mean, variance, scale, shift] = [heap.allocate(x.shape), heap.allocate([channels]), heap.allocate([channels]), heap.allocate([channels]), heap.allocate([channels])]
  const rows = x.shape.reduce((product, side) => product * side, 1) / channels
  const xAddress = heap.address(x)
  const sums = sumBlocks(heap, channels, rows, (row, count, channelBytes, out) =>
    heap.rows.sumMoments(xAddress + row * channels * 4 + channelBytes, channels * 4, count, xAddress + channelBytes, out))
  const [origins, means, variances, scales, shifts, gammas, betas] = heap.views(x, mean, variance, scale, shift, gamma, beta)
  for (let channel = 0; channel < channels; channel++) {
    const distance = sums.first[channel]! / rows
    const average = origins[channel]! + distance
    means[channel] = average
    variances[channel] = Math.max(0, sums.second[channel]! / rows - distance * distance)
    scales[channel] = gammas[channel]! / Math.sqrt(variances[channel]! + options.epsilon)
    shifts[channel] = betas[channel]! - average * scales[channel]!
  }
  const apply = options.rectify ? heap.rows.scaleShiftRectify : heap.rows.scaleShift
  for (let channelBytes = 0; channelBytes < channels * 4; channelBytes += vectorBytes) {
    apply(xAddress + channelBytes, heap.address(y) + channelBytes, channels * 4, rows, heap.address(scale) + channelBytes, heap.address(shift) + channelBytes)
  }
  heap.free(scale)
  heap.free(shift)
  return { y, mean, variance }
}

/** `y` is what {@link normaliseBatch} gave for x; it matters only with `rectify`. */
export function normaliseBatchGradient(
  heap: Heap, dy: TensorInfo, x: TensorInfo, y: TensorInfo, gamma: TensorInfo, mean: TensorInfo, variance: TensorInfo, options: NormaliseOptions,
): NormaliseGradients {
  const channels = gamma.shape[0]!
  if (channels % 4 !== 0) return normaliseGradientReference(heap, dy, x, y, gamma, mean, variance, options)
  const [dx, dgamma, dbeta, abc] = [heap.allocate(x.shape), heap.allocate([channels]), heap.allocate([channels]), heap.allocate([channels, 3])]
  const rows = x.shape.reduce((product, side) => product * side, 1) / channels
  const [dyAddress, xAddress, yAddress, dxAddress, meanAddress, abcAddress] = heap.addresses(dy, x, y, dx, mean, abc)
  const sum = options.rectify ? heap.rows.sumGradientsRectified : heap.rows.sumGradients
  const sums = sumBlocks(heap, channels, rows, (row, count, channelBytes, out) => {
    const begin = row * channels * 4 + channelBytes
    sum(dyAddress + begin, xAddress + begin, yAddress + begin, channels * 4, count, meanAddress + channelBytes, out)
  })
  const [dgammas, dbetas, constants, means, variances, gammas] = heap.views(dgamma, dbeta, abc, mean, variance, gamma)
  for (let channel = 0; channel < channels; channel++) {
    const inverse = 1 / Math.sqrt(variances[channel]! + options.epsilon)
    dgammas[channel] = sums.second[channel]! * inverse
    dbetas[channel] = sums.first[channel]!
    const a = gammas[channel]! * inverse
    const b = (-a * inverse * inverse * sums.second[channel]!) / rows
    const c = (-a * sums.first[channel]!) / rows - b * means[channel]!
    // [channels/4][a, b, c][4], so that the kernel reads three vectors.
    const place = Math.floor(channel / 4) * 12 + (channel % 4)
    constants[place] = a
    constants[place + 4] = b
    constants[place + 8] = c
  }
  const combine = options.rectify ? heap.rows.combineRectified : heap.rows.combine
  for (let channelBytes = 0; channelBytes < channels * 4; channelBytes += vectorBytes) {
    combine(dyAddress + channelBytes, xAddress + channelBytes, yAddress + channelBytes, dxAddress + channelBytes, channels * 4, rows, abcAddress + 3 * channelBytes)
  }
  heap.free(abc)
  return { dx, dgamma, dbeta }
}

/** Two sums a channel, by blocks of rows; `sumBlock` leaves those of four channels at `out`. */
function sumBlocks(
  heap: Heap, channels: number, rows: number, sumBlock: (row: number, count: number, channelBytes: number, out: number) => void,
): { first: Float64Array; second: Float64Array } {
  const [first, second] = [new Float64Array(channels), new Float64Array(channels)]
  const block = heap.allocate([8])
  const out = heap.address(block)
  const values = heap.view(block)
  for (let row = 0; row < rows; row += blockRows) {
    const count = Math.min(blockRows, rows - row)
    for (let channel = 0; channel < channels; channel += 4) {
      sumBlock(row, count, channel * 4, out)
      for (let lane = 0; lane < 4; lane++) {
        first[channel + lane]! += values[lane]!
        second[channel + lane]! += values[4 + lane]!
      }
    }
  }
  heap.free(block)
  return { first, second }
}
