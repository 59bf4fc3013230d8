// tools/src/commands/show.ts and stats.ts, run as a person runs them.

import t from 'tap'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import sharp from 'sharp'
import { realData } from '../support.js'
import { millrace } from './run-millrace.js'

async function makeTable(folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true })
  const image = await sharp({ create: { width: 40, height: 30, channels: 3, background: 'navy' } }).png().toBuffer()
  for (const name of ['a', 'b', 'c']) writeFileSync(resolve(folder, `${name}.png`), image)
  const path = resolve(folder, 'boxes.csv')
  writeFileSync(path, 'image,label,x0,y0,x1,y1\na.png,cat,1,1,20,20\na.png,dog,10,10,30,30\nb.png,<b>,0,0,40,30\nc.png,cat,5,5,10,10\nmissing.png,dog,1,1,2,2\n')
  return path
}

const boxFlags = ['--format', 'csv', '--box-columns', 'x0,y0,x1,y1']

t.test('a data set as a page and as a sheet; what cannot be read is said, exit code 3', async (t) => {
  const folder = t.testdir()
  const table = await makeTable(folder)
  const page = resolve(folder, 'page.html')
  const run = await millrace('show', table, ...boxFlags, '--out', page, '--quiet')
  t.match(run, { exitCode: 3, stderr: '' })
  t.match(run.stdout, /^boxes\.csv: 4 of 4 samples\ncannot be read: .*missing\.png: expected this image.*\ndrawn in .*page\.html\n$/)
  const html = readFileSync(page, 'utf8')
  t.match(html, '&#60;b&#62;')
  t.notMatch(html, '<b>,')
  const sheet = resolve(folder, 'sheet.png')
  const json = await millrace('show', table, ...boxFlags, '--class', 'cat', '--out', sheet, '--json', '--quiet')
  t.equal(json.exitCode, 0)
  t.same(JSON.parse(json.stdout), { output: sheet, splits: [{ name: 'boxes.csv', total: 2, chosen: 2 }], unreadable: [] })
  t.match(await sharp(sheet).metadata(), { format: 'png', width: 16 + 2 * 416, height: 392 })
})

t.test('records, several splits', async (t) => {
  const folder = t.testdir()
  const table = await makeTable(folder)
  const [train, test] = [resolve(folder, 'train.rec'), resolve(folder, 'test.rec')]
  await millrace('pack', table, train, ...boxFlags, '--quiet')
  for (const extension of ['.rec', '.idx', '.meta', '.rejects.jsonl']) copyFileSync(train.replace('.rec', extension), test.replace('.rec', extension))
  const page = resolve(folder, 'page.html')
  const run = await millrace('show', train, test, '--out', page, '--count', '4', '--quiet')
  t.match(run, { exitCode: 0, stdout: /^train: 2 of 3 samples\ntest: 2 of 3 samples\n/ })
  t.match(readFileSync(page, 'utf8'), '<option value="1">test (2)</option>')
  const stats = await millrace('stats', train, test, '--json', '--quiet')
  t.match(JSON.parse(stats.stdout), { input: [train, test], samples: 6, rejected: 0, rejectedWhenPacked: 2, classes: [{ name: '<b>' }, { name: 'cat', count: 4 }, { name: 'dog', count: 2 }], boxes: { count: 8 }, channels: { from: '.meta' } })
})

t.test('stats of a data set, in words and as charts', async (t) => {
  const folder = t.testdir()
  const table = await makeTable(folder)
  const page = resolve(folder, 'stats.html')
  const run = await millrace('stats', table, ...boxFlags, '--out', page, '--pixels', '--quiet')
  t.match(run, { exitCode: 3, stderr: '' })
  t.match(run.stdout, /^samples {3}4, labels of kind boxes\nrejected {2}1 cannot be read:\n {2}1 PIPE_IMAGE_MISSING/)
  t.match(run.stdout, /^means {5}0\.00 0\.00 128\.00 /m)
  t.match(readFileSync(page, 'utf8'), /<h2>Boxes per image<\/h2>/)
})

t.test('wrong usage: exit code 2; a file that is not there: 1', async (t) => {
  const cases: readonly (readonly [args: readonly string[], exitCode: number, stderr: RegExp])[] = [
    [['show', 'x.rec', '--out', 'x.jpg'], 2, /--out: expected a name that ends in \.png or \.html, found x\.jpg/],
    [['show', 'x.rec', '--out', 'x.png', '--count', '1000'], 2, /--count: expected at most 240/],
    [['show', 'x.rec', '--out', 'x.png', '--split', 'train'], 2, /records have no use for --split/],
    [['stats', 'x.rec', '--out', 'x.png'], 2, /ends in \.html/],
    [['stats', resolve(t.testdir(), 'none.rec')], 1, /^error REC_FILE: /],
  ]
  await Promise.all(cases.map(async ([args, exitCode, stderr]) => t.match(await millrace(...args), { exitCode, stderr }, args.join(' '))))
})

const svhn = realData('svhn/train')

t.test("SVHN's own photos: a box for each digit", { skip: svhn.skip }, async (t) => {
  const page = resolve(t.testdir(), 'svhn.html')
  const run = await millrace('show', svhn.path, '--format', 'digit-struct', '--out', page, '--quiet', '--json')
  t.match(JSON.parse(run.stdout), { splits: [{ name: 'train', total: 39 }] })
  const html = readFileSync(page, 'utf8')
  t.match(html, '<span>19</span>')
  t.match(html, /<title>1<\/title>/)
})
