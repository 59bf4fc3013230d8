// recordio/src/summarize.ts, label-statistics.ts and image-size.ts: what a person asks of an unknown file.

import t from 'tap'
import { encodeRecord, imageSize, RecordWriter, summarizeRecords, type MetaHeader, type NewImageRecord } from '@millrace/recordio'
import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { realData } from '../support.js'
import { inChunks, matchError } from './support.js'

const blank = sharp({ create: { width: 30, height: 20, channels: 3, background: 'red' } })
const image = Buffer.from('image')
const values = (...labels: number[]): NewImageRecord => ({ id: 1n, labels: Float32Array.from(labels), image })
const single = (label: number): NewImageRecord => ({ id: 1n, label, image })
const summarize = (...records: NewImageRecord[]) => summarizeRecords(inChunks(Buffer.concat(records.map(encodeRecord)), [1000]), { first: 2 })

t.test('counts, sizes, image types, first records', async (t) => {
  const jpeg = await blank.clone().jpeg().toBuffer()
  const png = await blank.clone().png().toBuffer()
  const summary = await summarize({ id: 2n ** 64n - 1n, label: 1, image: jpeg }, { id: 2n, label: 4, image: png }, { id: 3n, label: 1, image })
  const sizes = [jpeg.length, png.length, image.length]
  const total = sizes.reduce((sum, size) => sum + size)
  t.same(summary, {
    count: 3,
    imageBytes: { total, smallest: 5, mean: total / 3, largest: Math.max(...sizes) },
    imageTypes: { jpeg: 1, png: 1, other: 1 },
    labelKind: 'class',
    isLabelKindGuessed: true,
    histogram: { labels: { 1: 2, 4: 1 } },
    meta: undefined,
    first: [
      { ordinal: 0, id: 2n ** 64n - 1n, label: [1], imageBytes: jpeg.length, image: { type: 'jpeg', width: 30, height: 20 } },
      { ordinal: 1, id: 2n, label: [4], imageBytes: png.length, image: { type: 'png', width: 30, height: 20 } },
    ],
  })
})

t.test('the label kind is guessed from the shape of the labels', async (t) => {
  t.match(await summarize(values(2, 1, 9, 10, 10, 10), values(6, 1, 2, 3, 4, 5)), { labelKind: 'digits', histogram: { labels: { 2: 1, 6: 1 }, digits: { 1: 2, 2: 1, 3: 1, 4: 1, 5: 1, 9: 1 } } })
  t.match(await summarize(values(4, 6, 640, 480, 7, 0, 0, 1, 1, 0)), { labelKind: 'boxes', histogram: { labels: { 7: 1 } } })
  t.match(await summarize(values(2, 5, 7, 0, 0, 1, 1, 8, 0, 0, 1, 1)), { labelKind: 'boxes', histogram: { labels: { 7: 1, 8: 1 } } })
  t.match(await summarize(values(1, 2, 3), values(4, 6, 640, 480, 7)), { labelKind: 'values', histogram: undefined })
  for (const label of [0.5, -1, NaN]) t.match(await summarize(single(label)), { labelKind: 'values' })
  t.match(await summarize(single(1), values(1, 2)), { labelKind: 'mixed', histogram: undefined })
  t.match(await summarize(), { count: 0, labelKind: undefined, imageBytes: { smallest: 0, mean: 0 }, first: [] })
})

t.test('more than 100,000 different labels are no classes', async (t) => {
  const records = Array.from({ length: 100_002 }, (_, label) => ({ id: 1n, label, image: Buffer.alloc(0) }))
  t.match(await summarize(...records), { labelKind: 'class', histogram: undefined })
})

t.test('labels that have not the layout of their kind are not counted, and end', async (t) => {
  const path = join(t.testdir(), 'x.rec')
  const writer = await RecordWriter.create(path, { labelKind: 'boxes', labelWidth: 0 })
  for (const labels of [[2, 0, 1], [2, NaN, 1], [-1e30, 1, 1], [3, 5, 1, 2], []]) await writer.write(values(...labels))
  await writer.close()
  t.match(await summarizeRecords(path), { count: 5, labelKind: 'boxes', histogram: { labels: {} } })
})

t.test('a .meta tells the label kind, and must count the same records', async (t) => {
  const path = join(t.testdir(), 'x.rec')
  const header: MetaHeader = { labelKind: 'values', labelWidth: 1 }
  const writer = await RecordWriter.create(path, header)
  for (const label of [1, 2]) await writer.write(single(label))
  await writer.close({ channelMean: [1, 2, 3] })
  t.match(await summarizeRecords(path), { labelKind: 'values', isLabelKindGuessed: false, histogram: undefined, meta: { header, summary: { channelMean: [1, 2, 3] } } })
  truncateSync(path, 40)
  await t.rejects(summarizeRecords(path), matchError('REC_META_MISMATCH', /expected 2 records as its \.meta says, found 1/))
})

t.test('the size of an image from its first bytes', async (t) => {
  const jpeg = await blank.clone().jpeg({ progressive: true }).toBuffer()
  t.same(imageSize(jpeg), { type: 'jpeg', width: 30, height: 20 }, 'progressive')
  const comment = Buffer.concat([jpeg.subarray(0, 2), Buffer.from('fffffe0004aabb', 'hex'), jpeg.subarray(2)])
  t.same(imageSize(comment), { type: 'jpeg', width: 30, height: 20 }, 'a fill byte and a comment before it')
  for (const bytes of ['', 'ffd8', 'ffd8ff', 'ffd8ffe00000', 'ffd8ffc00011', '89504e470d0a1a0a', '89504e470d0a1a0a0000000d4948445200']) t.equal(imageSize(Buffer.from(bytes, 'hex')), undefined, bytes)
  for (let length = 0; length < jpeg.length; length++) imageSize(jpeg.subarray(0, length))
  t.equal(imageSize(Buffer.concat([Buffer.from('ffd8', 'hex'), Buffer.alloc(2 ** 22, Buffer.from('ffe00000', 'hex'))])), undefined, 'segments of no length')
})

{
  const { path, skip } = realData('recordio/adaface/images/man/man_1.jpg')
  t.test('a real photo', { skip }, async (t) => t.same(imageSize(readFileSync(path)), { type: 'jpeg', width: 112, height: 112 }))
}

t.test('the signal stops it', async (t) => {
  const path = join(t.testdir(), 'x.rec')
  writeFileSync(path, encodeRecord(single(1)))
  await t.rejects(summarizeRecords(path, { signal: AbortSignal.abort() }), { code: 'REC_ABORTED' })
})
