// Replicas: the same step from any number of them, a failure that reaches whoever waits, and an end.

import t from 'tap'
import type { Graph } from '@millrace/infer'
import { createNetwork } from '@millrace/train'
import { initialiseWeights } from '../../../../train/dist/engine/initialise.js'
import { layoutWeights, viewWeight } from '../../../../train/dist/engine/parameters.js'
import { defaultAdam } from '../../../../train/dist/optimiser.js'
import { ReplicaPool } from '../../../../train/dist/replicas/replica-pool.js'
import type { ReplicaReply, ReplicaRequest, ReplicaSetup } from '../../../../train/dist/replicas/replica-worker.js'
import { allocateSharedState, allocateSlots, viewSlot, type SharedSlots } from '../../../../train/dist/replicas/shared-memory.js'
import { WorkerThread } from '../../../../train/dist/worker-thread.js'
import { digitLabels } from '../digit-records.js'
import { randomNumbers } from '../../infer/networks.js'

t.setTimeout(60_000)

const graph = createNetwork('svhn-digits-linear')
const batchSize = 10

function createPool(replicas: number, network: Graph = graph): ReplicaPool {
  const layout = layoutWeights(network)
  const pool = new ReplicaPool({ graph: network, layout, optimiser: defaultAdam, seed: 1, statisticsMomentum: 0.99, replicas })
  initialiseWeights(layout, pool.state, 1)
  return pool
}

/** Two slots of noise with labels. */
function fillSlots(): SharedSlots {
  const slots = allocateSlots({ slots: 2, batchSize, imageSize: 1024, labelWidth: 6 })
  const random = randomNumbers(5)
  for (const slot of [0, 1]) {
    const { images, labels } = viewSlot(slots, slot)
    for (let index = 0; index < images.length; index++) images[index] = 2 * random() - 1
    for (let row = 0; row < batchSize; row++) labels.set(digitLabels([row % 10, row % 3]), 6 * row)
  }
  return slots
}

t.test('any number of replicas takes the same step, up to rounding', async (t) => {
  const slots = fillSlots()
  const results: { losses: Float64Array; weights: Float32Array }[] = []
  for (const replicas of [1, 3, 10]) {
    const pool = createPool(replicas)
    t.equal(pool.size, replicas)
    await pool.step(slots, 0, 0, 1e-3)
    const losses = await pool.step(slots, 1, 1, 1e-3)
    results.push({ losses, weights: Float32Array.from(pool.state.trained) })
    await pool.close()
  }
  const [one, ...others] = results
  t.equal(one!.losses.length, 6, 'a loss a head')
  for (const { losses, weights } of others) {
    t.ok(losses.every((loss, head) => Math.abs(loss - one!.losses[head]!) < 1e-5))
    t.ok(weights.every((weight, index) => Math.abs(weight - one!.weights[index]!) < 1e-5))
  }
})

t.test('any replica answers for the first images of a slot', async (t) => {
  const slots = fillSlots()
  const pool = createPool(2)
  const answers = [await pool.run(0, slots, 1, 3), await pool.run(1, slots, 1, 3)]
  t.same(answers[0], answers[1])
  t.same([...answers[0]!].map(([name, values]) => [name, values.length]), [['length', 21], ...[1, 2, 3, 4, 5].map((digit) => [`digit${digit}`, 33])])
  await pool.close()
})

t.test('a loss that is no number in one replica: no weight changes in any', async (t) => {
  const slots = fillSlots()
  viewSlot(slots, 0).images[1024 * batchSize - 1] = NaN
  const pool = createPool(2)
  const before = Float32Array.from(pool.state.trained)
  await t.rejects(pool.step(slots, 0, 6, 1e-3), { code: 'TRAIN_LOSS_NOT_FINITE', message: /^step 7: the loss is NaN/ })
  t.ok(Buffer.from(before.buffer).equals(Buffer.from(Float32Array.from(pool.state.trained).buffer)))
  await t.rejects(pool.step(slots, 1, 7, 1e-3), { code: 'TRAIN_LOSS_NOT_FINITE' }, 'nor from then on')
  await pool.close()
})

t.test('gradients that overflow under a finite loss: no weight changes', async (t) => {
  const network = createNetwork('svhn-digits')
  const layout = layoutWeights(network)
  const slots = fillSlots()
  viewSlot(slots, 0).images.fill(0) // so that the batch norm, whose gradient is gamma / √epsilon times a large one, gives beta
  const pool = createPool(1, network)
  const weight = (name: string): Float32Array => viewWeight(layout.weights.find((place) => place.name === name)!, pool.state)
  weight('dense1-norm/gamma').fill(1e37)
  weight('dense1-norm/beta').fill(1)
  for (const [index, value] of weight('heads/kernel').entries()) weight('heads/kernel')[index] = 100 * value
  const before = Float32Array.from(pool.state.trained)
  await t.rejects(pool.step(slots, 0, 6, 1e-3), { code: 'TRAIN_LOSS_NOT_FINITE', message: /^step 7: the loss is \d[^ ]*, but its gradients are not all finite/ })
  t.ok(Buffer.from(before.buffer).equals(Buffer.from(Float32Array.from(pool.state.trained).buffer)))
  await pool.close()
})

t.test('a label out of range in one replica does not leave the others waiting', async (t) => {
  const slots = fillSlots()
  viewSlot(slots, 0).labels[1] = 11
  const pool = createPool(2)
  await t.rejects(pool.step(slots, 0, 0, 1e-3), { code: 'TRAIN_LABEL_RANGE' })
  await pool.close()
})

t.test('the pool can be closed in the middle of a step', async (t) => {
  const slots = fillSlots()
  const pool = createPool(2)
  await pool.step(slots, 0, 0, 1e-3)
  const interrupted = pool.step(slots, 0, 1, 1e-3).then(() => 'done', (error: { code: string }) => error.code)
  await pool.close()
  t.match(await interrupted, /^(done|TRAIN_REPLICA_FAILED)$/)
  await t.rejects(pool.step(slots, 0, 2, 1e-3), { code: 'TRAIN_REPLICA_FAILED', message: /^replica 0 ended with code 1/ })
})

t.test('a replica that waits for one which never comes can be ended', async (t) => {
  const { trainedSize: trained, statisticsSize: statistics } = layoutWeights(graph)
  const shared = allocateSharedState({ trained, statistics, memoryArrays: 2, replicas: 2 })
  const script = new URL('../../../../train/dist/replicas/replica-worker.js', import.meta.url)
  const setup: ReplicaSetup = { graph, optimiser: defaultAdam, seed: 1, statisticsMomentum: 0.99, replica: 0, shared }
  const alone = new WorkerThread<ReplicaRequest, ReplicaReply>(script, 'replica 0', setup, 'TRAIN_REPLICA_FAILED')
  const slots = fillSlots()
  await alone.ask({ kind: 'run', slots, slot: 0, count: 1 })
  const waiting = alone.ask({ kind: 'step', slots, slot: 0, step: 0, learningRate: 1e-3 }).then(() => 'done', (error: { code: string }) => error.code)
  t.equal(await Promise.race([waiting, new Promise((resolve) => setTimeout(resolve, 300, 'waits'))]), 'waits')
  await alone.terminate()
  t.equal(await waiting, 'TRAIN_REPLICA_FAILED')
})

t.test('a thread that cannot begin', async (t) => {
  const broken: Graph = { ...graph, nodes: graph.nodes.map((node) => (node.op === 'dense' ? { ...node, units: -1 } : node)) }
  const layout = layoutWeights(graph)
  const pool = new ReplicaPool({ graph: broken, layout, optimiser: defaultAdam, seed: 1, statisticsMomentum: 0.99, replicas: 2 })
  await t.rejects(pool.step(fillSlots(), 0, 0, 1e-3), { code: 'TRAIN_REPLICA_FAILED', message: /^replica \d failed: .*heads/ })
  await pool.close()
})
