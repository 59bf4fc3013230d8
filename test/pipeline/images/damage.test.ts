// Whatever the bytes, decoding ends with pixels that fill their image or with a typed error, soon and
// within the limit on pixels; with either codec.

import t from 'tap'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { PipelineError } from '@millrace/pipeline'
import { decodeImage, encodeJpeg, encodePng, loadTurboJpeg, type Codec, type DecodeOptions, type RawImage } from '@millrace/pipeline/images'
import { realData } from '../../support.js'

const codecs: readonly Codec[] = loadTurboJpeg() ? ['sharp', 'turbojpeg'] : ['sharp']
const colours = ['rgb', 'grey', 'unchanged'] as const

/** The code of the error, or undefined for a whole image; any other error is thrown on. */
async function decodes(bytes: Uint8Array, options: DecodeOptions): Promise<string | undefined> {
  try {
    const { data, width, height, channels } = await decodeImage(bytes, options)
    if (data.length !== width * height * channels || width * height > (options.maxPixels ?? Infinity)) throw new Error(`${data.length} bytes for ${width}x${height}x${channels}`)
    return undefined
  } catch (error) {
    if (error instanceof PipelineError) return error.code
    throw error
  }
}

const edges = realData('edge-images')
t.test('edge cases: each decodes or says why not', { skip: edges.skip }, async (t) => {
  const refused: Record<string, string> = { 'corrupt-header.jpg': 'PIPE_IMAGE_DAMAGED', 'truncated.png': 'PIPE_IMAGE_DAMAGED', '65536-uint32-limit.png': 'PIPE_IMAGE_TOO_LARGE' }
  for (const name of readdirSync(edges.path).filter((name) => /\.(png|jpg|webp|gif)$/.test(name))) {
    for (const codec of codecs) t.equal(await decodes(readFileSync(join(edges.path, name)), { codec }), refused[name], `${name} through ${codec}`)
  }
})

t.test('cut and flipped files', async (t) => {
  const image: RawImage = { data: Uint8Array.from({ length: 20 * 15 * 3 }, (_, at) => (at * 31) % 256), width: 20, height: 15, channels: 3 }
  const progressive = await sharp(image.data, { raw: { width: 20, height: 15, channels: 3 } }).jpeg({ progressive: true, quality: 30 }).toBuffer()
  const files = { jpeg: await encodeJpeg(image, { quality: 30 }), progressive, png: await encodePng(image) }
  for (const [name, file] of Object.entries(files)) {
    for (const codec of name === 'png' ? (['sharp'] as const) : codecs) {
      const outcomes = new Set<string | undefined>()
      const end = file.length - (name === 'png' ? 12 : 2) // without its end mark a PNG is whole
      for (let length = 0; length < end; length += 1 + Math.floor(file.length / 80)) {
        const outcome = await decodes(file.subarray(0, length), { codec, colour: colours[length % 3]! })
        if (outcome === undefined) t.fail(`${name} cut to ${length} of ${file.length} bytes decodes`)
        outcomes.add(outcome)
      }
      t.same([...outcomes], ['PIPE_IMAGE_DAMAGED'], `${name} through ${codec}, cut short`)
      for (let bit = 0; bit < file.length * 8; bit += 1 + Math.floor(file.length / 20)) {
        const flipped = Uint8Array.from(file)
        flipped[bit >> 3]! ^= 1 << (bit & 7)
        outcomes.add(await decodes(flipped, { codec, maxPixels: 1e6, colour: colours[bit % 3]! }))
      }
      for (const outcome of outcomes) t.ok([undefined, 'PIPE_IMAGE_DAMAGED', 'PIPE_IMAGE_TOO_LARGE'].includes(outcome), `${name} through ${codec}, flipped: ${outcome}`)
    }
  }
})

t.test('the limit on pixels comes before the memory', async (t) => {
  const image: RawImage = { data: new Uint8Array(40 * 30 * 3), width: 40, height: 30, channels: 3 }
  const jpeg = await encodeJpeg(image)
  const huge = Uint8Array.from(jpeg)
  const frame = Buffer.from(huge.buffer).indexOf(Buffer.from('ffc0', 'hex'))
  huge.set([0xff, 0xff, 0xff, 0xff], frame + 5) // 65,535 x 65,535
  for (const codec of codecs) {
    t.equal(await decodes(huge, { codec }), 'PIPE_IMAGE_TOO_LARGE')
    t.equal(await decodes(jpeg, { codec, maxPixels: 40 * 30 - 1 }), 'PIPE_IMAGE_TOO_LARGE')
    t.equal(await decodes(jpeg, { codec, maxPixels: 40 * 30 }), undefined)
  }
})
