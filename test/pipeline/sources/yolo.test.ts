// The yolo source: data.yaml as people write it, folders, lists, polygons, and lines that cannot be used.

import t from 'tap'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { openSource, PipelineError, type BoxesLabel, type OpenSourceOptions, type Source } from '@millrace/pipeline'
import { realData } from '../../support.js'
import { zip } from '../archive-fixture.js'
import { collect, outcome, reason } from '../collect.js'
import { createPng } from '../digit-struct-fixture.js'

const open = (path: string, options: OpenSourceOptions = {}): Promise<Source> => openSource('yolo', path, options)

async function prepare(t: { testdir(): string }, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = t.testdir()
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), name.endsWith('.png') ? await createPng(60, 40) : text)
  }
  return folder
}

const keys = async (source: Source): Promise<string[]> => (await collect(source)).map(({ id, key }) => `${id} ${key}`)

const set = {
  'images/train2017/b.png': '', 'images/train2017/a.png': '', 'images/val2017/c.png': '',
  'labels/train2017/a.txt': '1 0.5 0.5 0.5 0.5\r\n0 0.25 0.75 0.500001 0.5\n', 'labels/val2017/c.txt': '', 'labels/val2017/gone.txt': '0 .5 .5 .1 .1\n',
}

t.test('data.yaml: parts and names in each way of writing', async (t) => {
  const folder = await prepare(t, set)
  const head = '# COCO\npath: ../elsewhere/coco  # root\ntrain: images/train2017\nval: ./images/val2017/\ntest:\nnc: 2\ndownload: |\n  import x\n  print("a: b")\n'
  for (const names of ['names:\n  - person\n  - "car # 1"', "names: ['person', \"car # 1\"]", 'names:\n  0: person\n  1: \'car # 1\' # two', 'names: [\n  person,\n  "car # 1",\n]', 'names: {1: "car # 1", 0: person}', 'names:\n- person\n- "car # 1"\nroboflow:\n  a: b']) {
    writeFileSync(join(folder, 'data.yaml'), `${head}${names}\n`)
    const source = await open(folder)
    t.same([source.labelKind, source.classNames, await keys(source)], ['boxes', ['person', 'car # 1'], ['0 images/train2017/a.png', '1 images/train2017/b.png']], names)
  }
  const val = await open(join(folder, 'data.yaml'), { split: 'val' })
  t.same([await keys(val), [...val.ignored!]], [['0 images/val2017/c.png'], [['label file without an image', 1]]])
  await t.rejects(open(folder, { split: 'test' }), { code: 'PIPE_OPTION', message: /train, val, found "test"/ })
  writeFileSync(join(folder, 'data.yaml'), 'train: [../images/train2017, /home/x/images/val2017]\nnames: [a, b]\n')
  await t.rejects(open(folder), { code: 'PIPE_SOURCE_MISSING', message: /home/ })
  writeFileSync(join(folder, 'data.yaml'), 'train: [../images/train2017, images/val2017]\nnames: [a, b]\n')
  t.equal(await (await open(folder)).count(), 3)
})

t.test('boxes: centre and size; rounding is no fault; no label file, an empty one', async (t) => {
  const folder = await prepare(t, set)
  const source = await open(folder, { split: 'train' })
  t.same(source.classNames, ['0', '1'])
  const samples = await collect(source)
  t.same(samples[0]!.label, {
    kind: 'boxes',
    width: 60,
    height: 40,
    boxes: [{ class: 1, xmin: 0.25, ymin: 0.25, xmax: 0.75, ymax: 0.75 }, { class: 0, xmin: 0, ymin: 0.5, xmax: 0.25 + 0.500001 / 2, ymax: 1 }],
  })
  t.equal(samples[0]!.adjusted, undefined)
  t.same((samples[1]!.label as BoxesLabel).boxes, [])
  t.same([...source.ignored!], [['image without a label file (packed without boxes)', 1]])
  t.same(await keys(await open(folder)), ['0 images/train2017/a.png', '1 images/train2017/b.png', '2 images/val2017/c.png'], 'no part: all')
  await t.rejects(open(folder, { split: 'test' }), { code: 'PIPE_OPTION', message: /images\/train2017, images\/val2017/ })
})

t.test('polygons; lines that cannot be used reject with file and line', async (t) => {
  const folder = await prepare(t, { 'images/a.png': '', 'labels/a.txt': '0 0.1 0.2 0.9 0.2 0.5 0.8\n', 'images/b.png': '', 'labels/b.txt': '0 .5 .5 .1 .1', 'classes.txt': 'dog\ncat\n' })
  const source = await open(folder)
  t.same([source.classNames, (((await collect(source))[0]!).label as BoxesLabel).boxes], [['dog', 'cat'], [{ class: 0, xmin: 0.1, ymin: 0.2, xmax: 0.9, ymax: 0.8 }]])
  for (const [text, code] of [['0 .5 .5 .1', 'ANNOTATION'], ['0 .5 .5 .1 .1 .9', 'ANNOTATION'], ['x .5 .5 .1 .1', 'ANNOTATION'], ['2 .5 .5 .1 .1', 'LABEL'], ['0.5 .5 .5 .1 .1', 'LABEL'], ['-1 .5 .5 .1 .1', 'LABEL'], ['0 .5 .5 0 .1', 'BOX'], ['0 30 20 5 5', 'BOX_OUTSIDE'], ['0 .5 .5 nan .1', 'ANNOTATION'], ['\xff .5 .5 .1 .1', 'ANNOTATION']] as const) {
    writeFileSync(join(folder, 'labels/a.txt'), Buffer.from(`0 .5 .5 .1 .1\n\n${text}\n`, 'latin1'))
    const [a, b] = await collect(await open(folder))
    t.same([await outcome(a!), (await outcome(b!)).startsWith('PIPE')], [`PIPE_${code}`, false], text)
    t.match(await reason(a!), /a\.txt(: | )line 3/)
  }
})

t.test('a list of images; images in a zip; labels beside images', async (t) => {
  const folder = await prepare(t, { ...set, 'list.txt': './images/val2017/c.png\nimages/train2017/a.png\n\nimages/train2017/a.png\n../x.png\n/x/y.png\n' })
  const source = await open(join(folder, 'list.txt'))
  t.equal(await source.count(), 5)
  const codes = await Promise.all((await collect(source)).map(async (sample) => (await outcome(sample)).replace(/^[^P].*/s, 'read')))
  t.same(codes, ['read', 'read', 'PIPE_ANNOTATION', 'PIPE_NAME_OUTSIDE', 'PIPE_NAME_OUTSIDE'])
  const zipped = join(folder, 'photos.zip')
  writeFileSync(zipped, zip([{ name: 'deep/train2017/a.png', bytes: await createPng(60, 40) }]))
  const fromZip = await open(folder, { images: zipped, root: 'deep' })
  t.same((await collect(fromZip)).map(({ key, label }) => `${key} ${(label as BoxesLabel).boxes.length}`), ['train2017/a.png 2'])
  const beside = await prepare(t, { 'obj/a.png': '', 'obj/a.txt': '0 .5 .5 .1 .1', 'obj.names': 'dog\n' })
  t.same([(await open(beside)).classNames, await keys(await open(beside))], [['dog'], ['0 obj/a.png']])
})

t.test('what is no data set', async (t) => {
  const folder = await prepare(t, set)
  for (const [text, message] of [
    ['names: [a, b', /ends with \]/], ['names: &x [a]', /plain or in quotes/], ['names:\n  a: b', /number: value/], ['names:\n  0: a\n  2: b', /from 0 to 1/],
    ['names:\n  0: a\n  0: b', /each once/], ['names: [a]\nnames: [b]', /one names/], ['x', /a key and a colon/], ['names: [a b, {c: d}]', /between commas/],
    ['names:\n  - a\n   - b', /"- value"/], ['names: >\n  a', /in one line|plain/], [`names: [${'a '.repeat(50_000)}"]`, /between commas/],
  ] as const) {
    writeFileSync(join(folder, 'data.yaml'), text)
    await t.rejects(open(folder), { code: 'PIPE_ANNOTATION', message }, text.slice(0, 50))
  }
  writeFileSync(join(folder, 'data.yaml'), Buffer.from('names: [\xe9]', 'latin1'))
  await t.rejects(open(folder), { code: 'PIPE_ANNOTATION' })
  await t.rejects(open(t.testdir({ images: { 'a.png': '' } })), { code: 'PIPE_SOURCE_MISSING', message: /labels\/a\.txt/ })
  await t.rejects(open(t.testdir({ images: {} })), { code: 'PIPE_EMPTY' })
  await t.rejects(open(t.testdir({ 'x.zip': 'PK' }) + '/x.zip'), { code: 'PIPE_SOURCE_MISSING' })
})

t.test('any data.yaml: typed errors only', async (t) => {
  const folder = await prepare(t, set)
  const line = fc.constantFrom('names:', '  - a', '- b', '  0: c', 'names: [a, "b"]', 'train: images', 'path: .', '[', ']', '{', '  x', "names: {0: 'a'}", '#', 'val: [images, labels]', '"', ':')
  await fc.assert(fc.asyncProperty(fc.array(fc.oneof(line, fc.string()), { maxLength: 6 }), async (lines) => {
    writeFileSync(join(folder, 'data.yaml'), lines.join('\n'))
    try {
      await collect(await open(folder))
    } catch (error) {
      if (!(error instanceof PipelineError)) throw error
    }
  }), { numRuns: 300 })
})

const coco128 = realData('coco128')
t.test('coco128', { skip: coco128.skip }, async (t) => {
  const source = await open(coco128.path)
  t.same([source.classNames!.length, await source.count()], [80, 128])
  const samples = await collect(source)
  const [first] = samples
  t.equal(first!.key, 'images/000000000009.jpg')
  t.match((first!.label as BoxesLabel).boxes[0], { class: 45, xmin: 0.479492 - 0.955609 / 2, ymax: 0.688771 + 0.5955 / 2 })
  t.equal(samples.reduce((sum, { label }) => sum + (label as BoxesLabel).boxes.length, 0), 929)
  t.same(Object.fromEntries(source.ignored!), { 'image without a label file (packed without boxes)': 2, 'label file without an image': 2 })
  t.same([...new Set(samples.map(({ adjusted }) => adjusted))], [undefined])
})
