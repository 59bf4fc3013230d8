// Every reader of a data set against damage: cut at every byte, every bit turned. Whatever comes of it is
// an answer or a typed error, soon.

import t from 'tap'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { PipelineError, sourceFormats } from '@millrace/pipeline'
import { decodeImage } from '@millrace/pipeline/images'
import { tar, tarGz, zip } from './archive-fixture.js'
import { box, createPng, writeMat } from './digit-struct-fixture.js'

/** A case may take so long; most take a millisecond. */
const longestMs = 5_000

/** Every cut and every turned bit, or, of a larger file, so many of each, spread evenly. */
function* damagedCopies(whole: Buffer, most: number): Generator<[string, Buffer]> {
  for (let length = 0; length < whole.length; length += Math.max(1, Math.ceil(whole.length / most))) yield [`cut to ${length}`, whole.subarray(0, length)]
  const step = Math.max(1, Math.ceil((8 * whole.length) / most))
  for (let bit = 0; bit < 8 * whole.length; bit += step % 8 === 0 ? step + 1 : step) {
    const turned = Buffer.from(whole)
    turned[bit >> 3]! ^= 1 << (bit & 7)
    yield [`bit ${bit}`, turned]
  }
}

/** What a source gives: ids, keys, labels and whether each image can be had; or the code of its error. */
async function readSource(format: string, path: string, images?: string): Promise<string> {
  const shown: string[] = []
  try {
    const source = await sourceFormats[format]!.open(path, images === undefined ? {} : { images })
    for await (const { id, key, label, image } of source) {
      const bytes = await image().then((found) => (found instanceof Uint8Array ? found.length : 'pixels'), (error: unknown) => codeOf(error))
      shown.push(`${id} ${key} ${JSON.stringify(label)} ${bytes}`)
    }
    return shown.join('\n')
  } catch (error) {
    return codeOf(error)
  }
}

function codeOf(error: unknown): string {
  if (error instanceof PipelineError) return error.code
  throw error
}

const png = await createPng(12, 8)
const lists: Record<string, { readonly format: string; readonly name: string; readonly bytes: Buffer }> = {
  'a list': { format: 'list', name: 'x.lst', bytes: Buffer.from('7\t1.5\tä.png\r\n8\t2\ta.png\n') },
  'a CSV table': { format: 'csv', name: 'x.csv', bytes: Buffer.from('image,label\r\n"ä.png",one\r\na.png,two\r\n') },
  'a CSV table with boxes': { format: 'csv', name: 'b.csv', bytes: Buffer.from('image;label;xmin;ymin;xmax;ymax\na.png;1;0;0;5;5\n') },
}
for (const [title, { format, name, bytes }] of Object.entries(lists)) {
  t.test(title, { timeout: 60_000 }, async (t) => {
    const folder = t.testdir({ 'ä.png': png, 'a.png': png })
    const path = join(folder, name)
    const outcomes = new Set<string>()
    for (const [place, damaged] of damagedCopies(bytes, Infinity)) {
      writeFileSync(path, damaged)
      const began = performance.now()
      outcomes.add(await readSource(format, path))
      if (performance.now() - began > longestMs) t.fail(`${place}: ${performance.now() - began} ms`)
    }
    t.ok(outcomes.size > 5, `${outcomes.size} different outcomes`)
  })
}

t.test('digitStruct.mat', { timeout: 60_000 }, async (t) => {
  const folder = t.testdir({ '1.png': png, '2.png': png })
  const path = join(folder, 'digitStruct.mat')
  writeMat(path, [{ name: '1.png', boxes: [box(1, 2), box(2, 5)] }, { name: '2.png', boxes: [box(3, 4)] }])
  const whole = readFileSync(path)
  const outcomes = new Set<string>()
  for (const [place, damaged] of damagedCopies(whole, 300)) {
    writeFileSync(path, damaged)
    const began = performance.now()
    const outcome = await readSource('digit-struct', path)
    if (performance.now() - began > longestMs) t.fail(`${place}: ${performance.now() - began} ms`)
    if (place.startsWith('cut') && outcome !== 'PIPE_HDF5_DAMAGED') t.fail(`${place}: ${outcome}`)
    outcomes.add(outcome)
  }
  t.ok(outcomes.has('PIPE_HDF5_DAMAGED') && outcomes.size > 3, `${outcomes.size} different outcomes`)
})

const entries = [{ name: 'a.png', bytes: png }, { name: 'ä.png', bytes: png }]
const archives = { 'images.zip': zip(entries.map((entry) => ({ ...entry, stored: true }))), 'images.tar': await tar(entries), 'images.tar.gz': await tarGz(entries) }
for (const [name, whole] of Object.entries(archives)) {
  t.test(name, { timeout: 60_000 }, async (t) => {
    const folder = t.testdir({ 'x.lst': '1\t2\ta.png\n2\t3\tä.png\n' })
    const path = join(folder, name)
    const outcomes = new Set<string>()
    for (const [place, damaged] of damagedCopies(Buffer.from(whole), 150)) {
      writeFileSync(path, damaged)
      const began = performance.now()
      outcomes.add(await readSource('list', join(folder, 'x.lst'), path))
      if (performance.now() - began > longestMs) t.fail(`${place}: ${performance.now() - began} ms`)
    }
    t.ok([...outcomes].some((outcome) => outcome.includes('PIPE_ARCHIVE_DAMAGED')) && outcomes.size > 1, `${outcomes.size} different outcomes`)
  })
}

const pixels = sharp(Uint8Array.from({ length: 20 * 15 * 3 }, (_, at) => (at * 31) % 256), { raw: { width: 20, height: 15, channels: 3 } })
const images: Record<string, Buffer> = {
  'baseline JPEG': await pixels.clone().jpeg({ quality: 40, mozjpeg: false }).toBuffer(),
  'progressive JPEG': await pixels.clone().jpeg({ quality: 40, progressive: true }).toBuffer(),
  'palette PNG': await pixels.clone().png({ palette: true }).toBuffer(),
  'interlaced PNG': await pixels.clone().png({ progressive: true }).toBuffer(),
  'lossy WebP': await pixels.clone().webp({ quality: 40 }).toBuffer(),
  'lossless WebP': await pixels.clone().webp({ lossless: true }).toBuffer(),
  GIF: await pixels.clone().gif().toBuffer(),
  TIFF: await pixels.clone().tiff({ compression: 'lzw' }).toBuffer(),
}
for (const [title, whole] of Object.entries(images)) {
  t.test(title, { timeout: 60_000 }, async (t) => {
    const outcomes = new Map<string, number>()
    for (const [place, damaged] of damagedCopies(whole, 150)) {
      const began = performance.now()
      const outcome = await decodeImage(damaged, { maxPixels: 1e6 }).then(({ data, width, height, channels }) => (data.length === width * height * channels ? 'pixels' : 'wrong'), codeOf)
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
      if (performance.now() - began > longestMs) t.fail(`${place}: ${performance.now() - began} ms`)
      if (!['pixels', 'PIPE_IMAGE_DAMAGED', 'PIPE_IMAGE_TOO_LARGE', 'PIPE_IMAGE_UNREADABLE'].includes(outcome)) t.fail(`${place}: ${outcome}`)
    }
    t.ok(outcomes.has('PIPE_IMAGE_DAMAGED'), JSON.stringify([...outcomes]))
  })
}
