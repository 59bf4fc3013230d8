// A run that reads its records from a stream: one pass, or more through the file that keeps it.

import t from 'tap'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { createNetwork, resumeTraining, trainNetwork, type TrainOptions } from '@millrace/train'
import { openRecords, readRecords, RecordWriter, type StoredRecord } from '@millrace/recordio'
import { checkpointText, digitRecords, readLog, typedError, writeRecords } from './digit-records.js'

t.setTimeout(120_000)

const folder = t.testdir()
const source = await writeRecords(join(folder, 'source.rec'), await digitRecords(64))
const options: Omit<TrainOptions, 'run' | 'records'> = { graph: createNetwork('svhn-digits-linear'), epochs: 1, batchSize: 8 }

/** Passes records on, and keeps them in a file. */
async function* keep(records: AsyncIterable<StoredRecord>, path: string): AsyncGenerator<StoredRecord> {
  const writer = await RecordWriter.create(path, { labelKind: 'digits', labelWidth: 6 })
  for await (const record of records) {
    await writer.write(record)
    yield record
  }
  await writer.close()
}

t.test('one pass is one epoch, the same for the same seed, and cannot be resumed', async (t) => {
  const runs = ['a', 'b'].map((name) => join(folder, name))
  for (const run of runs) await trainNetwork({ ...options, records: readRecords(source), shuffleRecords: 20, run })
  t.match(readLog(runs[0]!), [{ kind: 'epoch', epoch: 1, step: 8 }])
  t.same(...runs.map((run) => checkpointText(join(run, 'checkpoints/epoch-0001'))) as [object, object])
  t.match(await resumeTraining(runs[0]!), { epochs: 1, steps: 8 }, 'but a finished run is no error')
  rmSync(join(runs[0]!, 'checkpoints'), { recursive: true })
  t.match(await typedError(() => resumeTraining(runs[0]!)), { code: 'TRAIN_STREAM_ONCE', message: /stream, which is gone/ })
})

t.test('takes no more records than the shuffle buffer and the batches under way hold', async (t) => {
  let taken = 0
  let stepsSeen = 0
  let furthest = 0
  async function* counted(): AsyncGenerator<StoredRecord> {
    const file = await openRecords(source)
    const record = { ...(await file.read(0)), offsetBytes: 0 }
    await file.close()
    for (let ordinal = 0; ordinal < 400; ordinal++) {
      furthest = Math.max(furthest, ++taken - 8 * stepsSeen)
      yield { ...record, ordinal }
    }
  }
  await trainNetwork({ ...options, records: counted(), shuffleRecords: 16, run: join(folder, 'bounded'), onProgress: ({ step }) => (stepsSeen = step) })
  t.equal(taken, 400)
  // Steps are told every ten; four batches are loaded ahead.
  t.ok(furthest <= 16 + 8 * (10 + 4 + 1), `${furthest} records ahead`)
})

t.test('a kept stream: later epochs read the file, and the run can be resumed', async (t) => {
  const spooled = join(folder, 'kept.rec')
  const train = (run: string, more: Partial<TrainOptions> = {}): Promise<unknown> =>
    trainNetwork({ ...options, ...more, epochs: 3, records: keep(readRecords(source), spooled), spooled, run })
  const whole = join(folder, 'kept')
  await train(whole)
  t.match(readLog(whole).map(({ step }) => step), [8, 16, 24])
  const file = await openRecords(spooled)
  t.equal(file.count, 64)
  await file.close()
  t.ok(readFileSync(spooled).equals(readFileSync(source)))

  const stopped = join(folder, 'kept-stopped')
  const stop = new AbortController()
  t.match(await typedError(() => train(stopped, { signal: stop.signal, onProgress: ({ kind }) => { if (kind === 'epoch') stop.abort() } })), { code: 'TRAIN_ABORTED', message: /--resume/ })
  await resumeTraining(stopped)
  t.same(checkpointText(join(stopped, 'checkpoints/epoch-0003'))['weights.safetensors'], checkpointText(join(whole, 'checkpoints/epoch-0003'))['weights.safetensors'])
  rmSync(join(stopped, 'checkpoints/epoch-0003'), { recursive: true })
  await writeRecords(spooled, await digitRecords(63))
  t.match(await typedError(() => resumeTraining(stopped)), { code: 'TRAIN_DATA_CHANGED', message: /kept\.rec/ })
})

t.test('an abort while the stream is silent', async (t) => {
  const stop = new AbortController()
  const silent = new PassThrough()
  silent.write(readFileSync(source).subarray(0, 5000))
  setTimeout(() => stop.abort(), 500)
  const records = readRecords(silent, { signal: stop.signal })
  t.match(await typedError(() => trainNetwork({ ...options, records, signal: stop.signal, run: join(folder, 'silent') })), { code: 'TRAIN_ABORTED', message: /a stream cannot be resumed/ })
})

t.test('an error of the stream passes, and a bad label is named by its record', async (t) => {
  async function* broken(): AsyncGenerator<StoredRecord> {
    for await (const record of readRecords(source)) {
      if (record.ordinal === 20) throw new Error('the network cable')
      yield record
    }
  }
  await t.rejects(trainNetwork({ ...options, records: broken(), run: join(folder, 'broken') }), { message: 'the network cable' })
  async function* mislabelled(): AsyncGenerator<StoredRecord> {
    for await (const record of readRecords(source)) yield record.ordinal === 20 ? { ...record, labels: Float32Array.of(9, 1, 1, 1, 1, 1) } : record
  }
  t.match(await typedError(() => trainNetwork({ ...options, records: mislabelled(), run: join(folder, 'mislabelled') })), { code: 'TRAIN_LABEL_RANGE', message: /^the stream: record 20: / })
})

t.test('a stream that failed before the first checkpoint leaves its folder free', async (t) => {
  const run = join(folder, 'abandoned')
  async function* broken(): AsyncGenerator<StoredRecord> {
    yield* readRecords(source)
    throw new Error('the pipe broke')
  }
  await t.rejects(trainNetwork({ ...options, records: broken(), run }))
  t.match(await trainNetwork({ ...options, records: readRecords(source), run }), { epochs: 1 })
})
