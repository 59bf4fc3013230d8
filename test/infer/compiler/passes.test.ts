// What the compiler draws together: the result stays the reference's, and the steps are those expected.

import t from 'tap'
import type { Conv2dNode, Graph, GraphNode } from '@millrace/infer'
import { compileGraph } from '@millrace/infer/compiler'
import { randomWeights } from '../networks.js'
import { difference, tolerance } from './differences.js'

type Shape = readonly [number, number, number]

function network(shape: Shape, nodes: readonly GraphNode[], outputs: readonly string[] = []): Graph {
  return {
    format: 'millrace-graph', version: 1, name: 'passes', input: { name: 'image', shape }, outputs: ['answer', ...outputs], preprocessing: [],
    nodes: [...nodes, { op: 'globalAveragePool2d', name: 'pooled', input: nodes.at(-1)!.name }, { op: 'dense', name: 'logits', input: 'pooled', units: 2, bias: true }, { op: 'softmax', name: 'answer', input: 'logits' }],
    task: { kind: 'class', output: 'answer', classNames: ['a', 'b'] },
  }
}

/** The kernels that run, without those that only clear borders and without the classifier's. */
function kernels(graph: Graph): string[] {
  const names = compileGraph(graph, randomWeights(graph), { winograd: 'never' }).steps.map(({ kernel }) => kernel.name).filter((name) => name !== 'clear')
  return names.slice(0, -3)
}

const convolution = (name: string, input: string, filters: number, size: number, fields: Partial<Conv2dNode> = {}): GraphNode => ({ op: 'conv2d', name, input, filters, kernelSize: [size, size], strides: [1, 1], padding: 'same', bias: true, ...fields })
const norm = (name: string, input: string): GraphNode => ({ op: 'batchNorm', name, input, epsilon: 1e-3 })
const relu = (name: string, input: string): GraphNode => ({ op: 'relu', name, input })
const pad = (name: string, input: string, value = 0): GraphNode => ({ op: 'pad', name, input, value, margins: { top: 1, bottom: 2, left: 2, right: 0 } })
const pool = (name: string, input: string): GraphNode => ({ op: 'maxPool2d', name, input, poolSize: [3, 3], strides: [2, 2], padding: 'valid' })

const cases: readonly (readonly [name: string, graph: Graph, steps: readonly string[]])[] = [
  ['zeros round a convolution are its padding', network([9, 8, 3], [relu('r', 'image'), pad('p', 'r'), convolution('c', 'p', 6, 3, { padding: 'valid', strides: [2, 2] })]), ['relu', 'direct 3x3']],
  ['zeros and a padding of its own add up', network([9, 8, 3], [pad('p', 'image'), convolution('c', 'p', 6, 3)]), ['direct 3x3']],
  ['other values stay', network([9, 8, 3], [pad('p', 'image', 1), convolution('c', 'p', 6, 3)]), ['pad', 'direct 3x3']],
  ['a pad that is read twice stays', network([9, 8, 3], [pad('p', 'image'), convolution('c', 'p', 3, 3), { op: 'add', name: 'a', inputs: ['c', 'p'] }]), ['pad', 'direct 3x3']],
  ['zeros round what is not below 0 do nothing to a maximum', network([9, 8, 3], [convolution('c', 'image', 5, 3), relu('r', 'c'), pad('p', 'r'), pool('m', 'p')]), ['direct 3x3', 'max pool 3x3']],
  ['but they do to what is', network([9, 8, 3], [convolution('c', 'image', 5, 3), pad('p', 'c'), pool('m', 'p')]), ['direct 3x3', 'pad', 'max pool 3x3']],
  ['a norm before a convolution without padding', network([7, 8, 6], [relu('r', 'image'), norm('n', 'r'), convolution('c', 'n', 8, 1), relu('s', 'c')]), ['relu', 'direct 1x1']],
  ['in groups', network([7, 8, 6], [norm('n', 'image'), convolution('c', 'n', 9, 3, { groups: 3, padding: 'valid' })]), ['direct 3x3']],
  ['depthwise', network([7, 8, 6], [norm('n', 'image'), convolution('c', 'n', 6, 3, { groups: 6, padding: 'valid' })]), ['depthwise 3x3']],
  ['before one with padding it stays', network([7, 8, 6], [norm('n', 'image'), convolution('c', 'n', 8, 3)]), ['scale', 'direct 3x3']],
  ['norms and activations are stages of one pass', network([7, 8, 6], [norm('n', 'image'), norm('m', 'n'), relu('r', 'm'), norm('l', 'r'), { op: 'prelu', name: 's', input: 'l' }]), ['scale relu scale prelu']],
  ['arithmetic takes them up too', network([7, 8, 6], [convolution('c', 'image', 6, 1), { op: 'multiply', name: 'y', inputs: ['c', 'image'] }, norm('n', 'y'), relu('r', 'n')]), ['direct 1x1', 'multiply scale relu']],
  ['a transposed convolution takes up norm, residual and activation', network([5, 4, 6], [
    convolution('c', 'image', 5, 1), { op: 'resize', name: 'big', input: 'c', height: 10, width: 8, method: 'nearest', coordinates: 'half-pixel' },
    { op: 'convTranspose2d', name: 't', input: 'image', filters: 5, kernelSize: [4, 3], strides: [2, 2], padding: 'same', bias: true }, norm('n', 't'), { op: 'add', name: 'a', inputs: ['n', 'big'] }, { op: 'prelu', name: 'p', input: 'a' },
  ]), ['direct 1x1', 'resize nearest', 'direct 2x2', 'direct 2x1', 'direct 2x2', 'direct 2x1']],
  ['its parts lie in a concat', network([5, 4, 6], [
    { op: 'convTranspose2d', name: 't', input: 'image', filters: 8, kernelSize: [2, 2], strides: [2, 2], padding: 'valid', bias: true }, convolution('c', 't', 4, 3),
    { op: 'concat', name: 'both', inputs: ['t', 'c'] }, convolution('d', 'both', 5, 3),
  ]), [...Array.from({ length: 4 }, () => 'direct 1x1'), 'direct 3x3', 'direct 3x3']],
]

for (const [name, graph, steps] of cases) {
  t.test(name, (t) => {
    t.same(kernels(graph), steps)
    for (const batch of [1, 3]) t.ok(difference(graph, { batch }) < 3 * tolerance.never, `${batch} images`)
    t.end()
  })
}

t.test('results take the place of what is no longer read', (t) => {
  const graph = network([8, 8, 8], [
    convolution('c', 'image', 8, 3), relu('r', 'c'), { op: 'globalAveragePool2d', name: 'q', input: 'r' }, { op: 'dense', name: 'w', input: 'q', units: 8, bias: true }, { op: 'reshape', name: 'v', input: 'w', shape: [1, 1, 8] },
    { op: 'multiply', name: 'm', inputs: ['r', 'v'] }, convolution('d0', 'm', 8, 3), convolution('d', 'd0', 8, 3), { op: 'add', name: 'a', inputs: ['d', 'm'] }, convolution('e0', 'a', 8, 3), convolution('e', 'e0', 8, 3), { op: 'add', name: 'b', inputs: ['e', 'a'] },
  ])
  const { steps } = compileGraph(graph, randomWeights(graph))
  const output = (node: string): number => steps.findLast((step) => step.node === node)!.output
  t.same([output('m'), output('a'), output('b')], [output('r'), output('r'), output('r')])
  t.ok(difference(graph, { batch: 3 }) < 3 * tolerance.never)
  t.end()
})

t.test('what is read later keeps its place', (t) => {
  const graph = network([8, 8, 8], [
    convolution('c', 'image', 8, 3), { op: 'tanh', name: 'h', input: 'c' }, { op: 'sigmoid', name: 's', input: 'h' }, { op: 'multiply', name: 'm', inputs: ['s', 'h'] },
    convolution('d', 'm', 8, 3), { op: 'add', name: 'a', inputs: ['d', 'm'] }, { op: 'subtract', name: 'b', inputs: ['a', 'm'] }, convolution('e', 'b', 8, 3), { op: 'add', name: 'f', inputs: ['b', 'e'] }, convolution('g', 'f', 8, 3, { strides: [2, 2] }),
  ], ['h', 'b'])
  t.ok(difference(graph, { batch: 3 }) < 3 * tolerance.never)
  t.end()
})
