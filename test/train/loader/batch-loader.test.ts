// The loader: batches in order from any number of threads, memory that is bounded, errors in their turn.

import t from 'tap'
import { join } from 'node:path'
import { preprocessImage } from '@millrace/infer'
import { decodeImage } from '@millrace/pipeline/images'
import { createNetwork } from '@millrace/train'
import { BatchLoader, type BatchLoaderOptions, type LoadedBatch } from '../../../../train/dist/loader/batch-loader.js'
import { planAll, planEpoch, type BatchPlan } from '../../../../train/dist/loader/batch-plan.js'
import { allocateSlots, viewSlot } from '../../../../train/dist/replicas/shared-memory.js'
import { digitRecords, writeRecords } from '../digit-records.js'

t.setTimeout(60_000)

const folder = t.testdir()
const records = await digitRecords(30)
const parts = [await writeRecords(join(folder, 'a.rec'), records.slice(0, 11)), await writeRecords(join(folder, 'b.rec'), records.slice(11))]
const { preprocessing } = createNetwork('svhn-digits-linear')

function createLoader(options: Partial<BatchLoaderOptions> = {}): BatchLoader {
  return new BatchLoader({
    files: parts,
    slots: allocateSlots({ slots: 3, batchSize: 4, imageSize: 1024, labelWidth: 6 }),
    preprocessing,
    labels: { labelKind: 'digits', labelWidth: 6, classes: [7, 11, 11, 11, 11, 11] },
    augmentationSeed: undefined,
    cacheBytes: 2 ** 20,
    workers: 1,
    ...options,
  })
}

/** The images and labels of every batch, copied. */
async function loadAll(loader: BatchLoader, plans: Iterable<BatchPlan>): Promise<{ images: Float32Array; labels: Float32Array }[]> {
  const batches: { images: Float32Array; labels: Float32Array }[] = []
  for await (const batch of loader.load(plans)) {
    const { images, labels } = viewSlot(loader.slots, batch.slot, 0, batch.count)
    batches.push({ images: images.slice(), labels: labels.slice() })
    loader.release(batch.slot)
  }
  return batches
}

t.test('validation: the inputs of serving, in the order of the records', async (t) => {
  const loader = createLoader()
  const batches = await loadAll(loader, planAll([11, 19], 4))
  await loader.close()
  t.same(batches.map(({ labels }) => labels.length / 6), [4, 4, 4, 4, 4, 4, 4, 2])
  for (const [index, { image, labels }] of records.entries()) {
    const { images, labels: loaded } = batches[Math.floor(index / 4)]!
    const row = index % 4
    const expected = preprocessImage(await decodeImage(image), preprocessing)
    const isSame = images.subarray(row * 1024, (row + 1) * 1024).every((value, place) => value === expected[place])
    if (!isSame || String(loaded.subarray(6 * row, 6 * row + 6)) !== String(labels)) t.fail(`record ${index}`)
  }
})

t.test('training: the same batches from any number of threads, cached or not, and again', async (t) => {
  const plans = (): BatchPlan[] => [...planEpoch([11, 19], 4, 9, 0), ...planEpoch([11, 19], 4, 9, 1)]
  const loader = createLoader({ augmentationSeed: 9 })
  const first = await loadAll(loader, plans())
  t.equal(first.length, 14)
  t.same(await loadAll(loader, plans()), first, 'from the cache')
  await loader.close()
  for (const options of [{ workers: 4 }, { workers: 3, cacheBytes: 0 }, { cacheBytes: 40_000 }]) {
    const other = createLoader({ augmentationSeed: 9, ...options })
    t.same(await loadAll(other, plans()), first, JSON.stringify(options))
    await other.close()
  }
})

t.test('never more batches ahead than there are slots; waits for one to be given back', async (t) => {
  const loader = createLoader()
  let planned = 0
  function* counted(): Generator<BatchPlan> {
    for (const plan of planAll([11, 19], 4)) {
      planned++
      yield plan
    }
  }
  const batches = loader.load(counted())
  const held: LoadedBatch[] = []
  for (let turn = 0; turn < 3; turn++) held.push((await batches.next()).value as LoadedBatch)
  t.same([planned, new Set(held.map(({ slot }) => slot)).size], [3, 3])
  const next = batches.next()
  t.equal(await Promise.race([next, new Promise((resolve) => setTimeout(resolve, 50, 'waits'))]), 'waits')
  loader.release(held[1]!.slot)
  t.equal(((await next).value as LoadedBatch).slot, held[1]!.slot)
  await batches.return(undefined)
  await loader.close()
})

t.test('leaving early gives the slots back, and ends the plans', async (t) => {
  const loader = createLoader()
  let ended = false
  function* plans(): Generator<BatchPlan> {
    try {
      yield* planAll([11, 19], 4)
    } finally {
      ended = true
    }
  }
  for await (const batch of loader.load(plans())) {
    loader.release(batch.slot)
    break
  }
  t.ok(ended)
  t.equal((await loadAll(loader, planAll([11, 19], 4))).length, 8)
  await loader.close()
})

t.test('an error comes in its turn, with its place, and the threads can be ended', async (t) => {
  const damaged = await writeRecords(join(folder, 'damaged.rec'), records.map((record, index) => (index === 9 ? { ...record, image: record.image.subarray(0, 300) } : record)))
  const loader = createLoader({ files: [damaged], workers: 2 })
  const batches = loader.load(planAll([30], 4))
  for (let turn = 0; turn < 2; turn++) loader.release(((await batches.next()).value as LoadedBatch).slot)
  await t.rejects(batches.next(), { name: 'TrainError', code: 'TRAIN_IMAGE_DAMAGED', message: /damaged\.rec: record 9: / })
  await loader.close()
  await t.rejects(loadAll(loader, planAll([30], 4)), { code: 'TRAIN_LOADER_FAILED', message: /^loader 0 ended/ })
})

t.test('errors of the record format and of the plans pass with their class', async (t) => {
  const loader = createLoader({ files: [join(folder, 'missing.rec')] })
  await t.rejects(loadAll(loader, planAll([4], 4)), { name: 'RecordError', code: 'REC_FILE', message: /missing\.rec/ })
  function* broken(): Generator<BatchPlan> {
    throw new RangeError('no more plans')
  }
  await t.rejects(loadAll(loader, broken()), new RangeError('no more plans'))
  await loader.close()
})
