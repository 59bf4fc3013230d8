// The own PNG decoder beside sharp: the same pixels of every plain kind, and of anything else, or
// damaged, nothing: sharp is then the judge. A byte after the end makes a file one that only sharp reads.

import t, { type Test } from 'tap'
import fc from 'fast-check'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { crc32 } from '@node-rs/crc32'
import sharp from 'sharp'
import { decodeImage, decodeImageSync, encodePng, type DeepImage } from '@millrace/pipeline/images'
import { realData } from '../../support.js'

const colours = ['rgb', 'grey', 'unchanged'] as const
/** Colour type, bits, samples a pixel. */
const kinds = [[0, 1, 1], [0, 2, 1], [0, 4, 1], [0, 8, 1], [2, 8, 3], [3, 1, 1], [3, 2, 1], [3, 4, 1], [3, 8, 1], [4, 8, 2], [6, 8, 4]] as const

interface Parts {
  readonly kind: readonly [type: number, bits: number, samples: number]
  readonly width: number
  readonly height: number
  /** Filter bytes and filtered rows: any bytes are a picture. */
  readonly rows: Uint8Array
  readonly chunks?: readonly Buffer[]
  readonly interlace?: number
}

function makePng({ kind: [type, bits], width, height, rows, chunks = [], interlace = 0 }: Parts): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([bits, type, 0, 0, interlace], 8)
  const palette = type === 3 ? [chunk('PLTE', Buffer.from(Array.from({ length: 3 * 2 ** bits }, (_, at) => (at * 89) % 256)))] : []
  const pixels = deflateSync(rows)
  const half = pixels.length >> 1
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'), chunk('IHDR', header), ...chunks, ...palette,
    chunk('IDAT', pixels.subarray(0, half)), chunk('IDAT', pixels.subarray(half)), chunk('IEND', Buffer.alloc(0)),
  ])
}

function chunk(type: string, content: Uint8Array): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), content])
  const bytes = Buffer.concat([Buffer.alloc(4), typed, Buffer.alloc(4)])
  bytes.writeUInt32BE(content.length, 0)
  bytes.writeUInt32BE(crc32(typed), bytes.length - 4)
  return bytes
}

function randomRows(kind: Parts['kind'], width: number, height: number, seed: number): Uint8Array {
  const rowBytes = Math.ceil((width * kind[1] * kind[2]) / 8) + 1
  const hash = (at: number): number => Math.imul(Math.imul(at + seed, 2654435761) ^ ((at + seed) >>> 15), 2246822519) >>> 24
  return Uint8Array.from({ length: rowBytes * height }, (_, at) => (at % rowBytes === 0 ? hash(at) % 5 : hash(at)))
}

const throughSharp = (png: Buffer, options: { colour: 'rgb' | 'grey' | 'unchanged' }): Promise<DeepImage> => decodeImage(Buffer.concat([png, Buffer.of(0)]), options)

async function compare(t: Test, png: Buffer, name: string): Promise<void> {
  for (const colour of colours) t.same(decodeImageSync(png, { colour }), await throughSharp(png, { colour }), `${name} as ${colour}`)
}

t.test('every plain kind, every filter, odd sizes', async (t) => {
  for (const kind of kinds) {
    for (const [width, height] of [[1, 1], [1, 9], [7, 1], [13, 11], [64, 20]] as const) {
      await compare(t, makePng({ kind, width, height, rows: randomRows(kind, width, height, width) }), `${kind.join()} of ${width}x${height}`)
    }
  }
})

t.test('rows that need several bands, or more than one each', async (t) => {
  for (const [kind, width, height] of [[[2, 8, 3], 300, 200], [[6, 8, 4], 201, 331], [[0, 8, 1], 60_000, 5], [[2, 8, 3], 50_000, 3]] as const) {
    const png = makePng({ kind, width, height, rows: randomRows(kind, width, height, width) })
    t.ok(Buffer.compare(decodeImageSync(png)!.data, (await throughSharp(png, { colour: 'rgb' })).data as Uint8Array) === 0, `${width}x${height}`)
  }
})

t.test('chunks that say nothing of the pixels, and those that tell the gamma', async (t) => {
  const make = (...chunks: Buffer[]): Buffer => makePng({ kind: [2, 8, 3], width: 9, height: 7, rows: randomRows([2, 8, 3], 9, 7, 1), chunks })
  const plain = [chunk('tEXt', Buffer.from('Comment\0none')), chunk('tIME', Buffer.from([7, 208, 1, 1, 0, 0, 0])), chunk('pHYs', Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 0]))]
  await compare(t, make(...plain), 'comments')
  for (const gamma of [45455, 100000, 50000]) await compare(t, make(chunk('gAMA', Buffer.from([0, gamma >> 16, (gamma >> 8) & 255, gamma & 255]))), `gamma ${gamma}`)
  await compare(t, make(chunk('sRGB', Buffer.of(0)), chunk('bKGD', Buffer.from([0, 1, 0, 2, 0, 3]))), 'sRGB, background')
})

t.test('what is left to sharp', async (t) => {
  const part: Parts = { kind: [2, 8, 3], width: 9, height: 7, rows: randomRows([2, 8, 3], 9, 7, 1) }
  const png = makePng(part)
  const indexed: Parts = { kind: [3, 8, 1], width: 2, height: 1, rows: Uint8Array.of(0, 1, 9) }
  const others: Record<string, Uint8Array> = {
    'a byte after the end': Buffer.concat([png, Buffer.of(0)]),
    'no end': png.subarray(0, -12),
    interlaced: await sharp(png).png({ progressive: true }).toBuffer(),
    '16 bits': await sharp(png).toColourspace('rgb16').png().toBuffer(),
    'transparent colour': makePng({ ...part, chunks: [chunk('tRNS', Buffer.from([0, 1, 0, 2, 0, 3]))] }),
    EXIF: makePng({ ...part, chunks: [chunk('eXIf', Buffer.from('4d4d002a00000008000101120003000000010006000000000000', 'hex'))] }),
    'EXIF in text': makePng({ ...part, chunks: [chunk('tEXt', Buffer.from('Raw profile type exif\0'))] }),
    'an unknown chunk that matters': makePng({ ...part, chunks: [chunk('ABCD', Buffer.alloc(1))] }),
    'a gamma twice': makePng({ ...part, chunks: [chunk('gAMA', Buffer.alloc(4)), chunk('gAMA', Buffer.alloc(4))] }),
    'an index beyond the palette': makePng({ ...indexed, chunks: [chunk('PLTE', Buffer.from([1, 2, 3, 4, 5, 6]))] }),
    'a filter of 5': makePng({ ...part, rows: Uint8Array.from(part.rows, (value, at) => (at === 0 ? 5 : value)) }),
    'too few rows': makePng({ ...part, height: 8 }),
    'too many rows': makePng({ ...part, height: 6 }),
    'far too few rows, of 3 GB': makePng({ ...part, width: 30000, height: 30000 }),
    'no pixels': makePng({ ...part, width: 0 }),
    'a method of interlacing that there is not': makePng({ ...part, interlace: 2 }),
  }
  for (const [name, bytes] of Object.entries(others)) t.equal(decodeImageSync(bytes, { maxPixels: 2 ** 31 }), undefined, name)
  t.equal(decodeImageSync(png, { maxPixels: 62 }), undefined)
  await t.rejects(decodeImage(png, { maxPixels: 62 }), { code: 'PIPE_IMAGE_TOO_LARGE' })
})

t.test('cut short anywhere, any bit flipped: sharp\'s pixels or none', async (t) => {
  const png = makePng({ kind: [2, 8, 3], width: 6, height: 5, rows: randomRows([2, 8, 3], 6, 5, 3), chunks: [chunk('tEXt', Buffer.from('Title\0a'))] })
  for (let length = 0; length < png.length; length++) if (decodeImageSync(png.subarray(0, length))) t.fail(`cut to ${length} of ${png.length} bytes`)
  let decoded = 0
  for (let bit = 0; bit < png.length * 8; bit++) {
    const flipped = Buffer.from(png)
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    const image = decodeImageSync(flipped)
    if (!image) continue
    decoded++
    t.same(image, await throughSharp(flipped, { colour: 'rgb' }), `bit ${bit}`)
  }
  t.equal(decoded, 0, 'a checksum tells of every bit')
})

t.test('damage under checksums that are right', async () => {
  const arbitrary = fc.record({ kind: fc.constantFrom(...kinds), width: fc.integer({ min: 0, max: 9 }), height: fc.integer({ min: 0, max: 5 }), rows: fc.uint8Array({ maxLength: 60 }), interlace: fc.constantFrom(0, 0, 1) })
  await fc.assert(fc.asyncProperty(arbitrary, async (parts) => {
    const png = makePng(parts)
    const image = decodeImageSync(png)
    return image === undefined || Buffer.compare(image.data as Uint8Array, (await throughSharp(png, { colour: 'rgb' })).data as Uint8Array) === 0
  }), { numRuns: 400 })
  const part: Parts = { kind: [6, 8, 4], width: 5, height: 4, rows: randomRows([6, 8, 4], 5, 4, 1) }
  await fc.assert(fc.asyncProperty(fc.integer({ min: 0, max: 4000 }), fc.boolean(), async (bit, inHeader) => {
    const png = makePng(part)
    const begin = inHeader ? 16 : png.indexOf('IDAT') + 4
    const length = png.readUInt32BE(begin - 8)
    png[begin + ((bit >> 3) % length)]! ^= 1 << (bit & 7)
    png.writeUInt32BE(crc32(png.subarray(begin - 4, begin + length)), begin + length)
    const image = decodeImageSync(png, { maxPixels: 1e6, colour: 'unchanged' })
    return image === undefined || Buffer.compare(image.data as Uint8Array, (await throughSharp(png, { colour: 'unchanged' })).data as Uint8Array) === 0
  }), { numRuns: 400 })
})

t.test('what sharp writes', async (t) => {
  const data = randomRows([2, 8, 3], 24, 40, 9).subarray(0, 24 * 40 * 3)
  for (const [channels, width] of [[1, 72], [3, 24], [4, 18]] as const) {
    const png = Buffer.from(await encodePng({ data, width, height: 40, channels }))
    t.same(decodeImageSync(png, { colour: 'unchanged' })?.data, data)
    await compare(t, png, `${channels} channels`)
  }
})

const svhn = realData('svhn')
t.test('SVHN', { skip: svhn.skip }, async (t) => {
  const names = (readdirSync(svhn.path, { recursive: true }) as string[]).filter((name) => name.endsWith('.png'))
  for (const name of names) await compare(t, readFileSync(join(svhn.path, name)), name)
})
