// A graph made runnable on a tfjs backend. Training: nodes forward, then the objective's gradient back
// through them in reverse; where several nodes read one value, its gradients add up.

import * as tf from '@tensorflow/tfjs-core'
import { inferShapes, type Graph } from '@millrace/infer'
import type { Batch, Gradients, Program, StepKey } from './engine.js'
import { crossEntropy, objectiveOf } from './objective.js'
import { inferNode, trainableNodes, trainNode, type NodeRun, type NodeWeights, type TrainableNode } from './operations.js'
import { layoutWeights, viewWeight, type NetworkState, type WeightPlace } from './parameters.js'

export function createTensorProgram(graph: Graph): Program {
  const objective = objectiveOf(graph, inferShapes(graph))
  const nodes = trainableNodes(graph)
  const placesOf = placesByNode(graph)
  const logitsNames = objective.heads.map(({ output }) => logitsOf(nodes, output))
  const firstTrained = nodes.findIndex(({ name }) => placesOf.get(name)!.some(({ trainable }) => trainable))
  const fusedRelu = findFusedRelus(nodes)
  const unread = findUnreadSoftmaxes(nodes)

  const loadWeights = (state: NetworkState): Map<string, NodeWeights> =>
    new Map([...placesOf].map(([node, places]) => [node, Object.fromEntries(places.map((place) =>
      [shortName(place), tf.tensor(viewWeight(place, state), [...place.shape])]))]))

  const step = (state: NetworkState, batch: Batch, key: StepKey, gradients: Gradients): Float64Array => {
    const weights = loadWeights(state)
    const runs = new Map<string, NodeRun>()
    const values = new Map<string, tf.Tensor>([[graph.input.name, imageTensor(graph, batch.images, batch.count)]])
    for (const [layer, node] of nodes.entries()) {
      if (unread.has(node.name) || runs.has(node.name)) continue
      const fused = fusedRelu.get(node.name)
      const run = trainNode(node, values.get(node.input)!, weights.get(node.name)!, key, layer, fused !== undefined)
      runs.set(node.name, run)
      values.set(fused ?? node.name, run.y)
      if (fused !== undefined) runs.set(fused, { y: run.y, backward: (dy) => ({ dx: dy }) })
      if (run.statistics) store(run.statistics, placesOf.get(node.name)!, gradients)
    }

    const losses = new Float64Array(objective.heads.length)
    const pending = new Map<string, tf.Tensor>()
    for (const [index, head] of objective.heads.entries()) {
      const logits = values.get(logitsNames[index]!)!
      const gradient = new Float32Array(logits.size)
      losses[index] = crossEntropy(head, logits.dataSync<'float32'>(), batch.labels, objective.labelWidth, gradient)
      addGradient(pending, logitsNames[index]!, tf.tensor(gradient, logits.shape))
    }
    for (let layer = nodes.length - 1; layer >= 0; layer--) {
      const node = nodes[layer]!
      const dy = pending.get(node.name)
      if (dy === undefined) continue
      const { dx, weights: weightGradients } = runs.get(node.name)!.backward(dy, layer > firstTrained)
      if (weightGradients) store(weightGradients, placesOf.get(node.name)!, gradients)
      if (dx && layer > firstTrained) addGradient(pending, node.input, dx)
    }
    return losses
  }

  const run = (state: NetworkState, images: Float32Array, count: number): Map<string, Float32Array> => {
    const weights = loadWeights(state)
    const values = new Map<string, tf.Tensor>([[graph.input.name, imageTensor(graph, images, count)]])
    for (const node of nodes) values.set(node.name, inferNode(node, values.get(node.input)!, weights.get(node.name)!))
    return new Map(graph.outputs.map((name) => [name, Float32Array.from(values.get(name)!.dataSync<'float32'>())]))
  }

  return {
    step: (...parameters) => scoped(() => step(...parameters)),
    run: (...parameters) => scoped(() => run(...parameters)),
  }
}

/** Frees every tensor made inside. */
function scoped<T>(work: () => T): T {
  tf.engine().startScope()
  try {
    return work()
  } finally {
    tf.engine().endScope()
  }
}

function imageTensor({ input }: Graph, images: Float32Array, count: number): tf.Tensor {
  const size = input.shape.reduce((product, side) => product * side, 1)
  return tf.tensor(images.subarray(0, count * size), [count, ...input.shape])
}

function addGradient(pending: Map<string, tf.Tensor>, name: string, gradient: tf.Tensor): void {
  const sum = pending.get(name)
  pending.set(name, sum ? tf.add(sum, gradient) : gradient)
}

/** Copies tensors to their places in the flat arrays. */
function store(tensors: NodeWeights, places: readonly WeightPlace[], gradients: Gradients): void {
  for (const place of places) {
    const tensor = tensors[shortName(place)]
    if (tensor) viewWeight(place, gradients).set(tensor.dataSync<'float32'>())
  }
}

function placesByNode(graph: Graph): Map<string, WeightPlace[]> {
  const { weights } = layoutWeights(graph)
  return new Map(graph.nodes.map(({ name }) => [name, weights.filter((place) => place.name.slice(0, place.name.lastIndexOf('/')) === name)]))
}

function shortName({ name }: WeightPlace): string {
  return name.slice(name.lastIndexOf('/') + 1)
}

/** Batch norm → the relu after it, where nothing else reads the batch norm: the two run as one. */
function findFusedRelus(nodes: readonly TrainableNode[]): Map<string, string> {
  const pairs = nodes.flatMap(({ op, name }): [string, string][] => {
    const readers = nodes.filter(({ input }) => input === name)
    return op === 'batchNorm' && readers.length === 1 && readers[0]!.op === 'relu' ? [[name, readers[0]!.name]] : []
  })
  return new Map(pairs)
}

/** The softmaxes at the ends: the loss takes their logits, so training need not compute them. */
function findUnreadSoftmaxes(nodes: readonly TrainableNode[]): Set<string> {
  const read = new Set(nodes.map(({ input }) => input))
  return new Set(nodes.filter(({ op, name }) => op === 'softmax' && !read.has(name)).map(({ name }) => name))
}

/** The node whose value goes into an output's softmax. */
function logitsOf(nodes: readonly TrainableNode[], output: string): string {
  const node = nodes.find(({ name }) => name === output)!
  return node.op === 'softmax' ? node.input : node.name
}
