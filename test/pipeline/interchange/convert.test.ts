// Conversions: there and back with the same labels and image bytes, rejects, what must not appear.

import t, { type Test } from 'tap'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openRecords, type MetaHeader, type NewImageRecord } from '@millrace/recordio'
import { convert, decodeExample, encodeExample, encodeTfRecord, readTfRecords, type ConvertOptions, type Feature } from '@millrace/pipeline'
import { realData } from '../../support.js'
import { collect, damagedCopies, picture, plainRecords, typedError, writeRecords } from './support.js'

const images = [await picture('jpeg', 10), await picture('png', 20), await picture('webp', 30), Buffer.from('no image')]

const cases: readonly { readonly header: MetaHeader; readonly records: readonly NewImageRecord[] }[] = [
  { header: { labelKind: 'class', labelWidth: 1, classNames: ['cat', 'dog', 'ünicorn'] }, records: images.map((image, index) => ({ id: BigInt(10 * index + 3), label: index % 3, image })) },
  { header: { labelKind: 'values', labelWidth: 2 }, records: images.map((image, index) => ({ id: BigInt(index), labels: Float32Array.of(0.1 * index, -5), image })) },
  { header: { labelKind: 'digits', labelWidth: 6 }, records: [{ id: 2n ** 63n, labels: Float32Array.of(6, 1, 2, 3, 4, 5), image: images[0]! }, { id: 2n ** 64n - 1n, labels: Float32Array.of(0, 10, 10, 10, 10, 10), image: images[1]! }] },
  { header: { labelKind: 'boxes', labelWidth: 0 }, records: [{ id: 1n, labels: Float32Array.of(4, 6, 640, 480, 2, 0.1, 0.2, 0.3, 0.4, 1, 0, 0, 0, 1, 1, 0), image: images[0]! }, { id: 2n, labels: Float32Array.of(4, 6, 8, 6), image: images[1]! }] },
]

for (const { header, records } of cases) {
  for (const name of ['x.tfrecord', 'x.tfrecords-00000-of-00001.gz', 'x.tar', 'x.tgz']) {
    t.test(`${header.labelKind} by ${name} and back`, async (t) => {
      const folder = t.testdir()
      const path = (name: string): string => join(folder, name)
      await writeRecords(path('a.rec'), records, header)
      t.match(await convert({ input: path('a.rec'), output: path(name) }), { from: 'rec', converted: records.length, rejected: 0 })
      t.match(await convert({ input: path(name), output: path('b.rec') }), { to: 'rec', converted: records.length, rejected: 0 })
      t.same(await plainRecords(path('b.rec')), await plainRecords(path('a.rec')))
      const file = await openRecords(path('b.rec'))
      await file.close()
      t.match(file.meta?.header, { labelKind: header.labelKind, labelWidth: header.labelWidth })
      if (name.startsWith('x.tf')) t.same(file.meta?.header.classNames, header.classNames)
      await convert({ input: path('b.rec'), output: path(`again-${name}`), ...(header.classNames && { classNames: header.classNames }) })
      t.ok(readFileSync(path(name)).equals(readFileSync(path(`again-${name}`))), 'the same bytes')
      t.same(readdirSync(folder).filter((each) => /partial|rejects/.test(each)), [])
    })
  }
}

t.test('an Example as TensorFlow names it', async (t) => {
  const folder = t.testdir()
  await writeRecords(join(folder, 'a.rec'), cases[0]!.records, cases[0]!.header)
  await convert({ input: join(folder, 'a.rec'), output: join(folder, 'a.tfrecord') })
  const [first] = await collect(readTfRecords(join(folder, 'a.tfrecord')))
  const example = decodeExample(first!.data, 'x')
  const text = (name: string): string => Buffer.from((example.get(name)!.values as Uint8Array[])[0]!).toString()
  t.same([...example.keys()], ['image/class/label', 'image/class/text', 'image/encoded', 'image/filename', 'image/format', 'image/height', 'image/source_id', 'image/width'])
  t.same([text('image/class/text'), text('image/filename'), text('image/format'), text('image/source_id')], ['cat', '3.jpg', 'jpeg', '3'])
  t.same(['image/class/label', 'image/height', 'image/width'].map((name) => example.get(name)!.values[0]), [0n, 6n, 8n])
})

const integers = (...values: number[]): Feature => ({ kind: 'integers', values: BigInt64Array.from(values, BigInt) })
const floats = (...values: number[]): Feature => ({ kind: 'floats', values: Float32Array.from(values) })
const bytes = (...values: (string | Uint8Array)[]): Feature => ({ kind: 'bytes', values: values.map((value) => Buffer.from(value as string)) })

function writeExamples(path: string, examples: readonly Record<string, Feature>[]): void {
  writeFileSync(path, Buffer.concat(examples.map((features) => encodeTfRecord(encodeExample(Object.entries(features))))))
}

async function converted(t: Test, examples: readonly Record<string, Feature>[], options: Partial<ConvertOptions> = {}): Promise<{ records: Awaited<ReturnType<typeof plainRecords>>; reasons: string[] }> {
  const folder = t.testdir()
  writeExamples(join(folder, 'x.tfrecord'), examples)
  const reasons: string[] = []
  const { rejectsPath } = await convert({ input: join(folder, 'x.tfrecord'), output: join(folder, 'x.rec'), onReject: ({ reason }) => reasons.push(reason), ...options })
  if (rejectsPath) t.equal(readFileSync(rejectsPath, 'utf8').trimEnd().split('\n').length, reasons.length)
  return { records: await plainRecords(join(folder, 'x.rec')), reasons }
}

t.test("others' examples: keys, boxes, names, ids", async (t) => {
  const image = bytes(images[0]!)
  const labels = async (features: Record<string, Feature>, options?: Partial<ConvertOptions>): Promise<number[]> => (await converted(t, [{ 'image/encoded': image, ...features }], options)).records[0]!.labels
  t.same(await labels({ 'image/class/label': integers(7) }), [7])
  t.same(await labels({ label: integers(7) }), [7])
  t.same(await labels({ x: integers(1, 2) }, { labelKey: 'x' }), [1, 2])
  t.same(await labels({ x: floats(1.5) }, { labelKey: 'x' }), [1.5])
  t.same(await labels({ x: bytes('b') }, { labelKey: 'x', classNames: ['a', 'b'] }), [1])
  const corners = { 'image/object/bbox/xmin': floats(0.25), 'image/object/bbox/ymin': floats(0), 'image/object/bbox/xmax': floats(1), 'image/object/bbox/ymax': floats(0.5) }
  t.same(await labels({ ...corners, 'image/object/class/label': integers(3), 'image/class/label': integers(9) }), [4, 6, 8, 6, 3, 0.25, 0, 1, 0.5, 0])
  t.same(await labels({ ...corners, 'image/object/class/label': integers(3), 'image/object/difficult': integers(1), 'image/width': integers(640), 'image/height': integers(480) }), [4, 6, 640, 480, 3, 0.25, 0, 1, 0.5, 1])
  const named = (name: string): Record<string, Feature> => ({ 'image/encoded': image, label: integers(1), 'image/filename': bytes(name) })
  t.same((await converted(t, [named('000012.jpg'), named('9.jpg')])).records.map(({ id }) => id), [12n, 9n])
  t.same((await converted(t, [named('a.jpg'), named('9.jpg')])).records.map(({ id }) => id), [0n, 1n])
})

t.test('what is rejected, and why', async (t) => {
  const good = { 'image/encoded': bytes(images[0]!), label: integers(1) }
  const { records, reasons } = await converted(t, [
    good,
    { label: integers(1) },
    { 'image/encoded': bytes('a', 'b'), label: integers(1) },
    { 'image/encoded': bytes('a') },
    { 'image/encoded': bytes('a'), label: bytes('cat') },
    { 'image/encoded': bytes('a'), label: integers() },
    { 'image/encoded': bytes('a'), label: integers(1, 2) },
    { 'image/encoded': bytes('a'), label: integers(2 ** 24 + 1) },
    { 'image/encoded': bytes('a'), 'image/object/bbox/xmin': floats(1), 'image/object/bbox/ymin': floats() },
    good,
  ])
  t.equal(records.length, 2)
  const expected = [
    /x.tfrecord#1: expected the encoded image as one byte string in image\/encoded, found none among label; name the feature/,
    /found 2 byte strings/, /expected a label in label, image\/class\/label or image\/object\/bbox, found none among image\/encoded/,
    /expected a label that is a number, found "cat"/, /expected a label, found an empty one/,
    /expected a label of kind class with 1 numbers, as the first has, found one of kind values with 2/, /16777217/,
    /expected 1 objects/,
  ]
  t.equal(reasons.length, expected.length)
  for (const [index, reason] of expected.entries()) t.match(reasons[index], reason)
  await t.rejects(converted(t, [good, {}], { onError: 'fail' }), { code: 'PIPE_SAMPLE' })
})

t.test('a record with a wrong checksum is listed; a cut file ends with nothing', async (t) => {
  const folder = t.testdir()
  const path = (name: string): string => join(folder, name)
  writeExamples(path('x.tfrecord'), [0, 1, 2].map((label) => ({ 'image/encoded': bytes('a'), label: integers(label) })))
  const whole = readFileSync(path('x.tfrecord'))
  const flipped = Buffer.from(whole)
  flipped[20]! ^= 1
  writeFileSync(path('x.tfrecord'), flipped)
  t.match(await convert({ input: path('x.tfrecord'), output: path('x.tar') }), { converted: 2, rejected: 1 })
  t.match(readFileSync(path('x.tar.rejects.jsonl'), 'utf8'), /^\{"key":".*x.tfrecord#0","id":0,"code":"PIPE_TFRECORD_DAMAGED"/)
  writeFileSync(path('x.tfrecord'), whole.subarray(0, -1))
  for (const output of ['y.rec', 'y.tar', 'y.tgz']) t.match(await typedError(convert({ input: path('x.tfrecord'), output: path(output) })), { code: 'PIPE_TFRECORD_CUT' })
  t.same(readdirSync(folder).sort(), ['x.tar', 'x.tar.rejects.jsonl', 'x.tfrecord'])
})

t.test('damage anywhere: typed errors, and nothing half done', async (t) => {
  const folder = t.testdir()
  const path = (name: string): string => join(folder, name)
  writeExamples(path('x.tfrecord'), [1, 2].map((label) => ({ 'image/encoded': bytes('a'), label: integers(label) })))
  let turn = 0
  for (const { bytes } of damagedCopies(readFileSync(path('x.tfrecord')))) {
    if (turn++ % 7 > 0) continue
    writeFileSync(path('x.tfrecord'), bytes)
    const error = await typedError(convert({ input: path('x.tfrecord'), output: path('y.tar') }))
    if (error && readdirSync(folder).some((name) => /partial|^y\.tar$/.test(name))) t.fail(readdirSync(folder).join())
    rmSync(path('y.tar'), { force: true })
  }
})

t.test('what cannot be converted', async (t) => {
  const folder = t.testdir({ 'empty.tfrecord': '' })
  const path = (name: string): string => join(folder, name)
  writeExamples(path('bad.tfrecord'), [{}, {}])
  await t.rejects(convert({ input: 'a.rec', output: 'b.rec' }), { code: 'PIPE_OPTION', message: /expected two formats, found rec twice/ })
  await t.rejects(convert({ input: 'a.zip', output: 'b.rec' }), { code: 'PIPE_OPTION', message: /a.zip: expected a name that ends in .*--from/ })
  await t.rejects(convert({ input: path('empty.tfrecord'), output: path('b.rec') }), { code: 'PIPE_EMPTY' })
  await t.rejects(convert({ input: path('bad.tfrecord'), output: path('b.rec') }), { code: 'PIPE_ALL_REJECTED', message: /found all 2 rejected, the first because:/ })
  await t.rejects(convert({ input: path('none.tfrecord'), output: path('b.rec') }), { code: 'PIPE_SOURCE_MISSING' })
  await t.rejects(convert({ input: path('none.rec'), output: path('b.tar') }), { code: 'REC_FILE' })
  writeExamples(path('good.tfrecord'), [{ 'image/encoded': bytes('a'), label: integers(1) }])
  await t.rejects(convert({ input: path('good.tfrecord'), output: join(folder, 'none', 'b.tar') }), { code: 'PIPE_OUTPUT' })
  await t.rejects(convert({ input: path('good.tfrecord'), output: path('b.tar'), signal: AbortSignal.abort() }), { code: 'PIPE_ABORTED' })
  t.same(readdirSync(folder).sort(), ['b.rejects.jsonl', 'bad.tfrecord', 'empty.tfrecord', 'good.tfrecord'])
})

const shard = realData('webdataset/sample.tgz')
t.test("the webdataset project's shard to records and to TFRecord", { skip: shard.skip }, async (t) => {
  const folder = t.testdir()
  const [records, examples, back] = ['a.rec', 'a.tfrecord', 'b.rec'].map((name) => join(folder, name)) as [string, string, string]
  t.match(await convert({ input: shard.path, output: records }), { converted: 90, rejected: 0 })
  await convert({ input: shard.path, output: examples })
  await convert({ input: examples, output: back })
  t.same(await plainRecords(back), await plainRecords(records))
})
