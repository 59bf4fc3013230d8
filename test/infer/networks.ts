// Small networks for the tests, with weights from a generator of their own.

import type { Graph, GraphNode, Weights } from '@millrace/infer'
import { weightSpecs } from '@millrace/infer'

/** A graph around the nodes given; they must end with a softmax called "answer" of `classes` values. */
export function classGraph(shape: readonly [number, number, number], nodes: readonly GraphNode[], classes: number): Graph {
  return {
    format: 'millrace-graph',
    version: 1,
    name: 'small',
    input: { name: 'image', shape },
    nodes,
    outputs: ['answer'],
    preprocessing: [],
    task: { kind: 'class', output: 'answer', classNames: Array.from({ length: classes }, (_, index) => `class ${index}`) },
  }
}

/** One node whose value is an output; the answer that a task needs hangs on beside it. */
export function singleNodeGraph(shape: readonly [number, number, number], node: GraphNode): Graph {
  const nodes: GraphNode[] = [
    node,
    { op: 'flatten', name: 'flat', input: 'image' },
    { op: 'slice', name: 'first', input: 'flat', begin: 0, size: 1 },
    { op: 'softmax', name: 'answer', input: 'first' },
  ]
  return { ...classGraph(shape, nodes, 1), outputs: [node.name, 'answer'] }
}

/** Reads numbers of up to two digits from 8x8 grey pixels: every kind of node but dropout is in it. */
export function digitsGraph(): Graph {
  const heads = ['length', 'digit1', 'digit2']
  const sizes = [4, 11, 11]
  return {
    format: 'millrace-graph',
    version: 1,
    name: 'two-digits',
    input: { name: 'image', shape: [8, 8, 1] },
    nodes: [
      { op: 'conv2d', name: 'conv', input: 'image', filters: 4, kernelSize: [3, 3], strides: [1, 1], padding: 'same', bias: true },
      { op: 'batchNorm', name: 'norm', input: 'conv', epsilon: 1e-3 },
      { op: 'relu', name: 'relu', input: 'norm' },
      { op: 'maxPool2d', name: 'pool', input: 'relu', poolSize: [2, 2], strides: [2, 2], padding: 'valid' },
      { op: 'flatten', name: 'flat', input: 'pool' },
      { op: 'dropout', name: 'drop', input: 'flat', rate: 0.5 },
      { op: 'dense', name: 'heads', input: 'drop', units: 26, bias: true },
      ...heads.flatMap((name, index): GraphNode[] => [
        { op: 'slice', name: `${name}-logits`, input: 'heads', begin: sizes.slice(0, index).reduce((a, b) => a + b, 0), size: sizes[index]! },
        { op: 'softmax', name, input: `${name}-logits` },
      ]),
    ],
    outputs: heads,
    preprocessing: [{ step: 'resize', width: 10, height: 10 }, { step: 'grey' }, { step: 'crop', width: 8, height: 8 }, { step: 'standardise' }],
    task: { kind: 'digits', lengthOutput: 'length', digitOutputs: heads.slice(1) },
  }
}

/** Weights in −1 … 1 (variances 0.5 … 1.5), the same for the same seed. */
export function randomWeights(graph: Graph, seed = 1): Weights {
  const random = randomNumbers(seed)
  return new Map(
    weightSpecs(graph).map(({ name, shape }) => {
      const offset = name.endsWith('/variance') ? 1.5 : 0
      const length = shape.reduce((product, size) => product * size, 1)
      return [name, Float32Array.from({ length }, () => (offset === 0 ? 2 * random() - 1 : offset - random()))]
    }),
  )
}

/** Numbers in 0 … 1 (Park and Miller, 1988). */
export function randomNumbers(seed: number): () => number {
  let state = (seed % 2147483646) + 1
  return () => (state = (state * 48271) % 2147483647) / 2147483647
}
