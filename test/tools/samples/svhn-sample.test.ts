// The data set on disk: what was drawn is what can be read; same seed, same bytes; the folder is guarded.

import t from 'tap'
import sharp from 'sharp'
import { readDigitStruct } from '@millrace/pipeline'
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { CliError, createProgram, drawSamplePhoto, sampleSvhn, splitNames } from 'millrace'

const small = { train: 12, validation: 3, test: 5 }
const bytesOf = (folder: string): [string, string][] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(png|mat)$/.test(name))
    .sort()
    .map((name) => [name, readFileSync(resolve(folder, name), 'base64')])

t.test('splits, PNG files and annotations are those that were drawn', async (t) => {
  const folder = resolve(t.testdir(), 'svhn')
  const progress: string[] = []
  const summary = await sampleSvhn({ folder, ...small, seed: 7, onProgress: ({ split, done, total }) => progress.push(`${split} ${done}/${total}`) })
  t.strictSame(readdirSync(folder).sort(), ['sample.json', 'test', 'train', 'validation'])
  t.equal(progress.at(-1), 'test 20/20')
  for (const split of splitNames) {
    const entries = [...readDigitStruct(resolve(folder, split, 'digitStruct.mat'))]
    t.equal(entries.length, small[split])
    t.equal(summary.splits[split].photos, small[split])
    t.equal(summary.splits[split].lengths.reduce((sum, count) => sum + count, 0), small[split])
    for (const [index, { name, boxes }] of entries.entries()) {
      const photo = drawSamplePhoto(7, split, index)
      t.equal(name, `${index + 1}.png`)
      t.strictSame(boxes, photo.boxes)
      const { data, info } = await sharp(resolve(folder, split, name)).raw().toBuffer({ resolveWithObject: true })
      t.same([info.width, info.height, info.channels], [photo.image.width, photo.image.height, 3])
      t.ok(data.equals(photo.image.data), `${split}/${name} holds the pixels that were drawn`)
    }
  }
})

t.test('the same seed gives the same bytes, another seed others; a former sample is replaced', async (t) => {
  const folder = t.testdir()
  const one = resolve(folder, 'one')
  const other = resolve(folder, 'other')
  await sampleSvhn({ folder: one, ...small, train: 20 })
  await sampleSvhn({ folder: one, ...small })
  await sampleSvhn({ folder: other, ...small })
  t.ok(isDeepStrictEqual(bytesOf(one), bytesOf(other)))
  t.notOk(existsSync(resolve(one, 'train/20.png')))
  await sampleSvhn({ folder: other, ...small, seed: 2 })
  t.notOk(isDeepStrictEqual(bytesOf(one), bytesOf(other)))
})

t.test('a folder with other things is left alone', async (t) => {
  const folder = t.testdir({ 'letter.txt': 'mine', train: {} })
  await t.rejects(sampleSvhn({ folder, ...small }), { code: 'CLI_SAMPLE_FOLDER', message: /letter\.txt/ })
  t.strictSame(readdirSync(folder).sort(), ['letter.txt', 'train'])
  writeFileSync(resolve(folder, 'sample.json'), '{"format":"something else"}')
  await t.rejects(sampleSvhn({ folder, ...small }), { code: 'CLI_SAMPLE_FOLDER' })
  await t.rejects(sampleSvhn({ folder: resolve(folder, 'letter.txt'), ...small }), { code: 'CLI_SAMPLE_FOLDER' })
})

t.test('counts and seeds outside their range are wrong usage', async (t) => {
  const folder = resolve(t.testdir(), 'new')
  for (const wrong of [{ train: 0 }, { test: 2.5 }, { validation: NaN }, { train: 100_001 }, { seed: -1 }]) {
    await t.rejects(sampleSvhn({ folder, ...small, ...wrong }), { code: 'CLI_USAGE' })
  }
  t.notOk(existsSync(folder))
})

t.test('an interruption leaves no half split, and the next run begins again', async (t) => {
  const folder = resolve(t.testdir(), 'svhn')
  const stop = new AbortController()
  const onProgress = ({ split, done }: { split: string; done: number }): void => {
    if (split === 'validation' && done === 13) stop.abort(new CliError('CLI_ABORTED', 'stopped'))
  }
  await t.rejects(sampleSvhn({ folder, ...small, validation: 100, signal: stop.signal, onProgress }), { code: 'CLI_ABORTED' })
  t.strictSame(readdirSync(folder).sort(), ['sample.json', 'train'])
  t.match(readFileSync(resolve(folder, 'sample.json'), 'utf8'), /"complete": false/)
  mkdirSync(resolve(folder, 'test.partial')) // as a killed run would leave
  await sampleSvhn({ folder, ...small })
  t.strictSame(readdirSync(folder).sort(), ['sample.json', 'test', 'train', 'validation'])
})

t.test('the command prints JSON', async (t) => {
  const folder = resolve(t.testdir(), 'svhn')
  const written = t.capture(process.stdout, 'write', () => true)
  await createProgram(new AbortController().signal).parseAsync(['node', 'millrace', 'sample', 'svhn', folder, '--train', '2', '--validation', '1', '--test', '1', '--json'])
  const summary = JSON.parse(String(written().at(-1)!.args[0])) as { splits: { train: { photos: number } } }
  t.equal(summary.splits.train.photos, 2)
})
