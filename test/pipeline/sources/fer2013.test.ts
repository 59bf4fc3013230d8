// The fer2013 source: pixels in the table, parts, the two sets of emotions, FER+'s majority.

import t from 'tap'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openSource, PipelineError, readPixels, type OpenSourceOptions, type Sample, type Source } from '@millrace/pipeline'
import { realData } from '../../support.js'
import { collect, reason } from '../collect.js'

const open = (path: string, options: OpenSourceOptions = {}): Promise<Source> => openSource('fer2013', path, options)

/** A face whose pixels are all of one value. */
const face = (value: number | string, count = 2304): string => Array.from({ length: count }, () => value).join(' ')
const describe = async (source: Source): Promise<unknown[]> => (await collect(source)).map(({ id, key, label, error }) => [Number(id), key, label.kind === 'class' ? label.value : label.kind, error?.code])
const firstPixel = async (sample: Sample): Promise<number | undefined> => (await readPixels(sample)).data[0]

function write(folder: string, rows: readonly string[], name = 'fer2013.csv', header = 'emotion,pixels,Usage'): string {
  writeFileSync(join(folder, name), [header, ...rows].map((row) => `${row}\n`).join(''))
  return join(folder, name)
}

t.test('parts, emotions and pixels', async (t) => {
  const folder = t.testdir()
  const rows = ['0,1', '1,2', '2,3', '6,4'].map((each) => `${each[0]},${face(each[2]!)},Training`)
  const path = write(folder, [...rows, `3,${face(255)},PublicTest`, `5,${face(0)},PrivateTest`])
  const train = await open(path)
  t.same([train.labelKind, train.classNames, await train.count()], ['class', ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral'], 4])
  t.same(await describe(train), [[2, 'line 2', 0, undefined], [3, 'line 3', 1, undefined], [4, 'line 4', 2, undefined], [5, 'line 5', 6, undefined]])
  t.same([...train.ignored!], [['of another part', 2]])
  const image = await readPixels((await collect(train))[1]!)
  t.same([image.width, image.height, image.channels, image.data.length, new Set(image.data)], [48, 48, 1, 2304, new Set([2])])
  const six = await open(folder, { task: 'six' })
  t.same(six.classNames, ['angry', 'scared', 'happy', 'sad', 'surprised', 'neutral'])
  t.same((await describe(six)).map((row) => (row as number[])[2]), [0, 0, 1, 5])
  t.same(await describe(await open(path, { split: 'val' })), [[7, 'line 7', 5, undefined]])
  const test = await open(path, { split: 'test' })
  t.same([await test.count(), await firstPixel((await collect(test))[0]!)], [1, 255])
  t.same(await describe(await open(path, { where: [{ column: 'emotion', value: '6' }] })), [[5, 'line 5', 6, undefined]])
  t.same(await describe(await open(path, { classes: ['neutral', 'fear'] })), [[4, 'line 4', 1, undefined], [5, 'line 5', 0, undefined]])
  await t.rejects(open(path, { split: 'valid' }), /train, val, test/)
  await t.rejects(open(path, { task: 'eight' }), /seven, six, ferplus/)
})

t.test('other prints of the table', async (t) => {
  const folder = t.testdir()
  const small = write(folder, [`3,${face(9)},Training\r`], 'small.csv', '\ufeffemotion,pixels,usage\r')
  t.same(await describe(await open(small)), [[2, 'line 2', 3, undefined]])
  const turned = write(folder, [`3,Training,${face(9)}`], 'icml_face_data.csv', 'emotion, Usage, pixels')
  t.equal(await firstPixel((await collect(await open(turned)))[0]!), 9)
})

t.test('rows that cannot be used', async (t) => {
  const folder = t.testdir()
  const usable = `0,${face(1)},Training`
  const path = write(folder, [usable, `7,${face(1)},Training`, `0,${face(1)},training`, `0,${face(1, 2303)},Training`, `0,${face(256)},Training`, `0,${face('1.5')},Training`, `0,${face(1, 2305)},Training`, '0'])
  const source = await open(path)
  t.equal(await source.count(), 8)
  const reasons = await Promise.all((await collect(source)).map((sample) => reason(sample)))
  const expected = [/read/, /line 3: expected an emotion from 0 to 6, found "7"/, /line 4: expected a Usage of Training.*"training"/, /line 5: expected 48x48 = 2304 pixels, found 2303/, /line 6: .*0 to 255.*"256"/, /line 7: .*pixels as numbers.*"\.5/, /line 8: expected 48x48 = 2304 pixels, found 2305/, /line 9: expected a Usage/]
  for (const [index, pattern] of expected.entries()) t.match(reasons[index], pattern)
  await t.rejects(open(write(folder, [], 'empty.csv')), { code: 'PIPE_EMPTY' })
  await t.rejects(open(write(folder, [], 'none.csv', '')), { code: 'PIPE_TABLE' })
  await t.rejects(open(write(folder, [], 'other.csv', 'emotion,faces')), { code: 'PIPE_TABLE', message: /"pixels", "Usage".*only "emotion", "faces"/ })
  await t.rejects(open(join(folder, 'absent.csv')), { code: 'PIPE_SOURCE_MISSING' })
  const latin = join(folder, 'latin.csv')
  writeFileSync(latin, Buffer.from(`emotion,pixels,Usage\n${usable}\n0,\xe9,Training\n`, 'latin1'))
  await t.rejects(open(latin), { code: 'PIPE_TABLE', message: /line 3/ })
})

const votesHeader = 'Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF'

t.test("FER+'s majority", async (t) => {
  const folder = t.testdir()
  const cases: [votes: string, outcome: number | string][] = [
    ['a.png,4,0,0,1,3,2,0,0,0,0', 'no majority (FER+)'],
    ['a.png,6,0,1,1,0,0,0,0,2,0', 0],
    ['a.png,1,1,1,1,1,1,1,1,1,1', 'no majority (FER+)'],
    ['a.png,0,0,0,0,0,0,0,5,1,4', 7],
    ['a.png,0,0,0,0,0,0,0,5,5,0', 'no majority (FER+)'],
    ['a.png,0,0,0,2,0,0,0,0,8,0', 'unknown emotion (FER+)'],
    ['a.png,0,0,0,2,0,0,0,0,0,8', 'no face (FER+)'],
    [',0,0,0,0,0,0,0,0,0,10', 'no face (FER+)'],
    ['a.png,0,0,0,0,0,0,0,0,x,10', 'PIPE_TABLE'],
  ]
  const path = write(folder, [...cases.map(() => `0,${face(1)},Training`), `0,${face(1)},PublicTest`])
  write(folder, [...cases.map(([votes]) => `Training,${votes}`), 'PublicTest,b.png,0,0,9,0,0,0,0,0,0,0'], 'fer2013new.csv', votesHeader)
  const source = await open(path, { task: 'ferplus' })
  t.same([source.classNames!.length, source.classNames![7], await source.count()], [8, 'contempt', 3])
  t.same(await describe(source), [[3, 'line 3', 0, undefined], [5, 'line 5', 7, undefined], [10, 'line 10', 0, 'PIPE_TABLE']])
  t.same(Object.fromEntries(source.ignored!), { 'no majority (FER+)': 3, 'unknown emotion (FER+)': 1, 'no face (FER+)': 2, 'of another part': 1 })
  t.same(await describe(await open(path, { task: 'ferplus', split: 'test' })), [[11, 'line 11', 2, undefined]])
  write(folder, cases.map(([votes]) => `PublicTest,${votes}`).concat('PublicTest,b.png,0,0,9,0,0,0,0,0,0,0'), 'fer2013new.csv', votesHeader)
  t.match(await reason((await collect(await open(path, { task: 'ferplus' })))[0]!), /fer2013new\.csv: line 2: expected the votes for an image with Usage Training, found "PublicTest"/)
  write(folder, ['Training,a.png,6,0,1,1,0,0,0,0,2,0'], 'fer2013new.csv', votesHeader)
  await t.rejects(open(path, { task: 'ferplus' }), /fer2013new\.csv: expected 10 rows.*found 1/)
  await t.rejects(open(path, { task: 'ferplus', votes: join(folder, 'none.csv') }), { code: 'PIPE_SOURCE_MISSING' })
  write(folder, [], 'fer2013new.csv', 'Usage,neutral')
  await t.rejects(open(path, { task: 'ferplus' }), { code: 'PIPE_TABLE', message: /"Image name", "happiness"/ })
})

const table = realData('annotations/fer2013/fer2013.csv')
const votes = realData('annotations/ferplus/fer2013new.csv')

t.test('the published files', { skip: table.skip }, async (t) => {
  const source = await open(table.path)
  const samples = await collect(source)
  t.same([await source.count(), samples.map(({ label }) => label)], [2, [{ kind: 'class', value: 0 }, { kind: 'class', value: 0 }]])
  const { data } = await readPixels(samples[0]!)
  t.same([...data.slice(0, 4)], [70, 80, 82, 72])
  t.same([...data.slice(-3)], [106, 109, 82])
  const folder = t.testdir()
  const all = readFileSync(votes.path, 'utf8').trim().split(/\r?\n/)
  write(folder, all.slice(1).map((row) => `0,${face(1)},${row.split(',')[0]}`))
  const plus = await open(folder, { task: 'ferplus', votes: votes.path })
  const counts = new Map<number, number>()
  for (const { label, error } of await collect(plus)) {
    if (error instanceof PipelineError) t.fail(error.message)
    if (label.kind === 'class') counts.set(label.value, (counts.get(label.value) ?? 0) + 1)
  }
  t.same([...counts].sort(([a], [b]) => a - b), [[0, 155], [1, 111], [2, 68], [3, 54], [4, 38], [5, 2], [6, 7], [7, 1]])
  t.same(Object.fromEntries(plus.ignored!), { 'no majority (FER+)': 59, 'no face (FER+)': 4, 'unknown emotion (FER+)': 1 })
})
