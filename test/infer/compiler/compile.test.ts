// Compiled networks against the reference executor: every operation alone on sizes that do not divide,
// then blocks of the networks that people have.

import t, { type Test } from 'tap'
import fc from 'fast-check'
import { compileGraph, openSession } from '@millrace/infer/compiler'
import { runReference, type ActivationNode, type Conv2dNode, type GraphNode, type UnaryNode } from '@millrace/infer'
import { randomWeights, singleNodeGraph } from '../networks.js'
import { blocks } from './blocks.js'
import { difference, randomInput, tolerance, variants } from './differences.js'

type Shape = readonly [number, number, number]

t.comment(`variants of this engine: ${variants.map(({ name }) => name).join(', ')}`)

const uses = ['never', 'always'] as const

function holds(t: Test, shapes: fc.Arbitrary<readonly [Shape, UnaryNode]>, runs: number): void {
  t.doesNotThrow(() => fc.assert(fc.property(shapes, fc.integer({ min: 1, max: 5 }), ([shape, node], batch) => {
    for (const winograd of uses) {
      const found = difference(singleNodeGraph(shape, node), { batch, winograd })
      if (!(found < tolerance[winograd])) throw new Error(`differs by ${found}; Winograd: ${winograd}`)
    }
  }), { numRuns: runs }))
}

const size = fc.integer({ min: 1, max: 13 })
const channels = fc.constantFrom(1, 2, 3, 4, 5, 7, 8, 12, 17)
const pair = (max: number): fc.Arbitrary<[number, number]> => fc.tuple(fc.integer({ min: 1, max }), fc.integer({ min: 1, max }))
const padding = fc.oneof(fc.constant('same' as const), fc.record({ top: fc.nat(2), bottom: fc.nat(2), left: fc.nat(2), right: fc.nat(2) }))
const shapeOf = fc.tuple(size, size, channels)

t.test('convolutions', (t) => {
  const node = fc.record({ filters: fc.constantFrom(1, 3, 4, 5, 8, 9, 16, 20), kernelSize: pair(5), strides: pair(3), dilations: pair(2), padding, bias: fc.boolean() })
  const each = fc.tuple(shapeOf, node).map(([shape, fields]): readonly [Shape, Conv2dNode] => [shape, { op: 'conv2d', name: 'y', input: 'image', ...fields }])
  holds(t, each.filter(fits), 120)
  t.end()
})

t.test('convolutions in groups, depthwise among them', (t) => {
  const node = fc.record({ kernelSize: pair(5), strides: pair(2), dilations: pair(2), padding, bias: fc.boolean() })
  const each = fc.tuple(size, size, fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 5 }), node)
    .map(([height, width, groups, channels, filters, fields]): readonly [Shape, Conv2dNode] => [[height, width, groups * channels], { op: 'conv2d', name: 'y', input: 'image', groups, filters: groups * filters, ...fields }])
  holds(t, each.filter(fits), 80)
  t.ok(difference(singleNodeGraph([9, 11, 19], { op: 'conv2d', name: 'y', input: 'image', groups: 19, filters: 19, kernelSize: [3, 3], strides: [2, 2], padding: 'same', bias: true }), { batch: 3 }) < tolerance.never)
  t.end()
})

function fits([[height, width], { kernelSize, dilations = [1, 1] as const, padding }]: readonly [Shape, Conv2dNode]): boolean {
  const margins = typeof padding === 'object' ? [padding.top + padding.bottom, padding.left + padding.right] : [99, 99]
  return [height, width].every((length, axis) => (kernelSize[axis]! - 1) * dilations[axis]! + 1 <= length + margins[axis]!)
}

t.test('pools', (t) => {
  const node = fc.record({ op: fc.constantFrom('maxPool2d' as const, 'averagePool2d' as const), poolSize: fc.tuple(fc.integer({ min: 2, max: 4 }), fc.integer({ min: 2, max: 4 })), strides: pair(3), countPadding: fc.boolean() })
  const margins = fc.constantFrom('same' as const, { top: 1, bottom: 1, left: 1, right: 1 }, { top: 0, bottom: 1, left: 0, right: 1 })
  const each = fc.tuple(fc.tuple(fc.integer({ min: 4, max: 13 }), fc.integer({ min: 4, max: 13 }), channels), node, margins)
    .map(([shape, { op, countPadding, ...fields }, padding]): readonly [Shape, UnaryNode] => [shape, op === 'maxPool2d' ? { op, name: 'y', input: 'image', padding, ...fields } : { op, name: 'y', input: 'image', padding, countPadding, ...fields }])
  holds(t, each, 60)
  for (const op of ['globalAveragePool2d', 'globalMaxPool2d'] as const) t.ok(difference(singleNodeGraph([7, 5, 37], { op, name: 'y', input: 'image' }), { batch: 2 }) < tolerance.never, op)
  t.end()
})

t.test('activations, alone and at the end of a convolution', (t) => {
  const activations: (ActivationNode extends infer Node ? (Node extends ActivationNode ? Omit<Node, 'name' | 'input'> : never) : never)[] = [
    { op: 'relu' }, { op: 'clip', min: -0.25, max: 0.5 }, { op: 'elu', alpha: 0.7 }, { op: 'leakyRelu', alpha: 0.2 }, { op: 'prelu' }, { op: 'sigmoid' }, { op: 'tanh' }, { op: 'swish' },
    { op: 'hardSigmoid', alpha: 0.2, beta: 0.5 }, { op: 'hardSwish' }, { op: 'gelu' },
  ]
  for (const activation of activations) {
    const node = { name: 'y', input: 'image', ...activation } as UnaryNode
    const graph = singleNodeGraph([5, 3, 6], node)
    const wide = randomInput(graph, 2, 3).map((value) => value * 12)
    t.ok(difference(graph, { batch: 2, input: wide }) < tolerance.never, activation.op)
    const after: GraphNode = { op: 'conv2d', name: 'conv', input: 'image', filters: 11, kernelSize: [3, 3], strides: [1, 1], padding: 'same', bias: true }
    const both = { ...graph, nodes: [after, { ...node, input: 'conv' } as GraphNode, ...graph.nodes.slice(1)] }
    for (const winograd of uses) t.ok(difference(both, { batch: 2, winograd }) < tolerance[winograd], `${activation.op} of a convolution; Winograd: ${winograd}`)
  }
  t.end()
})

t.test('small values keep their relative precision through tanh and elu', (t) => {
  for (const fields of [{ op: 'tanh' as const }, { op: 'elu' as const, alpha: 1 }]) {
    const graph = singleNodeGraph([1, 4, 4], { name: 'y', input: 'image', ...fields })
    const input = randomInput(graph, 1, 4).map((value) => value / 100)
    const found = openSession(compileGraph(graph, new Map())).run(input, 1).get('y')!
    const expected = runReference(graph, new Map(), input, 1).get('y')!
    t.ok(found.every((value, index) => Math.abs(value - expected[index]!) < 1e-7), fields.op)
  }
  t.end()
})

for (const [name, graph] of Object.entries(blocks)) {
  t.test(`a block: ${name}`, (t) => {
    for (const winograd of uses) for (const batch of [1, 3, 8]) t.ok(difference(graph, { batch, capacity: 8, winograd }) < 5 * tolerance[winograd], `${batch} images; Winograd: ${winograd}`)
    t.end()
  })
}

t.test('NaN and infinity go where the reference sends them', (t) => {
  for (const name of ['plain', 'residual', 'depthwise'] as const) {
    const graph = blocks[name]!
    const input = randomInput(graph, 1, 2)
    input[7] = NaN
    const found = openSession(compileGraph(graph, randomWeights(graph), { winograd: 'never' })).run(input, 1)
    for (const [output, values] of runReference(graph, randomWeights(graph), input, 1)) t.same(found.get(output)!.map(Number.isNaN as never), values.map(Number.isNaN as never), `${name}: ${output}`)
  }
  t.end()
})
