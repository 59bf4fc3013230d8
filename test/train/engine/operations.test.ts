// Dropout: what its mask depends on, and that it keeps the mean.

import t from 'tap'
import * as tf from '@tensorflow/tfjs-core'
import type { StepKey } from '../../../../train/dist/engine/engine.js'
import { inferNode, trainNode } from '../../../../train/dist/engine/operations.js'
import { openWasmEngine } from '../../../../train/dist/engine/wasm/wasm-engine.js'

const key: StepKey = { seed: 1, step: 2, replica: 0 }
const size = 20_000

/** What dropout makes of ones, and its gradient for a dy of twos. */
async function drop(rate: number, { key: ownKey = key, layer = 3 }: { key?: StepKey; layer?: number } = {}): Promise<{ y: number[]; dx: number[] }> {
  await openWasmEngine()
  let result = { y: [] as number[], dx: [] as number[] }
  tf.tidy(() => {
    const { y, backward } = trainNode({ op: 'dropout', name: 'dropout', input: 'x', rate }, tf.ones([100, size / 100]), {}, ownKey, layer)
    result = { y: [...y.dataSync()], dx: [...backward(tf.fill(y.shape, 2), true).dx!.dataSync()] }
  })
  return result
}

t.test('drops a share, and divides the rest so that the mean stays', async (t) => {
  for (const rate of [0.1, 0.25, 0.5, 0.9]) {
    const { y, dx } = await drop(rate)
    const kept = Math.fround(1 / (1 - rate))
    t.ok(y.every((value) => value === 0 || value === kept), `rate ${rate}: 0 or 1/(1 − rate)`)
    // Five standard deviations of the mean of `size` values that are 0 or 1/(1 − rate).
    const mean = y.reduce((sum, value) => sum + value, 0) / size
    t.ok(Math.abs(mean - 1) < 5 * Math.sqrt(rate / (1 - rate) / size), `mean ${mean}`)
    t.same(dx, y.map((value) => 2 * value), 'the same mask on the way back')
  }
  t.ok((await drop(0)).y.every((value) => value === 1))
})

t.test('the mask follows from seed, step, layer and replica alone', async (t) => {
  const { y } = await drop(0.5)
  await drop(0.3, { layer: 9 })
  t.same((await drop(0.5)).y, y, 'the same key')
  for (const [name, other] of Object.entries({
    seed: { key: { ...key, seed: 2 } }, step: { key: { ...key, step: 3 } }, replica: { key: { ...key, replica: 1 } }, layer: { layer: 4 },
  })) {
    const same = (await drop(0.5, other)).y.filter((value, index) => value === y[index]).length / size
    t.ok(Math.abs(same - 0.5) < 0.02, `another ${name}: ${same} of the mask agrees, as by chance`)
  }
})

t.test('inference drops nothing', async (t) => {
  await openWasmEngine()
  const x = tf.tensor([1, 2, 3])
  t.equal(inferNode({ op: 'dropout', name: 'dropout', input: 'x', rate: 0.5 }, x, {}), x)
})
