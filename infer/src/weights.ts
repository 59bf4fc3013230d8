// The weights of a graph by name, and the check that they are exactly those the graph needs.

import { InferError } from './errors.js'
import type { Graph, WeightSpec } from './graph.js'
import { countValues, weightSpecs } from './shapes.js'

/** Full weight name (`conv1/kernel`) → its values, row-major. */
export type Weights = ReadonlyMap<string, Float32Array>

/**
 * The specs of the graph's weights, each of which is there with the right number of values, and no other.
 * @throws InferError INFER_WEIGHTS naming the weight that is missing, unknown or of another size;
 * INFER_GRAPH_INVALID as {@link weightSpecs}.
 */
export function checkWeights(graph: Graph, weights: Weights): WeightSpec[] {
  const specs = weightSpecs(graph)
  for (const { name, shape } of specs) {
    const found = weights.get(name)?.length
    if (found !== countValues(shape)) {
      throw weightError(graph, name, `expected ${countValues(shape)} values for shape [${shape.join(', ')}], found ${found ?? 'none'}`)
    }
  }
  const known = new Set(specs.map(({ name }) => name))
  for (const name of weights.keys()) {
    if (!known.has(name)) throw weightError(graph, name, 'the graph has no such weight; the weights belong to another network')
  }
  return specs
}

/** An error about one weight. A name from a file may be anything, so it is cut and quoted. */
export function weightError(graph: Graph, name: string, problem: string): InferError {
  const shown = JSON.stringify(name.slice(0, 80)).replace(/\p{Cc}/gu, '?')
  return new InferError('INFER_WEIGHTS', `graph ${graph.name}: weight ${shown}: ${problem}`, { node: name })
}
