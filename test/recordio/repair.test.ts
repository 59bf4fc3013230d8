// recordio/src/repair.ts: every intact record comes over, and what is lost is named.

import t from 'tap'
import { encodeRecord, openRecords, readRecords, repairRecords, verifyRecords, type NewImageRecord } from '@millrace/recordio'
import { linkSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { collect, magic, matchError, metaHeader, small, written } from './support.js'

const records: NewImageRecord[] = [7n, 3n, 9n, 1n, 8n].map((id) => small(id, `image ${id}`.padEnd(20 + Number(id), '.')))
records.splice(2, 0, { id: 5n, image: Buffer.concat([Buffer.from('wholly '), magic, Buffer.from('split'), magic]) })
const frames = records.map(encodeRecord)
const starts = frames.map((_, index) => Buffer.concat(frames.slice(0, index)).length)

async function idsIn(path: string): Promise<bigint[]> {
  return (await collect(readRecords(path))).map(({ id }) => id)
}

t.test('with a .meta, any damage in place: exactly the records that it did not touch', async (t) => {
  const { meta: path } = await written(t, records)
  const out = join(t.testdirName, 'out.rec')
  const sound = readFileSync(path)
  await fc.assert(fc.asyncProperty(fc.array(fc.tuple(fc.nat(sound.length - 1), fc.integer({ min: 1, max: 255 }), fc.integer({ min: 1, max: 30 })), { minLength: 1, maxLength: 4 }), async (hits) => {
    const bytes = Buffer.from(sound)
    for (const [at, value, length] of hits) for (let i = at; i < Math.min(bytes.length, at + length); i++) bytes[i]! ^= value
    writeFileSync(path, bytes)
    const isWhole = (index: number): boolean => bytes.subarray(starts[index], starts[index]! + frames[index]!.length).equals(frames[index]!)
    if (![...records.keys()].some(isWhole)) return
    const expected = records.map(({ id }) => id).filter((_, index) => isWhole(index))
    const report = await repairRecords(path, out)
    t.same(await idsIn(out), expected)
    t.same(report.losses.flatMap(({ ids }) => ids).sort(), records.map(({ id }) => id).filter((id) => !expected.includes(id)).sort())
    t.match(report, { meta: 'used', lostRecords: records.length - expected.length, unchecked: 0, lostBytes: sound.length - readFileSync(out).length })
    t.ok((await verifyRecords(out)).isSound)
    t.ok(readFileSync(path).equals(bytes), 'the damaged file is as it was')
  }), { numRuns: 60 })
})

t.test('the new .meta has the header of the old', async (t) => {
  const { meta: path } = await written(t, records)
  const out = join(t.testdirName, 'out.rec')
  const report = await repairRecords(path, out)
  t.match(report, { lossCount: 0, lostBytes: 0, losses: [], lostRecords: 0 })
  t.ok(readFileSync(out).equals(readFileSync(path)), 'nothing was damaged: the same bytes')
  const file = await openRecords(out)
  t.same(file.meta!.header, metaHeader)
  await file.close()
})

t.test('without a .meta, cut at every byte: the records before the cut', async (t) => {
  const { scan: path } = await written(t, records)
  const out = join(t.testdirName, 'out.rec')
  const sound = readFileSync(path)
  for (let length = 0; length <= sound.length; length++) {
    writeFileSync(path, sound.subarray(0, length))
    const { summary, lostRecords, lostBytes, meta } = await repairRecords(path, out)
    t.equal(summary.count, starts.filter((start, index) => start + frames[index]!.length <= length).length)
    t.same([lostRecords, meta, lostBytes + readFileSync(out).length], [undefined, 'none', length])
  }
})

t.test('without a .meta, the label kind is guessed', async (t) => {
  const path = join(t.testdir(), 'x.rec')
  writeFileSync(path, Buffer.concat([Buffer.from('rubbish!'), encodeRecord({ id: 1n, labels: Float32Array.of(2, 1, 9, 10, 10, 10), image: Buffer.from('a') })]))
  await repairRecords(path, join(t.testdirName, 'out.rec'))
  const file = await openRecords(join(t.testdirName, 'out.rec'))
  t.match(file.meta, { header: { labelKind: 'digits', labelWidth: 6 }, summary: { count: 1 } })
  await file.close()
})

t.test('a .meta of another file is not used', async (t) => {
  const { meta: path } = await written(t, records)
  writeFileSync(path, Buffer.concat(Array.from({ length: 4 }, (_, id) => encodeRecord(small(BigInt(id), 'x')))))
  t.match(await repairRecords(path, join(t.testdirName, 'out.rec')), { meta: 'unusable', summary: { count: 4 }, lostRecords: undefined, unchecked: 4 })
})

t.test('the same file twice, a folder, a signal: an error, and no file appears', async (t) => {
  const { meta: path } = await written(t, records)
  const folder = t.testdirName
  linkSync(path, join(folder, 'link.rec'))
  await t.rejects(repairRecords(path, path), matchError('REC_BAD_VALUE', /expected another file/))
  await t.rejects(repairRecords(path, join(folder, 'link.rec')), { code: 'REC_BAD_VALUE' })
  await t.rejects(repairRecords(join(folder, 'none.rec'), join(folder, 'out.rec')), { code: 'REC_FILE' })
  await t.rejects(repairRecords(path, join(folder, 'out.rec'), { signal: AbortSignal.abort() }), { code: 'REC_ABORTED' })
  t.same(readdirSync(folder).filter((name) => name.includes('out')), [])
})
