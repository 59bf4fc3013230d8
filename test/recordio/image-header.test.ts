// recordio/src/image-header.ts and record-reader.ts: MXNet's image records, both flavours.

import t from 'tap'
import fc from 'fast-check'
import { encodeFrames, encodeRecord, labelValues, readRecords, type NewImageRecord } from '@millrace/recordio'
import { readFileSync } from 'node:fs'
import { realData } from '../support.js'
import { collect, golden, inChunks, matchError, plain, readList } from './support.js'

const image = Buffer.from('image')
const encode = (record: NewImageRecord): Buffer => Buffer.from(encodeRecord(record))
const readBack = (...records: NewImageRecord[]) => collect(readRecords(inChunks(Buffer.concat(records.map(encode)), [1000]), { name: 'x.rec' }))

t.test('the layout', (t) => {
  const frames = encode({ id: 0x0102030405060708n, id2: 9n, labels: Float32Array.of(1, -2), image: Buffer.from('ab') })
  t.equal(frames.toString('hex'), '0a23d7ce' + '22000000' + '02000000' + '00000000' + '0807060504030201' + '0900000000000000' + '0000803f' + '000000c0' + '6162' + '0000')
  t.end()
})

t.test('a single label stands in the header; labelValues finds it in either place', async (t) => {
  const [single, several, both] = await readBack({ id: 1n, label: 7, image }, { id: 2n, labels: Float32Array.of(3, 4), image }, { id: 3n, label: 3, labels: Float32Array.of(3, 4), image })
  t.match(single, { id: 1n, label: 7, ordinal: 0, offsetBytes: 0 })
  t.equal(single!.labels.length, 0)
  t.same([...labelValues(single!)], [7])
  t.equal(several!.label, 0, 'as im2rec.py')
  t.equal(both!.label, 3, 'as im2rec.cc')
  t.same([...labelValues(several!)], [3, 4])
  t.same([...labelValues(both!)], [3, 4])
})

t.test('ids have 64 bits', async (t) => {
  const ids = [0n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n]
  t.same((await readBack(...ids.map((id) => ({ id, image })))).map(({ id }) => id), ids)
  for (const id of [-1n, 2n ** 64n]) t.throws(() => encodeRecord({ id, image }), matchError('REC_BAD_VALUE', /expected id to be a bigint from 0 to 2\^64 - 1/))
  t.throws(() => encodeRecord({ id: 1n, id2: -1n, image }), matchError('REC_BAD_VALUE', /expected id2/))
  t.throws(() => encodeRecord({ id: 5 as unknown as bigint, image }), matchError('REC_BAD_VALUE', /expected id to be a bigint/))
})

t.test('a class number that float32 would change is refused; a fraction is rounded', async (t) => {
  t.throws(() => encodeRecord({ id: 1n, label: 16777217, image }), matchError('REC_BAD_VALUE', /label 16777217 would be stored as 16777216/))
  const [record] = await readBack({ id: 1n, label: 0.1, image })
  t.equal(record!.label, Math.fround(0.1))
})

t.test('a record shorter than its header says', async (t) => {
  const cases: [Buffer, RegExp][] = [
    [Buffer.alloc(23), /x\.rec: record 1 at byte 40: expected an image header of 24 bytes, found a record of 23/],
    [Buffer.concat([Buffer.from('ffffffff', 'hex'), Buffer.alloc(30)]), /expected an image header and 4294967295 labels \(17179869204 bytes\), found a record of 34/],
    [Buffer.concat([Buffer.from('01000000', 'hex'), Buffer.alloc(23)]), /and 1 labels \(28 bytes\), found a record of 27/],
  ]
  for (const [payload, message] of cases) {
    const data = Buffer.concat([encode({ id: 1n, image }), encodeFrames(payload)])
    await t.rejects(collect(readRecords(inChunks(data, [9]), { name: 'x.rec' })), matchError('REC_BAD_HEADER', message))
  }
})

t.test('any record comes back, in any chunks', async (t) => {
  const record = fc.record({
    id: fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.constantFrom(3470205706n, 3470205706n << 32n)),
    id2: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    label: fc.oneof(fc.float({ noNaN: true }), fc.constant(-1804698880)),
    labels: fc.float32Array({ maxLength: 9, noNaN: true }),
    image: fc.uint8Array({ maxLength: 50 }),
  })
  await fc.assert(fc.asyncProperty(fc.array(record, { maxLength: 5 }), fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), async (records, sizes) => {
    const found = await collect(readRecords(inChunks(Buffer.concat(records.map(encode)), sizes)))
    t.same(found.map(plain), records.map(plain))
  }), { numRuns: 200 })
})

t.test('an image with an offset in its memory is copied from the right place', async (t) => {
  const [record] = await readBack({ id: 1n, image: Buffer.from('xximagexx').subarray(2, 7) })
  t.equal(Buffer.from(record!.image).toString(), 'image')
})

// The golden files: lists and payloads are in the folder, im2rec.cc wrote the .rec.
const payload = (name: string): Buffer => readFileSync(golden(`payloads/${name}`).path)
const goldenCases: [string, () => NewImageRecord[]][] = [
  ['magic', () => singleLabels('magic.lst')],
  ['hdrmagic', () => singleLabels('hdrmagic.lst')],
  ['multi_nopack', () => singleLabels('multi.lst')],
  ['multi_pack', () => readList(golden('multi.lst').path).map(({ id, labels, path }) => ({ id, label: labels[0]!, labels: Float32Array.from(labels), image: payload(path) }))],
  ['lines', () => [1, 2, 3, 3].map((number, index) => ({ id: BigInt(index), label: index + 1, image: payload(`p00${number}.bin`) }))],
]

function singleLabels(list: string): NewImageRecord[] {
  return readList(golden(list).path).map(({ id, labels, path }) => ({ id, label: labels[0]!, image: payload(path) }))
}

for (const [name, recordsOf] of goldenCases) {
  const { path, skip } = golden(`${name}.rec`)
  t.test(`im2rec's ${name}.rec is read, and written from the same list with the same bytes`, { skip }, async (t) => {
    const records = recordsOf()
    const rounded = records.map(({ label, ...rest }) => ({ ...rest, label: Math.fround(label!) }))
    t.same((await collect(readRecords(path))).map(plain), rounded.map(plain))
    t.equal(Buffer.concat(records.map(encode)).toString('hex'), readFileSync(path).toString('hex'))
  })
}

for (const [name, count, ids] of [['dmlc-core/sample.rec', 10, [1n, 2n]], ['adaface/train.rec', 8, [0n, 4n]], ['cgzzt/val.rec', 392, [1n, 2n]]] as const) {
  const { path, skip } = realData(`recordio/${name}`)
  t.test(`${name}, found in the wild, is read and written with the same bytes`, { skip }, async (t) => {
    const records = await collect(readRecords(path))
    t.equal(records.length, count)
    t.same(records.slice(0, 2).map(({ id }) => id), ids)
    t.ok(Buffer.concat(records.map(encode)).equals(readFileSync(path)))
  })
}

{
  const { path, skip } = realData('recordio/adaface')
  t.test('the images of adaface/train.rec are the files of its list', { skip }, async (t) => {
    const list = readList(`${path}/train.lst`)
    for await (const { ordinal, id, label, image } of readRecords(`${path}/train.rec`)) {
      t.same({ id, label }, { id: list[ordinal]!.id, label: list[ordinal]!.labels[0] })
      t.ok(readFileSync(`${path}/images/${list[ordinal]!.path}`).equals(image))
    }
  })
}
