// A loader thread: reads its records of a batch, decodes and prepares them, and writes inputs and labels
// straight into the shared slot. Decoded pixels are kept, up to a limit, so that later epochs only
// prepare; a record always comes to the same worker.

import { workerData } from 'node:worker_threads'
import type { PreprocessStep, RawImage } from '@millrace/infer'
import { decodeImage } from '@millrace/pipeline/images'
import { openRecords, type RecordFile } from '@millrace/recordio'
import { TrainError } from '../errors.js'
import { viewSlot, type SharedSlots } from '../replicas/shared-memory.js'
import { answerQuestions } from '../worker-thread.js'
import type { PlannedRecord } from './batch-plan.js'
import { prepareImage } from './prepare-image.js'
import { recordLabels, type LabelShape } from './record-labels.js'

export interface LoaderSetup {
  /** Record files; a record's `shard` is its index here. */
  readonly files: readonly string[]
  readonly slots: SharedSlots
  readonly preprocessing: readonly PreprocessStep[]
  readonly labels: LabelShape
  /** Seed of the random crops; without one the inputs are those of serving. */
  readonly augmentationSeed: number | undefined
  /** Most bytes of decoded pixels that this worker keeps. */
  readonly cacheBytes: number
}

/** One worker's part of a batch. `rows` says where in the slot each record goes. */
export interface LoaderRequest {
  readonly slot: number
  readonly epoch: number
  readonly records: readonly PlannedRecord[]
  readonly rows: readonly number[]
}

interface Decoded {
  readonly image: RawImage
  readonly labels: Float32Array
}

const setup = workerData as LoaderSetup
const opened = new Map<number, Promise<RecordFile>>()
const cache = new Map<string, Decoded>()
let cachedBytes = 0

answerQuestions(load)

async function load({ slot, epoch, records, rows }: LoaderRequest): Promise<void> {
  const { images, labels } = viewSlot(setup.slots, slot)
  const { imageSize, labelWidth } = setup.slots
  await Promise.all(records.map(async (record, index) => {
    const place = `${setup.files[record.shard] ?? 'the stream'}: record ${record.ordinal}`
    const decoded = await decode(record, place)
    const key = setup.augmentationSeed === undefined ? undefined : { seed: setup.augmentationSeed, epoch, shard: record.shard, ordinal: record.ordinal }
    const input = await attempt(place, () => prepareImage(decoded.image, setup.preprocessing, key))
    images.set(input, rows[index]! * imageSize)
    labels.set(decoded.labels, rows[index]! * labelWidth)
  }))
}

async function decode(record: PlannedRecord, place: string): Promise<Decoded> {
  const key = `${record.shard}/${record.ordinal}`
  const kept = cache.get(key)
  if (kept) return kept
  const { image: bytes, labels } = record.contents ?? await read(record, place)
  const image = await attempt(place, () => decodeImage(bytes))
  const decoded = { image, labels }
  if (!record.contents && cachedBytes + image.data.length <= setup.cacheBytes) {
    cachedBytes += image.data.length
    cache.set(key, decoded)
  }
  return decoded
}

async function read({ shard, ordinal }: PlannedRecord, place: string): Promise<{ image: Uint8Array; labels: Float32Array }> {
  const path = setup.files[shard]!
  if (!opened.has(shard)) opened.set(shard, openRecords(path))
  const record = await (await opened.get(shard)!).read(ordinal)
  return { image: record.image, labels: recordLabels(record, setup.labels, place) }
}

/** An image that cannot be decoded, or is too small for the network's crop, is named by its record. */
async function attempt<T>(place: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw new TrainError('TRAIN_IMAGE_DAMAGED', `${place}: its image cannot be used (${(cause as Error).message}); pack the data again, which rejects damaged images`, { cause })
  }
}
