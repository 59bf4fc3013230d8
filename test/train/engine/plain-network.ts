// A graph in training mode in float64, node by node with the plain layers, and small graphs that have
// every kind of node in every place where the engine treats it differently.

import type { Graph, GraphNode } from '@millrace/infer'
import { trainableNodes, type TrainableNode } from '../../../../train/dist/engine/operations.js'
import { createRandom } from '@millrace/train/random'
import type { StepKey } from '../../../../train/dist/engine/engine.js'
import { layoutWeights } from '../../../../train/dist/engine/parameters.js'
import { classGraph } from '../../infer/networks.js'
import { batchNorm, convolution, maxPool, product, relu, type Values } from './plain-layers.js'

export interface PlainRun {
  /** Mean loss of each head, in the order of the task. */
  readonly losses: number[]
  /** The batch's means and variances, laid out as the statistics. */
  readonly statistics: Float64Array
}

/** `trained` is laid out as the trained weights. */
export function runPlain(graph: Graph, trained: Float64Array, images: Values, labels: ArrayLike<number>, key: StepKey): PlainRun {
  const layout = layoutWeights(graph)
  const statistics = new Float64Array(layout.statisticsSize)
  const values = new Map<string, Values>([[graph.input.name, images]])
  for (const [layer, node] of trainableNodes(graph).entries()) {
    const weight = (part: string): Values => {
      const { begin, size, shape } = layout.weights.find(({ name }) => name === `${node.name}/${part}`)!
      return { shape, data: trained.subarray(begin, begin + size) }
    }
    const keep = (part: string, { data }: Values): void => statistics.set(data, layout.weights.find(({ name }) => name === `${node.name}/${part}`)!.begin)
    values.set(node.name, trainNode(node, values.get(node.input)!, weight, keep, key, layer))
  }
  const { task } = graph
  if (task.kind === 'tensors') throw new Error('expected a task that can be trained')
  const outputs = task.kind === 'class' ? [task.output] : [task.lengthOutput, ...task.digitOutputs]
  const width = task.kind === 'class' ? 1 : outputs.length
  return { losses: outputs.map((output, head) => meanLoss(values.get(output)!, (image) => trueClass(labels, image * width, head, task.kind))), statistics }
}

function trainNode(node: TrainableNode, x: Values, weight: (part: string) => Values, keep: (part: string, values: Values) => void, key: StepKey, layer: number): Values {
  const [count] = x.shape as [number]
  switch (node.op) {
    case 'conv2d': return withBias(convolution(x, weight('kernel'), node.strides, node.padding), node.bias ? weight('bias') : undefined)
    case 'dense': return withBias(product(x, weight('kernel')), node.bias ? weight('bias') : undefined)
    case 'batchNorm': {
      const { y, mean, variance } = batchNorm(x, weight('gamma'), weight('beta'), node.epsilon)
      keep('mean', mean)
      keep('variance', variance)
      return y
    }
    case 'relu': return relu(x)
    case 'maxPool2d': return maxPool(x, node.poolSize, node.strides, node.padding).y
    case 'flatten': return { shape: [count, x.data.length / count], data: x.data }
    case 'dropout': {
      const random = createRandom(key.seed, key.step, layer, key.replica)
      return { shape: x.shape, data: x.data.map((value) => (random() < node.rate ? 0 : value / (1 - node.rate))) }
    }
    case 'slice': {
      const width = x.shape.at(-1)!
      return { shape: [...x.shape.slice(0, -1), node.size], data: x.data.filter((_, index) => index % width >= node.begin && index % width < node.begin + node.size) }
    }
    case 'softmax': {
      const width = x.shape.at(-1)!
      return { shape: x.shape, data: x.data.map((value, index) => 1 / x.data.subarray(index - (index % width), index - (index % width) + width).reduce((sum, other) => sum + Math.exp(other - value), 0)) }
    }
  }
}

function withBias(x: Values, bias: Values | undefined): Values {
  return bias ? { shape: x.shape, data: x.data.map((value, index) => value + bias.data[index % bias.data.length]!) } : x
}

function meanLoss({ shape, data }: Values, truth: (image: number) => number | undefined): number {
  const [count, classes] = shape as [number, number]
  let sum = 0
  for (let image = 0; image < count; image++) {
    const label = truth(image)
    if (label !== undefined) sum -= Math.log(data[image * classes + label]!)
  }
  return sum / count
}

function trueClass(labels: ArrayLike<number>, row: number, head: number, kind: 'digits' | 'class'): number | undefined {
  if (kind === 'class' || head === 0) return labels[row]
  return head <= labels[row]! ? labels[row + head] : undefined
}

/**
 * Two digits from 7x8 pixels of 2 channels: convolutions with and without a bias, one with strides;
 * batch norms with a relu after them, with another reader too, and of a dense layer; a relu after a
 * convolution; heads on different branches; a softmax that a layer reads.
 */
export function branchedGraph(dropout = 0.25): Graph {
  const nodes: GraphNode[] = [
    { op: 'conv2d', name: 'conv1', input: 'image', filters: 4, kernelSize: [3, 3], strides: [1, 1], padding: 'same', bias: false },
    { op: 'batchNorm', name: 'norm1', input: 'conv1', epsilon: 1e-3 },
    { op: 'relu', name: 'relu1', input: 'norm1' },
    { op: 'maxPool2d', name: 'pool1', input: 'relu1', poolSize: [2, 2], strides: [2, 2], padding: 'same' },
    { op: 'conv2d', name: 'conv2', input: 'pool1', filters: 5, kernelSize: [3, 2], strides: [1, 2], padding: 'valid', bias: true },
    { op: 'relu', name: 'relu2', input: 'conv2' },
    { op: 'batchNorm', name: 'norm2', input: 'relu2', epsilon: 1e-2 },
    { op: 'relu', name: 'relu3', input: 'norm2' },
    { op: 'flatten', name: 'flatten1', input: 'relu3' },
    { op: 'dropout', name: 'dropout', input: 'flatten1', rate: dropout },
    { op: 'dense', name: 'dense', input: 'dropout', units: 8, bias: false },
    { op: 'batchNorm', name: 'norm3', input: 'dense', epsilon: 1e-3 },
    { op: 'relu', name: 'relu4', input: 'norm3' },
    { op: 'dense', name: 'heads', input: 'relu4', units: 15, bias: true },
    { op: 'slice', name: 'length-logits', input: 'heads', begin: 0, size: 4 },
    { op: 'softmax', name: 'length', input: 'length-logits' },
    { op: 'slice', name: 'digit1-logits', input: 'heads', begin: 4, size: 11 },
    { op: 'softmax', name: 'digit1', input: 'digit1-logits' },
    { op: 'softmax', name: 'weights', input: 'norm2' },
    { op: 'flatten', name: 'flatten2', input: 'weights' },
    { op: 'dense', name: 'digit2-logits', input: 'flatten2', units: 11, bias: true },
    { op: 'softmax', name: 'digit2', input: 'digit2-logits' },
  ]
  return {
    ...classGraph([7, 8, 2], nodes, 1),
    name: 'branched',
    outputs: ['length', 'digit1', 'digit2'],
    task: { kind: 'digits', lengthOutput: 'length', digitOutputs: ['digit1', 'digit2'] },
  }
}

/** Three classes: nothing to train before the first convolution, overlapping pools, a slice of channels, and dropout between convolutions. */
export function plainGraph(): Graph {
  return classGraph([9, 9, 3], [
    { op: 'maxPool2d', name: 'pool1', input: 'image', poolSize: [2, 2], strides: [1, 1], padding: 'same' },
    { op: 'conv2d', name: 'conv1', input: 'pool1', filters: 8, kernelSize: [2, 2], strides: [2, 2], padding: 'same', bias: true },
    { op: 'maxPool2d', name: 'pool2', input: 'conv1', poolSize: [3, 3], strides: [1, 1], padding: 'same' },
    { op: 'dropout', name: 'dropout', input: 'pool2', rate: 0.5 },
    { op: 'slice', name: 'slice', input: 'dropout', begin: 2, size: 4 },
    { op: 'conv2d', name: 'conv2', input: 'slice', filters: 3, kernelSize: [5, 5], strides: [3, 3], padding: 'same', bias: false },
    { op: 'flatten', name: 'flatten', input: 'conv2' },
    { op: 'dense', name: 'logits', input: 'flatten', units: 3, bias: true },
    { op: 'softmax', name: 'answer', input: 'logits' },
  ], 3)
}
