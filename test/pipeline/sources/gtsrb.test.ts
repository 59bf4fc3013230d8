// The gtsrb source: the published tables, Kaggle's, a folder of them, and rows that cannot be used.

import t from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { guessFormats, openSource, type BoxesLabel, type SourceOptions } from '@millrace/pipeline'
import { realData } from '../../support.js'
import { collect, describe, outcome, reason } from '../collect.js'

const header = 'Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId'

t.test('a folder of a folder for each class', async (t) => {
  const folder = t.testdir({
    '00000': { 'GT-00000.csv': `${header}\r\n00000_00000.ppm;29;30;5;6;24;25;0\r\n00000_00001.ppm;30;30;5;5;25;25;0\r\n`, '00000_00000.ppm': 'A', '00000_00001.ppm': 'B' },
    '00014': { 'GT-00014.csv': `${header}\n00000_00000.ppm;29;30;5;6;24;25;14\n`, '00000_00000.ppm': 'C' },
    'GT-final_test.test.csv': 'Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2\n',
  })
  t.same(await guessFormats(folder), ['gtsrb'])
  const source = await openSource('gtsrb', folder)
  t.same([source.labelKind, source.classNames!.length, source.classNames![14], await source.count()], ['class', 43, 'Stop', 3])
  t.same(await describe(source), [[0, '00000/00000_00000.ppm', 0, 'A'], [1, '00000/00000_00001.ppm', 0, 'B'], [2, '00014/00000_00000.ppm', 14, 'C']])
  t.same((await collect(source))[0]!.regions, [{ left: 5, top: 6, width: 19, height: 19 }])
  const boxed = await openSource('gtsrb', folder, { task: 'boxes', classes: ['Stop'] })
  t.same((await collect(boxed)).map(({ label }) => label), [{ kind: 'boxes', width: 29, height: 30, boxes: [{ class: 0, xmin: 5 / 29, ymin: 0.2, xmax: 24 / 29, ymax: 25 / 30 }] }])
  await t.rejects(openSource('gtsrb', folder, { task: 'digits' }), { code: 'PIPE_OPTION', message: /class or boxes/ })
  await t.rejects(openSource('gtsrb', join(folder, '00000', '00000_00000.ppm')), { code: 'PIPE_TABLE' })
  await t.rejects(openSource('gtsrb', t.testdir({ empty: {} })), { code: 'PIPE_SOURCE_MISSING', message: /GT-\*\.csv/ })
})

t.test("Kaggle's table, and what cannot be used in it", async (t) => {
  const folder = t.testdir({ Train: { '0': { 'a.png': 'A' } } })
  const path = join(folder, 'Train.csv')
  const write = (rows: string): string => (writeFileSync(path, `Width,Height,Roi.X1,Roi.Y1,Roi.X2,Roi.Y2,ClassId,Path\n${rows}`), path)
  write('27,26,5,5,22,20,20,Train/0/a.png\n')
  t.same(await guessFormats(path), ['gtsrb'])
  t.same(await describe(await openSource('gtsrb', path)), [[0, 'Train/0/a.png', 20, 'A']])
  const bad = { '27,26,5,5,22,20,43,Train/0/b.png': /line 2: expected a class from 0 to 42, found 43/, '27,26,5,5,22,20,x,Train/0/b.png': /numbers for size, box and class/, '0,26,5,5,22,20,1,Train/0/b.png': /whole pixels, found 0 and 26/, '27,26,5,5,22,20,1,': /name of an image/, '27,26,5,5,5,20,1,Train/0/b.png': /xmin < xmax/, '27,26,5,5': /name of an image/ }
  for (const [row, message] of Object.entries(bad)) t.match(await reason((await collect(await openSource('gtsrb', write(row))))[0]!), message, row)
  const twice = await openSource('gtsrb', write('27,26,5,5,22,20,1,Train/0/a.png\n27,26,5,5,22,20,2,Train/0/a.png\n'))
  t.same(await describe(twice), [[0, 'Train/0/a.png', 1, 'A'], [1, 'Train/0/a.png', 2, 'PIPE_TABLE']])
  t.same(await Promise.all((await collect(await openSource('gtsrb', write('27,26,5,5,5,20,1,Train/0/a.png\n'), { badBoxes: 'drop' }))).map(outcome)), ['A'], 'its class is known without the box')
  await t.rejects(openSource('gtsrb', write('')), { code: 'PIPE_EMPTY' })
  writeFileSync(path, 'Width,Height,Roi.X1\n')
  await t.rejects(openSource('gtsrb', path), { code: 'PIPE_TABLE', message: /"Path" or "Filename".*only "Width", "Height", "Roi.X1"/ })
})

const real = realData('annotations/gtsrb/GT-final_test.csv')
t.test('the published test table', { skip: real.skip }, async (t) => {
  t.same(await guessFormats(real.path), ['gtsrb'])
  const open = (options: SourceOptions = {}): ReturnType<typeof openSource> => openSource('gtsrb', real.path, options)
  const source = await open()
  t.equal(await source.count(), 1000)
  const samples = await collect(source)
  t.match(samples[0], { id: 0n, key: '00000.ppm', label: { kind: 'class', value: 16 }, regions: [{ left: 6, top: 5, width: 42, height: 44 }] })
  t.match(samples[2], { key: '00002.ppm', label: { value: 38 } })
  t.ok(samples.every(({ error }) => error === undefined))
  t.equal(await outcome(samples[0]!), 'PIPE_IMAGE_MISSING')
  const yields = await open({ where: [{ column: 'ClassId', value: '13' }] })
  t.equal(await yields.count(), samples.filter(({ label }) => label.kind === 'class' && label.value === 13).length)
  t.equal(await (await open({ classes: ['Yield'] })).count(), await yields.count())
  const [first] = await collect(await open({ task: 'boxes' }))
  t.equal((first!.label as BoxesLabel).boxes[0]!.xmin, 6 / 53)
})
