// Runs a graph in plain TypeScript: one small function an operation, to be read in one sitting. It says
// what every faster runtime must compute, and is fast enough to serve a small network.
//
// Values are [height, width, channels] or [units] of one image; images run one after the other, so the
// values of a small network stay in the processor's cache. Sums are kept in float64 and rounded to
// float32 once, when stored: their error is far below that of any float32 runtime compared with them,
// and does not depend on the order of the terms. The innermost loops run over output channels, which
// lie side by side both in the kernel and in the sum. NaN and infinity go through as IEEE 754 has it.

import { InferError } from '../errors.js'
import { nodeInputs, type Graph, type GraphNode } from '../graph.js'
import { countValues, inferShapes } from '../shapes.js'
import { checkWeights, type Weights } from '../weights.js'
import { conv2d, convTranspose2d, dense } from './convolution.js'
import { activate, arithmetic, batchNorm, localResponseNorm, maxout, softmax, subtractiveNorm } from './elementwise.js'
import { globalPool2d, pool2d } from './pooling.js'
import { concat, pad, resize, slice, transpose } from './rearrange.js'
import type { NodeWeight, Value } from './value.js'

/**
 * The graph's outputs [batch, …] by name, for an input [batch, height, width, channels].
 * @throws InferError INFER_GRAPH_INVALID; INFER_WEIGHTS if a weight is missing, unknown or of another size;
 * INFER_ARGUMENT if the input has another size.
 */
export function runReference(graph: Graph, weights: Weights, input: Float32Array, batch: number): Map<string, Float32Array> {
  checkWeights(graph, weights)
  const values = newValues(graph)
  const inputData = values.get(graph.input.name)!.data
  if (!(Number.isSafeInteger(batch) && batch >= 0) || input.length !== batch * inputData.length) {
    throw new InferError('INFER_ARGUMENT', `graph ${graph.name}: expected ${batch} · ${inputData.length} input values, found ${input.length}`)
  }
  const outputs = new Map(graph.outputs.map((name) => [name, new Float32Array(batch * values.get(name)!.data.length)]))
  for (let image = 0; image < batch; image++) {
    inputData.set(input.subarray(image * inputData.length, (image + 1) * inputData.length))
    for (const node of graph.nodes) {
      runNode(node, nodeInputs(node).map((name) => values.get(name)!), values.get(node.name)!, (part) => weights.get(`${node.name}/${part}`)!)
    }
    for (const [name, output] of outputs) {
      const { data } = values.get(name)!
      output.set(data, image * data.length)
    }
  }
  return outputs
}

/** Room for every node's value; made once and used for each image. */
function newValues(graph: Graph): Map<string, Value> {
  const shapes = inferShapes(graph)
  return new Map(Array.from(shapes, ([name, shape]) => [name, { shape, data: new Float32Array(countValues(shape)) }]))
}

function runNode(node: GraphNode, inputs: readonly Value[], y: Value, weight: NodeWeight): void {
  const x = inputs[0]!
  switch (node.op) {
    case 'conv2d':
      return conv2d(node, x, y, weight)
    case 'convTranspose2d':
      return convTranspose2d(node, x, y, weight)
    case 'dense':
      return dense(node, x, y, weight)
    case 'batchNorm':
      return batchNorm(node, x, y, weight)
    case 'maxPool2d':
    case 'averagePool2d':
      return pool2d(node, x, y)
    case 'globalAveragePool2d':
    case 'globalMaxPool2d':
      return globalPool2d(node, x, y)
    case 'slice':
      return slice(node, x, y)
    case 'concat':
      return concat(inputs, y)
    case 'transpose':
      return transpose(node, x, y)
    case 'pad':
      return pad(node, x, y)
    case 'resize':
      return resize(node, x, y)
    case 'add':
    case 'subtract':
    case 'multiply':
      return arithmetic(node, x, inputs[1]!, y)
    case 'softmax':
      return softmax(x, y)
    case 'localResponseNorm':
      return localResponseNorm(node, x, y)
    case 'subtractiveNorm':
      return subtractiveNorm(node, x, y)
    case 'maxout':
      return maxout(node, x, y)
    case 'flatten': // only the shape changes
    case 'reshape':
    case 'dropout': // drops while training only
      return y.data.set(x.data)
    default:
      return activate(node, x, y, weight)
  }
}
