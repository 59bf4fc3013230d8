// Sums from which the mean and the standard deviation of each channel follow, over any number of
// images. Whole numbers, so the order of the images does not matter until 2^53 is passed (some
// 10^11 pixels).

import { sumRgb } from '@millrace/infer/kernels'
import type { RawImage } from './raw-image.js'
import { dropAlpha } from './transform.js'

/** For R, G, B: Σx and Σx² over `count` pixels. */
export interface ChannelSums {
  readonly count: number
  readonly sum: readonly [number, number, number]
  readonly sumOfSquares: readonly [number, number, number]
}

export const emptyChannelSums: ChannelSums = { count: 0, sum: [0, 0, 0], sumOfSquares: [0, 0, 0] }

/** The sums of one image. Grey counts as R, G and B alike; alpha is left out. */
export function sumChannels({ data, width, height, channels }: RawImage): ChannelSums {
  const { sum, sumOfSquares } = channels === 3 ? sumRgb(data) : channels === 1 ? sumGrey(data) : sumRgb(dropAlpha({ data, width, height, channels }).data)
  return { count: width * height, sum, sumOfSquares }
}

function sumGrey(data: Uint8Array): Omit<ChannelSums, 'count'> {
  let total = 0
  let squares = 0
  for (const value of data) {
    total += value
    squares += value * value
  }
  return { sum: [total, total, total], sumOfSquares: [squares, squares, squares] }
}

export function addChannelSums(a: ChannelSums, b: ChannelSums): ChannelSums {
  const add = (x: ChannelSums['sum'], y: ChannelSums['sum']): ChannelSums['sum'] => [x[0] + y[0], x[1] + y[1], x[2] + y[2]]
  return { count: a.count + b.count, sum: add(a.sum, b.sum), sumOfSquares: add(a.sumOfSquares, b.sumOfSquares) }
}

/** Mean and (population) standard deviation of each channel, 0..255. */
export function channelStatistics({ count, sum, sumOfSquares }: ChannelSums): { mean: number[]; std: number[] } {
  const mean = sum.map((total) => total / count)
  const std = sumOfSquares.map((total, channel) => Math.sqrt(Math.max(0, total / count - mean[channel]! ** 2)))
  return { mean, std }
}
