// recordio/src/merge.ts, append.ts: several files become one, frame by frame.

import t, { type Test } from 'tap'
import { appendRecords, encodeRecord, mergeRecords, openRecords, readRecords, RecordWriter, verifyRecords, type MetaHeader, type MetaSummary, type NewImageRecord } from '@millrace/recordio'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { collect, magic, matchError, plain, small } from './support.js'

const classes: MetaHeader = { labelKind: 'class', labelWidth: 1 }
const splitting: NewImageRecord = { id: 3470205706n, label: 2, image: Buffer.concat([magic, Buffer.from('x'), magic]) }

/** Writes a file into the test's folder. */
async function file(t: Test, name: string, records: readonly NewImageRecord[], header = classes, summary: Partial<MetaSummary> = {}): Promise<string> {
  const path = join(t.testdirName, name)
  const writer = await RecordWriter.create(path, header)
  for (const record of records) await writer.write(record)
  await writer.close(summary)
  return path
}

async function metaOf(path: string): Promise<{ header: MetaHeader; summary: MetaSummary }> {
  const opened = await openRecords(path)
  await opened.close()
  return opened.meta!
}

function withoutSiblings(path: string): string {
  for (const extension of ['idx', 'meta']) rmSync(path.replace(/rec$/, extension))
  return path
}

t.test('the frames of all files in their order, and siblings that belong', async (t) => {
  t.testdir()
  const a = await file(t, 'a.rec', [small(4n), splitting], { ...classes, classNames: ['x', 'y', 'z'], pack: { size: 1, same: true }, codecs: { z: '1' } }, { rejected: 2 })
  const b = await file(t, 'b.rec', [], { ...classes, pack: { same: true, size: 2 } }, { rejected: 1 })
  const c = withoutSiblings(await file(t, 'c.rec', [small(1n), small(9n)]))
  const out = join(t.testdirName, 'out.rec')
  const progress: number[] = []
  const summary = await mergeRecords(out, [a, b, c], { onProgress: ({ records }) => progress.push(records) })
  t.ok(readFileSync(out).equals(Buffer.concat([a, b, c].map((path) => readFileSync(path)))))
  t.match(summary, { count: 4, rejected: 3, labelHistogram: { 1: 3, 2: 1 } })
  t.same(await metaOf(out), { header: { ...classes, classNames: ['x', 'y', 'z'] }, summary }, 'pack options and codecs that not all have are left out')
  t.match(await verifyRecords(out), { isSound: true, hasIndex: true, meta: 'used' })
  t.same(progress, [1, 2, 3, 4])
  await mergeRecords(out, [a])
  t.same((await metaOf(out)).header.pack, { size: 1, same: true })
})

t.test('--renumber: new ids from 0, in the header, the .idx and the .meta', async (t) => {
  t.testdir()
  const a = await file(t, 'a.rec', [small(4n), splitting, small(4n)])
  const out = join(t.testdirName, 'out.rec')
  await mergeRecords(out, [a, a], { renumber: true })
  const records = await collect(readRecords(out))
  t.same(records.map(({ id }) => id), [0n, 1n, 2n, 3n, 4n, 5n])
  t.same(plain(records[4]!), { ...(plain(splitting) as object), id: 4n })
  t.ok((await verifyRecords(out)).isSound)
})

t.test('what does not fit together is refused, and no file appears', async (t) => {
  t.testdir()
  const out = join(t.testdirName, 'out.rec')
  const a = await file(t, 'a.rec', [small(1n), small(2n)], { ...classes, classNames: ['a', 'b'] })
  const digits = await file(t, 'digits.rec', [{ id: 5n, labels: Float32Array.of(1, 2, 10, 10, 10, 10), image: Buffer.from('a') }], { labelKind: 'digits', labelWidth: 6 })
  const names = await file(t, 'names.rec', [small(6n)], { ...classes, classNames: ['a', 'c'] })
  const same = await file(t, 'same.rec', [small(7n), small(2n), small(1n)])
  const wide = [withoutSiblings(await file(t, 'wide.rec', [{ id: 8n, labels: Float32Array.of(0.5, 2), image: Buffer.from('a') }]))]
  await t.rejects(mergeRecords(out, [a, digits]), matchError('REC_LABEL_MISMATCH', /digits\.rec: expected labels of kind class, 1 wide as in .*a\.rec, found labels of kind digits, 6 wide/))
  await t.rejects(mergeRecords(out, [a, names]), matchError('REC_LABEL_MISMATCH', /names\.rec: expected class names \["a","b"\] as in .*a\.rec, found class names \["a","c"\]/))
  await t.rejects(mergeRecords(out, [a, ...wide]), { code: 'REC_LABEL_MISMATCH' })
  for (const without of [[], [a], [same], [a, same]]) {
    for (const path of without) copyFileSync(path, path.replace('.rec', '-bare.rec'))
    const paths = [a, same].map((path) => (without.includes(path) ? path.replace('.rec', '-bare.rec') : path))
    await t.rejects(mergeRecords(out, paths), matchError('REC_DUPLICATE_ID', /id 1: expected it once, found it in .*\/a(-bare)?\.rec \(record 0 at byte 0\) and in .*same(-bare)?\.rec \(record 2 at byte 80\), and 1 more/))
  }
  await t.rejects(mergeRecords(out, []), { code: 'REC_BAD_VALUE' })
  await t.rejects(mergeRecords(out, [join(t.testdirName, 'none.rec')]), { code: 'REC_FILE' })
  await t.rejects(mergeRecords(out, [a], { signal: AbortSignal.abort() }), { code: 'REC_ABORTED' })
  truncateSync(names, readFileSync(names).length - 4)
  await t.rejects(mergeRecords(out, [names]), matchError('REC_META_MISMATCH', /millrace index/))
  t.same(readdirSync(t.testdirName).filter((name) => name.includes('out')), [])
})

t.test('a damaged record is not copied', async (t) => {
  t.testdir()
  const a = await file(t, 'a.rec', [small(1n), small(2n)])
  const bytes = readFileSync(a)
  bytes[70]! ^= 1
  writeFileSync(a, bytes)
  await t.rejects(mergeRecords(join(t.testdirName, 'out.rec'), [a]), matchError('REC_BAD_CHECKSUM', /a\.rec: record 1 at byte 40: .*millrace repair/))
})

t.test('channel statistics are weighted by pixels, and absent when one is not known', async (t) => {
  t.testdir()
  const png = (width: number, height: number) => sharp({ create: { width, height, channels: 3, background: 'red' } }).png().toBuffer()
  const a = await file(t, 'a.rec', [{ id: 1n, image: await png(10, 10) }, { id: 2n, image: await png(20, 10) }], classes, { channelMean: [10, 0, 100], channelStd: [1, 0, 5], imageMean: [1, 2, 3], imageWidth: [10, 20], imageHeight: [10, 10] })
  const b = await file(t, 'b.rec', [{ id: 3n, image: await png(10, 10) }], classes, { channelMean: [50, 0, 20], channelStd: [3, 0, 0], imageMean: [4, 2, 3], imageWidth: [10, 10], imageHeight: [10, 10], roundedLabels: 1, exactLabels: [[0, 0, 16777217]] })
  const c = await file(t, 'c.rec', [small(4n)], classes, { channelMean: [1, 1, 1], channelStd: [1, 1, 1] })
  const empty = await file(t, 'empty.rec', [])
  const out = join(t.testdirName, 'out.rec')
  const summary = await mergeRecords(out, [a, empty, b])
  t.same(summary.channelMean, [20, 0, 80])
  const std = summary.channelStd!.map((value) => value ** 2)
  t.ok([0.75 * 101 + 0.25 * 2509 - 400, 0, 0.75 * 10025 + 0.25 * 400 - 6400].every((value, index) => Math.abs(value - std[index]!) < 1e-9))
  t.match(summary, { imageMean: [2, 2, 3], imageWidth: [10, 20], imageHeight: [10, 10], roundedLabels: 1, exactLabels: [[2, 0, 16777217]] })
  t.same((await mergeRecords(out, [a, b, c])).channelMean, undefined, 'the pixels of c are not known')
})

for (const [how, shareBytes] of [['copied', async () => false], ['shared', async (source: string, target: string) => copyFile(source, target).then(() => true)], ['as it is', undefined]] as const) {
  t.test(`append makes what merge makes; old records ${how}`, async (t) => {
    t.testdir()
    const into = await file(t, 'into.rec', [small(4n), splitting], { ...classes, classNames: ['x', 'y', 'z'] }, { rejected: 2 })
    const from = await file(t, 'from.rec', [small(1n)])
    const out = join(t.testdirName, 'out.rec')
    await mergeRecords(out, [into, from])
    await appendRecords(into, [from], shareBytes ? { shareBytes } : {})
    for (const extension of ['rec', 'idx', 'meta']) t.ok(readFileSync(into.replace(/rec$/, extension)).equals(readFileSync(out.replace(/rec$/, extension))), extension)
    t.same(readdirSync(t.testdirName).filter((name) => name.startsWith('.')), [])
  })
}

t.test('append: what is refused leaves the file as it was', async (t) => {
  t.testdir()
  const into = await file(t, 'into.rec', [small(4n), small(5n)])
  const from = await file(t, 'from.rec', [small(5n)])
  const other = await file(t, 'other.rec', [small(6n)])
  const before = ['rec', 'idx', 'meta'].map((extension) => readFileSync(into.replace(/rec$/, extension)))
  await t.rejects(appendRecords(into, [from]), { code: 'REC_DUPLICATE_ID' })
  await t.rejects(appendRecords(into, [other, other]), { code: 'REC_DUPLICATE_ID' })
  await t.rejects(appendRecords(join(t.testdirName, 'none.rec'), [from]), { code: 'REC_FILE' })
  const shareAndFail = async (source: string, target: string) => copyFile(source, target).then(() => true)
  await t.rejects(appendRecords(into, [other], { shareBytes: shareAndFail, onProgress: () => { throw new TypeError('stop') } }), { name: 'TypeError' })
  t.ok(['rec', 'idx', 'meta'].every((extension, index) => readFileSync(into.replace(/rec$/, extension)).equals(before[index]!)))
  t.same(readdirSync(t.testdirName).filter((name) => name.startsWith('.')), [])
})

t.test('append: a file that changes meanwhile is not overwritten', async (t) => {
  t.testdir()
  const into = await file(t, 'into.rec', [small(4n)])
  const other = await file(t, 'other.rec', [small(6n)])
  const changed = Buffer.concat([readFileSync(into), encodeRecord(small(7n))])
  await t.rejects(appendRecords(into, [other], { onProgress: () => writeFileSync(into, changed) }), matchError('REC_FILE', /changed meanwhile/))
  t.ok(readFileSync(into).equals(changed))
})

t.test('append killed at any moment: the old file or the new one', async (t) => {
  t.testdir()
  const old = Array.from({ length: 400 }, (_, id) => small(BigInt(id), 'x'.repeat(3000)))
  const added = Array.from({ length: 400 }, (_, id) => small(BigInt(1000 + id), 'y'.repeat(3000)))
  const into = await file(t, 'into.rec', old)
  const from = await file(t, 'from.rec', added)
  const keep = ['rec', 'idx', 'meta'].map((extension) => ({ path: into.replace(/rec$/, extension), bytes: readFileSync(into.replace(/rec$/, extension)) }))
  const root = fileURLToPath(new URL('../../..', import.meta.url))
  const counts = new Set<number>()
  const program = `
    import { appendRecords } from '@millrace/recordio'
    process.stdout.write('ready')
    await appendRecords(${JSON.stringify(into)}, [${JSON.stringify(from)}])`
  for (let round = 0; round < 12; round++) {
    for (const { path, bytes } of keep) writeFileSync(path, bytes)
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    const timer = setTimeout(() => child.kill('SIGKILL'), round === 11 ? 60_000 : 5 + 4 * round)
    await once(child, 'close')
    clearTimeout(timer)
    const { count } = await openRecords(into).then(async (opened) => opened.close().then(() => opened))
    counts.add(count)
    t.ok((await verifyRecords(into)).isSound)
  }
  t.same([...counts].filter((count) => count !== 400 && count !== 800), [])
  t.ok(counts.has(800))
})
