// The digit networks: their layers and weights counted by hand, their heads and their preprocessing.

import t from 'tap'
import { inferShapes, preprocessImage, weightSpecs, type Graph } from '@millrace/infer'
import { createNetwork, networks } from '@millrace/train'
import { svhnDigits } from '../../../../train/dist/networks/svhn-digits.js'

function countWeights(graph: Graph, trainable: boolean): number {
  return weightSpecs(graph).filter((spec) => spec.trainable === trainable).reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0)
}

const headUnits = 7 + 5 * 11

t.test('small', (t) => {
  const graph = svhnDigits()
  const shapes = inferShapes(graph)
  t.same([1, 2, 3].map((block) => shapes.get(`pool${block}`)), [[16, 16, 16], [8, 8, 32], [4, 4, 64]])
  t.same(shapes.get('flatten'), [1024])
  const convolutions = 9 * (1 * 16 + 16 * 32 + 32 * 64)
  const dense = 1024 * 256
  const norms = 2 * (16 + 32 + 64 + 256)
  t.equal(countWeights(graph, true), convolutions + dense + norms + 256 * headUnits + headUnits)
  t.equal(countWeights(graph, true), 301_998)
  t.equal(countWeights(graph, false), norms)
  t.notOk(graph.nodes.some(({ op }) => op === 'dropout'))
  t.end()
})

t.test('published: Goodfellow et al. 2014, section 5.1', (t) => {
  const graph = svhnDigits({ size: 'published' })
  const shapes = inferShapes(graph)
  // Pooling halves in turn with a stride of 1; same padding rounds up: 54 → 27 → 27 → 14 → 14 → 7 → 7 → 4 → 4.
  const filters = [48, 64, 128, 160, 192, 192, 192, 192]
  const sides = [27, 27, 14, 14, 7, 7, 4, 4]
  t.same(filters.map((_, block) => shapes.get(`dropout${block + 1}`)), filters.map((count, block) => [sides[block], sides[block], count]))
  t.same(shapes.get('flatten'), [4 * 4 * 192])
  const convolutions = 25 * (3 * 48 + 48 * 64 + 64 * 128 + 128 * 160 + 160 * 192 + 3 * 192 * 192)
  const dense = 3072 * 3072 * 2
  const norms = 2 * (48 + 64 + 128 + 160 + 4 * 192 + 2 * 3072)
  t.equal(countWeights(graph, true), convolutions + dense + norms + 3072 * headUnits + headUnits)
  t.equal(countWeights(graph, true), 23_409_518)
  t.equal(countWeights(graph, false), norms)
  t.end()
})

t.test('linear: the heads on the pixels', (t) => {
  const graph = svhnDigits({ size: 'linear' })
  t.equal(countWeights(graph, true), 32 * 32 * headUnits + headUnits)
  t.equal(countWeights(graph, false), 0)
  t.end()
})

for (const name of Object.keys(networks)) {
  t.test(`${name}: heads, preprocessing, names`, (t) => {
    const graph = createNetwork(name)
    t.equal(graph.name, name)
    const shapes = inferShapes(graph)
    t.same(graph.outputs.map((output) => [output, shapes.get(output)]), [['length', [7]], ...[1, 2, 3, 4, 5].map((digit) => [`digit${digit}`, [11]])])
    const slices = graph.nodes.flatMap((node) => (node.op === 'slice' ? [[node.begin, node.size]] : []))
    t.same(slices, [[0, 7], [7, 11], [18, 11], [29, 11], [40, 11], [51, 11]], 'side by side, none twice')
    const input = preprocessImage({ data: new Uint8Array(70 * 40 * 3).fill(100), width: 70, height: 40, channels: 3 }, graph.preprocessing)
    t.equal(input.length, graph.input.shape.reduce((product, size) => product * size, 1), 'an image of any size becomes the input')
    t.end()
  })
}

t.test('a name that no network has', (t) => {
  t.throws(() => createNetwork('svhn'), { code: 'TRAIN_NETWORK_UNKNOWN', message: /"svhn"; choose one of svhn-digits, svhn-digits-published, svhn-digits-linear/ })
  t.throws(() => createNetwork('toString'), { code: 'TRAIN_NETWORK_UNKNOWN' }, 'nor what every object has')
  t.throws(() => createNetwork(''), { code: 'TRAIN_NETWORK_UNKNOWN' })
  t.end()
})
