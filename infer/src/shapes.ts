// The shape of every value in a graph, and with it the proof that the graph holds together: names are
// unique, every input is defined before it is used, sizes fit, the preprocessing yields the input and
// the task's outputs exist. Everything that runs, trains or stores a graph starts here.

import { InferError } from './errors.js'
import { nodeInputs, type Conv2dNode, type Graph, type GraphNode, type Margins, type NaryNode, type Task, type UnaryNode, type WeightSpec } from './graph.js'
import { preprocessedShape } from './preprocess.js'
import { transposedPlaces, windowPlaces, type Windowed } from './windows.js'

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
    const inputs = nodeInputs(node).map((name) => {
      const input = shapes.get(name)
      if (input !== undefined) return input
      return fail(graph, place, `its input ${JSON.stringify(name)} is not defined before it; list the nodes in the order in which they run`, node)
    })
    const shape = shapeOf(node, inputs, (problem) => fail(graph, place, problem, node))
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
 * The shape that a node makes of its inputs', for who builds a graph node by node.
 * @throws InferError INFER_GRAPH_INVALID naming the node if it does not fit them.
 */
export function nodeShape(node: GraphNode, inputs: readonly (readonly number[])[]): readonly number[] {
  return shapeOf(node, inputs, (problem) => {
    throw new InferError('INFER_GRAPH_INVALID', `node ${JSON.stringify(node.name)}: ${problem}`, { node: node.name })
  })
}

/**
 * Every weight of the graph in node order: of a node, `kernel` then `bias`, or `gamma`, `beta`, `mean`,
 * `variance` (the last two are moving statistics, which no optimiser changes).
 * @throws InferError INFER_GRAPH_INVALID as {@link inferShapes}, or if there are too many weights.
 */
export function weightSpecs(graph: Graph): WeightSpec[] {
  const shapes = inferShapes(graph)
  const specs = graph.nodes.flatMap((node) => nodeWeights(node, shapes.get(nodeInputs(node)[0]!)!))
  const values = specs.reduce((sum, { shape }) => sum + countValues(shape), 0)
  if (!(values <= maxWeightValues)) fail(graph, 'weights', `${values} values exceed the ${maxWeightValues} that a graph may have`)
  return specs
}

/** How many values a tensor of this shape holds. */
export function countValues(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}

type Fail = (problem: string) => never

function shapeOf(node: GraphNode, inputs: readonly (readonly number[])[], fail: Fail): readonly number[] {
  return 'inputs' in node ? joinedShape(node, inputs, fail) : outputShape(node, inputs[0]!, fail)
}

function outputShape(node: UnaryNode, input: readonly number[], fail: Fail): readonly number[] {
  switch (node.op) {
    case 'conv2d':
      checkGroups(node, input, fail)
      return [...windowedSize(node, node.kernelSize, input, fail), node.filters]
    case 'convTranspose2d':
      return [...transposedSize(node, node.kernelSize, input, fail), requireCount('filters', node.filters, fail)]
    case 'maxPool2d':
    case 'averagePool2d':
      return [...windowedSize(node, node.poolSize, input, fail), input[2]!]
    case 'globalAveragePool2d':
    case 'globalMaxPool2d':
      requireImage(input, fail)
      return [input[2]!]
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
    case 'reshape':
      for (const size of node.shape) requireCount('size', size, fail)
      if (node.shape.length === 0 || countValues(node.shape) !== countValues(input)) fail(`expected a shape of the ${countValues(input)} values of ${show(input)}, found ${show(node.shape)}`)
      return node.shape
    case 'transpose': {
      const isPermutation = node.axes.length === input.length && input.every((_, axis) => node.axes.includes(axis))
      if (!isPermutation) fail(`expected axes that name each of 0 … ${input.length - 1} once, found [${node.axes.join(', ')}]`)
      return node.axes.map((axis) => input[axis]!)
    }
    case 'pad': {
      requireImage(input, fail)
      const { top, bottom, left, right } = requireMargins(node.margins, fail)
      if (!Number.isFinite(node.value)) fail(`expected a value that is a finite number, found ${node.value}`)
      return [input[0]! + top + bottom, input[1]! + left + right, input[2]!]
    }
    case 'resize':
      requireImage(input, fail)
      return [requireCount('height', node.height, fail), requireCount('width', node.width, fail), input[2]!]
    case 'maxout':
      if (input.at(-1)! % requireCount('pieces', node.pieces, fail) !== 0) fail(`expected channels in runs of ${node.pieces}, found ${input.at(-1)}`)
      return [...input.slice(0, -1), input.at(-1)! / node.pieces]
    case 'localResponseNorm':
      requireCount('size', node.size, fail)
      requireFinite(node, ['alpha', 'beta', 'bias'], fail)
      return input
    case 'subtractiveNorm':
      requireImage(input, fail)
      if (requireCount('size', node.size, fail) % 2 === 0) fail(`expected an odd size, which has a middle, found ${node.size}`)
      return input
    case 'clip':
      if (!(node.min <= node.max)) fail(`expected a min that is not above its max, found ${node.min} and ${node.max}`)
      return input
    case 'elu':
    case 'leakyRelu':
      requireFinite(node, ['alpha'], fail)
      return input
    case 'hardSigmoid':
      requireFinite(node, ['alpha', 'beta'], fail)
      return input
    case 'relu':
    case 'prelu':
    case 'sigmoid':
    case 'tanh':
    case 'swish':
    case 'hardSwish':
    case 'gelu':
    case 'softmax':
      return input
    default:
      return fail(`unknown op ${JSON.stringify((node satisfies never as { op: unknown }).op)}`)
  }
}

function joinedShape(node: NaryNode, inputs: readonly (readonly number[])[], fail: Fail): readonly number[] {
  const [first = [], ...others] = inputs
  if (node.op === 'concat') {
    const fits = inputs.every((shape) => shape.length === first.length && shape.slice(0, -1).every((size, axis) => size === first[axis]))
    if (inputs.length === 0 || !fits) fail(`expected values that are alike but for their last axis, found ${inputs.map(show).join(' and ') || 'none'}`)
    return [...first.slice(0, -1), inputs.reduce((sum, shape) => sum + shape.at(-1)!, 0)]
  }
  const [second = []] = others
  const fits = inputs.length === 2 && second.length === first.length && first.every((size, axis) => size === second[axis] || size === 1 || second[axis] === 1)
  if (!fits) fail(`expected two values of as many axes, each of one size or 1, found ${inputs.map(show).join(' and ')}`)
  return first.map((size, axis) => Math.max(size, second[axis]!))
}

function checkGroups({ groups = 1, filters }: Conv2dNode, input: readonly number[], fail: Fail): void {
  requireCount('filters', filters, fail)
  if (requireCount('groups', groups, fail) > 1 && (filters % groups !== 0 || input.at(-1)! % groups !== 0)) {
    fail(`expected channels and filters that ${groups} groups divide, found ${input.at(-1)} channels and ${filters} filters`)
  }
}

function windowedSize(node: Windowed, window: readonly [number, number], input: readonly number[], fail: Fail): [number, number] {
  checkWindow(node, window, input, fail)
  const rows = windowPlaces(input[0]!, window[0], node, 'vertical')
  const columns = windowPlaces(input[1]!, window[1], node, 'horizontal')
  if (rows.count < 1 || columns.count < 1) fail(`its ${window.join('x')} window does not fit into ${show(input)} with its padding`)
  return [rows.count, columns.count]
}

function transposedSize(node: Windowed, window: readonly [number, number], input: readonly number[], fail: Fail): [number, number] {
  checkWindow(node, window, input, fail)
  const size = [transposedPlaces(input[0]!, window[0], node, 'vertical').count, transposedPlaces(input[1]!, window[1], node, 'horizontal').count] as const
  if (size[0] < 1 || size[1] < 1) fail(`its margins leave nothing of its result`)
  return [...size]
}

function checkWindow({ strides, dilations = [1, 1], padding }: Windowed, window: readonly [number, number], input: readonly number[], fail: Fail): void {
  requireImage(input, fail)
  for (const axis of [0, 1] as const) {
    requireCount('window size', window[axis], fail)
    requireCount('stride', strides[axis], fail)
    requireCount('dilation', dilations[axis], fail)
  }
  if (typeof padding === 'object') requireMargins(padding, fail)
}

function nodeWeights(node: GraphNode, input: readonly number[]): WeightSpec[] {
  const weight = (part: string, shape: readonly number[], trainable = true): WeightSpec => ({ name: `${node.name}/${part}`, shape, trainable })
  const channels = input.at(-1)!
  switch (node.op) {
    case 'conv2d': {
      const kernel = weight('kernel', [...node.kernelSize, channels / (node.groups ?? 1), node.filters])
      return node.bias ? [kernel, weight('bias', [node.filters])] : [kernel]
    }
    case 'convTranspose2d': {
      const kernel = weight('kernel', [...node.kernelSize, node.filters, channels])
      return node.bias ? [kernel, weight('bias', [node.filters])] : [kernel]
    }
    case 'dense': {
      const kernel = weight('kernel', [channels, node.units])
      return node.bias ? [kernel, weight('bias', [node.units])] : [kernel]
    }
    case 'batchNorm':
      return [weight('gamma', [channels]), weight('beta', [channels]), weight('mean', [channels], false), weight('variance', [channels], false)]
    case 'prelu':
      return [weight('alpha', [channels])]
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
  if (task.kind === 'tensors') return []
  if (task.kind === 'class') return [{ output: task.output, size: task.classNames.length }]
  const length = { output: task.lengthOutput, size: task.digitOutputs.length + 2 } // 0 … maxLength, more
  return [length, ...task.digitOutputs.map((output) => ({ output, size: 11 }))] // 0-9, blank
}

function requireCount(what: string, value: number | undefined, fail: Fail): number {
  if (!(Number.isSafeInteger(value) && value! > 0)) fail(`expected its ${what} to be a whole number above 0, found ${value}`)
  return value!
}

function requireImage(shape: readonly number[], fail: Fail): void {
  if (shape.length !== 3) fail(`expected an input [height, width, channels], found ${show(shape)}`)
}

function requireMargins(margins: Margins, fail: Fail): Margins {
  const sides = [margins.top, margins.bottom, margins.left, margins.right]
  if (!sides.every((side) => Number.isSafeInteger(side) && side >= 0)) fail(`expected margins of whole numbers from 0, found ${JSON.stringify(margins)}`)
  return margins
}

function requireFinite<Field extends string>(node: Readonly<Record<Field, number>>, fields: readonly Field[], fail: Fail): void {
  for (const field of fields) if (!Number.isFinite(node[field])) fail(`expected its ${field} to be a finite number, found ${node[field]}`)
}

function show(shape: readonly (number | undefined)[]): string {
  return `[${shape.map((size) => size ?? 'any').join(', ')}]`
}

function fail(graph: Graph, place: string, problem: string, node?: GraphNode): never {
  throw new InferError('INFER_GRAPH_INVALID', `graph ${graph.name}: ${place}: ${problem}`, node === undefined ? {} : { node: node.name })
}
