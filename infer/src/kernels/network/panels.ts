// Weights in panels of 8 filters, the order in which the kernels read them:
//
//   group > panel > [bias 8][alpha 8?][scale 8?][shift 8?] then for each ky, kx, channel: [weight 8]
//
// Filters beyond the last are zeros. A variant may take several panels at once, since they follow one
// another at a fixed distance.

import { epilogueRows, type Epilogue } from './activation.js'
import { vectorChannels } from './kernel.js'

export const panelFilters = 8
export const panelRowBytes = 4 * panelFilters

/** Numbers by filter that an epilogue wants, besides the bias. */
export interface EpilogueWeights {
  readonly bias: Float32Array
  readonly alpha?: Float32Array
  readonly scale?: Float32Array
  readonly shift?: Float32Array
}

export interface PanelShape {
  readonly groups: number
  /** Of one group. */
  readonly filters: number
  /** Products a filter: kernel places · channels of a group as they lie in memory. */
  readonly rows: number
}

export const panelCount = (filters: number): number => Math.ceil(filters / panelFilters)

/** From a panel to the next. */
export function panelBytes({ rows }: PanelShape, epilogue: Epilogue): number {
  return (epilogueRows(epilogue).length + rows) * panelRowBytes
}

/** Where a leading row lies in its panel. */
export function leadingRow(epilogue: Epilogue, name: 'bias' | 'alpha' | 'scale' | 'shift'): number {
  return epilogueRows(epilogue).indexOf(name) * panelRowBytes
}

/**
 * Packs a kernel whose rows of filters lie together; `begin` tells where a row (of kernel places times channels
 * of a group) begins, −1 for a row of zeros.
 */
export function packPanels(shape: PanelShape, epilogue: Epilogue, leading: EpilogueWeights, kernel: Float32Array, begin: (row: number) => number): Float32Array {
  const { groups, filters, rows } = shape
  const names = epilogueRows(epilogue)
  const begins = Int32Array.from({ length: rows }, (_, row) => begin(row))
  const packed = new Float32Array((groups * panelCount(filters) * panelBytes(shape, epilogue)) / 4)
  let at = 0
  for (let group = 0; group < groups; group++) {
    for (let first = 0; first < filters; first += panelFilters) {
      const count = Math.min(panelFilters, filters - first)
      const filter = group * filters + first
      for (const name of names) {
        packed.set(leading[name]!.subarray(filter, filter + count), at)
        at += panelFilters
      }
      for (let row = 0; row < rows; row++, at += panelFilters) {
        const from = begins[row]! + filter
        if (begins[row]! >= 0) for (let index = 0; index < count; index++) packed[at + index] = kernel[from + index]!
      }
    }
  }
  return packed
}

/** Rows of numbers by channel, laid four channels at a time: [row 0: 4][row 1: 4] … then the next four. */
export function packChannels(channels: number, rows: readonly Float32Array[]): Float32Array {
  const packed = new Float32Array(vectorChannels(channels) * rows.length)
  let at = 0
  for (let channel = 0; channel < channels; channel += 4) {
    for (const row of rows) {
      packed.set(row.subarray(channel, Math.min(channel + 4, channels)), at)
      at += 4
    }
  }
  return packed
}
