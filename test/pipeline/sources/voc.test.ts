// The voc source: pixels counted from 1, sizes that are wrong, lists of parts, and damage.

import t from 'tap'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openSource, type BoxesLabel, type OpenSourceOptions, type Source } from '@millrace/pipeline'
import { realData } from '../../support.js'
import { collect, outcome, reason } from '../collect.js'
import { createPng } from '../digit-struct-fixture.js'

const open = (path: string, options: OpenSourceOptions = {}): Promise<Source> => openSource('voc', path, options)

const object = (name: string, [xmin, ymin, xmax, ymax]: readonly (number | string)[], more = ''): string =>
  `<object><name>${name}</name>${more}<bndbox><ymin>${ymin}</ymin><xmin> ${xmin} </xmin><xmax>${xmax}</xmax><ymax>${ymax}</ymax></bndbox></object>`
const annotation = (objects: string, size = '<size><width>60</width><height>40</height><depth>3</depth></size>', file = 'x.png'): string =>
  `<annotation><folder>f</folder><filename>${file}</filename>${size}\n${objects}\n</annotation>`

async function prepare(t: { testdir(): string }, files: Readonly<Record<string, string>>, lists: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = t.testdir()
  for (const place of ['Annotations', 'JPEGImages', 'ImageSets/Main']) mkdirSync(join(folder, place), { recursive: true })
  for (const [name, xml] of Object.entries(files)) {
    writeFileSync(join(folder, 'Annotations', `${name}.xml`), xml)
    writeFileSync(join(folder, 'JPEGImages', `${name}.png`), await createPng(60, 40))
  }
  for (const [name, text] of Object.entries(lists)) writeFileSync(join(folder, 'ImageSets/Main', `${name}.txt`), text)
  return folder
}

const boxesOf = async (source: Source): Promise<unknown[]> => (await collect(source)).map(({ label }) => (label as BoxesLabel).boxes)

t.test('first and last pixel from 1; difficult is ignored, truncated is not kept', async (t) => {
  const folder = await prepare(t, {
    a: annotation(object('dog', [1, 1, 60, 40], '<truncated>1</truncated>') + object('cat', [7, 5, 12, 20], '<difficult>1</difficult>') + '<object><name>cat</name><part><name>head</name><bndbox><xmin>1</xmin></bndbox></part><bndbox><xmin>31</xmin><ymin>1</ymin><xmax>31</xmax><ymax>2</ymax></bndbox></object>'),
    b: annotation(''),
  })
  const source = await open(folder)
  t.same([source.labelKind, source.classNames, await source.count()], ['boxes', ['cat', 'dog'], 2])
  t.same(await boxesOf(source), [[
    { class: 1, xmin: 0, ymin: 0, xmax: 1, ymax: 1 },
    { class: 0, xmin: 0.1, ymin: 0.1, xmax: 0.2, ymax: 0.5, ignore: true },
    { class: 0, xmin: 0.5, ymin: 0, xmax: 31 / 60, ymax: 0.05 },
  ], []])
  t.same((await collect(source)).map(({ key, adjusted }) => [key, adjusted]), [['a.png', undefined], ['b.png', undefined]])
})

t.test('sizes: none, 0, of a copy, of another image', async (t) => {
  const box = object('dog', [1, 1, 30, 20])
  const folder = await prepare(t, {
    a: annotation(box, ''),
    b: annotation(box, '<size><width>0</width><height>0</height></size>'),
    c: annotation(box, '<size><width>120</width><height>80</height></size>'),
    d: annotation(box, '<size><width>40</width><height>60</height></size>'),
  })
  const samples = await collect(await open(folder))
  t.same(samples.slice(0, 3).map(({ label }) => (label as BoxesLabel).boxes[0]!.xmax), [0.5, 0.5, 0.25])
  t.match(samples[2]!.adjusted, /120x80.*60x40.*scaled/)
  t.match(await reason(samples[3]!), /another shape: the annotation says 40x60/)
})

t.test('parts: the lists, in their order, with the same ids', async (t) => {
  const xml = annotation(object('dog', [1, 1, 30, 20]))
  const folder = await prepare(t, { a: xml, b: annotation(object('ant', [1, 1, 9, 9])), c: xml }, { train: 'c\r\na\r\n', val: 'b  1\nb -1\nnone\n', dog_train: 'a 1\n' })
  const train = await open(folder, { split: 'train' })
  t.same([train.classNames, (await collect(train)).map(({ id, key }) => `${id} ${key}`)], [['ant', 'dog'], ['2 c.png', '0 a.png']], 'classes of all parts')
  const val = await collect(await open(folder, { split: 'val' }))
  t.same(await Promise.all(val.map(async (sample) => (await outcome(sample)).slice(0, 15))), [(await outcome(val[0]!)).slice(0, 15), 'PIPE_ANNOTATION', 'PIPE_ANNOTATION'])
  t.match(await reason(val[2]!), /val\.txt: line 3: .*"none" without one/)
  await t.rejects(open(folder, { split: 'test' }), { code: 'PIPE_OPTION', message: /train, val, found "test"/ })
  await t.rejects(open(folder, { split: 'dog_train' }), { code: 'PIPE_OPTION' })
})

t.test('files that cannot be used reject by name', async (t) => {
  const folder = await prepare(t, {
    a: annotation(object('dog', [1, 1, 'x', 20])),
    b: annotation('<object><name>dog</name></object>'),
    c: '<annotation><object>',
    d: '<other/>',
    e: '',
    f: annotation(object('dog', [20, 1, 10, 20])),
    g: annotation(object('dog', [1, 1, 9, 9]), '', '../../secret.gif'),
    h: annotation(object('', [1, 1, 9, 9])),
  })
  const samples = await collect(await open(folder))
  t.same(await Promise.all(samples.map(outcome)), [...Array<string>(5).fill('PIPE_ANNOTATION'), 'PIPE_BOX', 'PIPE_IMAGE_MISSING', 'PIPE_ANNOTATION'])
  t.match(await reason(samples[0]!), /a\.xml: line 2: expected a number as xmax of the object, found "x"/)
  t.equal(samples[6]!.key, 'g.gif', 'the name of the XML file, the ending of <filename>')
  t.notMatch(await outcome((await collect(await open(folder, { badBoxes: 'drop' })))[5]!), /PIPE/)
  await t.rejects(open(t.testdir({ 'x.jpg': '' })), { code: 'PIPE_EMPTY' })
  await t.rejects(open(join(folder, 'Annotations/a.xml')), { code: 'PIPE_SOURCE_MISSING' })
})

t.test('XML files beside their images; class names given', async (t) => {
  const folder = t.testdir({ 'a.xml': annotation(object('dog', [1, 1, 30, 20])), names: 'cat\ndog\n', other: 'cat\n' })
  writeFileSync(join(folder, 'a.png'), await createPng(60, 40))
  t.same(await boxesOf(await open(folder, { classNames: join(folder, 'names') })), [[{ class: 1, xmin: 0, ymin: 0, xmax: 0.5, ymax: 0.5 }]])
  t.match(await reason((await collect(await open(folder, { classNames: join(folder, 'other') })))[0]!), /one of 1 classes, found "dog"/)
})

const bccd = realData('bccd-voc')
t.test('BCCD', { skip: bccd.skip }, async (t) => {
  const source = await open(bccd.path, { split: 'train' })
  t.same([source.classNames, await source.count()], [['Platelets', 'RBC', 'WBC'], 40])
  const samples = await collect(source)
  const boxes = samples.flatMap(({ label }) => (label as BoxesLabel).boxes)
  t.same([0, 1, 2].map((number) => boxes.filter((box) => box.class === number).length), [54, 606, 45])
  t.same((samples[0]!.label as BoxesLabel).boxes[0], { class: 2, xmin: 67 / 640, ymin: 314 / 480, xmax: 286 / 640, ymax: 1 })
  t.same([...new Set(samples.map(({ adjusted }) => adjusted))], [undefined], 'no box reaches past its image: they count from 1')
  t.ok((await outcome(samples[0]!)).startsWith('\xff\xd8'))
})
