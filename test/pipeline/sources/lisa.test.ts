// The lisa source: semicolons with a comma inside a field, several signs in a frame, the division by frame.

import t from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { guessFormats, openSource, type BoxesLabel, type Sample } from '@millrace/pipeline'
import { collect, outcome, reason } from '../collect.js'
import { createPng } from '../digit-struct-fixture.js'

const header = 'Filename;Annotation tag;Upper left corner X;Upper left corner Y;Lower right corner X;Lower right corner Y;Occluded,On another road;Origin file;Origin frame number;Origin track;Origin track frame number'
const row = (frame: string, tag: string, ...box: (number | string)[]): string => `${frame};${tag};${box.join(';')};0,0;a/b.avi;2667;stop_1.avi;2`

function boxesOf({ label }: Sample): unknown[] {
  return (label as BoxesLabel).boxes.map(({ class: number, xmin, ymin, xmax, ymax }) => [number, xmin, ymin, xmax, ymax])
}

t.test('frames, boxes and tags', async (t) => {
  const folder = t.testdir({ deep: {} })
  const path = join(folder, 'allAnnotations.csv')
  for (const name of ['deep/1.png', 'deep/2.png', '3.png']) writeFileSync(join(folder, name), await createPng(100, 50))
  const rows = [row('deep/1.png', 'stop', 10, 5, 20, 10), row('deep/2.png', 'yield', 90.5, 40, 110, 50), row('deep/1.png', 'pedestrianCrossing', 0, 0, 100, 50), row('3.png', 'stop', 30, 5, 20, 10), row('3.png', 'stop', 1, 1, 2, 2)]
  writeFileSync(path, `\ufeff${header}\r\n${rows.join('\r\n')}\r\n`)
  t.same(await guessFormats(path), ['lisa'])
  const source = await openSource('lisa', path)
  t.same([source.labelKind, source.classNames, await source.count()], ['boxes', ['pedestrianCrossing', 'stop', 'yield'], 3])
  const samples = await collect(source)
  t.same(samples.map(({ id, key }) => [Number(id), key]), [[0, 'deep/2.png'], [1, 'deep/1.png'], [2, '3.png']], 'when the last of their rows has come')
  t.same(boxesOf(samples[1]!), [[1, 0.1, 0.1, 0.2, 0.2], [0, 0, 0, 1, 1]])
  t.same(boxesOf(samples[0]!), [[2, 0.905, 0.8, 1, 1]])
  t.match(samples[0]!.adjusted, /1 of its boxes reached past the image of 100x50/)
  t.match(await reason(samples[2]!), /allAnnotations\.csv line 5: expected a box with xmin < xmax and ymin < ymax, found 30,5 to 20,10/)

  const dropped = await openSource('lisa', path, { badBoxes: 'drop' })
  const kept = await collect(dropped)
  t.same(boxesOf(kept[2]!), [[1, 0.01, 0.02, 0.02, 0.04]])
  t.match(kept[2]!.adjusted, /1 of its boxes were dropped: .*line 5/)
  t.same([...dropped.ignored!], [['inverted or empty box', 1]])
  await collect(dropped)
  t.same([...dropped.ignored!], [['inverted or empty box', 1]], 'counted anew each time')

  const chosen = await openSource('lisa', path, { classes: ['stop', 'pedestrianCrossing'], badBoxes: 'drop' })
  t.same((await collect(chosen)).map((sample) => [sample.key, boxesOf(sample), sample.regions!.length]), [['deep/1.png', [[0, 0.1, 0.1, 0.2, 0.2], [1, 0, 0, 1, 1]], 2], ['3.png', [[0, 0.01, 0.02, 0.02, 0.04]], 1]])
  t.same([chosen.classNames, await chosen.count(), chosen.ignored!.get('of other classes')], [['stop', 'pedestrianCrossing'], 2, 1])
})

t.test('a quarter of the frames is for testing, whatever stands on them', async (t) => {
  const folder = t.testdir()
  const path = join(folder, 'allAnnotations.csv')
  const rows = Array.from({ length: 400 }, (_, place) => row(`${place % 200}.png`, place % 7 === 0 ? 'stop' : 'yield', 1, 1, 3, 4))
  writeFileSync(path, [header, ...rows].join('\n'))
  const png = await createPng(8, 8)
  for (let frame = 0; frame < 200; frame++) writeFileSync(join(folder, `${frame}.png`), png)
  const [train, test] = [await openSource('lisa', path, { split: 'train' }), await openSource('lisa', path, { split: 'test' })]
  t.same([await train.count(), await test.count()], [150, 50])
  const [trained, tested] = [await collect(train), await collect(test)]
  t.same([trained.length, tested.length, new Set([...trained, ...tested].map(({ key }) => key)).size], [150, 50, 200], 'each frame once, with both its boxes')
  t.ok(tested.every((sample) => boxesOf(sample).length === 2))
  t.same((await collect(await openSource('lisa', path, { split: 'test' }))).map(({ key }) => key), tested.map(({ key }) => key), 'the same every time')
  t.notSame((await collect(await openSource('lisa', path, { split: 'test', seed: 7 }))).map(({ key }) => key), tested.map(({ key }) => key))
  await t.rejects(openSource('lisa', path, { split: 'val' }), { code: 'PIPE_OPTION', message: /one of its parts \(train, test\), found "val"/ })
})

t.test('what is no LISA table', async (t) => {
  const folder = t.testdir()
  const path = join(folder, 'allAnnotations.csv')
  const write = (text: string): string => (writeFileSync(path, text), path)
  await t.rejects(openSource('lisa', write('')), { code: 'PIPE_TABLE', message: /empty file/ })
  await t.rejects(openSource('lisa', write(`${header}\n`)), { code: 'PIPE_EMPTY' })
  await t.rejects(openSource('lisa', write('Filename;tag;Upper left corner X\nx;y;1')), { code: 'PIPE_TABLE', message: /columns "Annotation tag", "Upper left corner Y", .*only "Filename", "tag"/ })
  await t.rejects(openSource('lisa', path, { delimiter: ',' }), { code: 'PIPE_OPTION', message: /does not read delimiter/ })
  write([header, row('', 'stop', 1, 1, 2, 2), row('a.png', 'stop', 1, 'x', 2, 2), 'b.png;stop;1'].join('\n'))
  const samples = await collect(await openSource('lisa', path))
  t.same(await Promise.all(samples.map(outcome)), ['PIPE_TABLE', 'PIPE_TABLE', 'PIPE_TABLE'])
  t.match(await reason(samples[1]!), /line 3: expected four numbers for a box, found "1", "x", "2", "2"/)
  writeFileSync(path, Buffer.from(`${header}\n${row('é.png', 'stop', 1, 1, 2, 2)}`, 'latin1'))
  await t.rejects(openSource('lisa', path), { code: 'PIPE_TABLE', message: /line 2: expected text in UTF-8/ })
})
