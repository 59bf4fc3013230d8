// Each node of a graph as a forward function and a backward function on tensors. Training mode keeps
// what the backward pass needs. Kernels are called by their tfjs names, so that any backend that has
// them can train; the embedded engine registers its own.

import * as tf from '@tensorflow/tfjs-core'
import type { BatchNormNode, Conv2dNode, DenseNode, DropoutNode, Graph, GraphNode, MaxPool2dNode, Padding, SliceNode, UnaryNode } from '@millrace/infer'
import { TrainError } from '../errors.js'
import { createRandom } from '../random.js'
import type { StepKey } from './engine.js'

/** The weights of one node by their short names: `kernel`, `bias`, `gamma` … */
export type NodeWeights = Readonly<Record<string, tf.Tensor>>

/** What this engine has a backward function for. */
export type TrainableNode =
  | Extract<UnaryNode, { readonly op: 'dense' | 'batchNorm' | 'relu' | 'flatten' | 'dropout' | 'slice' | 'softmax' }>
  | WithPlainPadding<Conv2dNode>
  | WithPlainPadding<MaxPool2dNode>

/** tfjs' kernels know these two. */
type WithPlainPadding<Node extends { readonly padding: Padding }> = Node & { readonly padding: 'same' | 'valid' }

const trainableOps: readonly GraphNode['op'][] = ['conv2d', 'dense', 'batchNorm', 'relu', 'maxPool2d', 'flatten', 'dropout', 'slice', 'softmax']

/**
 * The nodes of a graph that can be trained.
 * @throws TrainError TRAIN_OPERATION naming the first node that cannot
 */
export function trainableNodes({ name, nodes }: Graph): readonly TrainableNode[] {
  return nodes.map((node) => {
    const problem = !trainableOps.includes(node.op) ? `operation ${node.op}`
      : 'padding' in node && typeof node.padding === 'object' ? 'margins of its own'
      : 'groups' in node && node.groups !== 1 ? 'groups'
      : 'dilations' in node && node.dilations.some((dilation) => dilation !== 1) ? 'dilations'
      : undefined
    if (problem === undefined) return node as TrainableNode
    throw new TrainError('TRAIN_OPERATION', `network ${name}: node ${node.name}: expected an operation that can be trained, found ${problem}; such a network can be served, not trained`)
  })
}

/** A node that has run in training mode. */
export interface NodeRun {
  readonly y: tf.Tensor
  /** Values of this batch for the node's moving statistics, by short name. */
  readonly statistics?: NodeWeights
  /**
   * From d(loss)/dy to d(loss)/dx and to the gradients of the weights. `needsInput` false (the first
   * layer) saves the work for dx.
   */
  readonly backward: (dy: tf.Tensor, needsInput: boolean) => { dx?: tf.Tensor; weights?: NodeWeights }
}

/**
 * Runs a node as training does: batch statistics, dropout. `layer` is the node's place in the graph;
 * `rectify` takes the relu that follows a batch norm along.
 */
export function trainNode(node: TrainableNode, x: tf.Tensor, weights: NodeWeights, key: StepKey, layer: number, rectify = false): NodeRun {
  switch (node.op) {
    case 'conv2d': return trainConvolution(node, x, weights)
    case 'dense': return trainDense(node, x, weights)
    case 'batchNorm': return trainBatchNorm(node, x, weights, rectify)
    case 'relu': return trainRelu(x)
    case 'maxPool2d': return trainMaxPool(node, x)
    case 'flatten': return trainFlatten(x)
    case 'dropout': return trainDropout(node, x, key, layer)
    case 'slice': return trainSlice(node, x)
    case 'softmax': return trainSoftmax(x)
  }
}

/** Runs a node as inference does. */
export function inferNode(node: TrainableNode, x: tf.Tensor, weights: NodeWeights): tf.Tensor {
  switch (node.op) {
    case 'batchNorm': return tf.batchNorm(x, weights['mean'] as tf.Tensor1D, weights['variance'] as tf.Tensor1D, weights['beta'] as tf.Tensor1D, weights['gamma'] as tf.Tensor1D, node.epsilon)
    case 'dropout': return x
    default: return trainNode(node, x, weights, { seed: 0, step: 0, replica: 0 }, 0).y
  }
}

function trainConvolution({ strides, padding, bias }: WithPlainPadding<Conv2dNode>, x: tf.Tensor, weights: NodeWeights): NodeRun {
  const filter = weights['kernel'] as tf.Tensor4D
  const attributes = { strides: [...strides], pad: padding, dataFormat: 'NHWC', dilations: 1 }
  const product = runKernel('Conv2D', { x, filter }, attributes)
  return {
    y: bias ? tf.add(product, weights['bias']!) : product,
    backward: (dy, needsInput) => ({
      weights: {
        kernel: runKernel('Conv2DBackpropFilter', { x, dy }, { ...attributes, filterShape: filter.shape }),
        ...(bias && { bias: tf.sum(dy, [0, 1, 2]) }),
      },
      ...(needsInput && { dx: runKernel('Conv2DBackpropInput', { dy, filter }, { ...attributes, inputShape: x.shape }) }),
    }),
  }
}

function trainDense({ bias }: DenseNode, x: tf.Tensor, weights: NodeWeights): NodeRun {
  const kernel = weights['kernel']!
  const product = multiply(x, kernel, false, false)
  return {
    y: bias ? tf.add(product, weights['bias']!) : product,
    backward: (dy, needsInput) => ({
      weights: { kernel: multiply(x, dy, true, false), ...(bias && { bias: tf.sum(dy, 0) }) },
      ...(needsInput && { dx: multiply(dy, kernel, false, true) }),
    }),
  }
}

function trainBatchNorm({ epsilon }: BatchNormNode, x: tf.Tensor, weights: NodeWeights, rectify: boolean): NodeRun {
  const gamma = weights['gamma']!
  const [y, mean, variance] = runKernels('BatchNormTraining', { x, gamma, beta: weights['beta']! }, { epsilon, rectify }) as [tf.Tensor, tf.Tensor, tf.Tensor]
  return {
    y,
    statistics: { mean, variance },
    backward: (dy) => {
      const [dx, dgamma, dbeta] = runKernels('BatchNormTrainingGrad', { dy, x, y, gamma, mean, variance }, { epsilon, rectify }) as [tf.Tensor, tf.Tensor, tf.Tensor]
      return { dx, weights: { gamma: dgamma, beta: dbeta } }
    },
  }
}

function trainRelu(x: tf.Tensor): NodeRun {
  const y = tf.relu(x)
  return { y, backward: (dy) => ({ dx: runKernel('ReluGrad', { dy, y }) }) }
}

function trainMaxPool({ poolSize, strides, padding }: WithPlainPadding<MaxPool2dNode>, x: tf.Tensor): NodeRun {
  const attributes = { filterSize: [...poolSize], strides: [...strides], pad: padding }
  const y = runKernel('MaxPool', { x }, attributes)
  return { y, backward: (dy) => ({ dx: runKernel('MaxPoolGrad', { dy, input: x, output: y }, attributes) }) }
}

function trainFlatten(x: tf.Tensor): NodeRun {
  return { y: tf.reshape(x, [x.shape[0]!, -1]), backward: (dy) => ({ dx: tf.reshape(dy, x.shape) }) }
}

/** The mask depends on (seed, step, layer, replica) alone, so that a resumed run draws the same. */
function trainDropout({ rate }: DropoutNode, x: tf.Tensor, { seed, step, replica }: StepKey, layer: number): NodeRun {
  const random = createRandom(seed, step, layer, replica)
  const mask = tf.tensor(Float32Array.from({ length: x.size }, () => (random() < rate ? 0 : 1 / (1 - rate))), x.shape)
  return { y: tf.mul(x, mask), backward: (dy) => ({ dx: tf.mul(dy, mask) }) }
}

function trainSlice({ begin, size }: SliceNode, x: tf.Tensor): NodeRun {
  const width = x.shape.at(-1)!
  const others = new Array<number>(x.rank - 1).fill(0)
  const y = tf.slice(x, [...others, begin], [...x.shape.slice(0, -1), size])
  const padding = [...others.map((): [number, number] => [0, 0]), [begin, width - begin - size] as [number, number]]
  return { y, backward: (dy) => ({ dx: tf.pad(dy, padding) }) }
}

/** dx = y · (dy − Σ dy·y), the sum over the last axis. */
function trainSoftmax(x: tf.Tensor): NodeRun {
  const y = tf.softmax(x)
  const backward = (dy: tf.Tensor): { dx: tf.Tensor } => ({ dx: tf.mul(y, tf.sub(dy, tf.sum(tf.mul(dy, y), -1, true))) })
  return { y, backward }
}

function multiply(a: tf.Tensor, b: tf.Tensor, transposeA: boolean, transposeB: boolean): tf.Tensor {
  return runKernel('BatchMatMul', { a, b }, { transposeA, transposeB })
}

function runKernel(name: string, inputs: tf.NamedTensorMap, attributes: Record<string, unknown> = {}): tf.Tensor {
  return tf.engine().runKernel(name, inputs, attributes as never) as tf.Tensor
}

function runKernels(name: string, inputs: tf.NamedTensorMap, attributes: Record<string, unknown>): tf.Tensor[] {
  return tf.engine().runKernel(name, inputs, attributes as never) as tf.Tensor[]
}
