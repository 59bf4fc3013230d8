// What is counted, and the page and the words it becomes.

import t from 'tap'
import fc from 'fast-check'
import { PipelineError, type Sample } from '@millrace/pipeline'
import { RecordWriter } from '@millrace/recordio'
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import sharp from 'sharp'
import { collectStatistics, type DataStatistics } from '../../../../tools/dist/reports/data-statistics.js'
import { slopeOf } from '../../../../tools/dist/reports/digit-slope.js'
import { Distribution } from '../../../../tools/dist/reports/distribution.js'
import { openRecordSource } from '../../../../tools/dist/reports/record-source.js'
import { renderStatisticsPage } from '../../../../tools/dist/reports/statistics-page.js'
import { describeStatistics } from '../../../../tools/dist/reports/statistics-text.js'
import { boxesLabel, plainSample, sourceOf } from './pictures.js'

const { signal } = new AbortController()
const half = { xmin: 0, ymin: 0, xmax: 0.5, ymax: 0.5 }

function rejecting(index: number): Sample {
  return { ...plainSample(index, { kind: 'class', value: 0 }), image: () => Promise.reject(new PipelineError('PIPE_IMAGE_MISSING', `${index}: there is no such file`)) }
}

t.test('classes, sizes and rejections', async (t) => {
  const samples = [0, 0, 0, 1].map((value, index) => plainSample(index, { kind: 'class', value }, { width: 40 + 10 * index, height: 30 }))
  const found = await collectStatistics([sourceOf([...samples, rejecting(4), rejecting(5)], ['cat', 'dog'])], { signal })
  t.match(found, {
    labelKind: 'class', samples: 6, rejected: 2, rejections: [{ code: 'PIPE_IMAGE_MISSING', count: 2, example: '4: there is no such file' }],
    classes: [{ class: 0, name: 'cat', samples: 3, count: 3 }, { class: 1, name: 'dog', samples: 1 }],
    width: { count: 4, smallest: 40, median: 55, mean: 55, largest: 70 }, height: { smallest: 30, largest: 30 },
  })
  t.equal(found.channels, undefined, 'no pixel was read')
  t.equal(found.sizes.reduce((sum, { count }) => sum + count, 0), 4)
  const text = describeStatistics(found).join('\n')
  t.match(text, /^samples {3}6, labels of kind class\nrejected {2}2 cannot be read:\n {2}2 PIPE_IMAGE_MISSING, the first: 4: there is no such file\n/)
  t.match(text, /^ {2}cat +3 +75\.0 % {2}█+$/m)
})

t.test('labels alone: no image is read, and shares are of all classes', async (t) => {
  const samples = Array.from({ length: 50 }, (_, number) => ({ ...rejecting(number), label: { kind: 'class' as const, value: Math.floor(number / 2) } }))
  const found = await collectStatistics([sourceOf(samples, Array.from({ length: 25 }, (_, number) => `a name of ${number}`))], { signal, labelsOnly: true })
  t.match(found, { samples: 50, rejected: 0, sizes: [] })
  t.equal(found.classes!.length, 25)
  t.equal(found.width, undefined)
  t.match(describeStatistics(found).join('\n'), /^ {2}a name of 0 +2 +4\.0 % {2}█+$/m)
  t.match(renderStatisticsPage('x', found), /no image was read.*each stands as often as the others/s)
  const boxes = [plainSample(1, boxesLabel([{ class: 0, ...half }, { class: 0, ...half, ignore: true }])), plainSample(2, boxesLabel([]))]
  t.match((await collectStatistics([sourceOf(boxes)], { signal, labelsOnly: true })).boxes, { count: 2, ignored: 1, inverted: 0, perSample: { 0: 1, 2: 1 }, sizes: [] })
})

t.test('boxes: how many, how large, and those not to be counted', async (t) => {
  const labels = [boxesLabel([]), boxesLabel([{ class: 1, ...half }, { class: 1, ...half, ignore: true }]), boxesLabel([{ class: 0, ...half, xmax: 1 }, { class: 0, ...half, xmin: 0.6 }])]
  const found = await collectStatistics([sourceOf(labels.map((label, index) => plainSample(index, label, { width: 100, height: 200 })), ['cat', 'dog'])], { signal })
  t.match(found.classes, [{ class: 0, count: 2, samples: 1 }, { class: 1, count: 2, samples: 1 }])
  t.match(found.boxes, { count: 4, ignored: 1, inverted: 1, perSample: { 0: 1, 2: 2 }, width: { smallest: 50, largest: 100 }, height: { smallest: 100, largest: 100 }, share: { smallest: 0.25, largest: 0.5 }, aspect: { median: 0.5 } })
})

t.test('digits: lengths and slopes', async (t) => {
  const regions = [{ left: 0, top: 0, width: 10, height: 20 }, { left: 20, top: 20, width: 10, height: 20 }]
  const samples: Sample[] = [{ ...plainSample(1, { kind: 'digits', digits: [1, 0] }), regions }, { ...plainSample(2, { kind: 'digits', digits: [7] }), regions: regions.slice(0, 1) }]
  const found = await collectStatistics([sourceOf(samples)], { signal })
  t.same(found.lengths, { 1: 1, 2: 1 })
  t.same(found.slope, [{ from: 43.5, count: 1 }])
  t.equal(found.boxes!.count, 3)
})

t.test('a slope is the angle of the line, whatever the order and the size', (t) => {
  const boxAt = (x: number, y: number): { left: number; top: number; width: number; height: number } => ({ left: x - 5, top: y - 5, width: 10, height: 10 })
  t.equal(slopeOf([boxAt(0, 0)]), undefined)
  t.equal(slopeOf([boxAt(3, 3), boxAt(3, 3)]), undefined)
  t.equal(slopeOf([boxAt(0, 0), boxAt(9, 0)]), 0)
  t.equal(slopeOf([boxAt(0, 0), boxAt(0, 9)]), -90)
  fc.assert(fc.property(fc.double({ min: -89, max: 89, noNaN: true }), fc.uniqueArray(fc.integer({ min: -50, max: 50 }), { minLength: 2, maxLength: 6 }), (degrees, places) => {
    const radians = (degrees * Math.PI) / 180
    const found = slopeOf(places.map((place) => boxAt(place * Math.cos(radians), place * Math.sin(radians))))!
    return Math.abs(found - degrees) < 1e-3
  }))
  t.end()
})

t.test('a distribution counts every number once', (t) => {
  fc.assert(fc.property(fc.array(fc.double({ min: 0.001, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 200 }), (numbers) => {
    const distribution = new Distribution()
    for (const number of numbers) distribution.add(number)
    const { count, bins, smallest, largest, median } = distribution.result()!
    const inBins = bins.every(({ from, to, count: here }) => here === numbers.filter((number) => number >= from * (1 - 1e-9) && number < to * (1 - 1e-9)).length)
    return inBins && count === numbers.length && smallest === Math.min(...numbers) && largest === Math.max(...numbers) && median >= smallest && median <= largest
  }))
  const long = new Distribution()
  for (let number = 1; number <= 100_000; number++) long.add(number)
  t.ok(Math.abs(long.result()!.median - 50_000) < 3000)
  t.equal(new Distribution().result(), undefined)
  t.end()
})

async function writeRecords(path: string, mean: number): Promise<void> {
  const image = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } }).png().toBuffer()
  const writer = await RecordWriter.create(path, { labelKind: 'class', labelWidth: 1, classNames: ['cat'] })
  await writer.write({ id: 1n, label: 0, image })
  await writer.close({ rejected: 2, channelMean: [mean, 0, 0], channelStd: [0, 0, 0] })
}

t.test('records: means from the .meta, rejections from the list', async (t) => {
  const folder = t.testdir()
  const paths = [0, 1].map((shard) => resolve(folder, `x-0000${shard}-of-00002.rec`))
  for (const [shard, path] of paths.entries()) await writeRecords(path, 100 + 50 * shard)
  writeFileSync(resolve(folder, 'x.rejects.jsonl'), '{"key":"a","id":1,"code":"PIPE_IMAGE_DAMAGED","reason":"a: cut"}\n{"key":"b","id":2,"code":"PIPE_IMAGE_DAMAGED","reason":"b: cut"}\n{"code":"C","reason":"r","placeholder":true}\nnot json\n')
  const sources = await Promise.all(paths.map((path) => openRecordSource(path, signal)))
  const found = await collectStatistics(sources, { signal })
  t.match(found, { samples: 2, rejected: 0, rejectedWhenPacked: 4, channels: { mean: [125, 0, 0], std: [25, 0, 0], from: '.meta' } })
  t.match(found.rejectionsWhenPacked, [{ code: 'PIPE_IMAGE_DAMAGED', count: 2, example: 'a: cut' }, { code: 'unknown', count: 1 }])
  const measured = await collectStatistics(sources, { signal, pixels: true })
  t.match(measured.channels, { mean: [255, 0, 0], from: 'pixels' })
  t.equal((await collectStatistics(sources, { signal, limit: 0 })).samples, 0)
})

t.test('the page has a chart for each figure, escapes names and asks nothing of the network', async (t) => {
  const hostile = '<script>alert(1)</script>'
  const samples = Array.from({ length: 300 }, (_, index) => plainSample(index, boxesLabel([{ class: index % 60, ...half }, { class: 0, ...half }]), { width: 30 + index, height: 40 }))
  const found = await collectStatistics([sourceOf([...samples, { ...rejecting(301), image: () => Promise.reject(new PipelineError('PIPE_IMAGE_DAMAGED', hostile)) }], [hostile])], { signal, pixels: true })
  const page = renderStatisticsPage(hostile, found)
  for (const title of ['Boxes by class', 'Classes by rank', 'Image sizes', 'Boxes per image', 'Sizes of boxes', 'Share of the image', 'Aspect of boxes', 'Channels']) t.match(page, new RegExp(`<h2>${title}`))
  t.equal(page.match(/<svg /g)!.length, 7)
  t.notMatch(page, /<script|<style >|(src|href)=/)
  t.match(page, '30 others')
  t.ok(page.length < 400_000, `${page.length} bytes`)
  t.match(page, "script-src 'none'")
})

t.test('nothing at all', async (t) => {
  const none: DataStatistics = { labelKind: 'class', samples: 0, rejected: 0, rejections: [], clamped: 0, ignored: {}, sizes: [] }
  t.match(describeStatistics(none), ['samples   0, labels of kind class', 'rejected  0'])
  t.match(renderStatisticsPage('none', none), '0 samples')
})
