// Which records make up the batches: every record once an epoch, in orders that follow from the seed,
// and streams through a buffer that never grows past its size.

import t from 'tap'
import fc from 'fast-check'
import type { StoredRecord } from '@millrace/recordio'
import { planAll, planEpoch, planStream, type BatchPlan, type PlannedRecord } from '../../../../train/dist/loader/batch-plan.js'

const nameOf = ({ shard, ordinal }: PlannedRecord): string => `${shard}/${ordinal}`
const names = (plans: Iterable<BatchPlan>): string[] => [...plans].flatMap(({ records }) => records.map(nameOf))
const everyRecord = (shardCounts: readonly number[]): string[] => shardCounts.flatMap((count, shard) => Array.from({ length: count }, (_, ordinal) => `${shard}/${ordinal}`))
const shards = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 4 })
const batchSizes = fc.integer({ min: 1, max: 20 })

t.test('an epoch: full batches, no record twice, less than a batch left out', (t) => {
  t.doesNotThrow(() => fc.assert(fc.property(shards, batchSizes, fc.nat(), fc.nat(100), (shardCounts, batchSize, seed, epoch) => {
    const plans = [...planEpoch(shardCounts, batchSize, seed, epoch)]
    const planned = names(plans)
    const known = new Set(everyRecord(shardCounts))
    return plans.every((plan) => plan.records.length === batchSize && plan.epoch === epoch)
      && new Set(planned).size === planned.length && planned.every((name) => known.has(name))
      && planned.length > known.size - batchSize
  })))
  t.end()
})

t.test('an epoch is the same again, another epoch or seed is another order', (t) => {
  const order = names(planEpoch([50, 30], 8, 1, 2))
  t.same(names(planEpoch([50, 30], 8, 1, 2)), order)
  t.notSame(names(planEpoch([50, 30], 8, 1, 3)), order)
  t.notSame(names(planEpoch([50, 30], 8, 2, 2)), order)
  t.notSame(order, everyRecord([50, 30]), 'and is shuffled')
  t.ok(order.slice(0, 40).some((name) => name.startsWith('1/')), 'over all shards')
  t.end()
})

t.test('another batch size cuts the same order', (t) => {
  t.same(names(planEpoch([80], 4, 1, 0)), names(planEpoch([80], 16, 1, 0)))
  t.end()
})

t.test('each epoch leaves other records out', (t) => {
  const missing = Array.from({ length: 20 }, (_, epoch) => {
    const planned = new Set(names(planEpoch([33], 8, 1, epoch)))
    return everyRecord([33]).find((name) => !planned.has(name))
  })
  t.ok(new Set(missing).size > 5, missing.join())
  t.end()
})

t.test('validation: all records in their own order, the last batch as it is', (t) => {
  t.doesNotThrow(() => fc.assert(fc.property(shards, batchSizes, (shardCounts, batchSize) => {
    const plans = [...planAll(shardCounts, batchSize)]
    return names(plans).join() === everyRecord(shardCounts).join() && plans.every(({ records }, index) => (index < plans.length - 1 ? records.length === batchSize : records.length > 0))
  })))
  t.end()
})

/** A stream that counts what has gone into the plan and, by the batches taken, what is held there. */
async function runStream(count: number, batchSize: number, bufferRecords: number, seed = 1): Promise<{ plans: BatchPlan[]; mostHeld: number }> {
  let given = 0
  let taken = 0
  let mostHeld = 0
  async function* records(): AsyncGenerator<StoredRecord> {
    for (let ordinal = 0; ordinal < count; ordinal++) {
      given++
      mostHeld = Math.max(mostHeld, given - taken)
      yield { id: BigInt(ordinal), id2: 0n, label: ordinal, labels: new Float32Array(0), image: Uint8Array.of(ordinal), ordinal, offsetBytes: 0 }
    }
  }
  const plans: BatchPlan[] = []
  for await (const plan of planStream(records(), ({ label }) => Float32Array.of(label), batchSize, bufferRecords, seed)) {
    taken += plan.records.length
    plans.push(plan)
  }
  return { plans, mostHeld }
}

t.test('a stream: full batches, no record twice, less than a batch left out, a bounded buffer', (t) => t.resolves(fc.assert(fc.asyncProperty(
  fc.integer({ min: 0, max: 120 }), batchSizes, fc.integer({ min: 1, max: 30 }), async (count, batchSize, bufferRecords) => {
    const { plans, mostHeld } = await runStream(count, batchSize, bufferRecords)
    const planned = names(plans)
    return plans.every(({ records }) => records.length === batchSize)
      && new Set(planned).size === planned.length && planned.length === count - (count % batchSize)
      && mostHeld <= bufferRecords + batchSize
  }))))

t.test('a stream is shuffled by its seed, and brings its contents along', async (t) => {
  const { plans } = await runStream(100, 10, 30)
  const order = names(plans)
  t.same(names((await runStream(100, 10, 30)).plans), order)
  t.notSame(names((await runStream(100, 10, 30, 2)).plans), order)
  t.notSame(order, everyRecord([100]))
  t.same(names((await runStream(100, 10, 1)).plans), everyRecord([100]), 'a buffer of one shuffles nothing')
  for (const { shard, ordinal, contents } of plans.flatMap(({ records }) => records)) t.same({ shard, contents }, { shard: 0, contents: { image: Uint8Array.of(ordinal), labels: Float32Array.of(ordinal) } })
})

t.test('an error of the stream comes through', async (t) => {
  async function* broken(): AsyncGenerator<StoredRecord> {
    throw new Error('cut')
  }
  await t.rejects(planStream(broken(), () => new Float32Array(1), 4, 8, 1).next(), { message: 'cut' })
})
