// The open-images and snacks sources: the x pair before the y pair, and tables that only say so.

import t from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { guessFormats, openSource, type BoxesLabel, type Sample } from '@millrace/pipeline'
import { realData } from '../../support.js'
import { collect, outcome, reason } from '../collect.js'
import { createPng } from '../digit-struct-fixture.js'

function boxesOf({ label }: Sample): unknown[] {
  return (label as BoxesLabel).boxes.map(({ class: number, xmin, ymin, xmax, ymax, ignore }) => [number, xmin, ymin, xmax, ymax, ...(ignore ? ['ignore'] : [])])
}

const header = 'ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside'

t.test('open-images: codes, words, groups', async (t) => {
  const folder = t.testdir()
  const path = join(folder, 'validation-annotations-bbox.csv')
  writeFileSync(join(folder, '000026e7ee790996.jpg'), await createPng(40, 40))
  writeFileSync(path, `${header}\n000026e7ee790996,xclick,/m/07j7r,1,0.125,0.5,0.25,0.75,0,1,1,0,0\n0001eeaf4aed83f9,xclick,/m/0cmf2,1,0,0.96,0.2,0.5,0,0,0,0,0\n000026e7ee790996,xclick,/m/0cmf2,1,0,1,0,1,0,1,0,0,0\n`)
  t.same(await guessFormats(path), ['open-images'])
  const source = await openSource('open-images', path)
  t.same([source.labelKind, source.classNames, await source.count()], ['boxes', ['/m/07j7r', '/m/0cmf2'], 2])
  const samples = await collect(source)
  t.same(samples.map(({ key }) => key), ['0001eeaf4aed83f9.jpg', '000026e7ee790996.jpg'])
  t.same(boxesOf(samples[1]!), [[0, 0.125, 0.25, 0.5, 0.75, 'ignore'], [1, 0, 0, 1, 1]])
  t.equal(await outcome(samples[0]!), 'PIPE_IMAGE_MISSING')
  writeFileSync(join(folder, 'class-descriptions-boxable.csv'), '/m/07j7r,Tree\n/m/0cmf2,"Airplane"\n/m/1,Bat\n/m/2,Bat\n')
  const described = await openSource('open-images', path)
  t.same([described.classNames, boxesOf((await collect(described))[1]!)[0]], [['Airplane', 'Tree'], [1, 0.125, 0.25, 0.5, 0.75, 'ignore']])
  t.same((await openSource('open-images', path, { classes: ['Tree'] })).classNames, ['Tree'])
  writeFileSync(join(folder, 'class-descriptions-boxable.csv'), 'LabelName,DisplayName\n/m/07j7r\n')
  await t.rejects(openSource('open-images', path), { code: 'PIPE_TABLE', message: /boxable\.csv: line 2: expected a code and its word/ })
})

const real = realData('annotations/open-images/test-annotations-bbox.csv')
t.test('open-images: a table with pixels, and xmin, ymin, xmax, ymax under other names', { skip: real.skip }, async (t) => {
  t.same(await guessFormats(real.path), ['open-images'])
  await t.rejects(openSource('open-images', real.path), { code: 'PIPE_TABLE', message: /line 2: expected XMin < XMax and YMin < YMax, found xmin, ymin, xmax, ymax in their place, in every row; read it with --format csv/ })
  const source = await openSource('csv', real.path, { imageColumn: 'ImageID', labelColumns: ['LabelName'], boxColumns: ['XMin', 'XMax', 'YMin', 'YMax'] })
  t.same([await source.count(), source.classNames], [81, ['Enemy', 'Friendly']])
})

t.test('open-images: pixels in the right order are told from shares by no guess', async (t) => {
  const folder = t.testdir()
  const path = join(folder, 'boxes.csv')
  writeFileSync(join(folder, 'a.png'), await createPng(40, 40))
  writeFileSync(path, `${header}\na.png,x,Dog,1,10,20,4,8,0,0,0,0,0\n`)
  const [sample] = await collect(await openSource('open-images', path))
  t.match(await reason(sample!), /expected every box to overlap the image of 40x40, found 10,4 to 20,8 \(share\).*say what boxes are measured in/)
  t.same(boxesOf((await collect(await openSource('open-images', path, { boxUnit: 'pixels' })))[0]!), [[0, 0.25, 0.1, 0.5, 0.2]])
  await t.rejects(openSource('open-images', join(folder, 'a.png')), { code: 'PIPE_TABLE' })
  writeFileSync(path, 'ImageID,LabelName,XMin,YMin\n')
  await t.rejects(openSource('open-images', path), { code: 'PIPE_TABLE', message: /columns "XMax", "YMax"/ })
})

t.test('snacks: three tables beside three folders', async (t) => {
  const png = (await createPng(10, 10)).toString('latin1')
  const folder = t.testdir({ train: { cake: {} }, val: { cake: {} } })
  for (const name of ['train/cake/009218ad38ab2010.jpg', 'train/cake/00b.jpg', 'val/cake/00a.jpg']) writeFileSync(join(folder, name), png, 'latin1')
  const columns = 'image_id,x_min,x_max,y_min,y_max,class_name,folder\n'
  writeFileSync(join(folder, 'annotations-train.csv'), `${columns}009218ad38ab2010,0.19262,0.729831,0.127606,0.662219,cake,cake\n00b,0,1,0.5,1,pie,cake\n00b,0,1,0,0.5,cake,cake\n,0,1,0,1,cake,\n`)
  writeFileSync(join(folder, 'annotations-val.csv'), `${columns}00a,0,1,0,1,cake,cake\n`)
  t.same([await guessFormats(folder), await guessFormats(join(folder, 'annotations-val.csv'))], [['snacks'], ['snacks']])
  const source = await openSource('snacks', folder)
  t.same([source.classNames, await source.count()], [['cake', 'pie'], 3])
  const samples = await collect(source)
  t.same(samples.map(({ key }) => key), ['train/cake/009218ad38ab2010.jpg', 'train/cake/00b.jpg', 'line 5'])
  t.same(boxesOf(samples[0]!), [[0, 0.19262, 0.127606, 0.729831, 0.662219]])
  t.same(boxesOf(samples[1]!), [[1, 0, 0.5, 1, 1], [0, 0, 0, 1, 0.5]])
  for (const path of [folder, join(folder, 'annotations-train.csv')]) t.same((await collect(await openSource('snacks', path, { split: 'val' }))).map(({ key }) => key), ['val/cake/00a.jpg'])
  await t.rejects(openSource('snacks', folder, { split: 'test' }), { code: 'PIPE_SOURCE_MISSING', message: /annotations-test\.csv/ })
  await t.rejects(openSource('snacks', folder, { split: 'dev' }), { code: 'PIPE_OPTION', message: /train, val, test/ })
  writeFileSync(join(folder, 'annotations-train.csv'), columns)
  await t.rejects(openSource('snacks', folder), { code: 'PIPE_EMPTY' })
})
