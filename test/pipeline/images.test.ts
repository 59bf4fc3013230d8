// Decoding gives RGB whatever the file; a damaged file is an error; crop, resize and encode.

import t from 'tap'
import { readFileSync } from 'node:fs'
import sharp from 'sharp'
import { codecVersions, cropImage, decodeImage, encodeJpeg, encodePng, encodeWebp, resizeAntialiased, resizeImage, toEightBits, type RawImage } from '@millrace/pipeline/images'
import { realData } from '../support.js'
import { createPng } from './digit-struct-fixture.js'

const orange = { r: 200, g: 100, b: 50 }
const flat = sharp({ create: { width: 6, height: 4, channels: 3, background: orange } })
const translucent = sharp({ create: { width: 6, height: 4, channels: 4, background: { ...orange, alpha: 0.3 } } })

t.test('every kind of file becomes RGB', async (t) => {
  const files = {
    png: flat.clone().png(),
    palette: flat.clone().png({ palette: true }),
    alpha: translucent.clone().png(),
    '16 bits': flat.clone().toColourspace('rgb16').png(),
    gif: flat.clone().gif(),
    webp: flat.clone().webp({ lossless: true }),
    tiff: flat.clone().tiff({ compression: 'none' }),
  }
  for (const [name, file] of Object.entries(files)) {
    const image = await decodeImage(await file.toBuffer())
    t.same([image.width, image.height, image.channels, image.data.length], [6, 4, 3, 72], name)
    t.same([...image.data.subarray(0, 3)], [200, 100, 50], name)
  }
  const grey = await decodeImage(await flat.clone().greyscale().toColourspace('b-w').png().toBuffer())
  t.same([...grey.data.subarray(0, 3)], [grey.data[0], grey.data[0], grey.data[0]], 'grey')
  const cmyk = await decodeImage(await flat.clone().toColourspace('cmyk').jpeg().toBuffer())
  t.ok([...cmyk.data.subarray(0, 3)].every((value, channel) => Math.abs(value - [200, 100, 50][channel]!) < 40), 'CMYK')
})

t.test('EXIF turns the picture, the first frame of an animation is taken', async (t) => {
  const turned = await flat.clone().jpeg().withMetadata({ orientation: 6 }).toBuffer()
  t.match(await decodeImage(turned), { width: 4, height: 6 })
  const frames = await sharp({ create: { width: 6, height: 8, channels: 3, background: orange, pageHeight: 4 } }).gif().toBuffer()
  t.match(await decodeImage(frames), { width: 6, height: 4 })
})

t.test('half an image is an error', async (t) => {
  const png = await createPng(60, 40)
  const jpeg = await sharp(png).jpeg().toBuffer()
  for (const file of [png, jpeg]) {
    for (const share of [0, 0.1, 0.5, 0.9]) {
      await t.rejects(decodeImage(file.subarray(0, file.length * share), { name: 'half.png' }), { code: 'PIPE_IMAGE_DAMAGED', message: /^half\.png: / })
    }
  }
  await t.rejects(decodeImage(Buffer.from('no image at all')), { code: 'PIPE_IMAGE_DAMAGED' })
  await t.rejects(decodeImage(png, { maxPixels: 60 * 40 - 1 }), { code: 'PIPE_IMAGE_TOO_LARGE' })
})

const real = realData('svhn/train/2.png')
t.test('a real PNG cut in half', { skip: real.skip }, async (t) => {
  const png = readFileSync(real.path)
  t.match(await decodeImage(png), { width: 199, height: 83 })
  await t.rejects(decodeImage(png.subarray(0, png.length / 2)), { code: 'PIPE_IMAGE_DAMAGED' })
})

t.test('crop', async (t) => {
  const image = await decodeImage(await createPng(20, 10))
  const part = cropImage(image, { left: 3, top: 2, width: 5, height: 4 })
  t.match(part, { width: 5, height: 4, channels: 3 })
  t.same(part.data.subarray(0, 15), image.data.subarray((2 * 20 + 3) * 3, (2 * 20 + 3) * 3 + 15))
  t.throws(() => cropImage(image, { left: 16, top: 0, width: 5, height: 4 }), { code: 'PIPE_OPTION' })
  t.throws(() => cropImage(image, { left: 0.5, top: 0, width: 5, height: 4 }), { code: 'PIPE_OPTION' })
})

t.test('16 bits stay through crop, resize and PNG, and 8 remain where they are not asked for', async (t) => {
  for (const channels of [1, 3, 4] as const) {
    const image = { data: Uint16Array.from({ length: 12 * 10 * channels }, (_, at) => (at * 40503) % 65536), width: 12, height: 10, channels }
    const part = cropImage(image, { left: 1, top: 2, width: 3, height: 4 })
    t.same(part.data.subarray(0, 3 * channels), image.data.subarray(25 * channels, 28 * channels))
    const stored = await encodePng(image)
    t.same(await decodeImage(stored, { colour: 'unchanged', keepDepth: true }), image)
    const shallow = await decodeImage(stored, { colour: 'unchanged' })
    t.same(toEightBits(image), { ...shallow, data: new Uint8Array(shallow.data) })
    t.equal((await decodeImage(stored, { keepDepth: true })).data.BYTES_PER_ELEMENT, 1, 'rgb has 8 bits')
    for (const small of [resizeImage(image, { width: 5, height: 4 }), await resizeAntialiased({ ...image, data: image.data.fill(513) }, { width: 5, height: 4 })]) {
      t.match(small, { width: 5, height: 4, channels })
      t.ok(small.data instanceof Uint16Array && small.data.length === 20 * channels)
    }
  }
})

const stripes: RawImage<3> = { data: Uint8Array.from({ length: 64 * 8 * 3 }, (_, at) => (Math.floor(at / 3) % 2) * 255), width: 64, height: 8, channels: 3 }

t.test('resize: by name of the filter, aspect not kept', (t) => {
  const samples: Record<string, number[]> = {}
  for (const method of ['nearest', 'bilinear', 'cubic', 'area', 'lanczos4'] as const) {
    const small = resizeImage(stripes, { width: 10, height: 16 }, method)
    t.match(small, { width: 10, height: 16, channels: 3 })
    samples[method] = [...small.data.subarray(0, 12)].filter((_, at) => at % 3 === 0)
  }
  t.same(samples, { nearest: [0, 0, 0, 255], bilinear: [178, 229, 127, 25], cubic: [200, 248, 128, 7], area: [215, 231, 247, 32], lanczos4: [204, 249, 127, 6] })
  t.same(resizeImage(stripes, { width: 10, height: 16 }), resizeImage(stripes, { width: 10, height: 16 }, 'bilinear'), 'bilinear unless told')
  t.equal(resizeImage(stripes, { width: 64, height: 8 }), stripes)
  for (const width of [0, 1.5, 70000, NaN]) t.throws(() => resizeImage(stripes, { width, height: 8 }), { code: 'PIPE_OPTION' })
  t.end()
})

t.test('resize, antialiased', async (t) => {
  const small = await resizeAntialiased(stripes, { width: 8, height: 16 })
  t.match(small, { width: 8, height: 16 })
  t.equal(small.data.length, 8 * 16 * 3)
  t.ok(small.data.every((value) => Math.abs(value - 127.5) < 20), 'stripes become grey')
  t.equal(await resizeAntialiased(stripes, { width: 64, height: 8 }), stripes)
  for (const width of [0, 1.5, 70000, NaN]) await t.rejects(resizeAntialiased(stripes, { width, height: 8 }), { code: 'PIPE_OPTION' })
})

t.test('encode', async (t) => {
  const image = await decodeImage(await createPng(60, 40))
  t.match(await sharp(await encodeJpeg(image)).metadata(), { format: 'jpeg', width: 60, height: 40, chromaSubsampling: '4:2:0', density: 72 })
  t.match(await sharp(await encodeJpeg(image, { chroma: '4:4:4' })).metadata(), { chromaSubsampling: '4:4:4' })
  t.ok((await encodeJpeg(image, { quality: 30 })).length < (await encodeJpeg(image)).length)
  t.ok((await encodePng(image, { compression: 9 })).length < (await encodePng(image, { compression: 0 })).length)
  t.match(await sharp(await encodeWebp(image)).metadata(), { format: 'webp', width: 60, height: 40 })
  await t.rejects(encodeJpeg(image, { quality: 101 }), { code: 'PIPE_OPTION' })
  await t.rejects(encodePng(image, { compression: 10 }), { code: 'PIPE_OPTION' })
  await t.rejects(encodeWebp(image, { quality: 0 }), { code: 'PIPE_OPTION' })
})

t.test('grey, RGB and RGBA come back from PNG as they were; JPEG drops the alpha', async (t) => {
  for (const channels of [1, 3, 4] as const) {
    const image: RawImage = { data: Uint8Array.from({ length: 9 * 7 * channels }, (_, at) => (at * 37) % 256), width: 9, height: 7, channels }
    t.same(await decodeImage(await encodePng(image), { colour: 'unchanged' }), { ...image, data: Buffer.from(image.data) })
    const jpeg = await decodeImage(await encodeJpeg(image), { colour: 'unchanged' })
    t.equal(jpeg.channels, channels === 1 ? 1 : 3)
  }
})

t.test('the versions of a codec', (t) => {
  t.match(codecVersions('sharp'), { sharp: /^\d/, vips: /^\d/, mozjpeg: String })
  t.end()
})
