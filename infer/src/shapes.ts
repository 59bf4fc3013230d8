// The shape of every value in a graph, and with it the proof that the graph holds together: names are
// unique, every input is defined before it is used, sizes fit, the preprocessing yields the input and
// the task's outputs exist. Everything that runs, trains or stores a graph starts here.

import { InferError } from './errors.js'
import type { Conv2dNode, Graph, GraphNode, MaxPool2dNode, Padding, Task, WeightSpec } from './graph.js'
import { preprocessedShape } from './preprocess.js'

/** Most values that all nodes together may hold for one image: 1 GiB of float32. */
export const maxActivationValues = 2 ** 28
/** Most weights of one graph: 1 GiB of float32, almost twice VGG16. */
export const maxWeightValues = 2 ** 28

/**
 * Input or node name → shape without the batch dimension, in graph order.
 * @throws InferError INFER_GRAPH_INVALID naming the node that does not fit, with what was expected.
 */
export function inferShapes(graph: Graph): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>()
  if (graph.input.shape.length !== 3) fail(graph, 'input', `expected a shape [height, width, channels], found [${graph.input.shape.join(', ')}]`)
  for (const size of graph.input.shape) requireCount('size', size, (problem) => fail(graph, 'input', problem))
  shapes.set(graph.input.name, graph.input.shape)
  let values = countValues(graph.input.shape)
  for (const node of graph.nodes) {
    const place = `node ${JSON.stringify(node.name)}`
    if (shapes.has(node.name)) fail(graph, place, 'this name is used twice; give every node its own', node)
    const input = shapes.get(node.input)
    if (input === undefined) {
      fail(graph, place, `its input ${JSON.stringify(node.input)} is not defined before it; list the nodes in the order in which they run`, node)
    }
    const shape = outputShape(node, input, (problem) => fail(graph, place, problem, node))
    values += countValues(shape)
    if (!(values <= maxActivationValues)) fail(graph, place, `the values up to here exceed ${maxActivationValues} an image`, node)
    shapes.set(node.name, shape)
  }
  checkOutputs(graph, shapes)
  checkPreprocessing(graph)
  checkTask(graph, shapes)
  return shapes
}

/**
 * Every weight of the graph in node order: of a node, `kernel` then `bias`, or `gamma`, `beta`, `mean`,
 * `variance` (the last two are moving statistics, which no optimiser changes).
 * @throws InferError INFER_GRAPH_INVALID as {@link inferShapes}, or if there are too many weights.
 */
export function weightSpecs(graph: Graph): WeightSpec[] {
  const shapes = inferShapes(graph)
  const specs = graph.nodes.flatMap((node) => nodeWeights(node, shapes.get(node.input)!))
  const values = specs.reduce((sum, { shape }) => sum + countValues(shape), 0)
  if (!(values <= maxWeightValues)) fail(graph, 'weights', `${values} values exceed the ${maxWeightValues} that a graph may have`)
  return specs
}

/** How many values a tensor of this shape holds. */
export function countValues(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

/**
 * Where the windows of a convolution or pool lie along one axis: how many there are, and how far the
 * first begins before the image. 'same' gives out = ceil(in / stride) and puts the odd extra place at
 * the end; 'valid' gives out = floor((in − window) / stride) + 1, which is below 1 where none fits.
 */
export function windowPlaces(size: number, window: number, stride: number, padding: Padding): { count: number; padBefore: number } {
  if (padding === 'valid') return { count: Math.floor((size - window) / stride) + 1, padBefore: 0 }
  const count = Math.ceil(size / stride)
  const padTotal = Math.max((count - 1) * stride + window - size, 0)
  return { count, padBefore: Math.floor(padTotal / 2) }
}

type Fail = (problem: string) => never

function outputShape(node: GraphNode, input: readonly number[], fail: Fail): readonly number[] {
  switch (node.op) {
    case 'conv2d':
      return [...windowedSize(node, node.kernelSize, input, fail), requireCount('filters', node.filters, fail)]
    case 'maxPool2d':
      return [...windowedSize(node, node.poolSize, input, fail), input[2]!]
    case 'dense':
      if (input.length !== 1) fail(`expected an input [units], found ${show(input)}; put a flatten node before it`)
      return [requireCount('units', node.units, fail)]
    case 'batchNorm':
      if (!(node.epsilon >= 0 && node.epsilon < Infinity)) fail(`expected an epsilon of 0 or more, found ${node.epsilon}`)
      return input
    case 'dropout':
      if (!(node.rate >= 0 && node.rate < 1)) fail(`expected a rate in [0, 1), found ${node.rate}`)
      return input
    case 'slice': {
      const length = input.at(-1)!
      if (!(Number.isInteger(node.begin) && node.begin >= 0 && node.begin + requireCount('size', node.size, fail) <= length)) {
        fail(`expected begin and size within the ${length} values of its input's last axis, found begin ${node.begin}, size ${node.size}`)
      }
      return [...input.slice(0, -1), node.size]
    }
    case 'flatten':
      return [countValues(input)]
    case 'relu':
    case 'softmax':
      return input
    default:
      return fail(`unknown op ${JSON.stringify((node satisfies never as { op: unknown }).op)}`)
  }
}

function windowedSize(node: Conv2dNode | MaxPool2dNode, window: readonly [number, number], input: readonly number[], fail: Fail): [number, number] {
  if (input.length !== 3) fail(`expected an input [height, width, channels], found ${show(input)}`)
  const sizes = [0, 1].map((axis) => {
    requireCount('window size', window[axis], fail)
    requireCount('stride', node.strides[axis], fail)
    const { count } = windowPlaces(input[axis]!, window[axis]!, node.strides[axis]!, node.padding)
    if (count < 1) fail(`its ${window.join('x')} window does not fit into ${show(input)} without padding`)
    return count
  })
  return sizes as [number, number]
}

function nodeWeights(node: GraphNode, input: readonly number[]): WeightSpec[] {
  const weight = (part: string, shape: readonly number[], trainable = true): WeightSpec => ({ name: `${node.name}/${part}`, shape, trainable })
  const channels = input.at(-1)!
  switch (node.op) {
    case 'conv2d': {
      const kernel = weight('kernel', [...node.kernelSize, channels, node.filters])
      return node.bias ? [kernel, weight('bias', [node.filters])] : [kernel]
    }
    case 'dense': {
      const kernel = weight('kernel', [channels, node.units])
      return node.bias ? [kernel, weight('bias', [node.units])] : [kernel]
    }
    case 'batchNorm':
      return [weight('gamma', [channels]), weight('beta', [channels]), weight('mean', [channels], false), weight('variance', [channels], false)]
    default:
      return []
  }
}

function checkOutputs(graph: Graph, shapes: ReadonlyMap<string, readonly number[]>): void {
  if (graph.outputs.length === 0) fail(graph, 'outputs', 'expected at least one, found none')
  if (new Set(graph.outputs).size !== graph.outputs.length) fail(graph, 'outputs', 'one is listed twice')
  for (const name of graph.outputs) {
    if (!shapes.has(name)) fail(graph, 'outputs', `there is no node ${JSON.stringify(name)}`)
  }
}

/** An empty list fits every input: such a graph takes tensors, or images of exactly its input's shape. */
function checkPreprocessing(graph: Graph): void {
  const made = preprocessedShape(graph.preprocessing, (problem) => fail(graph, 'preprocessing', problem))
  const fits = graph.preprocessing.length === 0 || made.every((size, axis) => size === undefined || size === graph.input.shape[axis])
  if (!fits) fail(graph, 'preprocessing', `expected it to make the input's ${show(graph.input.shape)}, found ${show(made)}`)
}

/** Goodfellow et al. 2014, section 4: the heads are probabilities, so they must come from a softmax. */
function checkTask(graph: Graph, shapes: ReadonlyMap<string, readonly number[]>): void {
  for (const { output, size } of taskHeads(graph.task)) {
    const place = `task output ${JSON.stringify(output)}`
    if (!graph.outputs.includes(output)) fail(graph, place, `expected one of the outputs ${graph.outputs.join(', ')}`)
    const shape = shapes.get(output)!
    if (shape.length !== 1 || shape[0] !== size) fail(graph, place, `expected ${show([size])}, found ${show(shape)}`)
    const op = graph.nodes.find((node) => node.name === output)?.op
    if (op !== 'softmax') fail(graph, place, `expected probabilities from a softmax node, found ${op ?? 'the input'}`)
  }
  if (graph.task.kind === 'digits' && graph.task.digitOutputs.length === 0) fail(graph, 'task', 'expected at least one digit output, found none')
}

function taskHeads(task: Task): { output: string; size: number }[] {
  if (task.kind === 'class') return [{ output: task.output, size: task.classNames.length }]
  const length = { output: task.lengthOutput, size: task.digitOutputs.length + 2 } // 0 … maxLength, more
  return [length, ...task.digitOutputs.map((output) => ({ output, size: 11 }))] // 0-9, blank
}

function requireCount(what: string, value: number | undefined, fail: Fail): number {
  if (!(Number.isSafeInteger(value) && value! > 0)) fail(`expected its ${what} to be a whole number above 0, found ${value}`)
  return value!
}

function show(shape: readonly (number | undefined)[]): string {
  return `[${shape.map((size) => size ?? 'any').join(', ')}]`
}

function fail(graph: Graph, place: string, problem: string, node?: GraphNode): never {
  throw new InferError('INFER_GRAPH_INVALID', `graph ${graph.name}: ${place}: ${problem}`, node === undefined ? {} : { node: node.name })
}
