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
  const transformed = new Float64Array(transformPoints ** 2 * filters)
  for (let channel = 0; channel < channels; channel++) {
    transformChannel(kernel, size, channels, channel, filters, transformed)
    for (let place = 0; place < transformPoints ** 2; place++) {
      for (let filter = 0; filter < filters; filter++) {
        const panel = Math.floor(filter / panelFilters)
        packed[begin + place * matrix + (panel * channels + channel) * panelFilters + (filter % panelFilters)] = transformed[place * filters + filter]!
      }
    }
  }
  return packed
}

function packLeading(packed: Float32Array, filters: number, epilogue: Epilogue, leading: EpilogueWeights): void {
  const names = epilogueRows(epilogue)
  for (const [row, name] of names.entries()) {
    for (let filter = 0; filter < filters; filter++) packed[(Math.floor(filter / 4) * names.length + row) * 4 + (filter % 4)] = leading[name]![filter]!
  }
}

/** G g Gᵀ of one channel for all filters: to[row · 6 + column][filter]. */
function transformChannel(kernel: Float32Array, size: number, channels: number, channel: number, filters: number, to: Float64Array): void {
  const matrix = kernelTransform(size)
  const half = new Float64Array(size * filters) // one row of G g: [column of g][filter]
  for (let row = 0; row < transformPoints; row++) {
    half.fill(0)
    for (let ky = 0; ky < size; ky++) {
      for (let kx = 0; kx < size; kx++) {
        const from = ((ky * size + kx) * channels + channel) * filters
        addScaled(half, kx * filters, kernel, from, filters, matrix[row]![ky]!)
      }
    }
    for (let column = 0; column < transformPoints; column++) {
      const at = (row * transformPoints + column) * filters
      to.fill(0, at, at + filters)
      for (let kx = 0; kx < size; kx++) addScaled(to, at, half, kx * filters, filters, matrix[column]![kx]!)
    }
  }
}

function addScaled(to: Float64Array, at: number, values: Float32Array | Float64Array, from: number, count: number, factor: number): void {
  if (factor === 0) return
  for (let index = 0; index < count; index++) to[at + index]! += factor * values[from + index]!
}
