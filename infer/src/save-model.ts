// Writes a model folder (model-folder.ts), whole or not at all.

import { writeFolder } from '#write-folder'
import { InferError } from './errors.js'
import { fileDigest } from './file-digest.js'
import { parseGraph } from './graph-json.js'
import type { Graph } from './graph.js'
import { compiledFolderName, graphFileName, weightsFileName, type Provenance } from './model-folder.js'
import { encodeSafetensors } from './safetensors.js'
import { checkWeights, type Weights } from './weights.js'

/**
 * Writes the network into `folder`, whose parents are made where needed. The same arguments give the same bytes.
 * @param provenance goes into graph.json as it is; anything that JSON can hold.
 * @throws InferError INFER_WEIGHTS if a weight is missing, unknown or of another size; INFER_NOT_FINITE if one
 * holds NaN or infinity; INFER_GRAPH_INVALID or INFER_GRAPH_FORMAT for a graph that could not be loaded again;
 * INFER_MODEL_WRITE if `folder` holds something that is not a model, or writing fails. None of them leaves a trace.
 */
export async function saveModel(folder: string, graph: Graph, weights: Weights, provenance: Provenance): Promise<void> {
  const weightBytes = encodeWeights(graph, weights)
  const graphText = `${JSON.stringify({ ...graph, weights: await fileDigest(weightBytes), provenance }, null, 2)}\n`
  parseGraph(JSON.parse(graphText), graphFileName)
  await writeFolder(folder, { [weightsFileName]: weightBytes, [graphFileName]: graphText }, {
    what: 'model', names: [graphFileName, weightsFileName, compiledFolderName], marker: { name: graphFileName, text: '"millrace-graph"' },
  })
}

function encodeWeights(graph: Graph, weights: Weights): Uint8Array {
  const tensors = checkWeights(graph, weights).map(({ name, shape }) => ({ name, shape, data: weights.get(name)! }))
  for (const { name, data } of tensors) {
    const place = data.findIndex((value) => !Number.isFinite(value))
    if (place >= 0) {
      throw new InferError('INFER_NOT_FINITE', `graph ${graph.name}: weight ${name}: value ${place} is ${data[place]}; the training went astray, export an earlier checkpoint`, { node: name })
    }
  }
  return encodeSafetensors(tensors)
}
