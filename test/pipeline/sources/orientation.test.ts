// The orientation source: each image turned by a drawn angle, always the same one.

import t from 'tap'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { decodeImage, encodePng, type RawImage } from '@millrace/pipeline/images'
import { openSource, packDataset, readPixels, type OpenSourceOptions, type Sample, type Source } from '@millrace/pipeline'
import { readRecords } from '@millrace/recordio'
import { realData } from '../../support.js'
import { zip } from '../archive-fixture.js'
import { collect, reason } from '../collect.js'

const open = (path: string, options: OpenSourceOptions = {}): Promise<Source> => openSource('orientation', path, options)

const upright: RawImage = { data: Uint8Array.from({ length: 2 * 3 * 3 }, (_, place) => place * 10), width: 2, height: 3, channels: 3 }
const names = Array.from({ length: 24 }, (_, number) => `room/${`${number}`.padStart(2, '0')}.png`)

async function writeImages(folder: string): Promise<Buffer> {
  const png = Buffer.from(await encodePng(upright))
  mkdirSync(join(folder, 'room'))
  for (const name of names) writeFileSync(join(folder, name), png)
  return png
}

function angle(sample: Sample): string {
  return sample.label.kind === 'class' ? ['0', '180', '270', '90'][sample.label.value]! : 'none'
}

t.test('turned as drawn, and as sharp turns', async (t) => {
  const folder = t.testdir({ 'notes.txt': 'x' })
  const png = await writeImages(folder)
  const source = await open(folder)
  t.same([source.labelKind, source.classNames, await source.count()], ['class', ['0', '180', '270', '90'], 24])
  const samples = await collect(source)
  t.same(samples.map(({ key }) => key), names)
  t.same(samples.map(({ id }) => Number(id)), names.map((_, position) => position))
  const angles = samples.map(angle)
  t.equal(angles.join(' '), '90 0 90 180 270 90 90 270 90 270 0 90 0 180 270 180 180 180 270 270 90 270 270 270', 'as hashlib has it')
  for (const [position, sample] of samples.entries()) {
    const expected = await sharp(png).rotate(Number(angles[position])).raw().toBuffer({ resolveWithObject: true })
    const { data, width, height } = await readPixels(sample)
    t.same([[...data], width, height], [[...expected.data], expected.info.width, expected.info.height], `${angles[position]}`)
    t.ok(!((await sample.image()) instanceof Uint8Array), 'pixels, at 0 degrees too')
  }
  t.same((await collect(source)).map(angle), angles, 'again')
  t.same((await collect(source.outlines!())).map(({ label }) => label), samples.map(({ label }) => label))
  t.not((await collect(await open(folder, { seed: 7 }))).map(angle).join(' '), angles.join(' '), 'another seed')
  t.equal((await collect(await open(folder, { classes: ['90', '0'] }))).length, angles.filter((each) => each === '0' || each === '90').length)
  await t.rejects(open(folder, { seed: -1 }), { code: 'PIPE_OPTION' })
  writeFileSync(join(folder, 'set.zip'), zip(names.map((name) => ({ name, bytes: png }))))
  t.same((await collect(await open(join(folder, 'set.zip')))).map(angle), angles, 'from a zip')
})

t.test('an image that cannot be read is rejected by name', async (t) => {
  const folder = t.testdir({ 'broken.jpg': 'no image' })
  const samples = await collect(await open(folder))
  t.equal(samples.length, 1)
  t.match(await reason(samples[0]!), /broken\.jpg: expected a whole image/)
})

const coco = realData('coco128')
t.test('photos', { skip: coco.skip }, async (t) => {
  const samples = await collect(await open(coco.path))
  const counts = new Map<string, number>()
  for (const sample of samples) counts.set(angle(sample), (counts.get(angle(sample)) ?? 0) + 1)
  t.same([...counts].sort(), [['0', 27], ['180', 34], ['270', 25], ['90', 42]])
  const sideways = samples.find((sample) => angle(sample) === '90')!
  const turned = await readPixels(sideways)
  const original = await decodeImage(await sharp(join(coco.path, sideways.key)).toBuffer())
  t.same([turned.width, turned.height], [original.height, original.width])
})

t.test('packing turns the images where it decodes them: the same pixels', async (t) => {
  const folder = t.testdir({})
  await writeImages(folder)
  const source = await open(folder)
  const expected = await Promise.all((await collect(source)).map(async (sample) => [...(await readPixels(sample)).data]))
  const plan = { encode: { kind: 'png', compression: 1 } } as const
  await packDataset({ source, output: join(folder, 'all.rec'), labelKind: 'class', threads: 2, plan })
  const images: number[][] = []
  for await (const { image } of readRecords(join(folder, 'all.rec'))) images.push([...(await decodeImage(image)).data])
  t.same(images, expected)
  await t.rejects(packDataset({ source, output: join(folder, 'files.rec'), labelKind: 'class', plan: { encode: { kind: 'original' } } }), { code: 'PIPE_ALL_REJECTED', message: /choose an encoding/ })
  for (const colour of ['grey', 'unchanged'] as const) await packDataset({ source, output: join(folder, `${colour}.rec`), labelKind: 'class', plan: { ...plan, colour } })
})
