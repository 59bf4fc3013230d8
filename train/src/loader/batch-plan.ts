// Which records make up each batch: from files, in a new random order each epoch; from a stream, through
// a shuffle buffer of bounded size; for validation, in their own order.

import type { StoredRecord } from '@millrace/recordio'
import { createRandom, drawInteger, permutation } from '../random.js'

/** A record to load: by its place in a file, or with its contents where it came from a stream. */
export interface PlannedRecord {
  readonly shard: number
  readonly ordinal: number
  readonly contents?: { readonly image: Uint8Array; readonly labels: Float32Array }
}

export interface BatchPlan {
  readonly epoch: number
  readonly records: readonly PlannedRecord[]
}

/** Marks the stream of random numbers that orders an epoch, so that it differs from those of the images. */
const orderKey = 0x0bde5
const streamKey = 0x57e4a

/**
 * The batches of an epoch. All records of all shards in one random order that
 * depends on (seed, epoch); the last records that fill no batch sit this epoch out.
 */
export function* planEpoch(shardCounts: readonly number[], batchSize: number, seed: number, epoch: number): Generator<BatchPlan> {
  const total = shardCounts.reduce((sum, count) => sum + count, 0)
  const order = permutation(total, createRandom(seed, orderKey, epoch))
  for (let batch = 0; (batch + 1) * batchSize <= total; batch++) {
    const records = Array.from(order.subarray(batch * batchSize, (batch + 1) * batchSize), (index) => locate(shardCounts, index))
    yield { epoch, records }
  }
}

/** All records in their own order; the last batch may be smaller. */
export function* planAll(shardCounts: readonly number[], batchSize: number): Generator<BatchPlan> {
  const total = shardCounts.reduce((sum, count) => sum + count, 0)
  for (let begin = 0; begin < total; begin += batchSize) {
    const length = Math.min(batchSize, total - begin)
    yield { epoch: 0, records: Array.from({ length }, (_, index) => locate(shardCounts, begin + index)) }
  }
}

/**
 * The batches of a stream, read once. The buffer holds `bufferRecords` records; each record that comes
 * takes the place of a random one, which goes out. At the end the rest goes out in random
 * order; the last records that fill no batch are left out.
 */
export async function* planStream(
  records: AsyncIterable<StoredRecord>, labelsOf: (record: StoredRecord) => Float32Array, batchSize: number, bufferRecords: number, seed: number,
): AsyncGenerator<BatchPlan> {
  const random = createRandom(seed, streamKey)
  const buffer: PlannedRecord[] = []
  let batch: PlannedRecord[] = []
  for await (const record of records) {
    const planned = { shard: 0, ordinal: record.ordinal, contents: { image: record.image, labels: labelsOf(record) } }
    if (buffer.length < bufferRecords) {
      buffer.push(planned)
      continue
    }
    const place = drawInteger(random, buffer.length)
    batch.push(buffer[place]!)
    buffer[place] = planned
    if (batch.length === batchSize) {
      yield { epoch: 0, records: batch }
      batch = []
    }
  }
  for (const index of permutation(buffer.length, random)) {
    batch.push(buffer[index]!)
    if (batch.length === batchSize) {
      yield { epoch: 0, records: batch }
      batch = []
    }
  }
}

function locate(shardCounts: readonly number[], index: number): PlannedRecord {
  let shard = 0
  while (index >= shardCounts[shard]!) index -= shardCounts[shard++]!
  return { shard, ordinal: index }
}
