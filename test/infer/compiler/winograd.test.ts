// Winograd's convolution against the reference executor: sizes that do not divide into tiles, several blocks of
// tiles, images that end within a block, and all that a convolution may end in.

import t from 'tap'
import fc from 'fast-check'
import { compileGraph, openSession, type WinogradUse } from '@millrace/infer/compiler'
import type { Conv2dNode, Graph, GraphNode } from '@millrace/infer'
import { randomWeights, singleNodeGraph } from '../networks.js'
import { difference, randomInput, tolerance } from './differences.js'

const convolution = (name: string, input: string, filters: number, size: 3 | 5, fields: Partial<Conv2dNode> = {}): Conv2dNode =>
  ({ op: 'conv2d', name, input, filters, kernelSize: [size, size], strides: [1, 1], padding: 'same', bias: true, ...fields })

const kernelNames = (graph: Graph, winograd: WinogradUse, batch = 1): string[] => compileGraph(graph, randomWeights(graph), { winograd, batch }).steps.map(({ kernel }) => kernel.name)

t.test('any size, channels and padding', (t) => {
  const padding = fc.oneof(fc.constant('same' as const), fc.record({ top: fc.nat(2), bottom: fc.nat(2), left: fc.nat(2), right: fc.nat(2) }))
  const channels = fc.constantFrom(1, 2, 3, 4, 5, 8, 12, 17, 20)
  const each = fc.record({ height: fc.integer({ min: 5, max: 19 }), width: fc.integer({ min: 5, max: 19 }), channels, filters: channels, size: fc.constantFrom(3 as const, 5 as const), padding, batch: fc.integer({ min: 1, max: 4 }), spare: fc.nat(2) })
  t.doesNotThrow(() => fc.assert(fc.property(each, ({ height, width, channels, filters, size, padding, batch, spare }) => {
    const graph = singleNodeGraph([height, width, channels], convolution('y', 'image', filters, size, { padding }))
    const found = difference(graph, { batch, capacity: batch + spare, winograd: 'always' })
    if (!(found < tolerance.always)) throw new Error(`differs by ${found}`)
  }), { numRuns: 120 }))
  t.end()
})

t.test('smaller than a tile, and blocks of tiles that end within an image', (t) => {
  for (const [height, width, channels, filters, size] of [[1, 1, 3, 4, 3], [2, 1, 4, 8, 5], [1, 9, 4, 8, 3], [61, 67, 3, 8, 3], [33, 37, 8, 8, 5], [45, 45, 12, 24, 3]] as const) {
    const graph = singleNodeGraph([height, width, channels], convolution('y', 'image', filters, size))
    t.ok(kernelNames(graph, 'always').some((name) => name.startsWith('Winograd')))
    for (const batch of [1, 3]) t.ok(difference(graph, { batch, capacity: 3, winograd: 'always' }) < tolerance.always, `${height}x${width}x${channels}, ${batch} images`)
  }
  t.end()
})

t.test('every end of a convolution, in a row of them whose borders must stay zero', (t) => {
  const nodes: GraphNode[] = [
    convolution('c1', 'image', 12, 3), { op: 'prelu', name: 'p1', input: 'c1' }, { op: 'batchNorm', name: 'n1', input: 'p1', epsilon: 1e-3 },
    convolution('c2', 'n1', 12, 5), { op: 'add', name: 'a2', inputs: ['c2', 'n1'] }, { op: 'elu', name: 'e2', input: 'a2', alpha: 0.5 },
    convolution('c3', 'e2', 8, 3), convolution('c4', 'e2', 6, 3), { op: 'sigmoid', name: 's4', input: 'c4' }, { op: 'concat', name: 'both', inputs: ['c3', 's4'] },
    convolution('y', 'both', 5, 3),
  ]
  const graph = { ...singleNodeGraph([11, 14, 7], nodes[0]!), nodes: [...nodes, ...singleNodeGraph([11, 14, 7], nodes[0]!).nodes.slice(1)], outputs: ['y', 'answer'] }
  for (const batch of [1, 3, 8]) t.ok(difference(graph, { batch, capacity: 8, winograd: 'always' }) < 5 * tolerance.always, `${batch} images`)
  t.end()
})

t.test('a NaN reaches all outputs that it should', (t) => {
  const graph = singleNodeGraph([9, 9, 4], convolution('y', 'image', 8, 3))
  const input = randomInput(graph, 1, 2)
  input[4 * 40] = NaN
  const [direct, winograd] = (['never', 'always'] as const).map((use) => openSession(compileGraph(graph, randomWeights(graph), { winograd: use })).run(input, 1).get('y')!) as [Float32Array, Float32Array]
  t.ok(direct.every((value, index) => !Number.isNaN(value) || Number.isNaN(winograd[index])))
  t.ok(winograd.some((value) => !Number.isNaN(value)), 'and not all')
  t.end()
})

t.test('it is chosen where it is quicker', (t) => {
  const isChosen = (side: number, channels: number, filters: number, fields: Partial<Conv2dNode>, batch = 1): boolean =>
    kernelNames(singleNodeGraph([side, side, channels], convolution('y', 'image', filters, 3, fields)), 'auto', batch).some((name) => name.startsWith('Winograd'))
  t.ok(isChosen(28, 32, 32, {}))
  t.ok(isChosen(27, 32, 32, { kernelSize: [5, 5] }))
  t.notOk(isChosen(2, 128, 128, {}), 'not for a single tile, whose weights cost more than they save')
  t.ok(isChosen(4, 64, 64, {}, 32), 'but for many images of one')
  for (const fields of [{ kernelSize: [1, 1] }, { kernelSize: [3, 5] }, { strides: [2, 2] }, { dilations: [2, 2] }, { groups: 2 }] as const) t.notOk(isChosen(28, 32, 32, fields), JSON.stringify(fields))
  const graph = singleNodeGraph([28, 28, 32], convolution('y', 'image', 32, 3))
  t.notOk(kernelNames(graph, 'never').some((name) => name.startsWith('Winograd')))
  t.end()
})
