// Operations besides convolutions and pools, each compiled alone against the reference executor.

import t, { type Test } from 'tap'
import fc from 'fast-check'
import type { ArithmeticNode, ConvTranspose2dNode, Graph, GraphNode, ResizeNode, UnaryNode } from '@millrace/infer'
import { classGraph, singleNodeGraph } from '../networks.js'
import { difference, tolerance } from './differences.js'

type Shape = readonly [number, number, number]

function holds(t: Test, shapes: fc.Arbitrary<readonly [Shape, UnaryNode]>, runs: number): void {
  t.doesNotThrow(() => fc.assert(fc.property(shapes, fc.integer({ min: 1, max: 5 }), ([shape, node], batch) => {
    const found = difference(singleNodeGraph(shape, node), { batch })
    if (!(found < tolerance.never)) throw new Error(`differs by ${found}`)
  }), { numRuns: runs }))
}

const size = fc.integer({ min: 1, max: 13 })
const channels = fc.constantFrom(1, 2, 3, 4, 5, 7, 8, 12, 17)
const pair = (max: number): fc.Arbitrary<[number, number]> => fc.tuple(fc.integer({ min: 1, max }), fc.integer({ min: 1, max }))

t.test('resize', (t) => {
  const node = fc.record({ height: fc.integer({ min: 1, max: 20 }), width: fc.integer({ min: 1, max: 20 }), method: fc.constantFrom('nearest' as const, 'bilinear' as const), coordinates: fc.constantFrom<ResizeNode['coordinates'][]>('half-pixel', 'asymmetric', 'align-corners') })
  holds(t, fc.tuple(fc.tuple(size, size, channels), node).map(([shape, fields]): readonly [Shape, UnaryNode] => [shape, { op: 'resize', name: 'y', input: 'image', ...fields }]), 60)
  t.end()
})

t.test('local response norm', (t) => {
  const node = fc.record({ size: fc.integer({ min: 1, max: 21 }), alpha: fc.constantFrom(1e-4, 0.5, 3), beta: fc.constantFrom(0.5, 0.75, 1, 0.6, -0.3), bias: fc.constantFrom(1, 2, 0.25) })
  holds(t, fc.tuple(fc.tuple(size, size, channels), node).map(([shape, fields]): readonly [Shape, UnaryNode] => [shape, { op: 'localResponseNorm', name: 'y', input: 'image', ...fields }]), 60)
  t.end()
})

t.test('maxout', (t) => {
  const shape = fc.tuple(size, size, fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 5 }))
  holds(t, shape.map(([height, width, groups, pieces]): readonly [Shape, UnaryNode] => [[height, width, groups * pieces], { op: 'maxout', name: 'y', input: 'image', pieces }]), 60)
  t.end()
})

t.test('subtractive norm', (t) => {
  const shape = fc.tuple(fc.tuple(size, size, channels), fc.constantFrom(1, 3, 5, 9))
  holds(t, shape.map(([shape, size]): readonly [Shape, UnaryNode] => [shape, { op: 'subtractiveNorm', name: 'y', input: 'image', size }]), 40)
  t.end()
})

t.test('padding by a value', (t) => {
  const node = fc.record({ margins: fc.record({ top: fc.nat(3), bottom: fc.nat(3), left: fc.nat(3), right: fc.nat(3) }), value: fc.constantFrom(0, -2, 0.5) })
  holds(t, fc.tuple(fc.tuple(size, size, channels), node).map(([shape, fields]): readonly [Shape, UnaryNode] => [shape, { op: 'pad', name: 'y', input: 'image', ...fields }]), 40)
  t.end()
})

t.test('transposed convolutions', (t) => {
  const padding = fc.oneof(fc.constantFrom('same' as const, 'valid' as const), fc.record({ top: fc.nat(1), bottom: fc.nat(1), left: fc.nat(1), right: fc.nat(1) }))
  const node = fc.record({ filters: fc.constantFrom(1, 3, 4, 5, 8, 9), kernelSize: pair(5), strides: pair(3), padding, bias: fc.boolean() })
  const each = fc.tuple(fc.tuple(size, size, channels), node).map(([shape, fields]): readonly [Shape, ConvTranspose2dNode] => [shape, { op: 'convTranspose2d', name: 'y', input: 'image', ...fields }])
  holds(t, each.filter(([[height, width], { kernelSize, strides, padding }]) => typeof padding !== 'object' || ((height - 1) * strides[0] + kernelSize[0] > 2 && (width - 1) * strides[1] + kernelSize[1] > 2)), 100)
  const narrower: ConvTranspose2dNode = { op: 'convTranspose2d', name: 'y', input: 'image', filters: 1, kernelSize: [1, 1], strides: [1, 2], padding: { top: 0, bottom: 0, left: 0, right: 1 }, bias: false }
  holds(t, fc.constant([[3, 2, 1], narrower] as const), 1) // a phase of it reads fewer columns than its input has
  t.end()
})

/** Two convolutions' values, each cut to some of its axes by a global pool or a resize, and their arithmetic. */
function arithmeticGraph(op: ArithmeticNode['op'], [height, width, channels]: Shape, left: readonly boolean[], right: readonly boolean[]): Graph {
  const operand = (name: string, repeated: readonly boolean[]): GraphNode[] => [
    { op: 'conv2d', name: `${name}0`, input: 'image', filters: repeated[2] ? 1 : channels, kernelSize: [3, 3], strides: [1, 1], padding: 'same', bias: true },
    { op: 'resize', name, input: `${name}0`, height: repeated[0] ? 1 : height, width: repeated[1] ? 1 : width, method: 'bilinear', coordinates: 'half-pixel' },
  ]
  const nodes: GraphNode[] = [
    ...operand('left', left), ...operand('right', right), { op, name: 'y', inputs: ['left', 'right'] }, { op: 'tanh', name: 'z', input: 'y' },
    { op: 'globalAveragePool2d', name: 'mean', input: 'z' }, { op: 'slice', name: 'first', input: 'mean', begin: 0, size: 1 }, { op: 'softmax', name: 'answer', input: 'first' },
  ]
  return { ...classGraph([height, width, 2], nodes, 1), outputs: ['z', 'answer'] }
}

t.test('arithmetic repeats rows, columns and channels of either value', (t) => {
  const repeated = fc.tuple(fc.boolean(), fc.boolean(), fc.boolean())
  t.doesNotThrow(() => fc.assert(fc.property(fc.constantFrom('add' as const, 'subtract' as const, 'multiply' as const), fc.tuple(size, size, channels), repeated, repeated, fc.integer({ min: 1, max: 4 }), (op, shape, left, right, batch) => {
    const found = difference(arithmeticGraph(op, shape, left, right), { batch })
    if (!(found < 2 * tolerance.never)) throw new Error(`differs by ${found}`)
  }), { numRuns: 80 }))
  t.end()
})

t.test('arithmetic and transposes of four axes', (t) => {
  const reshape = (name: string, input: string, shape: readonly number[]): GraphNode => ({ op: 'reshape', name, input, shape })
  const graph = classGraph([6, 4, 5], [
    reshape('four', 'image', [2, 3, 4, 5]), { op: 'transpose', name: 'turned', input: 'four', axes: [2, 0, 3, 1] },
    { op: 'slice', name: 'column', input: 'turned', begin: 1, size: 1 }, { op: 'multiply', name: 'product', inputs: ['turned', 'column'] },
    reshape('row', 'column', [1, 1, 8, 5]), { op: 'slice', name: 'rowPart', input: 'row', begin: 0, size: 1 }, reshape('many', 'product', [3, 5, 8, 1]), { op: 'add', name: 'sum', inputs: ['many', 'rowPart'] },
    { op: 'flatten', name: 'flat', input: 'sum' }, { op: 'slice', name: 'first', input: 'flat', begin: 0, size: 1 }, { op: 'softmax', name: 'answer', input: 'first' },
  ], 1)
  t.ok(difference({ ...graph, outputs: ['turned', 'product', 'sum', 'answer'] }, { batch: 3 }) < tolerance.never)
  t.end()
})

t.test('a window of channels wider than the image, and single values', (t) => {
  t.ok(difference(singleNodeGraph([1, 1, 1], { op: 'localResponseNorm', name: 'y', input: 'image', size: 1e6, alpha: 0.1, beta: 0.75, bias: 1 }), { batch: 2 }) < tolerance.never)
  t.ok(difference(singleNodeGraph([1, 1, 6], { op: 'maxout', name: 'y', input: 'image', pieces: 6 }), { batch: 3 }) < tolerance.never)
  t.end()
})
