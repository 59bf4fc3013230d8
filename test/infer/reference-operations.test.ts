// The operations that imported networks have, against values worked out by hand.

import t from 'tap'
import { runReference, type Conv2dNode, type Graph, type GraphNode, type UnaryNode } from '@millrace/infer'
import { singleNodeGraph } from './networks.js'

type Shape = readonly [number, number, number]
type Fields<Node> = Node extends GraphNode ? Omit<Node, 'name' | 'input' | 'inputs'> : never

function run(shape: Shape, fields: Fields<UnaryNode>, input: readonly number[], weights: Record<string, readonly number[]> = {}): number[] {
  const node = { name: 'y', input: 'image', ...fields } as UnaryNode
  return values(singleNodeGraph(shape, node), input, weights)
}

function values(graph: Graph, input: readonly number[], weights: Record<string, readonly number[]> = {}): number[] {
  const named = new Map(Object.entries(weights).map(([part, numbers]) => [`y/${part}`, Float32Array.from(numbers)]))
  return [...runReference(graph, named, Float32Array.from(input), 1).get('y')!]
}

/** `nodes` end with one called "y". */
function several(shape: Shape, nodes: readonly GraphNode[]): Graph {
  const [last] = nodes.slice(-1)
  const graph = singleNodeGraph(shape, last!)
  return { ...graph, nodes: [...nodes.slice(0, -1), ...graph.nodes] }
}

const convolution = (fields: Partial<Conv2dNode>): Fields<Conv2dNode> => ({ op: 'conv2d', filters: 1, kernelSize: [2, 2], strides: [1, 1], padding: 'valid', bias: false, ...fields })

t.test('a convolution with groups, dilations and margins', (t) => {
  t.same(run([1, 1, 4], convolution({ kernelSize: [1, 1], filters: 4, groups: 2 }), [1, 2, 3, 4], { kernel: [1, 10, 100, 1000, 2, 20, 200, 2000] }), [1 + 4, 10 + 40, 300 + 800, 3000 + 8000])
  t.same(run([1, 2, 2], convolution({ kernelSize: [1, 2], filters: 4, groups: 2 }), [1, 2, 3, 4], { kernel: [1, 10, 100, 1000, 2, 20, 200, 2000] }), [1 + 6, 10 + 60, 200 + 800, 2000 + 8000], 'depthwise with two filters a channel')
  t.same(run([3, 3, 1], convolution({ dilations: [2, 2] }), [1, 2, 3, 4, 5, 6, 7, 8, 9], { kernel: [1, 10, 100, 1000] }), [9731])
  t.same(run([2, 2, 1], convolution({ padding: { top: 1, bottom: 0, left: 0, right: 1 } }), [1, 2, 3, 4], { kernel: [1, 10, 100, 1000] }), [2100, 200, 4321, 402])
  t.end()
})

t.test('a transposed convolution spreads each value by the kernel', (t) => {
  const up = (fields: object): Fields<UnaryNode> => ({ op: 'convTranspose2d', filters: 1, kernelSize: [1, 3], strides: [1, 2], padding: 'valid', bias: false, ...fields })
  t.same(run([1, 2, 1], up({}), [1, 2], { kernel: [1, 10, 100] }), [1, 10, 102, 20, 200])
  t.same(run([1, 2, 1], up({ padding: 'same' }), [1, 2], { kernel: [1, 10, 100] }), [1, 10, 102, 20])
  t.same(run([1, 2, 1], up({ padding: { top: 0, bottom: 0, left: 1, right: 1 }, bias: true }), [1, 2], { kernel: [1, 10, 100], bias: [0.5] }), [10.5, 102.5, 20.5])
  t.end()
})

t.test('pools', (t) => {
  const average = (fields: object): Fields<UnaryNode> => ({ op: 'averagePool2d', poolSize: [2, 2], strides: [2, 2], padding: 'same', countPadding: false, ...fields })
  t.same(run([3, 3, 1], average({}), [1, 2, 3, 4, 5, 6, 7, 8, 9]), [3, 4.5, 7.5, 9])
  t.same(run([3, 3, 1], average({ countPadding: true }), [1, 2, 3, 4, 5, 6, 7, 8, 9]), [3, 2.25, 3.75, 2.25])
  t.same(run([1, 2, 1], { op: 'maxPool2d', poolSize: [1, 3], strides: [1, 2], padding: { top: 0, bottom: 0, left: 1, right: 1 } }, [-4, -3]), [-3], 'padding never wins')
  t.same(run([2, 1, 2], { op: 'globalAveragePool2d' }, [1, 2, 3, 6]), [2, 4])
  t.same(run([2, 1, 2], { op: 'globalMaxPool2d' }, [1, -2, 3, -6]), [3, -2])
  t.end()
})

t.test('activations', (t) => {
  const x = [-4, -1, 0, 2]
  const close = (found: number[], expected: number[], name: string): void => {
    t.ok(found.every((value, index) => Math.abs(value - expected[index]!) < 1e-7), `${name}: ${found.join(', ')}`)
  }
  t.same(run([1, 4, 1], { op: 'clip', min: -2, max: 1 }, x), [-2, -1, 0, 1])
  t.same(run([1, 4, 1], { op: 'leakyRelu', alpha: 0.25 }, x), [-1, -0.25, 0, 2])
  t.same(run([1, 2, 2], { op: 'prelu' }, x, { alpha: [0.5, 0.25] }), [-2, -0.25, 0, 2])
  t.same(run([1, 4, 1], { op: 'hardSigmoid', alpha: 0.25, beta: 0.5 }, x), [0, 0.25, 0.5, 1])
  t.same(run([1, 4, 1], { op: 'hardSwish' }, [-4, -3, 0, 3]), [0, 0, 0, 3].map((value) => value + 0))
  close(run([1, 4, 1], { op: 'elu', alpha: 0.5 }, x), [-0.49084218, -0.31606028, 0, 2], 'elu')
  close(run([1, 4, 1], { op: 'sigmoid' }, x), [0.01798621, 0.26894142, 0.5, 0.88079708], 'sigmoid')
  close(run([1, 4, 1], { op: 'tanh' }, x), [-0.99932930, -0.76159416, 0, 0.96402758], 'tanh')
  close(run([1, 4, 1], { op: 'swish' }, x), [-0.07194484, -0.26894142, 0, 1.76159416], 'swish')
  close(run([1, 4, 1], { op: 'gelu' }, x), [-0.00012669, -0.15865526, 0, 1.95449974], 'gelu')
  t.end()
})

t.test('normalisations', (t) => {
  const lrn = run([1, 1, 3], { op: 'localResponseNorm', size: 2, alpha: 2, beta: 0.5, bias: 1 }, [1, 2, 3])
  t.ok(lrn.every((value, index) => Math.abs(value - [1 / Math.sqrt(6), 2 / Math.sqrt(14), 3 / Math.sqrt(10)][index]!) < 1e-6), 'size 2: the channel and the next')
  const flat = run([3, 3, 2], { op: 'subtractiveNorm', size: 3 }, new Array<number>(18).fill(5))
  t.ok(flat.every((value) => Math.abs(value) < 1e-6), 'nothing is left of an even image, at the border too')
  const edge = Math.exp(-8 / 9)
  const dot = run([1, 3, 1], { op: 'subtractiveNorm', size: 3 }, [0, 1, 0])
  t.ok(dot.every((value, index) => Math.abs(value - [-edge / (1 + edge), 1 - 1 / (1 + 2 * edge), -edge / (1 + edge)][index]!) < 1e-6))
  t.end()
})

t.test('shapes: reshape, transpose, pad, maxout, concat', (t) => {
  const six = [1, 2, 3, 4, 5, 6]
  t.same(run([1, 2, 3], { op: 'transpose', axes: [2, 1, 0] }, six), [1, 4, 2, 5, 3, 6])
  t.same(run([1, 2, 3], { op: 'reshape', shape: [3, 2] }, six), six)
  t.same(run([1, 2, 1], { op: 'pad', margins: { top: 1, bottom: 0, left: 0, right: 1 }, value: 7 }, [1, 2]), [7, 7, 7, 1, 2, 7])
  t.same(run([1, 1, 6], { op: 'maxout', pieces: 3 }, [1, 3, 2, -1, -3, -2]), [3, -1])
  t.same(values(several([1, 2, 1], [
    { op: 'clip', name: 'a', input: 'image', min: 0, max: 1 },
    { op: 'concat', name: 'y', inputs: ['image', 'a', 'image'] },
  ]), [5, -5]), [5, 1, 5, -5, 0, -5])
  t.end()
})

t.test('arithmetic repeats axes of 1', (t) => {
  const pooled: GraphNode[] = [{ op: 'globalMaxPool2d', name: 'largest', input: 'image' }, { op: 'reshape', name: 'wide', input: 'largest', shape: [1, 1, 2] }]
  const x = [1, 2, 3, 4]
  t.same(values(several([1, 2, 2], [...pooled, { op: 'multiply', name: 'y', inputs: ['image', 'wide'] }]), x), [3, 8, 9, 16])
  t.same(values(several([1, 2, 2], [...pooled, { op: 'subtract', name: 'y', inputs: ['wide', 'image'] }]), x), [2, 2, 0, 0])
  t.same(values(several([1, 2, 2], [{ op: 'add', name: 'y', inputs: ['image', 'image'] }]), x), [2, 4, 6, 8])
  t.end()
})

t.test('resize by the three rules', (t) => {
  const resize = (height: number, width: number, method: 'nearest' | 'bilinear', coordinates: 'half-pixel' | 'asymmetric' | 'align-corners', x: number[]): number[] =>
    run([1, x.length, 1], { op: 'resize', height, width, method, coordinates }, x)
  t.same(resize(1, 4, 'bilinear', 'half-pixel', [0, 8]), [0, 2, 6, 8])
  t.same(resize(1, 4, 'bilinear', 'asymmetric', [0, 8]), [0, 4, 8, 8])
  t.same(resize(1, 3, 'bilinear', 'align-corners', [0, 8]), [0, 4, 8])
  t.same(resize(1, 4, 'nearest', 'asymmetric', [1, 2]), [1, 1, 2, 2])
  t.same(resize(1, 4, 'nearest', 'half-pixel', [1, 2]), [1, 1, 2, 2])
  t.same(resize(1, 2, 'nearest', 'half-pixel', [1, 2, 3, 4]), [1, 3], 'halves go down')
  t.end()
})
