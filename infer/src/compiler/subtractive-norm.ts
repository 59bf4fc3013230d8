// Subtractive normalisation in operations that there are: the mean of each pixel's channels, the Gaussian as a
// column and a row of weights, and the weights of the places inside the image, by which it is divided. Those
// are products of a row's and a column's as well.
//
//   x → 1x1 of 1/channels → size x 1 → 1 x size → · 1/(inside) = m      y = x − m

import type { SubtractiveNormNode } from '../graph.js'
import type { Border, ConvolutionOperation, Operation } from './operation.js'

/** The operations that make the node's value, and the shapes of those between; `unusedName` gives these their names. */
export function subtractiveNorm({ name, size }: SubtractiveNormNode, input: string, [height, width, channels]: readonly [number, number, number], unusedName: (name: string) => string): { readonly operations: readonly Operation[]; readonly shapes: ReadonlyMap<string, readonly number[]> } {
  const [mean, down, across, scaled] = ['mean', 'down', 'across', 'scaled'].map((part) => unusedName(`${name}/${part}`)) as [string, string, string, string]
  const reach = (size - 1) / 2
  const weights = Float32Array.from({ length: size }, (_, place) => gaussian(place - reach, size))
  const [vertical, horizontal] = [{ top: reach, bottom: reach, left: 0, right: 0 }, { top: 0, bottom: 0, left: reach, right: reach }]
  const [rows, columns] = [insideWeights(height, size), insideWeights(width, size)]
  const operations: Operation[] = [
    weightedSum(input, mean, [1, 1], new Float32Array(channels).fill(1 / channels), { top: 0, bottom: 0, left: 0, right: 0 }),
    weightedSum(mean, down, [size, 1], weights, vertical),
    weightedSum(down, across, [1, size], weights, horizontal),
    { kind: 'elementwise', input: across, output: scaled, pixelFactors: Float32Array.from({ length: height * width }, (_, pixel) => 1 / (rows[Math.floor(pixel / width)]! * columns[pixel % width]!)), stages: [] },
    { kind: 'elementwise', input, output: name, second: { value: scaled, operation: 'subtract' }, stages: [] },
  ]
  return { operations, shapes: new Map([mean, down, across, scaled].map((value) => [value, [height, width, 1]])) }
}

/** Standard deviation size/4: e^(−d²/(2·(size/4)²)). */
function gaussian(distance: number, size: number): number {
  return Math.exp(-8 * (distance / size) ** 2)
}

/** For each place of an axis, the weights of its window's places that lie inside. */
function insideWeights(length: number, size: number): number[] {
  const reach = (size - 1) / 2
  return Array.from({ length }, (_, place) => {
    let sum = 0
    for (let other = Math.max(0, place - reach); other <= Math.min(length - 1, place + reach); other++) sum += gaussian(other - place, size)
    return sum
  })
}

function weightedSum(input: string, output: string, kernelSize: readonly [number, number], kernel: Float32Array, padding: Border): ConvolutionOperation {
  return {
    kind: 'convolution', input, output, kernel, kernelSize, padding, filters: 1, strides: [1, 1], dilations: [1, 1], groups: 1,
    epilogue: { residual: false, affine: false }, leading: { bias: new Float32Array(1) },
  }
}
