// The tfrecord and webdataset sources: shards of every layout, labels of every kind, and what cannot be
// packed from them.

import t from 'tap'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { decodeExample, encodeExample, encodeTfRecord, openSource, readTfRecords, type Feature, type OpenSourceOptions, type Source } from '@millrace/pipeline'
import { encodePng } from '@millrace/pipeline/images'
import { realData } from '../../support.js'
import { tar } from '../archive-fixture.js'
import { collect, describe, reason } from '../collect.js'

const tfrecord = (path: string, options: OpenSourceOptions = {}): Promise<Source> => openSource('tfrecord', path, options)
const webdataset = (path: string, options: OpenSourceOptions = {}): Promise<Source> => openSource('webdataset', path, options)

const text = (...values: readonly string[]): Feature => ({ kind: 'bytes', values: values.map((value) => Buffer.from(value)) })
const whole = (...values: readonly number[]): Feature => ({ kind: 'integers', values: BigInt64Array.from(values, BigInt) })
const floats = (...values: readonly number[]): Feature => ({ kind: 'floats', values: Float32Array.from(values) })

function record(features: Readonly<Record<string, Feature>>): Buffer {
  return encodeTfRecord(encodeExample(new Map(Object.entries(features))))
}

function classRecord(image: string, label: number, name?: string): Buffer {
  return record({ 'image/encoded': text(image), 'image/class/label': whole(label), ...(name !== undefined && { 'image/class/text': text(name) }) })
}

function write(folder: string, files: Readonly<Record<string, string | Uint8Array>>): string {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
  return folder
}

const shards = {
  'train-00000-of-00002': Buffer.concat([classRecord('a', 1, 'cat'), classRecord('b', 0, 'ape')]),
  'train-00001-of-00002': classRecord('c', 2, 'dog'),
  'validation-00000-of-00001': classRecord('d', 1, 'cat'),
  'readme.md': 'x',
}
const rows = [[0, 'train-00000-of-00002#0', 1, 'a'], [1, 'train-00000-of-00002#1', 0, 'b'], [2, 'train-00001-of-00002#0', 2, 'c']]

t.test('TFRecord shards: a folder, a prefix, a file, a range', async (t) => {
  const folder = write(t.testdir(), shards)
  const source = await tfrecord(folder)
  t.same([source.labelKind, source.classNames, await source.count()], ['class', ['ape', 'cat', 'dog'], 4])
  t.same(await describe(source), [...rows, [3, 'validation-00000-of-00001#0', 1, 'd']])
  t.same(await describe(source), [...rows, [3, 'validation-00000-of-00001#0', 1, 'd']], 'again')
  t.same([...source.ignored!], [['no shard', 1]])
  t.same(await describe(await tfrecord(folder, { split: 'train' })), rows)
  t.same(await describe(await tfrecord(folder, { split: 'val' })), [[0, 'validation-00000-of-00001#0', 1, 'd']])
  await t.rejects(tfrecord(folder, { split: 'test' }), { code: 'PIPE_OPTION', message: /expected train or val in/ })
  t.same(await describe(await tfrecord(join(folder, 'train'))), rows)
  t.same(await describe(await tfrecord(join(folder, 'train-00001-of-00002'))), [[0, 'train-00001-of-00002#0', 2, 'c']])
  t.same(await describe(await tfrecord(join(folder, 'train-{00000..00001}-of-00002'))), rows)
  write(folder, { 'x.tfrecord-00000-of-00001.gz': gzipSync(shards['train-00001-of-00002']) })
  t.same(await describe(await tfrecord(join(folder, 'x.tfrecord'))), [[0, 'x.tfrecord-00000-of-00001.gz#0', 2, 'c']])
  t.same(await describe(await tfrecord(folder, { split: 'train', classes: ['dog'] })), [[2, 'train-00001-of-00002#0', 0, 'c']])
})

t.test('shards that are not there', async (t) => {
  const { 'train-00001-of-00002': _, ...others } = shards
  const folder = write(t.testdir(), { ...others, 'empty/readme.md': 'x' })
  await t.rejects(tfrecord(folder), { code: 'PIPE_SOURCE_MISSING', message: /train-00001-of-00002: expected 00002 shards numbered from 0, found 1 without this one/ })
  await t.rejects(tfrecord(join(folder, 'train')), { code: 'PIPE_SOURCE_MISSING', message: /train-00001-of-00002/ })
  await t.rejects(tfrecord(join(folder, 'train-{00000..00001}-of-00002')), { code: 'PIPE_SOURCE_MISSING' })
  await t.rejects(tfrecord(join(folder, 'train-{00003..00001}-of-00002')), { code: 'PIPE_OPTION' })
  await t.rejects(tfrecord(join(folder, 'tra')), { code: 'PIPE_SOURCE_MISSING', message: /the name before -00000-of/ })
  await t.rejects(tfrecord(join(folder, 'nowhere/train')), { code: 'PIPE_SOURCE_MISSING' })
  await t.rejects(tfrecord(join(folder, 'empty')), { code: 'PIPE_EMPTY', message: /none among 1 files/ })
  await t.rejects(tfrecord(join(folder, 'train-00000-of-00002'), { split: 'train' }), { code: 'PIPE_OPTION' })
  write(folder, { 'none.tfrecord': '' })
  await t.rejects(tfrecord(join(folder, 'none.tfrecord')), { code: 'PIPE_EMPTY' })
})

t.test('labels of every kind', async (t) => {
  const image = await encodePng({ data: new Uint8Array(8 * 4 * 3), width: 8, height: 4, channels: 3 })
  const encoded: Feature = { kind: 'bytes', values: [image] }
  const box = (xmin: number, xmax: number, label = 1): Record<string, Feature> => ({
    'image/encoded': encoded,
    'image/object/bbox/xmin': floats(xmin), 'image/object/bbox/xmax': floats(xmax), 'image/object/bbox/ymin': floats(0), 'image/object/bbox/ymax': floats(0.5),
    'image/object/class/label': whole(label), 'image/object/class/text': text('stop'),
  })
  const folder = write(t.testdir(), {
    'boxes.tfrecord': Buffer.concat([record(box(0.25, 0.75)), record(box(0.5, 1.5)), record(box(0.75, 0.25)), record({ 'image/encoded': encoded, 'image/class/label': whole(1) })]),
    'digits.tfrecord': Buffer.concat([[2, 1, 0, 10, 10, 10], [6, 1, 2, 3, 4, 5], [2, 11, 0, 10, 10, 10]].map((label) => record({ 'image/encoded': encoded, label: whole(...label), 'millrace/label_kind': text('digits') }))),
    'values.tfrecord': record({ 'image/encoded': encoded, label: floats(0.5, 2) }),
    'named.tfrecord': record({ jpeg: encoded, answer: text('yes') }),
    'names.txt': 'no\nyes\n',
  })
  const boxes = await tfrecord(join(folder, 'boxes.tfrecord'))
  t.same([boxes.labelKind, boxes.classNames], ['boxes', ['0', 'stop']])
  const samples = await collect(boxes)
  t.same(samples[0]!.label, { kind: 'boxes', width: 8, height: 4, boxes: [{ class: 1, xmin: 0.25, ymin: 0, xmax: 0.75, ymax: 0.5 }] })
  t.same(samples[0]!.regions, [{ left: 2, top: 0, width: 4, height: 2 }])
  t.match(samples[1]!.adjusted, /clamped/)
  t.match(await reason(samples[2]!), /boxes\.tfrecord#2: expected a box with xmin < xmax/)
  t.match(await reason(samples[3]!), /boxes\.tfrecord#3: expected a label of kind boxes, as the first sample has, found one of kind class/)
  const dropping = await tfrecord(join(folder, 'boxes.tfrecord'), { badBoxes: 'drop' })
  t.same([(await collect(dropping))[2]!.error, [...dropping.ignored!]], [undefined, [['inverted or empty box', 1]]])
  const digits = await tfrecord(join(folder, 'digits.tfrecord'))
  const found = await collect(digits)
  t.same(found.slice(0, 2).map(({ label }) => label), [{ kind: 'digits', digits: [1, 0] }, { kind: 'digits', digits: [1, 2, 3, 4, 5, 0] }])
  t.match(await reason(found[2]!), /expected a label of kind digits, found 2, 11, 0/)
  t.same((await collect(await tfrecord(join(folder, 'values.tfrecord'))))[0]!.label, { kind: 'values', values: [0.5, 2] })
  const named = await tfrecord(join(folder, 'named.tfrecord'), { imageKey: 'jpeg', labelKey: 'answer', classNames: join(folder, 'names.txt') })
  t.same([named.classNames, (await collect(named))[0]!.label], [['no', 'yes'], { kind: 'class', value: 1 }])
})

t.test('records that cannot be packed reject, files that break off throw', async (t) => {
  const damaged = Buffer.from(classRecord('bad', 1))
  damaged[damaged.length - 1]! ^= 1
  const bytes = Buffer.concat([damaged, classRecord('a', 1), record({ image: text('b'), label: whole(1) }), classRecord('c', 7)])
  const folder = write(t.testdir(), { 'x.tfrecord': bytes, 'cut.tfrecord': bytes.subarray(0, -1), 'names.txt': 'no\nyes\n' })
  const source = await tfrecord(join(folder, 'x.tfrecord'), { classNames: join(folder, 'names.txt') })
  t.equal(await source.count(), 4)
  t.same(await describe(source), [[0, 'x.tfrecord#0', 0, 'PIPE_TFRECORD_DAMAGED'], [1, 'x.tfrecord#1', 1, 'a'], [2, 'x.tfrecord#2', 0, 'PIPE_SAMPLE'], [3, 'x.tfrecord#3', 0, 'PIPE_SAMPLE']])
  t.match(await reason((await collect(source))[3]!), /expected a class from 0 to 1, as the class names have it, found 7; correct the class names; some tools count classes from 1/)
  await t.rejects(tfrecord(join(folder, 'cut.tfrecord')).then(collect), { code: 'PIPE_TFRECORD_CUT' })
  const stop = new AbortController()
  stop.abort()
  await t.rejects(tfrecord(join(folder, 'x.tfrecord'), { signal: stop.signal }), { code: 'PIPE_ABORTED' })
})

t.test('WebDataset shards', async (t) => {
  const entry = (name: string, content: string): { name: string; bytes: Buffer } => ({ name, bytes: Buffer.from(content) })
  const folder = write(t.testdir(), {
    'train-000000.tar': await tar([entry('7.jpg', 'a'), entry('7.cls', 'dog'), entry('8.jpg', 'b'), entry('9.jpg', 'c'), entry('9.json', '{"label": 0}')]),
    'train-000001.tar': await tar([entry('deep/1.png', 'd'), entry('deep/1.txt', 'cat')]),
    'names.txt': 'cat\ndog\n',
  })
  const classNames = join(folder, 'names.txt')
  const expected = [[0, 'train-000000.tar/7', 1, 'a'], [1, 'train-000000.tar/8', 0, 'PIPE_SAMPLE'], [2, 'train-000000.tar/9', 0, 'c'], [3, 'train-000001.tar/deep/1', 0, 'd']]
  t.same(await describe(await webdataset(folder, { classNames })), expected)
  const source = await webdataset(join(folder, 'train-{000000..000001}.tar'), { classNames })
  t.same([await describe(source), await source.count(), source.classNames], [expected, 4, ['cat', 'dog']])
  t.same((await describe(await webdataset(join(folder, 'train-000000.tar')))).map((row) => row[3]), ['PIPE_SAMPLE', 'PIPE_SAMPLE', 'c'], 'names need the class names')
  write(folder, { 'cut.tar': readFileSync(join(folder, 'train-000000.tar')).subarray(0, 700) })
  await t.rejects(webdataset(join(folder, 'cut.tar')).then(collect), { code: 'PIPE_ARCHIVE_DAMAGED' })
})

const real = realData('tfrecord')
t.test('files of TensorFlow and of webdataset', { skip: real.skip }, async (t) => {
  const path = join(real.path, 'test.tfrecords')
  const source = await tfrecord(path)
  t.equal(await source.count(), 269)
  t.match(await reason((await collect(source))[0]!), /expected the encoded image as one byte string in image\/encoded, found none among .*image.*--image-key/)
  const keyed = await collect(await tfrecord(path, { imageKey: 'image', labelKey: 'digits' }))
  const first = (await collect(readTfRecords(path)))[0]!
  const digits = decodeExample(first.data, 'first').get('digits')!
  t.same([keyed.length, keyed[0]!.label], [269, { kind: 'values', values: Array.from(digits.kind === 'integers' ? digits.values : [], Number) }])
  const sample = await webdataset(join(realData('webdataset').path, 'sample.tgz'))
  const samples = await collect(sample)
  t.same([samples.length, samples.filter(({ error }) => error).length, samples[0]!.key, sample.labelKind], [90, 0, 'sample.tgz/10', 'class'])
})
