// The csv source: delimiters, labels, boxes, rows that cannot be used, and damage.

import t from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PipelineError, sourceFormats, type BoxesLabel, type Source, type SourceOptions } from '@millrace/pipeline'
import { realData } from '../../support.js'
import { tarGz, zip } from '../archive-fixture.js'
import { collect, describe, outcome, reason } from '../collect.js'
import { createPng } from '../digit-struct-fixture.js'

const open = (path: string, options: SourceOptions = {}): Promise<Source> => sourceFormats['csv']!.open(path, options)

function table(folder: string, text: string): string {
  writeFileSync(join(folder, 'labels.csv'), text)
  return join(folder, 'labels.csv')
}

const images = { 'a.png': 'A', 'b, c.png': 'B', 'd"e.png': 'D', 'e.png': 'E' }

t.test('delimiters, quotes, BOM, CRLF, blanks', async (t) => {
  const folder = t.testdir(images)
  const expected = [[0, 'a.png', 1, 'A'], [1, 'b, c.png', 0, 'B'], [2, 'd"e.png', 2, 'D']]
  const text = 'label,note,image\n1,x,a.png\n0,"two\nlines","b, c.png"\n2,,"d""e.png"\n'
  t.same(await describe(await open(table(folder, text))), expected)
  t.same(await describe(await open(table(folder, `\ufeff${text.replaceAll('\n', '\r\n')}`))), expected)
  t.same(await describe(await open(table(folder, text.trimEnd()))), expected)
  for (const [delimiter, other] of [[';', ' ; '], ['\t', '\t'], ['|', '|']] as const) {
    const rows = [['label', 'image', ''], ['1', 'a.png', ''], ['0', '"b, c.png"', ''], ['2', 'd"e.png', '']]
    t.same(await describe(await open(table(folder, rows.map((row) => row.join(other)).join('\n')))), expected, JSON.stringify(delimiter))
  }
  t.same(await describe(await open(table(folder, 'image:label\na.png:5\n'), { delimiter: ':' })), [[0, 'a.png', 5, 'A']])
})

t.test('numbers, names and values', async (t) => {
  const folder = t.testdir({ ...images, names: 'dog\ncat\n', twice: 'dog\ndog', gap: 'dog\n\ncat' })
  const names = await open(table(folder, 'image,label\na.png,dog\nnone.png,cat\ne.png,7\na.png,\n'))
  t.same([names.labelKind, names.classNames, await names.count()], ['class', ['7', 'cat', 'dog'], 4])
  t.same(await describe(names), [[0, 'a.png', 2, 'A'], [1, 'none.png', 1, 'PIPE_IMAGE_MISSING'], [2, 'e.png', 0, 'E'], [3, 'a.png', 0, 'PIPE_TABLE']])
  const given = await open(table(folder, 'image,label\na.png,cat\ne.png,0\na.png,bird\na.png,2\n'), { classNames: join(folder, 'names') })
  t.same(given.classNames, ['dog', 'cat'])
  t.same(await describe(given), [[0, 'a.png', 1, 'A'], [1, 'e.png', 0, 'E'], [2, 'a.png', 0, 'PIPE_TABLE'], [3, 'a.png', 0, 'PIPE_TABLE']])
  const numbers = await open(table(folder, 'image,label\na.png,3\na.png,cat\ne.png,4.0\n'))
  t.equal(numbers.classNames, undefined)
  t.same(await describe(numbers), [[0, 'a.png', 3, 'A'], [1, 'a.png', 0, 'PIPE_TABLE'], [2, 'e.png', 4, 'E']], 'one bad row does not make names of numbers')
  t.match(await reason((await collect(numbers))[1]!), /labels\.csv: line 3: expected a class number.*"cat"/)
  const values = await open(table(folder, 'image,label\na.png,3\ne.png,-1.5e1\n'))
  t.same([values.labelKind, await describe(values)], ['values', [[0, 'a.png', [3], 'A'], [1, 'e.png', [-15], 'E']]])
  const several = await open(table(folder, 'image,x,y\na.png,3,4\na.png,5\na.png,5,1e999\n'), { labelColumns: ['y', 'x'] })
  t.same(await describe(several), [[0, 'a.png', [4, 3], 'A'], [1, 'a.png', [], 'PIPE_TABLE'], [2, 'a.png', [], 'PIPE_TABLE']])
  await t.rejects(open(table(folder, 'image,label\na.png,1'), { classNames: join(folder, 'twice') }), { code: 'PIPE_CLASS_NAME', message: /line 2.*again, as in line 1/ })
  await t.rejects(open(table(folder, 'image,label\na.png,1'), { classNames: join(folder, 'gap') }), { code: 'PIPE_CLASS_NAME', message: /line 2.*none/ })
})

t.test('an image listed twice: which label holds?', async (t) => {
  const folder = t.testdir(images)
  const source = await open(table(folder, 'image,label\na.png,1\ne.png,x\ne.png,2\na.png,3\na.png,1\n'))
  for (const pass of ['first', 'second']) {
    t.same(await describe(source), [[0, 'a.png', 1, 'A'], [1, 'e.png', 0, 'PIPE_TABLE'], [2, 'e.png', 2, 'E'], [3, 'a.png', 0, 'PIPE_TABLE'], [4, 'a.png', 0, 'PIPE_TABLE']], `${pass} pass`)
  }
  t.match(await reason((await collect(source))[3]!), /line 5: expected every image once, found "a.png" again, as in line 2/)
})

t.test('rows by the value of a column', async (t) => {
  const folder = t.testdir(images)
  const path = table(folder, 'image,label,part\na.png,cat,train\n"b, c.png",dog,test\ne.png,cow,train\n')
  const source = await open(path, { where: [{ column: 'part', value: 'train' }] })
  t.same([await describe(source), source.classNames, await source.count()], [[[0, 'a.png', 0, 'A'], [1, 'e.png', 1, 'E']], ['cat', 'cow'], 2])
  t.same((await describe(await open(path, { where: [{ column: 'part', value: 'train' }, { column: 'label', value: 'cow' }] }))).length, 1, 'all must hold')
  await t.rejects(open(path, { where: [{ column: 'part', value: 'val' }] }), { code: 'PIPE_EMPTY', message: /rows under the header line with part = "val"/ })
  await t.rejects(open(path, { where: [{ column: 'Part', value: 'val' }] }), { code: 'PIPE_TABLE', message: /column "Part", found only "image", "label", "part"/ })
})

t.test('UTF-8, strictly, and every end of line', async (t) => {
  const folder = t.testdir(images)
  const path = join(folder, 'latin1.csv')
  writeFileSync(path, Buffer.from('image,label\na.png,1\nr\xe9sum\xe9.png,2\n', 'latin1'))
  await t.rejects(open(path), { code: 'PIPE_TABLE', message: /latin1\.csv: line 3: expected text in UTF-8, found bytes that are not.*iconv/ })
  writeFileSync(path, Buffer.from('\ufeffimage,label\na.png,1\n', 'utf16le'))
  await t.rejects(open(path), { code: 'PIPE_TABLE', message: /line 1: expected text in UTF-8, found UTF-16/ })
  writeFileSync(path, Buffer.concat([Buffer.from(`image,label\n${'x.png,1\n'.repeat(40_000)}`), Buffer.of(0xff)]))
  await t.rejects(open(path), { code: 'PIPE_TABLE', message: /line 40002/ })
  writeFileSync(path, `image,label\r\n${'é'.repeat(150_000)}.png,1\na.png,2\r\ne.png,3`)
  t.same((await describe(await open(path))).slice(1), [[1, 'a.png', 2, 'A'], [2, 'e.png', 3, 'E']], 'letters across chunks; LF after a header with CRLF')
  writeFileSync(path, 'image,label\ra.png,2\re.png,3\r')
  t.same(await describe(await open(path)), [[0, 'a.png', 2, 'A'], [1, 'e.png', 3, 'E']])
})

t.test('what is no table', async (t) => {
  const folder = t.testdir(images)
  await t.rejects(open(table(folder, '')), { code: 'PIPE_TABLE', message: /empty file/ })
  await t.rejects(open(table(folder, '\n\n')), { code: 'PIPE_TABLE' })
  await t.rejects(open(table(folder, 'image,label\n')), { code: 'PIPE_EMPTY' })
  await t.rejects(open(table(folder, 'picture,class\na.png,1\n')), { code: 'PIPE_TABLE', message: /columns "image", "label".*only "picture", "class"/ })
  await t.rejects(open(table(folder, 'image,label,image\na.png,1,2\n')), { code: 'PIPE_TABLE', message: /twice/ })
  await t.rejects(open(table(folder, `image,label\n"${'x'.repeat(2 ** 21)}`)), { code: 'PIPE_TABLE' })
  await t.rejects(open(join(folder, 'none.csv')), { code: 'PIPE_SOURCE_MISSING' })
  await t.rejects(open(folder), { code: 'PIPE_SOURCE_MISSING' })
  for (const bad of [{ delimiter: '' }, { root: '../x' }, { labelColumns: [] }]) await t.rejects(open(table(folder, 'image,label\na.png,1'), bad), { code: 'PIPE_OPTION' })
  t.same(await describe(await open(table(folder, 'image,label\n,1\n../a.png,1\n'))), [[0, 'line 2', 0, 'PIPE_TABLE'], [1, '../a.png', 1, 'PIPE_NAME_OUTSIDE']])
})

const boxColumns = ['x1', 'y1', 'x2', 'y2'] as const

t.test('boxes: rows of one image make one sample, wherever they stand', async (t) => {
  const png = (await createPng(60, 40)).toString('latin1')
  const folder = t.testdir()
  for (const name of ['a.png', 'b.png', 'c.png']) writeFileSync(join(folder, name), png, 'latin1')
  const text = 'image,label,x1,x2,y1,y2\na.png,cat,6,12,4,8\nb.png,dog,0,60,0,40\na.png,dog,-6,30,20,44\nc.png,,,,,\n,cat,1,2,1,2\ngone.png,cat,1,2,1,2\n'
  const source = await open(table(folder, text), { boxColumns })
  t.same([source.labelKind, source.classNames, await source.count()], ['boxes', ['cat', 'dog'], 5])
  const samples = await collect(source)
  t.same(samples.map(({ id, key }) => `${id} ${key}`), ['0 b.png', '1 a.png', '2 c.png', '3 line 6', '4 gone.png'], 'in the order of the last rows')
  t.same(samples[1]!.label, {
    kind: 'boxes',
    width: 60,
    height: 40,
    boxes: [{ class: 0, xmin: 0.1, ymin: 0.1, xmax: 0.2, ymax: 0.2 }, { class: 1, xmin: 0, ymin: 0.5, xmax: 0.5, ymax: 1 }],
  })
  t.match(samples[1]!.adjusted, /60x40/)
  t.same(samples[0]!.regions, [{ left: 0, top: 0, width: 60, height: 40 }])
  t.same((samples[2]!.label as BoxesLabel).boxes, [], 'an image with nothing on it')
  t.same(await Promise.all(samples.slice(2).map(async (sample) => (await outcome(sample)).slice(0, 18))), [png.slice(0, 18), 'PIPE_TABLE', 'PIPE_IMAGE_MISSING'])

  const zipped = join(folder, 'images.zip')
  writeFileSync(zipped, zip(['a.png', 'b.png', 'c.png'].map((name) => ({ name: `deep/${name}`, bytes: Buffer.from(png, 'latin1') }))))
  const tarred = join(folder, 'images.tgz')
  writeFileSync(tarred, await tarGz(['c.png', 'x.png', 'a.png', 'b.png'].map((name) => ({ name: `deep/${name}`, bytes: Buffer.from(png, 'latin1') }))))
  t.same((await collect(await open(table(folder, text), { boxColumns, images: zipped, root: 'deep' }))).map(({ label, key }) => ({ label, key })), samples.map(({ label, key }) => ({ label, key })))
  const streamed = await collect(await open(table(folder, text), { boxColumns, images: tarred, root: './deep/' }))
  t.same(streamed.map(({ id, key }) => `${id} ${key}`), ['3 line 6', '2 c.png', '1 a.png', '0 b.png', '4 gone.png'], "in the tar's order, with the same ids")
  t.same(streamed[2]!.label, samples[1]!.label)
})

t.test('boxes: units, sizes and bad rows', async (t) => {
  const folder = t.testdir()
  writeFileSync(join(folder, 'a.png'), await createPng(60, 40))
  writeFileSync(join(folder, 'bad.png'), 'no image')
  const boxesOf = async (rows: string, options: SourceOptions = {}): Promise<unknown[]> => {
    const samples = await collect(await open(table(folder, `image,label,x1,y1,x2,y2,w,h\n${rows}`), { boxColumns, ...options }))
    return Promise.all(samples.map(async (sample) => ((await outcome(sample)).startsWith('PIPE') ? outcome(sample) : (sample.label as BoxesLabel).boxes[0])))
  }
  t.same(await boxesOf('a.png,1,0.25,0,1,0.5'), [{ class: 1, xmin: 0.25, ymin: 0, xmax: 1, ymax: 0.5 }], 'nothing above 1: shares')
  t.same(await boxesOf('a.png,1,0,0,1,1', { boxUnit: 'pixels' }), [{ class: 1, xmin: 0, ymin: 0, xmax: 1 / 60, ymax: 1 / 40 }])
  t.same(await boxesOf('none.png,1,0,0,50,50,100,200', { sizeColumns: ['w', 'h'] }), ['PIPE_IMAGE_MISSING'])
  t.same(await boxesOf('a.png,1,0,0,50,50,100,200', { sizeColumns: ['w', 'h'] }), [{ class: 1, xmin: 0, ymin: 0, xmax: 0.5, ymax: 0.25 }])
  const bad = ['a.png,1,0,0,x,50', 'a.png,1,0,0,50', 'a.png,1,10,10,5,50', 'a.png,1,70,0,80,20', 'a.png,x,0,0,50,50', 'bad.png,1,0,0,50,50']
  for (const [index, code] of ['TABLE', 'TABLE', 'BOX', 'BOX_OUTSIDE', 'TABLE', 'IMAGE_DAMAGED'].entries()) {
    t.same((await boxesOf(`a.png,1,0,0,50,30\nb.png,1,0,0,50,30\n${bad[index]}`)).at(-1), `PIPE_${code}`, `${bad[index]}`)
  }
  t.same(await boxesOf('a.png,1,0,0,50,50,100,', { sizeColumns: ['w', 'h'] }), ['PIPE_TABLE'])
  t.same(await boxesOf('a.png,1,10,10,5,50,100,100\nb.png,1,0,0,1,1,100,100', { sizeColumns: ['w', 'h'], badBoxes: 'drop' }), [undefined, 'PIPE_IMAGE_MISSING'])
  await t.rejects(open(table(folder, 'image,label,x1,y1,x2\na.png,1,1,1,1'), { boxColumns }), { code: 'PIPE_TABLE', message: /"y2"/ })
})

t.test('cut at every byte: whole rows as before, typed errors', async (t) => {
  const folder = t.testdir(images)
  const text = Buffer.from('image,label\r\n"b, c.png",one\r\na.png,two\r\n')
  for (let length = 0; length < text.length; length++) {
    const result = await open(table(folder, text.toString('utf8', 0, length))).then(describe, (error: PipelineError) => error.code)
    const isTyped = typeof result === 'string' ? /^PIPE_(TABLE|EMPTY)$/.test(result) : result.every((row, index) => (index === 0 && row[3] === 'B') || /^(A|PIPE_(TABLE|IMAGE_MISSING))$/.test(`${row[3]}`))
    if (!isTyped) t.fail(`cut at ${length}: ${JSON.stringify(result)}`)
  }
})

const gtsrb = realData('annotations/gtsrb/GT-final_test.csv')
t.test('GTSRB: semicolons, a column without a name', { skip: gtsrb.skip }, async (t) => {
  const source = await open(gtsrb.path, { imageColumn: 'Filename', labelColumns: ['ClassId'] })
  t.equal(await source.count(), 1000)
  const rows = await describe(source)
  t.same(rows[0], [0, '00000.ppm', 16, 'PIPE_IMAGE_MISSING'])
  const boxed = await open(gtsrb.path, { imageColumn: 'Filename', labelColumns: ['ClassId'], boxColumns: ['RoiX1', 'RoiY1', 'RoiX2', 'RoiY2'], sizeColumns: ['Width', 'Height'] })
  const [first] = await collect(boxed)
  t.same(first!.label, { kind: 'boxes', width: 53, height: 54, boxes: [{ class: 16, xmin: 6 / 53, ymin: 5 / 54, xmax: 48 / 53, ymax: 49 / 54 }] })
})

const bccd = realData('bccd-voc')
t.test('BCCD: boxes by column name, images in a folder', { skip: bccd.skip }, async (t) => {
  const source = await open(join(bccd.path, 'test.csv'), { imageColumn: 'filename', labelColumns: ['cell_type'], boxColumns: ['xmin', 'ymin', 'xmax', 'ymax'], images: join(bccd.path, 'JPEGImages') })
  t.same([source.labelKind, source.classNames], ['boxes', ['Platelets', 'RBC', 'WBC']])
  const samples = await collect(source)
  t.equal(samples.length, await source.count())
  const found = samples.filter(({ label }) => (label as BoxesLabel).width === 640)
  t.ok(found.length >= 5, `${found.length} of ${samples.length} images are here`)
  t.equal((found[0]!.label as BoxesLabel).boxes.every(({ xmin, ymin, xmax, ymax }) => xmin < xmax && ymin < ymax && xmin >= 0 && xmax <= 1 && ymin >= 0 && ymax <= 1), true)
})

const tables = realData('annotations')
t.test('FER+, Adience, Open Images: real tables', { skip: tables.skip }, async (t) => {
  const votes = await open(join(tables.path, 'ferplus/fer2013new.csv'), { imageColumn: 'Image name', labelColumns: ['neutral', 'happiness'] })
  t.same([votes.labelKind, await votes.count()], ['values', 500])
  const faces = await open(join(tables.path, 'adience/fold_0_data.txt'), { imageColumn: 'original_image', labelColumns: ['gender'] })
  t.equal(faces.labelKind, 'class')
  t.ok(faces.classNames!.includes('f'))
  const boxed = await open(join(tables.path, 'open-images/test-annotations-bbox.csv'), { imageColumn: 'ImageID', labelColumns: ['LabelName'], boxColumns: ['XMin', 'YMin', 'XMax', 'YMax'] })
  t.ok(boxed.classNames!.includes('Enemy'))
})
