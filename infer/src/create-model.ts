// A model from a graph and weights at hand, compiled now.

import { compileRunner } from './compiler/open-session.js'
import type { Graph } from './graph.js'
import { checkBatch, defaultBatch, runnerModel, type Model, type ModelOptions } from './model.js'
import { checkWeights, type Weights } from './weights.js'

/**
 * A model from its parts.
 * @throws InferError INFER_GRAPH_INVALID; INFER_WEIGHTS if a weight is missing, unknown or of another size;
 * INFER_ARGUMENT for a batch below 1; INFER_MEMORY.
 */
export function createModel(graph: Graph, weights: Weights, options: ModelOptions = {}): Model {
  const batch = checkBatch(options.batch ?? defaultBatch)
  checkWeights(graph, weights)
  const { execute } = options
  return runnerModel(graph, execute === undefined ? compileRunner(graph, weights, { ...options, batch }) : { execute, batch, runsOn: 'own', dispose: () => undefined })
}
