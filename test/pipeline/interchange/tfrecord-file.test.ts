// TFRecord frames: bytes that TensorFlow wrote, damage of each kind, gzip, streams.

import t from 'tap'
import fc from 'fast-check'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { decodeExample, encodeExample, encodeTfRecord, PipelineError, readTfRecords } from '@millrace/pipeline'
import { realData } from '../../support.js'
import { collect, damagedCopies, typedError } from './support.js'

const real = realData('tfrecord/test.tfrecords')

async function* once(bytes: Uint8Array, size = bytes.length || 1): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const payloads = ['first', '', 'the third'].map((text) => Buffer.from(text))
const whole = Buffer.concat(payloads.map(encodeTfRecord))

t.test('a file that TensorFlow wrote', { skip: real.skip }, async (t) => {
  const records = await collect(readTfRecords(real.path))
  t.equal(records.length, 269)
  t.ok(Buffer.concat(records.map(({ data }) => encodeTfRecord(data))).equals(readFileSync(real.path)), 'written again: the same bytes')
  for (const { data, ordinal } of records) {
    const example = decodeExample(data, `${ordinal}`)
    const [digits, length, image] = ['digits', 'length', 'image'].map((name) => example.get(name)!)
    if (digits?.kind !== 'integers' || length?.kind !== 'integers' || image?.kind !== 'bytes') throw new Error(`record ${ordinal}`)
    if (length.values[0]! > 5n || digits.values.length < Number(length.values[0]) || image.values[0]!.length !== 8748) throw new Error(`record ${ordinal}`)
  }
  const [first] = records
  const again = encodeExample(decodeExample(first!.data, 'x'))
  t.ok(Buffer.from(again).sort().equals(Buffer.from(first!.data).sort()), 'written again: the same bytes but for the order of the features')
  t.same([...decodeExample(first!.data, 'x').keys()], ['digits', 'length', 'image'])
})

t.test('any payloads, any chunks, gzipped or not', async (t) => {
  const bytes = fc.uint8Array({ maxLength: 40 })
  await fc.assert(fc.asyncProperty(fc.array(bytes, { maxLength: 6 }), fc.integer({ min: 1, max: 30 }), fc.boolean(), async (datas, size, isGzip) => {
    const file = Buffer.concat(datas.map(encodeTfRecord))
    const records = await collect(readTfRecords(once(isGzip ? gzipSync(file) : file, size)))
    t.same(records.map(({ data }) => [...data]), datas.map((data) => [...data]))
  }), { numRuns: 100 })
})

t.test('a length whose bytes look like gzip', async (t) => {
  const data = Buffer.alloc(0x00088b1f, 1)
  const [record, ...more] = await collect(readTfRecords(once(encodeTfRecord(data), 2 ** 16)))
  t.ok(data.equals(record!.data))
  t.same(more, [])
})

t.test('cut at every byte, every bit flipped: records before it, then a typed error', async (t) => {
  for (const { bytes, what } of damagedCopies(whole)) {
    const found: string[] = []
    const read = async (): Promise<void> => {
      for await (const { data } of readTfRecords(once(bytes))) found.push(Buffer.from(data).toString())
    }
    const error = await typedError(read())
    const isClean = [0, 21, 37].includes(bytes.length)
    if ((error === undefined) !== isClean || !found.every((text, index) => text === `${payloads[index]}`)) t.fail(`${what}: ${error?.message} ${found.join()}`)
  }
})

t.test('each damage has its error', async (t) => {
  const changed = (at: number): Buffer => Buffer.from(whole).fill(whole[at]! ^ 4, at, at + 1)
  const read = (bytes: Uint8Array, options = {}): Promise<unknown> => collect(readTfRecords(once(bytes), { name: 'x.tfrecord', ...options }))
  await t.rejects(read(changed(0)), { code: 'PIPE_TFRECORD_DAMAGED', message: /^x.tfrecord: record 0 at byte 0: expected a length with checksum 0x\w{8}, found .*is this a TFRecord file/ })
  await t.rejects(read(changed(21)), { code: 'PIPE_TFRECORD_DAMAGED', message: /record 1 at byte 21: .* the file is damaged here/, details: { entry: 2 } })
  await t.rejects(read(changed(14)), { code: 'PIPE_TFRECORD_DAMAGED', message: /record 0 at byte 0: expected 5 bytes with checksum/ })
  await t.rejects(read(whole.subarray(0, 30)), { code: 'PIPE_TFRECORD_CUT', message: /record 1 at byte 21: expected 12 bytes of length and checksum, found the end after 9/ })
  await t.rejects(read(whole.subarray(0, 55)), { code: 'PIPE_TFRECORD_CUT', message: /record 2 at byte 37: expected 9 bytes and a checksum, found the end after 6/ })
  await t.rejects(read(whole, { maximumBytes: 4 }), { code: 'PIPE_TFRECORD_TOO_LARGE', message: /at most 4 bytes, found one of 5/ })
  await t.rejects(read(gzipSync(whole).subarray(0, -9)), { code: 'PIPE_TFRECORD_DAMAGED', message: /expected a whole gzip file/ })
  await t.rejects(collect(readTfRecords('/none')), { code: 'PIPE_SOURCE_MISSING' })
  await t.rejects(collect(readTfRecords(t.testdirName)), { code: 'PIPE_SOURCE_MISSING' })
  await t.rejects(read(whole, { signal: AbortSignal.abort() }), { code: 'PIPE_ABORTED' })
})

t.test('with onDamaged, a record with a wrong checksum is passed over', async (t) => {
  const bytes = Buffer.from(whole).fill(0xff, 14, 15)
  const told: [PipelineError, number][] = []
  const records = await collect(readTfRecords(once(bytes), { onDamaged: (...args) => told.push(args) }))
  t.same(records.map(({ ordinal }) => ordinal), [1, 2])
  t.match(told, [[{ code: 'PIPE_TFRECORD_DAMAGED' }, 0]])
})

t.test('a length without its data costs nothing', async (t) => {
  const path = join(t.testdir(), 'x.tfrecord')
  writeFileSync(path, encodeTfRecord(Buffer.alloc(2 ** 28)).subarray(0, 12))
  const before = process.memoryUsage().arrayBuffers
  t.match(await typedError(collect(readTfRecords(path))), { code: 'PIPE_TFRECORD_CUT' })
  t.ok(process.memoryUsage().arrayBuffers - before < 2 ** 24)
})
