// recordio/src/split.ts: whole records, dealt to shards.

import t from 'tap'
import { encodeRecord, mergeRecords, openRecords, splitRecords, verifyRecords, type SplitRule } from '@millrace/recordio'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { matchError, metaHeader, small, written } from './support.js'

const records = Array.from({ length: 10 }, (_, id) => small(BigInt(id * 3), 'x'.repeat(10 + 4 * id)))
const bytes = records.map((record) => encodeRecord(record).length)

const fiveDigits = (value: number): string => String(value).padStart(5, '0')

t.test('by shards, records and bytes; merged again, the shards are the file', async (t) => {
  const { meta: path, scan } = await written(t, records)
  const cases: [SplitRule, number[]][] = [
    [{ shards: 1 }, [10]],
    [{ shards: 3 }, [3, 3, 4]],
    [{ shards: 10 }, Array<number>(10).fill(1)],
    [{ shards: 12 }, [0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1]],
    [{ records: 4 }, [4, 4, 2]],
    [{ records: 100 }, [10]],
    [{ bytes: bytes[0]! + bytes[1]! }, [2, 1, 1, 1, 1, 1, 1, 1, 1]],
    [{ bytes: 1 }, Array<number>(10).fill(1)],
    [{ bytes: 10_000 }, [10]],
  ]
  for (const [index, [rule, counts]] of cases.entries()) {
    for (const [source, name] of [[path, `m${index}`], [scan, `s${index}`]] as const) {
      const prefix = join(t.testdirName, name)
      const shards = await splitRecords(source, prefix, rule)
      t.same(shards.map(({ count }) => count), counts, JSON.stringify(rule))
      t.same(shards.map((shard) => basename(shard.path)), counts.map((_, shard) => `${name}-${fiveDigits(shard)}-of-${fiveDigits(counts.length)}.rec`))
      for (const shard of shards) {
        t.equal(readFileSync(shard.path).length, shard.bytes)
        t.match(await verifyRecords(shard.path), { isSound: true, meta: 'used', hasIndex: true })
      }
      await mergeRecords(join(t.testdirName, 'merged.rec'), shards.map((shard) => shard.path))
      t.ok(readFileSync(join(t.testdirName, 'merged.rec')).equals(readFileSync(path)))
    }
  }
  t.same(readdirSync(t.testdirName).filter((name) => name.startsWith('.')), [])
})

t.test('a shard has the header of the whole, and a summary of its own', async (t) => {
  const { meta: path } = await written(t, records)
  const [, second] = await splitRecords(path, join(t.testdirName, 'p'), { shards: 2 })
  const file = await openRecords(second!.path)
  t.same(file.meta, { header: metaHeader, summary: { count: 5, rejected: 0, imageBytes: records.slice(5).reduce((sum, { image }) => sum + image.length, 0), labelHistogram: { 1: 5 } } })
  await file.close()
})

t.test('an empty file becomes an empty shard', async (t) => {
  const { meta: path } = await written(t, [])
  t.match(await splitRecords(path, join(t.testdirName, 'p'), { records: 5 }), [{ count: 0, bytes: 0, path: /p-00000-of-00001\.rec$/ }])
})

t.test('a wrong rule, damage, a signal: an error, and no shard appears', async (t) => {
  const { meta: path } = await written(t, records)
  const prefix = join(t.testdirName, 'p')
  for (const rule of [{ shards: 0 }, { bytes: 0.5 }, { records: NaN }]) await t.rejects(splitRecords(path, prefix, rule), matchError('REC_BAD_VALUE', /whole number from 1/))
  await t.rejects(splitRecords(path, prefix, { shards: 3 }, { signal: AbortSignal.abort() }), { code: 'REC_ABORTED' })
  const damaged = readFileSync(path)
  damaged[damaged.length - 9]! ^= 1
  writeFileSync(path, damaged)
  await t.rejects(splitRecords(path, prefix, { records: 2 }), { code: 'REC_BAD_CHECKSUM' })
  t.same(readdirSync(t.testdirName).filter((name) => name.includes('p-')), [])
})
