// Every sample data set: the same seed gives the same bytes, and the formats of boxes agree on where things are.

import t from 'tap'
import { createHash } from 'node:crypto'
import { readFileSync, readdirSync, writeFileSync, mkdirSync, existsSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { openSource, type BoxesLabel, type SourceOptions } from '@millrace/pipeline'
import { createProgram, sampleData, sampleFormats } from 'millrace'

t.setTimeout(120_000)

const formats = Object.keys(sampleFormats)

function digestOf(folder: string): string {
  const hash = createHash('sha256')
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    if (statSync(join(folder, name)).isFile()) hash.update(name).update(readFileSync(join(folder, name)))
  }
  return hash.digest('hex')
}

t.test('the same seed gives the same bytes, another seed others', async (t) => {
  const folder = t.testdir()
  for (const name of formats) {
    const [one, other] = [join(folder, name), join(folder, `${name}-again`)]
    await sampleData({ name, folder: one, count: 2 })
    await sampleData({ name, folder: other, count: 3, seed: 2 }) // is replaced
    t.not(digestOf(other), digestOf(one), name)
    await sampleData({ name, folder: other, count: 2 })
    t.equal(digestOf(other), digestOf(one), name)
  }
})

interface Things {
  readonly classNames: readonly string[]
  readonly images: readonly (readonly (readonly [kind: string, xmin: number, ymin: number, xmax: number, ymax: number])[])[]
}

async function boxesIn(format: string, path: string, options: SourceOptions = {}): Promise<Things> {
  const source = await openSource(format, path, options)
  const images: Things['images'][number][] = []
  for await (const { key, label, error, adjusted } of source) {
    if (error ?? adjusted) throw error ?? new Error(`${key}: ${adjusted}`)
    const { width, height, boxes } = label as BoxesLabel
    images.push(boxes.map((box) => [source.classNames![box.class]!, box.xmin * width, box.ymin * height, box.xmax * width, box.ymax * height]))
  }
  return { classNames: source.classNames!, images }
}

t.test('the formats of objects agree on every box', async (t) => {
  const folder = t.testdir()
  const draw = async (name: string): Promise<string> => (await sampleData({ name, folder: join(folder, name), count: 24, size: 160 })).folder
  const csv = await boxesIn('csv', join(await draw('csv-boxes'), 'train.csv'), { boxColumns: ['xmin', 'ymin', 'xmax', 'ymax'], boxUnit: 'pixels' })
  const openImages = await boxesIn('open-images', join(await draw('open-images'), 'train-annotations-bbox.csv'), { root: 'train' })
  const others = [
    await boxesIn('voc', await draw('voc'), { split: 'train' }),
    await boxesIn('coco', await draw('coco'), { split: 'train' }),
    await boxesIn('yolo', await draw('yolo'), { split: 'train' }),
    { ...openImages, images: openImages.images.map((boxes) => boxes.map(([kind, ...edges]) => [kind === 'Traffic sign' ? 'sign' : kind.toLowerCase(), ...edges] as const)) },
  ]
  t.ok(csv.images.flat().length > 24)
  for (const { images } of others) {
    t.equal(images.length, csv.images.length)
    for (const [image, boxes] of images.entries()) {
      t.same(boxes.map(([kind]) => kind), csv.images[image]!.map(([kind]) => kind))
      for (const [place, [, ...edges]] of boxes.entries()) {
        const [, ...expected] = csv.images[image]![place]!
        t.ok(edges.every((edge, index) => Math.abs(edge - expected[index]!) < 0.01), `${edges.join()} is ${expected.join()}`)
      }
    }
  }
})

t.test('the traps of the originals are there', async (t) => {
  const folder = t.testdir()
  const at = (name: string): string => join(folder, name)
  await sampleData({ name: 'adience', folder: at('adience'), count: 100 })
  const adience = await openSource('adience', at('adience'))
  t.ok((await adience.count()) < 100)
  await sampleData({ name: 'fer2013', folder: at('fer'), count: 140 })
  const ferPlus = await openSource('fer2013', at('fer'), { task: 'ferplus' })
  const found = new Set<number>()
  for await (const { label } of ferPlus) if (label.kind === 'class') found.add(label.value)
  t.equal(found.size, 8, 'contempt, which FER2013 has not, among them')
  t.ok((await ferPlus.count()) < 140, 'some without a majority')
  await sampleData({ name: 'dlib-xml', folder: at('dlib'), count: 24 })
  const xml = readFileSync(join(at('dlib'), 'training.xml'), 'utf8')
  t.match(xml, /ignore='1'/)
  t.match(xml, /left='-\d/)
  t.match(readFileSync(join(at('adience'), 'fold_frontal_0_data.txt'), 'utf8'), /^user_id\toriginal_image\tface_id\tage\tgender\t/)
})

t.test('a folder with other things is left alone, and no marker makes us remove more than names in it', async (t) => {
  const folder = t.testdir({ own: { 'letter.txt': 'mine' }, outside: { 'letter.txt': 'mine' } })
  await t.rejects(sampleData({ name: 'csv', folder: join(folder, 'own'), count: 2 }), { code: 'CLI_SAMPLE_FOLDER' })
  const target = join(folder, 'target')
  mkdirSync(target)
  writeFileSync(join(target, 'sample.json'), JSON.stringify({ format: 'millrace-sample', holds: ['../outside', '..', '.', 7, 'sub/..'] }))
  await sampleData({ name: 'csv', folder: target, count: 2 })
  t.ok(existsSync(resolve(folder, 'outside/letter.txt')))
})

t.test('numbers out of range are wrong usage; an interruption ends at once', async (t) => {
  const folder = join(t.testdir(), 'new')
  for (const wrong of [{ count: 0 }, { count: 100_001 }, { seed: -1 }, { size: 31 }, { size: 2000 }]) {
    await t.rejects(sampleData({ name: 'csv', folder, count: 2, ...wrong }), { code: 'CLI_USAGE' })
  }
  t.notOk(existsSync(folder))
  await t.rejects(sampleData({ name: 'csv', folder, count: 1000, signal: AbortSignal.abort(new Error('stopped')) }), { message: 'stopped' })
  t.match(readFileSync(join(folder, 'sample.json'), 'utf8'), /"complete": false/)
})

t.test('the command tells how to pack each part', async (t) => {
  const folder = join(t.testdir(), 'data set')
  const run = async (...args: string[]): Promise<string> => {
    const written = t.capture(process.stdout, 'write', () => true)
    await createProgram(new AbortController().signal).parseAsync(['node', 'millrace', 'sample', ...args])
    written.restore()
    return written().map(({ args: [text] }) => String(text)).join('')
  }
  t.match(await run('list', folder, '--count', '4'), `millrace pack --format list --class-names '${folder}/classes.txt' '${folder}/train.lst' train.rec\n`)
  t.match(JSON.parse(await run('ferplus', folder, '--count', '2', '--json')), { name: 'fer2013', parts: [{ part: 'train', images: 2 }, { part: 'val' }, { part: 'test' }] })
})
