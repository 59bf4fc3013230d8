// Max pooling's gradient against numeric gradients, against its rule (the first of equal values takes
// all) and against its own reference.

import t from 'tap'
import * as tf from '@tensorflow/tfjs-core'
import fc from 'fast-check'
type Padding = 'same' | 'valid'
import { maxPoolGradient, maxPoolGradientReference } from '../../../../../train/dist/engine/wasm/max-pool.js'
import { assertClose, dot, maxPool, numericGradient, randomValues, shuffledValues, somePlaces, zeros, type Sides, type Values } from '../plain-layers.js'
import { openEngineHeap, readHeap, runKernel, toTensor } from './run-kernel.js'

interface Case {
  readonly count: number
  readonly size: Sides
  readonly channels: number
  readonly window: Sides
  readonly strides: Sides
  readonly padding: Padding
  readonly seed: number
}

const side = (max: number): fc.Arbitrary<Sides> => fc.tuple(fc.integer({ min: 1, max }), fc.integer({ min: 1, max }))
const cases: fc.Arbitrary<Case> = fc.record({
  count: fc.integer({ min: 1, max: 3 }),
  size: side(9),
  channels: fc.constantFrom(1, 3, 4, 5, 8, 16),
  window: side(4),
  strides: side(3),
  padding: fc.constantFrom<Padding>('same', 'valid'),
  seed: fc.integer({ min: 1, max: 1e6 }),
}).filter(({ size, window, padding }) => padding === 'same' || (window[0] <= size[0] && window[1] <= size[1]))

/** Output and gradient of the engine; dy is random. */
async function pool(x: Values, { window, strides, padding, seed }: Case): Promise<{ y: Values; dy: Values; dx: Values }> {
  const attributes = { filterSize: [...window], strides: [...strides], pad: padding }
  const [y] = await runKernel('MaxPool', { x }, attributes)
  const dy = randomValues(y!.shape, seed + 1)
  const [dx] = await runKernel('MaxPoolGrad', { dy, input: x, output: y! }, attributes)
  return { y: y!, dy, dx: dx! }
}

for (const sign of ['positive and negative', 'negative'] as const) {
  t.test(`numeric gradients, ${sign} values`, (t) => t.resolves(fc.assert(fc.asyncProperty(cases, async (each) => {
    const shape = [each.count, ...each.size, each.channels]
    const size = shape.reduce((product, length) => product * length, 1)
    const x = shuffledValues(shape, each.seed, sign === 'negative' ? size : size / 2)
    const { y, dy, dx } = await pool(x, each)
    assertClose('y', y.data, maxPool(x, each.window, each.strides, each.padding).y.data, 0)
    // Values lie 1 apart, so steps of a quarter change no window's winner: the loss is linear.
    const loss = (): number => dot(maxPool(x, each.window, each.strides, each.padding).y, dy)
    assertClose('dx', dx.data, numericGradient(x.data, loss, 0.25, somePlaces(size, 20, each.seed)), 1e-5)
  }), { numRuns: 100 })))
}

t.test('ties: the first of equal values takes all', (t) => t.resolves(fc.assert(fc.asyncProperty(cases, async (each) => {
  const coarse = randomValues([each.count, ...each.size, each.channels], each.seed)
  const x = { ...coarse, data: coarse.data.map((value) => Math.floor(value * 1.5)) } // −2, −1, 0, 1
  const { dy, dx } = await pool(x, each)
  const expected = zeros(x.shape)
  for (const [index, place] of maxPool(x, each.window, each.strides, each.padding).places.entries()) expected.data[place]! += dy.data[index]!
  assertClose('dx', dx.data, expected.data, 1e-6)
}), { numRuns: 150 })))

t.test('the vector path gives what the reference gives', async (t) => {
  const heap = await openEngineHeap()
  for (const { window, strides, padding } of [
    { window: [2, 2], strides: [2, 2], padding: 'same' },
    { window: [3, 3], strides: [1, 1], padding: 'same' },
    { window: [3, 2], strides: [2, 3], padding: 'valid' },
  ] as { window: [number, number]; strides: [number, number]; padding: Padding }[]) {
    tf.engine().startScope()
    const info = tf.backend_util.computePool2DInfo([2, 9, 7, 8], window, strides, 1, padding)
    const x = toTensor(randomValues([2, 9, 7, 8], 1))
    const y = tf.maxPool(x as tf.Tensor4D, window, strides, padding)
    const dy = toTensor(randomValues(y.shape, 2))
    const fast = readHeap(heap, maxPoolGradient(heap, dy, x, y, info))
    const plain = readHeap(heap, maxPoolGradientReference(heap, dy, x, info))
    tf.engine().endScope()
    t.same(fast.shape, [2, 9, 7, 8])
    await t.resolves(async () => assertClose(`${window} by ${strides}, ${padding}`, fast.data, plain.data, 1e-6))
  }
})
