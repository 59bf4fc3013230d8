// First values of a network's weights, drawn by (seed, weight index).

import { createRandom, drawNormal } from '../random.js'
import { viewWeight, type NetworkState, type WeightLayout, type WeightPlace } from './parameters.js'

/**
 * Kernels: normal with variance 2 / fan-in (He et al., "Delving Deep into Rectifiers", 2015, eq. 10),
 * where fan-in is the number of inputs of one unit. Biases, betas, means 0; gammas, variances 1.
 */
export function initialiseWeights(layout: WeightLayout, state: NetworkState, seed: number): void {
  for (const [index, place] of layout.weights.entries()) {
    const values = viewWeight(place, state)
    const kind = weightKind(place)
    if (kind === 'kernel') {
      const random = createRandom(seed, index)
      const deviation = Math.sqrt(2 / (place.size / place.shape.at(-1)!))
      for (let i = 0; i < values.length; i++) values[i] = deviation * drawNormal(random)
    } else values.fill(kind === 'gamma' || kind === 'variance' ? 1 : 0)
  }
}

function weightKind({ name }: WeightPlace): string {
  return name.slice(name.lastIndexOf('/') + 1)
}
