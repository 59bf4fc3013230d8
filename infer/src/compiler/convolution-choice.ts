// Which of its kernels a convolution gets: the direct one, or Winograd's, which multiplies less but transforms
// its input and output, and reads larger weights. The cost of each is counted in multiplications of the
// direct kernel's speed, with constants measured on one core (AVX-512 Xeon, Node 20):
//
//   direct     size²·C·K · (H·W + read)
//   Winograd   36 · ( C·K · (tiles + read·passes) + tiles · (enter·C + leave·K) )
//
// `read` is what a weight costs to come from memory: 4 bytes at 8 GB/s, against 22 products a nanosecond.
// The rule was within 15 % of measured times but for networks' first layers, where it is too careful.

import { convolutionKernel, type ConvolutionShape } from '../kernels/network/convolution.js'
import { vectorChannels, type Kernel } from '../kernels/network/kernel.js'
import { panelCount, panelFilters, type EpilogueWeights } from '../kernels/network/panels.js'
import { winogradKernel } from '../kernels/network/winograd.js'
import { canUseWinograd, planTiles } from '../kernels/network/winograd-plan.js'
import { transformPoints } from '../kernels/network/winograd-transform.js'
import type { WinogradUse } from '../runtime/plan.js'

export interface ConvolutionOptions {
  /** Most images a run takes. */
  readonly batch: number
  readonly winograd: WinogradUse
}

/** @param kernel [kh, kw, channels / groups, filters] */
export function chooseConvolution(shape: ConvolutionShape, kernel: Float32Array, leading: EpilogueWeights, { batch, winograd }: ConvolutionOptions): Kernel {
  const useWinograd = winograd !== 'never' && canUseWinograd(shape) && (winograd === 'always' || winogradGain(shape, batch) >= leastGain)
  return useWinograd ? winogradKernel(shape, batch, kernel, leading) : convolutionKernel(shape, kernel, leading)
}

/** For less it is not worth weights of up to four times the size. */
const leastGain = 1.2
const read = 10
/** A channel's, or a filter's, part of the transform of a tile, by each of the 36 points. */
const enter = 10
const leave = { 3: 4, 5: 2 } as const
/** Weights beyond this many bytes have left the second cache when the next block reads them. */
const cachedWeights = 1 << 20

/** How many times quicker Winograd's convolution is expected to be than the direct one, where it is possible. */
function winogradGain(shape: ConvolutionShape, batch: number): number {
  const { input, output, kernelSize } = shape
  const size = kernelSize[0] as 3 | 5
  const { tileRows, tileColumns, blockRows } = planTiles(shape, batch)
  const tiles = batch * tileRows * tileColumns
  const filters = panelFilters * panelCount(output.channels)
  const weights = input.channels * filters
  const passes = transformPoints ** 2 * weights * 4 > cachedWeights ? Math.ceil((batch * tileRows) / blockRows) : 1
  const winograd = transformPoints ** 2 * (weights * (tiles + read * passes) + tiles * (enter * vectorChannels(input.channels) + leave[size] * filters))
  return (size ** 2 * weights * (batch * output.height * output.width + read)) / winograd
}
