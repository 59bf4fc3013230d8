// recordio/src/record-writer.ts: three files that appear together or not at all.

import t from 'tap'
import { discardRecords, encodeRecord, openRecords, publishRecords, readRecords, recordWriter, RecordWriter, type MetaHeader, type NewImageRecord } from '@millrace/recordio'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { collect, matchError, plain } from './support.js'

const meta: MetaHeader = { labelKind: 'class', labelWidth: 1 }
const image = Buffer.from('image')
const root = fileURLToPath(new URL('../../..', import.meta.url))

t.test('writes .rec, .idx and .meta; nothing is seen under these names before close', async (t) => {
  const folder = t.testdir()
  const writer = await RecordWriter.create(join(folder, 'x.rec'), meta)
  const records: NewImageRecord[] = [{ id: 2n ** 64n - 1n, label: 3, image }, { id: 0n, labels: Float32Array.of(1, 2), image: Buffer.alloc(0) }]
  for (const record of records) await writer.write(record)
  t.ok(readdirSync(folder).every((name) => /^\.x\.(rec|idx|meta)\.partial-\d+-[0-9a-f]{8}$/.test(name)))
  const summary = await writer.close({ rejected: 4, channelMean: [1, 2, 3] })
  t.same(readdirSync(folder).sort(), ['x.idx', 'x.meta', 'x.rec'])
  t.same(summary, { count: 2, rejected: 4, imageBytes: 5, labelHistogram: { 1: 1, 3: 1 }, channelMean: [1, 2, 3] })
  t.equal(readFileSync(join(folder, 'x.idx'), 'utf8'), '18446744073709551615\t0\n0\t40\n')
  t.ok(readFileSync(join(folder, 'x.rec')).equals(Buffer.concat(records.map(encodeRecord))))
  const file = await openRecords(join(folder, 'x.rec'))
  t.same(file.meta, { header: meta, summary })
  await file.close()
})

t.test('the same records give the same bytes', async (t) => {
  const folder = t.testdir()
  for (const name of ['a', 'b']) {
    const writer = await RecordWriter.create(join(folder, `${name}.rec`), { ...meta, pack: { resize: 64 }, codecs: { libvips: '8.17' } })
    for (let id = 999; id >= 0; id--) await writer.write({ id: BigInt(id % 700), label: id % 3, image: Buffer.alloc(id, id) })
    await writer.close()
  }
  for (const extension of ['rec', 'idx', 'meta']) t.ok(readFileSync(join(folder, `a.${extension}`)).equals(readFileSync(join(folder, `b.${extension}`))))
})

t.test('histograms: class, digits, boxes; values have none', async (t) => {
  const folder = t.testdir()
  const histogram = async (labelKind: MetaHeader['labelKind'], ...labels: number[][]) => {
    const writer = await RecordWriter.create(join(folder, 'x.rec'), { labelKind, labelWidth: 0 })
    for (const values of labels) await writer.write(values.length === 1 ? { id: 1n, label: values[0]!, image } : { id: 1n, labels: Float32Array.from(values), image })
    return (await writer.close()).labelHistogram
  }
  t.same(await histogram('class', [2], [10], [2]), { 2: 2, 10: 1 })
  t.same(await histogram('digits', [2, 1, 9, 10, 10, 10], [6, 1, 2, 3, 4, 5]), { 2: 1, 6: 1 })
  t.same(await histogram('boxes', [4, 6, 10, 10, 7, 0, 0, 1, 1, 0, 3, 0, 0, 1, 1, 0], [4, 6, 10, 10]), { 3: 1, 7: 1 })
  t.equal(await histogram('values', [2, 3]), undefined)
})

t.test('no record at all', async (t) => {
  const path = join(t.testdir(), 'x.rec')
  await (await RecordWriter.create(path, meta)).close()
  const file = await openRecords(path)
  t.equal(file.count, 0)
  await t.rejects(file.readById(0n), matchError('REC_NOT_FOUND', /none of its 0 records/))
  await file.close()
})

t.test('replaces an older pack; a writer that stops early leaves the older one as it was', async (t) => {
  const folder = t.testdir()
  const path = join(folder, 'x.rec')
  const write = async (id: bigint) => {
    const writer = await RecordWriter.create(path, meta)
    await writer.write({ id, image })
    return writer
  }
  await (await write(1n)).close()
  await (await write(2n)).abort()
  t.same((await collect(readRecords(path))).map(({ id }) => id), [1n])
  await (await write(3n)).close()
  t.same((await collect(readRecords(path))).map(({ id }) => id), [3n])
  t.same(readdirSync(folder).sort(), ['x.idx', 'x.meta', 'x.rec'])
})

t.test('abort removes everything, may be called twice, and does nothing after close', async (t) => {
  const folder = t.testdir()
  const writer = await RecordWriter.create(join(folder, 'x.rec'), meta)
  await writer.write({ id: 1n, image })
  await writer.abort()
  await writer.abort()
  t.same(readdirSync(folder), [])
  await t.rejects(writer.write({ id: 1n, image }), matchError('REC_WRITER_CLOSED', /x\.rec: the writer is aborted/))
  await t.rejects(writer.close(), matchError('REC_WRITER_CLOSED', /aborted/))

  const closed = await RecordWriter.create(join(folder, 'x.rec'), meta)
  await closed.close()
  await closed.abort()
  t.same(readdirSync(folder).sort(), ['x.idx', 'x.meta', 'x.rec'])
  await t.rejects(closed.close(), matchError('REC_WRITER_CLOSED', /closed/))
})

t.test('a refused record is left out and the writer goes on', async (t) => {
  const path = join(t.testdir(), 'x.rec')
  const writer = await RecordWriter.create(path, meta)
  await t.rejects(writer.write({ id: -1n, image }), { code: 'REC_BAD_VALUE' })
  await writer.write({ id: 1n, image })
  t.equal((await writer.close()).count, 1)
})

t.test('places that cannot be written', async (t) => {
  const folder = t.testdir()
  mkdirSync(join(folder, 'taken.rec'))
  mkdirSync(join(folder, 'y.meta'))
  await t.rejects(RecordWriter.create(join(folder, 'none/x.rec'), meta), matchError('REC_FILE', /none\/x\.rec: cannot create it: ENOENT/))
  await t.rejects(RecordWriter.create(join(folder, 'taken.rec'), meta), matchError('REC_FILE', /found a folder/))
  await t.rejects(RecordWriter.create(join(folder, 'x.rec'), { ...meta, pack: { big: 2n ** 70n } }), matchError('REC_BAD_VALUE', /cannot be stored as MessagePack/))
  await t.rejects(RecordWriter.create(join(folder, 'x.rec'), { ...meta, labelWidth: NaN }), matchError('REC_BAD_VALUE', /label width/))
  await t.rejects((await RecordWriter.create(join(folder, 'x.rec'), meta)).close({ rejected: -1 }), matchError('REC_BAD_VALUE', /whole numbers/))
  const writer = await RecordWriter.create(join(folder, 'y.rec'), meta)
  await t.rejects(writer.close(), matchError('REC_FILE', /y\.meta: cannot replace it/), 'found at the end only')
  t.same(readdirSync(folder).sort(), ['taken.rec', 'y.meta'], 'and nothing is left behind')
})

t.test('a killed writer leaves no file that looks finished', (t) => {
  const folder = t.testdir()
  const program = `
    import { RecordWriter } from '@millrace/recordio'
    const writer = await RecordWriter.create(${JSON.stringify(join(folder, 'x.rec'))}, { labelKind: 'class', labelWidth: 1 })
    for (let id = 0n; id < 60n; id++) await writer.write({ id, image: Buffer.alloc(100_000) })
    process.kill(process.pid, 'SIGKILL')`
  const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { cwd: root })
  t.equal(signal, 'SIGKILL')
  t.same(readdirSync(folder).filter((name) => !name.includes('.partial-')), [])
  t.end()
})

t.test('a disk that takes no more: an error, and nothing is left behind', { skip: process.platform === 'linux' ? false : 'needs ulimit -f' }, (t) => {
  const folder = t.testdir()
  const program = `
    import { recordWriter } from '@millrace/recordio'
    import { pipeline } from 'node:stream/promises'
    process.on('SIGXFSZ', () => {})
    const records = function* () { for (let id = 0n; ; id++) yield { id, image: Buffer.alloc(100_000) } }
    try { await pipeline(records, recordWriter(${JSON.stringify(join(folder, 'x.rec'))}, { labelKind: 'class', labelWidth: 1 })) }
    catch (error) { console.log(error.code, error.message) }`
  const { stdout } = spawnSync('bash', ['-c', 'ulimit -f 3000; exec "$0" --input-type=module -e "$1"', process.execPath, program], { cwd: root, encoding: 'utf8' })
  t.match(stdout, /^REC_FILE .*x\.rec: cannot write it: EFBIG/)
  t.same(readdirSync(folder), [])
  t.end()
})

t.test('as a Writable: pipeline closes it, with what the caller adds to the summary', async (t) => {
  const path = join(t.testdir(), 'x.rec')
  const records: NewImageRecord[] = Array.from({ length: 100 }, (_, id) => ({ id: BigInt(id), label: id, image }))
  await pipeline(Readable.from(records), recordWriter(path, meta, { summary: () => ({ rejected: 2 }) }))
  t.same((await collect(readRecords(path))).map(plain), records.map(plain))
  const file = await openRecords(path)
  t.match(file.meta!.summary, { count: 100, rejected: 2 })
  await file.close()
})

t.test('as a Writable: back-pressure holds the source', async (t) => {
  const path = join(t.testdir(), 'x.rec')
  const writable = recordWriter(path, meta)
  let waiting = 0
  const records = async function* () {
    for (let id = 0n; id < 100n; id++) {
      waiting = Math.max(waiting, writable.writableLength)
      yield { id, image: Buffer.alloc(200_000) }
    }
  }
  await pipeline(records, writable)
  t.ok(waiting <= writable.writableHighWaterMark, `${waiting} records waited`)
  t.equal((await collect(readRecords(path))).length, 100)
})

t.test('as a Writable: an error in the source, or destroy, leaves no file', async (t) => {
  const folder = t.testdir()
  const path = join(folder, 'x.rec')
  const failing = async function* () {
    yield { id: 1n, image }
    throw new TypeError('source')
  }
  await t.rejects(pipeline(failing, recordWriter(path, meta)), new TypeError('source'))
  await t.rejects(pipeline(Readable.from([{ id: -1n, image }]), recordWriter(path, meta)), { code: 'REC_BAD_VALUE' })
  const destroyed = recordWriter(path, meta)
  destroyed.write({ id: 1n, image })
  destroyed.destroy()
  await once(destroyed, 'close')
  t.same(readdirSync(folder), [])
  await t.rejects(pipeline(Readable.from([]), recordWriter(join(folder, 'none/x.rec'), meta)), { code: 'REC_FILE' })
})

t.test('a name without .rec gets its siblings beside it', async (t) => {
  const folder = t.testdir()
  writeFileSync(join(folder, 'other'), '')
  await (await RecordWriter.create(join(folder, 'train.v2'), meta)).close()
  t.same(readdirSync(folder).sort(), ['other', 'train.v2', 'train.v2.idx', 'train.v2.meta'])
})

t.test('writes that nobody waits for keep their order', async (t) => {
  const path = join(t.testdir(), 'x.rec')
  const writer = await RecordWriter.create(path, meta)
  await Promise.all(Array.from({ length: 50 }, (_, id) => writer.write({ id: BigInt(id), image: Buffer.alloc(100_000, id) })))
  await writer.close()
  const records = await collect(readRecords(path))
  t.same(records.map(({ id }) => Number(id)), [...records.keys()])
  t.ok(records.every(({ id, image }) => image[99_999] === Number(id)))
})

t.test('a writer that died goes on where it had synced, to the same bytes', async (t) => {
  const folder = t.testdir({ whole: {}, cut: {} })
  const numbered = (from: number, to: number): NewImageRecord[] => Array.from({ length: to - from }, (_, index) => ({ id: BigInt(900 - from - index), label: (from + index) % 3, image: Buffer.alloc(50 + from + index, from + index) }))
  const whole = await RecordWriter.create(join(folder, 'whole/x.rec'), meta)
  for (const record of numbered(0, 700)) await whole.write(record)
  await whole.close({ rejected: 2 })

  const path = join(folder, 'cut/x.rec')
  const dying = await RecordWriter.create(path, meta, 'mine')
  for (const record of numbered(0, 400)) await dying.write(record)
  const bytes = await dying.sync()
  t.equal(bytes, dying.bytes)
  for (const record of numbered(400, 500)) await dying.write(record)
  await dying.suspend()
  t.same(readdirSync(join(folder, 'cut')), ['.x.rec.partial-mine'])
  await t.rejects(RecordWriter.resume(path, meta, { token: 'mine', bytes: bytes * 2 }), matchError('REC_FILE', /cannot go on with it: expected at least/))
  await t.rejects(RecordWriter.resume(path, meta, { token: 'other', bytes: 0 }), matchError('REC_FILE', /cannot go on with it/))

  const again = await RecordWriter.resume(path, meta, { token: 'mine', bytes })
  for (const record of numbered(400, 700)) await again.write(record)
  await again.finish({ rejected: 2 })
  t.notOk(readdirSync(join(folder, 'cut')).includes('x.rec'), 'finished, not yet in place')
  await publishRecords(path, 'mine')
  await publishRecords(path, 'mine')
  t.same(readdirSync(join(folder, 'cut')), ['x.idx', 'x.meta', 'x.rec'])
  for (const name of ['x.rec', 'x.idx', 'x.meta']) t.ok(readFileSync(join(folder, 'cut', name)).equals(readFileSync(join(folder, 'whole', name))), name)
})

t.test('records finished but not published can be renamed or removed later', async (t) => {
  const folder = t.testdir()
  for (const token of ['keep', 'drop']) {
    const writer = await RecordWriter.create(join(folder, 'x.rec'), meta, token)
    await writer.write({ id: 1n, image: Buffer.from('a') })
    await writer.finish()
    await writer.suspend()
  }
  await publishRecords(join(folder, 'x.rec'), 'keep', join(folder, 'x-00000-of-00001.rec'))
  await discardRecords(join(folder, 'x.rec'), 'drop')
  t.same(readdirSync(folder).sort(), ['x-00000-of-00001.idx', 'x-00000-of-00001.meta', 'x-00000-of-00001.rec'])
})
