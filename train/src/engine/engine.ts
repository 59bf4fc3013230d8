// What training needs of a numerical backend, and no more: compile a graph for a batch size, then ask
// for gradients or outputs. Optimiser, schedule, data and checkpoints stand outside, so that an engine
// is replaceable in this folder alone.

import type { Graph } from '@millrace/infer'
import type { NetworkState } from './parameters.js'

export interface Engine {
  /** `wasm`, and later `cuda`, `webgpu`, `tensorflow`. */
  readonly name: string
  compile(graph: Graph): Program
}

/** A share of a batch: `images` [n, h, w, c] and `labels` [n, labelWidth], row by row. */
export interface Batch {
  readonly count: number
  readonly images: Float32Array
  readonly labels: Float32Array
}

/** Where a step leaves its results: arrays of the sizes that {@link WeightLayout} gives. */
export interface Gradients {
  /** d(mean loss of the batch)/d(weight), laid out as the trained weights. */
  readonly trained: Float32Array
  /** The batch's own means and variances, laid out as the statistics. */
  readonly statistics: Float32Array
}

/** Which random numbers a step draws: dropout depends on these alone. */
export interface StepKey {
  readonly seed: number
  readonly step: number
  /** Which share of the batch this is. */
  readonly replica: number
}

export interface Program {
  /** Forward and backward in training mode. Returns the mean loss of each head. */
  step(state: NetworkState, batch: Batch, key: StepKey, gradients: Gradients): Float64Array
  /** Forward in inference mode: output name → values [n, size]. */
  run(state: NetworkState, images: Float32Array, count: number): Map<string, Float32Array>
}
