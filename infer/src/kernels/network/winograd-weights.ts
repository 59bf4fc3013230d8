// A kernel as Winograd's convolution reads it: the numbers of the epilogue, then 36 matrices in panels of
// 8 filters.
//
//   for each 4 filters: [bias 4][alpha 4?][scale 4?][shift 4?]          padded to 64 bytes
//   for each of 6·6 points: panel > channel > [weight 8]
//
// G g Gᵀ is computed in float64 and rounded once. A 3x3 kernel grows fourfold, a 5x5 by 1.44.

import { vectorChannels } from './kernel.js'
import { epilogueRows, type Epilogue } from './activation.js'
import { panelCount, panelFilters, type EpilogueWeights } from './panels.js'
import { kernelTransform, transformPoints } from './winograd-transform.js'

/** Bytes before the first matrix. */
export function winogradLeadingBytes(filters: number, epilogue: Epilogue): number {
  return Math.ceil((vectorChannels(filters) * epilogueRows(epilogue).length * 4) / 64) * 64
}

/** @param kernel [size, size, channels, filters] */
export function packWinograd(kernel: Float32Array, size: number, filters: number, epilogue: Epilogue, leading: EpilogueWeights): Float32Array {
  const channels = kernel.length / (size * size * filters)
  const begin = winogradLeadingBytes(filters, epilogue) / 4
  const matrix = channels * panelCount(filters) * panelFilters
  const packed = new Float32Array(begin + transformPoints ** 2 * matrix)
  packLeading(packed, filters, epilogue, leading)
  const transform = kernelTransform(size)
  const half = new Float64Array(size * filters) // a row of G g: [column of g][filter]
  for (let channel = 0; channel < channels; channel++) {
    for (let row = 0; row < transformPoints; row++) {
      transformColumns(kernel, size, channels, channel, filters, transform[row]!, half)
      for (let column = 0; column < transformPoints; column++) {
        const at = begin + (row * transformPoints + column) * matrix + channel * panelFilters
        packRow(half, filters, transform[column]!, packed, at, channels * panelFilters)
      }
    }
  }
  return packed
}

/** A row of G times the columns of one channel's kernels. */
function transformColumns(kernel: Float32Array, size: number, channels: number, channel: number, filters: number, factors: readonly number[], half: Float64Array): void {
  half.fill(0)
  for (let ky = 0; ky < size; ky++) {
    const factor = factors[ky]!
    if (factor === 0) continue
    for (let kx = 0; kx < size; kx++) {
      const from = ((ky * size + kx) * channels + channel) * filters
      const to = kx * filters
      for (let filter = 0; filter < filters; filter++) half[to + filter]! += factor * kernel[from + filter]!
    }
  }
}

/** That row times a column of Gᵀ, rounded, into the panels. */
function packRow(half: Float64Array, filters: number, factors: readonly number[], packed: Float32Array, begin: number, panelStep: number): void {
  for (let first = 0, at = begin; first < filters; first += panelFilters, at += panelStep) {
    const count = Math.min(panelFilters, filters - first)
    for (let index = 0; index < count; index++) {
      let sum = 0
      for (let kx = 0, from = first + index; kx < factors.length; kx++, from += filters) sum += factors[kx]! * half[from]!
      packed[at + index] = sum
    }
  }
}

function packLeading(packed: Float32Array, filters: number, epilogue: Epilogue, leading: EpilogueWeights): void {
  const names = epilogueRows(epilogue)
  for (const [row, name] of names.entries()) {
    for (let filter = 0; filter < filters; filter++) packed[(Math.floor(filter / 4) * names.length + row) * 4 + (filter % 4)] = leading[name]![filter]!
  }
}
