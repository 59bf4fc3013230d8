// Batch normalisation with the batch's statistics and its gradient, with and without the rectifier,
// against float64 loops, numeric gradients and its own reference.

import t from 'tap'
import * as tf from '@tensorflow/tfjs-core'
import fc from 'fast-check'
import { normaliseBatch, normaliseBatchGradient } from '../../../../../train/dist/engine/wasm/batch-norm.js'
import { normaliseGradientReference, normaliseReference } from '../../../../../train/dist/engine/wasm/batch-norm-reference.js'
import { assertClose, batchNorm, dot, numericGradient, randomValues, relu, somePlaces, type Values } from '../plain-layers.js'
import { openEngineHeap, readHeap, runKernel, toTensor } from './run-kernel.js'

interface Case {
  readonly shape: readonly number[]
  readonly rectify: boolean
  readonly epsilon: number
  readonly seed: number
}

const channelCounts = fc.constantFrom(1, 3, 4, 5, 8, 16)
const sides = fc.integer({ min: 1, max: 9 })
const shapes = fc.oneof(
  fc.tuple(fc.integer({ min: 1, max: 3 }), sides, sides, channelCounts),
  fc.tuple(fc.integer({ min: 2, max: 40 }), channelCounts), // after a dense layer
)
const cases: fc.Arbitrary<Case> = fc.record({ shape: shapes, rectify: fc.boolean(), epsilon: fc.constantFrom(1e-3, 0.1), seed: fc.integer({ min: 1, max: 1e6 }) })

function inputs({ shape, seed }: Case): { x: Values; gamma: Values; beta: Values; dy: Values } {
  const channels = shape.at(-1)!
  return { x: randomValues(shape, seed), gamma: randomValues([channels], seed + 1), beta: randomValues([channels], seed + 2), dy: randomValues(shape, seed + 3) }
}

async function check(each: Case): Promise<void> {
  const { epsilon, rectify } = each
  const { x, gamma, beta, dy } = inputs(each)
  const expected = batchNorm(x, gamma, beta, epsilon)
  const [y, mean, variance] = await runKernel('BatchNormTraining', { x, gamma, beta }, { epsilon, rectify }) as [Values, Values, Values]
  assertClose('y', y.data, rectify ? relu(expected.y).data : expected.y.data, 1e-5)
  assertClose('mean', mean.data, expected.mean.data, 1e-5)
  assertClose('variance', variance.data, expected.variance.data, 1e-5)

  // The rectifier lets the gradient through where it let the value through: with that fixed, the loss is
  // smooth, and rounding as well as the order of h² stay below 1e-5.
  const through = { shape: dy.shape, data: dy.data.map((value, index) => (!rectify || y.data[index]! > 0 ? value : 0)) }
  const loss = (): number => dot(batchNorm(x, gamma, beta, epsilon).y, through)
  const [dx, dgamma, dbeta] = await runKernel('BatchNormTrainingGrad', { dy, x, y, gamma, mean, variance }, { epsilon, rectify }) as [Values, Values, Values]
  assertClose('dx', dx.data, numericGradient(x.data, loss, 1e-5, somePlaces(x.data.length, 20, each.seed)), 1e-4)
  assertClose('dgamma', dgamma.data, numericGradient(gamma.data, loss, 1e-5), 1e-4)
  assertClose('dbeta', dbeta.data, numericGradient(beta.data, loss, 1e-5), 1e-4)
}

t.test('numeric gradients over odd shapes', (t) => t.resolves(fc.assert(fc.asyncProperty(cases, check), { numRuns: 200 })))

t.test('more rows than a block of sums', (t) => t.resolves(check({ shape: [3, 17, 13, 4], rectify: true, epsilon: 1e-3, seed: 1 })))

t.test('a channel of one value: the variance is 0, y is beta, nothing flows back', async (t) => {
  for (const channels of [3, 4]) {
    const { gamma, beta, dy } = inputs({ shape: [2, 3, 3, channels], rectify: false, epsilon: 1e-3, seed: 1 })
    const x = { shape: dy.shape, data: dy.data.map(() => 0.7) }
    const [y, mean, variance] = await runKernel('BatchNormTraining', { x, gamma, beta }, { epsilon: 1e-3, rectify: false }) as [Values, Values, Values]
    t.ok(variance.data.every((value) => value >= 0 && value < 1e-6), `${channels} channels`)
    assertClose('y', y.data, y.data.map((_, index) => beta.data[index % channels]!), 1e-4)
    const [dx] = await runKernel('BatchNormTrainingGrad', { dy, x, y, gamma, mean, variance }, { epsilon: 1e-3, rectify: false }) as [Values]
    const sums = new Float64Array(channels)
    dx.data.forEach((value, index) => (sums[index % channels]! += value))
    t.ok(sums.every((sum) => Math.abs(sum) < 1e-3))
  }
})

for (const channels of [3, 4]) {
  t.test(`a mean far from 0 leaves the variance exact, ${channels} channels`, async (t) => {
    for (const offset of [10, 100, 1000]) {
      const { x: centred, gamma, beta } = inputs({ shape: [4, 16, 16, channels], rectify: false, epsilon: 1e-3, seed: 5 })
      const x = { shape: centred.shape, data: centred.data.map((value) => Math.fround(value + offset)) }
      const expected = batchNorm(x, gamma, beta, 1e-3)
      const [y, , variance] = await runKernel('BatchNormTraining', { x, gamma, beta }, { epsilon: 1e-3, rectify: false }) as [Values, Values, Values]
      await t.resolves(async () => assertClose(`variance, mean ${offset}`, variance.data, expected.variance.data, 1e-5))
      // y = scale·x + shift cancels in float32: an error of about mean/deviation roundings remains.
      await t.resolves(async () => assertClose(`y, mean ${offset}`, y.data, expected.y.data, 1e-6 * (1 + offset)))
    }
  })

  t.test(`NaN is not hidden by the rectifier, ${channels} channels`, async (t) => {
    const { x, gamma, beta } = inputs({ shape: [1, 4, 4, channels], rectify: true, epsilon: 1e-3, seed: 1 })
    x.data[0] = NaN
    const [y] = await runKernel('BatchNormTraining', { x, gamma, beta }, { epsilon: 1e-3, rectify: true }) as [Values]
    t.same(y.data.map((value, index) => Number(Number.isNaN(value) === (index % channels === 0))), y.data.map(() => 1), 'its channel is NaN, the others are not')
  })
}

t.test('the vector path gives what the reference gives', async (t) => {
  const heap = await openEngineHeap()
  for (const rectify of [false, true]) {
    const options = { epsilon: 1e-3, rectify }
    const values = inputs({ shape: [2, 15, 11, 12], ...options, seed: 9 })
    tf.engine().startScope()
    const [x, gamma, beta, dy] = [values.x, values.gamma, values.beta, values.dy].map(toTensor) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]
    const fast = normaliseBatch(heap, x, gamma, beta, options)
    const plain = normaliseReference(heap, x, gamma, beta, options)
    const fastGradients = normaliseBatchGradient(heap, dy, x, fast.y, gamma, fast.mean, fast.variance, options)
    const plainGradients = normaliseGradientReference(heap, dy, x, plain.y, gamma, plain.mean, plain.variance, options)
    const pairs = Object.entries({ ...fast, ...fastGradients }).map(([name, tensor]) =>
      [name, readHeap(heap, tensor), readHeap(heap, { ...plain, ...plainGradients }[name as keyof typeof plain & keyof typeof plainGradients])] as const)
    tf.engine().endScope()
    for (const [name, left, right] of pairs) {
      t.same(left.shape, right.shape, `${name}, ${rectify ? 'rectified' : 'plain'}`)
      await t.resolves(async () => assertClose(name, left.data, right.data, 1e-5))
    }
  }
})
