// recordio/src/verify.ts: says everything that is wrong, and nothing of a sound file.

import t from 'tap'
import { encodeFrames, encodeRecord, RecordWriter, verifyRecords, type Fault, type MetaHeader, type VerifyReport } from '@millrace/recordio'
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { golden, matchError, metaHeader, small, written } from './support.js'

const ids = [5n, 2n, 9n, 4n, 7n]
const records = ids.map((id) => small(id, `image ${id}`.padEnd(20 + Number(id), '.')))
const starts = records.map((_, index) => records.slice(0, index).reduce((sum, record) => sum + encodeRecord(record).length, 0))

function kinds({ faultCounts }: VerifyReport): Record<string, number> {
  return { ...faultCounts }
}

function change(path: string, edit: (bytes: Buffer) => Buffer | void): void {
  const bytes = readFileSync(path)
  writeFileSync(path, edit(bytes) ?? bytes)
}

t.test('sound files', async (t) => {
  const paths = await written(t, records)
  for (const [way, meta, hasIndex] of [['meta', 'used', true], ['idx', 'none', true], ['scan', 'none', false]] as const) {
    const report = await verifyRecords(paths[way])
    t.match(report, { isSound: true, count: 5, lostBytes: 0, meta, hasIndex, faults: [], duplicateIds: { count: 0, first: [] } })
    t.equal(report.bytes, readFileSync(paths[way]).length)
  }
  writeFileSync(join(t.testdirName, 'empty.rec'), '')
  t.match(await verifyRecords(join(t.testdirName, 'empty.rec')), { isSound: true, count: 0 })
})

for (const name of ['photos_pass', 'magic', 'hdrmagic', 'multi_pack', 'edges_color1_png']) {
  const { path, skip } = golden(`${name}.rec`)
  t.test(`${name}.rec, written by MXNet, is sound`, { skip }, async (t) => {
    t.match(await verifyRecords(path), { isSound: true, faults: [] })
  })
}

t.test('every bit of a packed file flipped: a fault that tells of the record it is in', async (t) => {
  const { meta: path } = await written(t, records)
  const sound = readFileSync(path)
  for (let bit = 0; bit < 8 * sound.length; bit += 3) {
    change(path, () => {
      const bytes = Buffer.from(sound)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      return bytes
    })
    const report = await verifyRecords(path)
    const hit = starts.findLastIndex((start) => start <= bit >> 3)
    t.same([report.isSound, report.count, report.faults.flatMap((fault) => fault.ids ?? [])], [false, 4, [ids[hit]]])
  }
})

t.test('several faults are all found, the index is compared around them', async (t) => {
  const { meta: path } = await written(t, records)
  change(path, (bytes) => {
    bytes[starts[1]!]! ^= 1 // the magic
    bytes[starts[3]! + 40]! ^= 1 // the image
  })
  const report = await verifyRecords(path)
  t.same(kinds(report), { frame: 1, checksum: 1 })
  t.match(report.faults, [
    { kind: 'frame', offsetBytes: starts[1], lengthBytes: starts[2]! - starts[1]!, ids: [2n], lostRecords: 1, message: /expected a frame head/ },
    { kind: 'checksum', offsetBytes: starts[3], ids: [4n] },
  ])
  t.equal(report.lostBytes, starts[2]! - starts[1]! + (starts[4]! - starts[3]!))
  t.equal((await verifyRecords(path, { listed: 1 })).faults.length, 1)
  t.same(kinds(await verifyRecords(path, { listed: 1 })), { frame: 1, checksum: 1 })
})

t.test('a file cut between two records: only the .meta or .idx can tell', async (t) => {
  const paths = await written(t, records)
  for (const path of Object.values(paths)) change(path, (bytes) => bytes.subarray(0, starts[3]))
  t.match(await verifyRecords(paths.scan), { isSound: true, count: 3 })
  const report = await verifyRecords(paths.meta)
  t.match(report.faults.find(({ kind }) => kind === 'frame') as Fault, { ids: [4n, 7n], lostRecords: 2, message: /the \.meta lists 2 more records/ })
  t.match(kinds(await verifyRecords(paths.idx)), { index: 2 })
})

t.test('an .idx that lacks, adds, or confuses records, or is none', async (t) => {
  const { idx: path } = await written(t, records)
  const lines = readFileSync(path.replace(/rec$/, 'idx'), 'utf8').trimEnd().split('\n')
  const withLines = async (changed: readonly string[]) => {
    writeFileSync(path.replace(/rec$/, 'idx'), `${changed.join('\n')}\n`)
    return (await verifyRecords(path)).faults
  }
  t.same(await withLines([...lines].reverse()), [], 'any order will do')
  t.match(await withLines(lines.slice(1)), [{ kind: 'index', record: 0, offsetBytes: 0, message: /expected a line for id 5, found none/ }])
  t.match(await withLines([...lines, '77\t4']), [{ kind: 'index', offsetBytes: 4, message: /id 77: expected a record/ }])
  t.match(await withLines([`55\t0`, ...lines.slice(1)]), [{ kind: 'index', record: 0, message: /expected id 5 as in the image header, found 55/ }])
  t.match(await withLines(['what']), [{ kind: 'index', message: /line 1: expected/ }])
})

t.test('a .meta of another file, or a damaged one: said, and the .rec is looked at without it', async (t) => {
  const { meta: path } = await written(t, records)
  const metaPath = path.replace(/rec$/, 'meta')
  const other = join(t.testdirName, 'other.rec')
  const writer = await RecordWriter.create(other, metaHeader)
  for (const { id } of records) await writer.write(small(id, 'something else'.padEnd(20 + Number(id))))
  await writer.close()
  copyFileSync(other.replace(/rec$/, 'meta'), metaPath)
  t.match(await verifyRecords(path), { isSound: false, count: 5, meta: 'unusable', faults: [{ kind: 'meta', message: /none of the checksums/ }] })
  change(metaPath, (bytes) => void (bytes[bytes.length - 40]! ^= 1))
  t.match(await verifyRecords(path), { isSound: false, count: 5, meta: 'unusable', faults: [{ kind: 'meta', message: /checksum of the footer/ }] })
})

t.test('every bit of a .meta flipped is found', async (t) => {
  const { meta: path } = await written(t, records)
  const metaPath = path.replace(/rec$/, 'meta')
  const sound = readFileSync(metaPath)
  for (let bit = 0; bit < 8 * sound.length; bit += 7) {
    change(metaPath, () => {
      const bytes = Buffer.from(sound)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      return bytes
    })
    t.equal((await verifyRecords(path)).isSound, false)
  }
})

t.test('image headers and labels', async (t) => {
  const path = join(t.testdir(), 'x.rec')
  writeFileSync(path, Buffer.concat([encodeFrames(Buffer.alloc(10)), encodeRecord({ id: 1n, image: Buffer.from('a') }), encodeFrames(Buffer.alloc(40, 255))]))
  t.match(await verifyRecords(path), { count: 1, faultCounts: { header: 2 }, faults: [{ kind: 'header', record: 0, offsetBytes: 0, message: /found a record of 10 bytes/ }, { record: 2 }] })

  const labelFaults = async (header: MetaHeader, ...labels: (number | number[])[]) => {
    const writer = await RecordWriter.create(path, header)
    for (const [index, label] of labels.entries()) await writer.write({ id: BigInt(index), image: Buffer.from('a'), ...(typeof label === 'number' ? { label } : { labels: Float32Array.from(label) }) })
    await writer.close()
    const { faults, faultCounts } = await verifyRecords(path)
    t.same(Object.keys(faultCounts).filter((kind) => kind !== 'label'), [])
    return faults.map(({ record, message }) => `${record}: ${message}`)
  }
  t.same(await labelFaults({ labelKind: 'class', labelWidth: 1, classNames: ['a', 'b'] }, 0, 1, 2, 0.5, -1, [1, 2]), [
    '2: expected a class below 2, as many as there are names, found 2',
    '3: expected a class number from 0, found 0.5',
    '4: expected a class number from 0, found -1',
    '5: expected a label of 1 numbers, found 2',
  ])
  t.same(await labelFaults({ labelKind: 'values', labelWidth: 2 }, [1, 2], [NaN, 1], 3), ['1: expected finite numbers in the label, found NaN', '2: expected a label of 2 numbers, found 1'])
  t.same(await labelFaults({ labelKind: 'digits', labelWidth: 6 }, [1, 2, 10, 10, 10, 10], [1, 11, 10, 10, 10, 10]), ['1: expected a label of kind digits, found 1 11 10 10 10 10'])
  t.same(await labelFaults({ labelKind: 'boxes', labelWidth: 0 }, [4, 6, 1, 1, 0, 0, 0, 1, 1, 0], [4, 6, 1, 1, 0]), ['1: expected a label of kind boxes, found 4 6 1 1 0'])
})

t.test('duplicate ids are a warning', async (t) => {
  const { meta: path } = await written(t, [small(3n), small(1n), small(3n), small(3n), small(1n)])
  t.match(await verifyRecords(path), { isSound: true, duplicateIds: { count: 3, first: [1n, 3n, 3n] } })
})

t.test('images: each is checked, a few at a time, and a refusal is a fault', async (t) => {
  const { meta: path } = await written(t, Array.from({ length: 50 }, (_, id) => small(BigInt(id))))
  let [running, most, checked] = [0, 0, 0]
  const report = await verifyRecords(path, {
    checkImage: async ({ id }) => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setTimeout(resolve, 1))
      running--
      checked++
      if (id % 20n === 7n) throw new Error(`no good ${id}`)
    },
  })
  t.equal(checked, 50)
  t.ok(most > 1 && most <= 4, `${most} at a time`)
  t.match(report, { isSound: false, count: 50, faults: [{ kind: 'image', record: 7, ids: [7n], message: 'no good 7' }, { message: 'no good 27' }, { message: 'no good 47' }] })
})

t.test('a missing file, and a signal', async (t) => {
  const { meta: path } = await written(t, records)
  await t.rejects(verifyRecords(join(path, 'none')), matchError('REC_FILE', /cannot open it/))
  await t.rejects(verifyRecords(path, { signal: AbortSignal.abort() }), matchError('REC_ABORTED', /stopped/))
  rmSync(path)
  await t.rejects(verifyRecords(path), { code: 'REC_FILE' })
})
