// The PNG of samples: a grid of cards with coloured boxes, dashed where they are ignored.

import t from 'tap'
import sharp from 'sharp'
import type { Label, Sample } from '@millrace/pipeline'
import { classColour } from '../../../../tools/dist/reports/class-colour.js'
import { pictureOf, type SamplePicture } from '../../../../tools/dist/reports/sample-picture.js'
import { drawSampleSheet, sheetThumbnail } from '../../../../tools/dist/reports/sample-sheet.js'
import { boxesLabel, plainSample } from './pictures.js'

async function* picturesOf(samples: readonly Sample[], classNames: readonly string[] = ['cat', 'dog']): AsyncGenerator<SamplePicture, void, undefined> {
  for (const sample of samples) yield await pictureOf({ split: 'train', sample, classNames }, sheetThumbnail)
}

async function draw(samples: readonly Sample[]): Promise<{ width: number; height: number; count: (hex: string) => number }> {
  const png = await drawSampleSheet(samples.length, picturesOf(samples))
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true })
  const count = (hex: string): number => {
    const [red, green, blue] = Buffer.from(hex.slice(1), 'hex')
    let found = 0
    for (let at = 0; at < data.length; at += info.channels) if (data[at] === red && data[at + 1] === green && data[at + 2] === blue) found++
    return found
  }
  return { width: info.width, height: info.height, count }
}

const box = { class: 1, xmin: 0.2, ymin: 0.2, xmax: 0.8, ymax: 0.8 }

t.test('the grid follows from the count', async (t) => {
  const samples = Array.from({ length: 7 }, (_, index) => plainSample(index, { kind: 'class', value: index % 2 }))
  const { width, height } = await draw(samples)
  t.same([width, height], [16 + 3 * 416, 16 + 3 * 376])
})

t.test('boxes have the colour of their class; ignored ones are dashed', async (t) => {
  const [plain, solid, dashed] = await Promise.all([boxesLabel([]), boxesLabel([box]), boxesLabel([{ ...box, ignore: true }])].map((label) => draw([plainSample(0, label)])))
  const colour = classColour(1)
  t.equal(plain!.count(colour), 0)
  t.ok(dashed!.count(colour) > 200)
  t.ok(solid!.count(colour) > 1.3 * dashed!.count(colour))
})

t.test('every kind of label, size and image', async (t) => {
  const labels: Label[] = [{ kind: 'values', values: Array.from({ length: 100 }, (_, index) => index / 3) }, { kind: 'digits', digits: [] }, { kind: 'class', value: 99 }, boxesLabel(Array.from({ length: 900 }, () => box)), boxesLabel([{ ...box, xmax: 0.1 }, { ...box, xmin: -50, ymax: 1e6 }])]
  const sizes = [{ width: 1, height: 1 }, { width: 3000, height: 1 }, { width: 1, height: 3000 }]
  const samples = labels.flatMap((label, index) => sizes.map((size, at) => plainSample(3 * index + at, label, size)))
  const grey: Sample = { ...plainSample(90, labels[1]!), image: () => Promise.resolve({ data: new Uint8Array(16), width: 4, height: 4, channels: 1 }) }
  const alpha: Sample = { ...plainSample(91, labels[1]!), image: () => Promise.resolve({ data: new Uint8Array(64), width: 4, height: 4, channels: 4 }) }
  const { width } = await draw([...samples, grey, alpha])
  t.equal(width, 16 + 5 * 416)
})

t.test('an image that cannot be read has its reason in its place', async (t) => {
  const broken: Sample = { ...plainSample(0, boxesLabel([box])), image: () => Promise.resolve(Buffer.from('no image')) }
  const { count } = await draw([broken])
  t.ok(count('#c42828') > 200, 'red text')
  t.equal(count(classColour(1)), 0, 'no boxes')
  const fault: Sample = { ...broken, image: () => Promise.reject(new TypeError('a fault of ours')) }
  await t.rejects(draw([fault]), TypeError)
})
