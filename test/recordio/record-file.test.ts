// recordio/src/record-file.ts with the three ways to know where records stand: .meta, .idx, a scan.

import t from 'tap'
import fc from 'fast-check'
import { crc32c } from '@node-rs/crc32'
import { openRecords } from '@millrace/recordio'
import { appendFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { magic, matchError, plain, small, using, written } from './support.js'

t.test('records by ordinal and by id, in any order of ids, the last of equal ids', async (t) => {
  const ids = [7n, 2n ** 64n - 1n, 7n, 0n, 2n ** 63n, 2n ** 32n, 2n ** 53n + 1n, 1n]
  const records = ids.map((id, ordinal) => small(id, `image ${ordinal}`))
  for (const [way, path] of Object.entries(await written(t, records))) {
    await using(path, async (file) => {
      t.equal(file.count, ids.length, way)
      for (const [ordinal, record] of records.entries()) t.same(plain(await file.read(ordinal)), plain(record), `${way}: ordinal ${ordinal}`)
      for (const id of ids) t.same(plain(await file.readById(id)), plain(records[ids.lastIndexOf(id)]!), `${way}: id ${id}`)
      for (const id of [2n, 8n, 2n ** 64n - 2n]) await t.rejects(file.readById(id), matchError('REC_NOT_FOUND', /none of its 8 records has id/), `${way}: no ${id}`)
      t.equal(file.meta === undefined, way !== 'meta')
    })
  }
})

t.test('ascending ids with repeats need no order', async (t) => {
  const records = [1n, 1n, 1n, 5n, 9n, 9n].map((id, ordinal) => small(id, `image ${ordinal}`))
  for (const path of Object.values(await written(t, records))) {
    await using(path, async (file) => {
      t.same(plain(await file.readById(1n)), plain(records[2]!))
      t.same(plain(await file.readById(9n)), plain(records[5]!))
      await t.rejects(file.readById(0n), { code: 'REC_NOT_FOUND' })
    })
  }
})

t.test('thousands of records, over many blocks, shuffled ids', async (t) => {
  const count = 5000
  const idOf = (ordinal: number): bigint => BigInt((ordinal * 7919) % count) << 40n
  const records = Array.from({ length: count }, (_, ordinal) => small(idOf(ordinal)))
  for (const [way, path] of Object.entries(await written(t, records))) {
    await using(path, async (file) => {
      const found = await Promise.all(Array.from({ length: count }, (_, ordinal) => file.readById(idOf(ordinal))))
      t.ok(found.every(({ image }, ordinal) => Buffer.from(image).equals(records[ordinal]!.image)), way)
    })
  }
})

t.test('any ids: found as a plain map finds them', async (t) => {
  const id = fc.oneof(fc.bigInt({ min: 0n, max: 20n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }))
  await fc.assert(fc.asyncProperty(fc.array(id, { maxLength: 30 }), async (ids) => {
    const records = ids.map((id, ordinal) => small(id, `${ordinal}`))
    const last = new Map(records.map((record) => [record.id, record]))
    for (const path of Object.values(await written(t, records))) {
      await using(path, async (file) => {
        for (const [id, record] of last) if (!Buffer.from((await file.readById(id)).image).equals(record.image)) throw new Error(`${path}: ${id}`)
      })
    }
  }), { numRuns: 30 })
  t.pass()
})

t.test('records of megabytes and records split in many parts', async (t) => {
  const records = [
    { id: 1n, image: Buffer.alloc(3_000_001, 7) },
    { id: 2n, image: Buffer.alloc(400_000, magic) },
    { id: 3n, image: Buffer.concat([Buffer.alloc(65_512), magic, Buffer.alloc(9)]) },
  ]
  for (const [way, path] of Object.entries(await written(t, records))) {
    await using(path, async (file) => {
      for (const { id, image } of records) t.ok(image.equals((await file.readById(id)).image), `${way}: ${id}`)
    })
  }
})

t.test('a .meta of a hundred million records opens at once', async (t) => {
  const { meta } = await written(t, [small(1n)])
  const path = meta.replace(/rec$/, 'meta')
  const whole = readFileSync(path)
  const [count, entriesOffset] = [100_000_000, Number(whole.readBigUInt64LE(whole.length - 64))]
  const summaryBytes = whole.subarray(Number(whole.readBigUInt64LE(whole.length - 48)), whole.length - 64)
  const summary = Buffer.from(summaryBytes.toString('latin1').replace('count\x01', 'count\xce\x05\xf5\xe1\x00'), 'latin1')
  const footer = Buffer.from(whole.subarray(-64))
  const summaryOffset = entriesOffset + 24 * count + 4 * Math.ceil(count / 256)
  for (const [at, value] of [[16, summaryOffset], [24, count], [32, 10 ** 13]] as const) footer.writeBigUInt64LE(BigInt(value), at)
  footer.writeUInt32LE(crc32c(summary), 44)
  footer.writeUInt32LE(crc32c(footer.subarray(0, 52)), 52)
  const handle = await open(path, 'w') // sparse: 2.4 GB that take no disk
  await handle.write(whole, 0, entriesOffset, 0)
  await handle.write(summary, 0, summary.length, summaryOffset)
  await handle.write(footer, 0, 64, summaryOffset + summary.length)
  await handle.close()
  truncateSync(meta, 10 ** 13)

  const [before, begun] = [process.memoryUsage().rss, performance.now()]
  await using(meta, async (file) => {
    t.equal(file.count, count)
    t.ok(performance.now() - begun < 500)
    t.ok(process.memoryUsage().rss - before < 32e6)
    await t.rejects(file.read(count - 1), matchError('REC_BAD_META', /checksum of the block at byte/), 'its blocks are zeros here')
  })
})

t.test('a .rec that is not that of the .meta', async (t) => {
  const { meta } = await written(t, [small(1n), small(2n)])
  const original = readFileSync(meta)
  appendFileSync(meta, Buffer.alloc(4))
  await t.rejects(openRecords(meta), matchError('REC_META_MISMATCH', /x\.rec: expected 80 bytes as its \.meta says, found 84; see what is wrong with "millrace verify/))
  original[original.length - 1] = 1
  original[original.length - 9]! ^= 1
  writeFileSync(meta, original)
  await using(meta, async (file) => {
    t.equal((await file.read(0)).id, 1n)
    await t.rejects(file.read(1), matchError('REC_BAD_CHECKSUM', /record 1 at byte 40: expected 40 bytes with checksum [0-9a-f]+, found [0-9a-f]+; the \.rec was damaged/))
  })
})

t.test('files that are missing or are no such files', async (t) => {
  const { meta } = await written(t, [small(1n)])
  const metaPath = meta.replace(/rec$/, 'meta')
  writeFileSync(metaPath, 'x')
  await t.rejects(openRecords(meta), matchError('REC_BAD_META', /x\.meta: expected at least 80 bytes, found 1/))
  writeFileSync(metaPath, Buffer.alloc(200))
  await t.rejects(openRecords(meta), matchError('REC_BAD_META', /end mark/))
  rmSync(meta)
  await t.rejects(openRecords(meta), matchError('REC_FILE', /x\.rec: cannot open it: ENOENT/))
})
