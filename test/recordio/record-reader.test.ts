// Reading records one after another: what a file's .meta adds to what the frames say.

import { readRecords, RecordWriter, type NewImageRecord } from '@millrace/recordio'
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { collect, inChunks, magic, matchError, plain, recordError, small, written } from './support.js'

const splitting: NewImageRecord = { id: 2n, image: Buffer.concat([magic, Buffer.from('x'), magic, magic]) }

/** Of all sizes, split ones among them, some across the chunks in which a file is read. */
const manyRecords: NewImageRecord[] = Array.from({ length: 60 }, (_, id) =>
  id % 10 === 3 ? { ...splitting, id: BigInt(id) } : { id: BigInt(id), label: id, image: Buffer.alloc(id % 20 === 0 ? 900_001 : id, id) })

t.test('a file cut between two records is noticed by its .meta', async (t) => {
  const path = join(t.testdir(), 'x.rec')
  const writer = await RecordWriter.create(path, { labelKind: 'class', labelWidth: 1 })
  for (const label of [1, 2]) await writer.write({ id: BigInt(label), label, image: new Uint8Array(8) })
  await writer.close()
  t.equal((await collect(readRecords(path))).length, 2)
  truncateSync(path, 40)
  await t.rejects(collect(readRecords(path)), matchError('REC_META_MISMATCH', /expected 2 records as its \.meta says, found 1/))
  rmSync(`${path.slice(0, -4)}.meta`)
  t.equal((await collect(readRecords(path))).length, 1, 'without a .meta the rest is all there is')
})

t.test('borrowed records are the same, and so are those of streams in any chunks', async (t) => {
  const { meta: path } = await written(t, manyRecords)
  const truth = manyRecords.map(plain)
  const borrowed: unknown[] = []
  for await (const record of readRecords(path, { borrow: true, verify: true })) borrowed.push(plain(record))
  t.same(borrowed, truth)
  const bytes = readFileSync(path)
  for (const size of [997, 65_536, 2 ** 20]) {
    const found: unknown[] = []
    for await (const record of readRecords(inChunks(bytes, [size]), { borrow: true })) found.push(plain(record))
    t.same(found, truth)
  }
})

t.test('records that are not borrowed stay as they are, in memory of their own', async (t) => {
  const { meta: path } = await written(t, manyRecords)
  const kept = await collect(readRecords(path))
  t.same(kept.map(plain), manyRecords.map(plain))
  t.equal(new Set(kept.map(({ image }) => image.buffer)).size, kept.length)
})

t.test('verify: every flipped bit is found, whichever way the record came', async (t) => {
  const { meta: path } = await written(t, [small(1n), splitting, small(3n)])
  const sound = readFileSync(path)
  for (let bit = 0; bit < 8 * sound.length; bit++) {
    const damaged = Buffer.from(sound)
    damaged[bit >> 3]! ^= 1 << (bit & 7)
    writeFileSync(path, damaged)
    t.ok(await recordError(() => collect(readRecords(path, { verify: true, borrow: bit % 2 === 0 }))), `bit ${bit}`)
  }
})

t.test('verify wants a .meta', async (t) => {
  const { scan } = await written(t, [small(1n)])
  await t.rejects(collect(readRecords(scan, { verify: true })), matchError('REC_BAD_META', /found none; make one with "millrace index/))
  await t.rejects(collect(readRecords(inChunks(Buffer.alloc(0), [1]), { verify: true })), matchError('REC_BAD_META', /stream: .*by its path/))
})
