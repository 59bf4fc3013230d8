// Runs a graph in plain TypeScript: one small function an operation, to be read in one sitting. It says
// what every faster runtime must compute, and is fast enough to serve a small network.
//
// Values are [height, width, channels] or [units] of one image; images run one after the other, so the
// values of a small network stay in the processor's cache. Sums are kept in float64 and rounded to
// float32 once, when stored: their error is far below that of any float32 runtime compared with them,
// and does not depend on the order of the terms. The innermost loops run over output channels, which
// lie side by side both in the kernel and in the sum. NaN and infinity go through as IEEE 754 has it.

import { InferError } from './errors.js'
import type { BatchNormNode, Conv2dNode, DenseNode, Graph, GraphNode, MaxPool2dNode, SliceNode } from './graph.js'
import { countValues, inferShapes, windowPlaces } from './shapes.js'
import { checkWeights, type Weights } from './weights.js'

/** A node's value for one image. */
interface Value {
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/** Looks up one of a node's weights by its last name. */
type NodeWeight = (part: string) => Float32Array

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
      runNode(node, values.get(node.input)!, values.get(node.name)!, (part) => weights.get(`${node.name}/${part}`)!)
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

function runNode(node: GraphNode, x: Value, y: Value, weight: NodeWeight): void {
  switch (node.op) {
    case 'conv2d':
      return conv2d(node, x, y, weight)
    case 'dense':
      return dense(node, x, y, weight)
    case 'batchNorm':
      return batchNorm(node, x, y, weight)
    case 'relu':
      return relu(x, y)
    case 'maxPool2d':
      return maxPool2d(node, x, y)
    case 'slice':
      return slice(node, x, y)
    case 'softmax':
      return softmax(x, y)
    case 'flatten': // only the shape changes
    case 'dropout': // drops while training only
      return y.data.set(x.data)
    default:
      node satisfies never
  }
}

/** y[oy, ox, f] = bias[f] + Σ x[oy·sv + ky − top, ox·sh + kx − left, c] · kernel[ky, kx, c, f], zero outside x. */
function conv2d(node: Conv2dNode, x: Value, y: Value, weight: NodeWeight): void {
  const [height, width, channels] = x.shape as [number, number, number]
  const [kernelHeight, kernelWidth] = node.kernelSize
  const { filters } = node
  const rows = windowPlaces(height, kernelHeight, node.strides[0], node.padding)
  const columns = windowPlaces(width, kernelWidth, node.strides[1], node.padding)
  const kernel = weight('kernel')
  const bias = node.bias ? weight('bias') : new Float32Array(filters)
  const sums = new Float64Array(filters)
  for (let oy = 0, out = 0; oy < rows.count; oy++) {
    const top = oy * node.strides[0] - rows.padBefore
    for (let ox = 0; ox < columns.count; ox++, out += filters) {
      const left = ox * node.strides[1] - columns.padBefore
      const firstX = Math.max(left, 0)
      const lastX = Math.min(left + kernelWidth, width)
      sums.set(bias)
      for (let iy = Math.max(top, 0); iy < Math.min(top + kernelHeight, height); iy++) {
        // A run of pixels in a row of x meets a run of the same length in a row of the kernel.
        const xStart = (iy * width + firstX) * channels
        const kernelStart = ((iy - top) * kernelWidth + (firstX - left)) * channels * filters
        addProducts(sums, x.data, xStart, (lastX - firstX) * channels, kernel, kernelStart)
      }
      y.data.set(sums, out)
    }
  }
}

/** y[u] = bias[u] + Σ x[i] · kernel[i, u]. */
function dense(node: DenseNode, x: Value, y: Value, weight: NodeWeight): void {
  const sums = new Float64Array(node.units)
  if (node.bias) sums.set(weight('bias'))
  addProducts(sums, x.data, 0, x.data.length, weight('kernel'), 0)
  y.data.set(sums)
}

/**
 * sums[j] += Σ x[xStart + i] · matrix[matrixStart + i · sums.length + j] over i < count: where the time
 * goes. Four rows at once, because then a sum is loaded and stored once for four products (1.8x as fast).
 */
function addProducts(sums: Float64Array, x: Float32Array, xStart: number, count: number, matrix: Float32Array, matrixStart: number): void {
  const width = sums.length
  let i = 0
  let row = matrixStart
  for (; i + 4 <= count; i += 4, row += 4 * width) {
    const [a, b, c, d] = [x[xStart + i]!, x[xStart + i + 1]!, x[xStart + i + 2]!, x[xStart + i + 3]!]
    for (let j = row; j < row + width; j++) {
      sums[j - row]! += a * matrix[j]! + b * matrix[j + width]! + c * matrix[j + 2 * width]! + d * matrix[j + 3 * width]!
    }
  }
  for (; i < count; i++, row += width) {
    for (let j = 0; j < width; j++) sums[j]! += x[xStart + i]! * matrix[row + j]!
  }
}

/** y = gamma · (x − mean) / √(variance + epsilon) + beta, by channel. */
function batchNorm(node: BatchNormNode, x: Value, y: Value, weight: NodeWeight): void {
  const [gamma, beta, mean, variance] = ['gamma', 'beta', 'mean', 'variance'].map(weight) as [Float32Array, Float32Array, Float32Array, Float32Array]
  const channels = gamma.length
  for (let channel = 0; channel < channels; channel++) {
    const scale = gamma[channel]! / Math.sqrt(variance[channel]! + node.epsilon)
    const centre = mean[channel]!
    const shift = beta[channel]!
    for (let i = channel; i < x.data.length; i += channels) y.data[i] = scale * (x.data[i]! - centre) + shift
  }
}

function relu(x: Value, y: Value): void {
  for (let i = 0; i < x.data.length; i++) y.data[i] = Math.max(x.data[i]!, 0)
}

/** The largest value of each window, by channel; only places inside x take part. */
function maxPool2d(node: MaxPool2dNode, x: Value, y: Value): void {
  const [height, width, channels] = x.shape as [number, number, number]
  const rows = windowPlaces(height, node.poolSize[0], node.strides[0], node.padding)
  const columns = windowPlaces(width, node.poolSize[1], node.strides[1], node.padding)
  y.data.fill(-Infinity)
  for (let oy = 0, out = 0; oy < rows.count; oy++) {
    const top = oy * node.strides[0] - rows.padBefore
    for (let ox = 0; ox < columns.count; ox++, out += channels) {
      const left = ox * node.strides[1] - columns.padBefore
      for (let iy = Math.max(top, 0); iy < Math.min(top + node.poolSize[0], height); iy++) {
        for (let ix = Math.max(left, 0); ix < Math.min(left + node.poolSize[1], width); ix++) {
          const at = (iy * width + ix) * channels
          for (let c = 0; c < channels; c++) y.data[out + c] = Math.max(y.data[out + c]!, x.data[at + c]!)
        }
      }
    }
  }
}

function slice(node: SliceNode, x: Value, y: Value): void {
  const length = x.shape.at(-1)!
  for (let from = node.begin, to = 0; to < y.data.length; from += length, to += node.size) {
    y.data.set(x.data.subarray(from, from + node.size), to)
  }
}

/** exp(x − max) / Σ exp(x − max) over the last axis; without the maximum, exp overflows from 89 on. */
function softmax(x: Value, y: Value): void {
  const length = x.shape.at(-1)!
  for (let start = 0; start < x.data.length; start += length) {
    let max = -Infinity
    for (let i = start; i < start + length; i++) max = Math.max(max, x.data[i]!)
    let sum = 0
    for (let i = start; i < start + length; i++) sum += Math.exp(x.data[i]! - max)
    for (let i = start; i < start + length; i++) y.data[i] = Math.exp(x.data[i]! - max) / sum
  }
}
