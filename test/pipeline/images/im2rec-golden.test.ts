// MXNet's own im2rec, run by someone else: our decode, crop, resize and encode give the bytes of its
// JPEG records and the pixels of its PNG records, with either codec.

import t from 'tap'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readRecords } from '@millrace/recordio'
import { cropImage, decodeImage, encodeJpeg, loadTurboJpeg, resizeImage, toEightBits, type Codec, type Colour, type DeepImage, type ResizeMethod } from '@millrace/pipeline/images'
import { realData } from '../../support.js'

const golden = realData('im2rec-golden')
const data = dirname(golden.path)
const codecs: readonly Codec[] = loadTurboJpeg() ? ['sharp', 'turbojpeg'] : ['sharp']

interface Steps {
  readonly list: string
  readonly images: string
  readonly resize: number
  readonly colour?: Colour
  readonly centreCrop?: boolean
  readonly method?: ResizeMethod | 'auto'
}

const photos = { list: 'photos.lst', images: 'coco128/images' }
const pngs = { list: 'pngs.lst', images: 'edge-images', resize: 48 }
const edges = { list: 'edges.lst', images: 'edge-images', resize: 32 }

for (const codec of codecs) {
  for (const [name, quality, size] of [['photos_r256_q95', 95, 256], ['photos_r96_q50', 50, 96]] as const) {
    t.test(`${name} through ${codec}: every byte`, { skip: golden.skip }, async (t) => {
      for await (const { path, image, stored } of compare(name, { ...photos, resize: size }, codec)) {
        t.ok(Buffer.compare(await encodeJpeg(toEightBits(image), { quality, codec }), stored) === 0, path)
      }
    })
  }

  const inPixels: Record<string, Steps> = {
    photos_r96_png: { ...photos, resize: 96 },
    photos_r96_crop_gray_png: { ...photos, resize: 96, colour: 'grey', centreCrop: true },
    pngs_r48_inter0: { ...pngs, method: 'nearest' },
    pngs_r48_inter1: { ...pngs, method: 'bilinear' },
    pngs_r48_inter2: { ...pngs, method: 'cubic' },
    pngs_r48_inter3: { ...pngs, method: 'area' },
    pngs_r48_inter4: { ...pngs, method: 'lanczos4' },
    pngs_r48_inter9: { ...pngs, method: 'auto' },
    edges_color1_png: { ...edges, colour: 'rgb' },
    edges_color0_png: { ...edges, colour: 'grey' },
    'edges_color-1_png': { ...edges, colour: 'unchanged' },
  }
  for (const [name, steps] of Object.entries(inPixels)) {
    t.test(`${name} through ${codec}: every pixel`, { skip: golden.skip }, async (t) => {
      for await (const { path, image, stored } of compare(name, steps, codec)) {
        const expected = await decodeImage(stored, { colour: 'unchanged', keepDepth: true })
        t.same([image.width, image.height, image.channels], [expected.width, expected.height, expected.channels], path)
        t.equal(8 * image.data.BYTES_PER_ELEMENT, stored[24], `${path}: bits`)
        t.ok(bytesOf(image).equals(bytesOf(expected)), path)
      }
    })
  }
}

/** Each image of a list after our steps, beside the record that im2rec wrote. */
async function* compare(name: string, steps: Steps, codec: Codec): AsyncGenerator<{ path: string; image: DeepImage; stored: Uint8Array }> {
  const lines = readFileSync(join(golden.path, steps.list), 'utf8').trim().split('\n')
  let index = 0
  for await (const { image: stored } of readRecords(join(golden.path, `${name}.rec`))) {
    const path = lines[index++]!.split('\t').at(-1)!.trim()
    const bytes = readFileSync(join(data, steps.images, path))
    yield { path, image: prepare(await decodeImage(bytes, { name: path, codec, colour: steps.colour ?? 'rgb', keepDepth: true }), steps), stored }
  }
  if (index !== lines.length) throw new Error(`${name}: ${index} records for ${lines.length} lines`)
}

function bytesOf({ data }: DeepImage): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength)
}

function prepare(whole: DeepImage, { resize, centreCrop, method = 'bilinear' }: Steps): DeepImage {
  const image = centreCrop ? cropSquare(whole) : whole
  const { width, height } = image
  const shorter = Math.min(width, height)
  const size = { width: Math.floor((width * resize) / shorter), height: Math.floor((height * resize) / shorter) }
  return resizeImage(image, size, method === 'auto' ? chooseMethod(image, size) : method)
}

function cropSquare(image: DeepImage): DeepImage {
  const side = Math.min(image.width, image.height)
  return cropImage(image, { left: Math.floor((image.width - side) / 2), top: Math.floor((image.height - side) / 2), width: side, height: side })
}

/** im2rec's inter_method 9. */
function chooseMethod(from: DeepImage, to: { width: number; height: number }): ResizeMethod {
  if (to.width > from.width && to.height > from.height) return 'cubic'
  return to.width < from.width && to.height < from.height ? 'area' : 'bilinear'
}
