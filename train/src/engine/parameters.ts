// A network's weights as two flat arrays, so that replicas share them, optimisers walk them and
// checkpoints store them without knowing the network:
//
//   trained     kernels, biases, gammas, betas   in graph order, back to back
//   statistics  batch norm's moving means and variances, likewise

import { weightSpecs, type Graph, type WeightSpec } from '@millrace/infer'

/** One weight and its place in its flat array. */
export interface WeightPlace extends WeightSpec {
  readonly size: number
  /** Index of its first value in the trained or the statistics array. */
  readonly begin: number
}

export interface WeightLayout {
  readonly weights: readonly WeightPlace[]
  readonly trainedSize: number
  readonly statisticsSize: number
}

/** The values of a network under training. */
export interface NetworkState {
  readonly trained: Float32Array
  readonly statistics: Float32Array
}

/** Where each weight of the graph lies. */
export function layoutWeights(graph: Graph): WeightLayout {
  const sizes = { trained: 0, statistics: 0 }
  const weights = weightSpecs(graph).map((spec): WeightPlace => {
    const size = spec.shape.reduce((product, side) => product * side, 1)
    const array = spec.trainable ? 'trained' : 'statistics'
    const begin = sizes[array]
    sizes[array] += size
    return { ...spec, size, begin }
  })
  return { weights, trainedSize: sizes.trained, statisticsSize: sizes.statistics }
}

/** A view of one weight's values. */
export function viewWeight(place: WeightPlace, { trained, statistics }: NetworkState): Float32Array {
  return (place.trainable ? trained : statistics).subarray(place.begin, place.begin + place.size)
}

/** Every weight by name, as views. */
export function weightsByName(layout: WeightLayout, state: NetworkState): Map<string, Float32Array> {
  return new Map(layout.weights.map((place) => [place.name, viewWeight(place, state)]))
}
