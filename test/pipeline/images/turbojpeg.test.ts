// libturbojpeg beside sharp: the same bytes both ways, scaled decoding, what happens without it.

import t from 'tap'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { turnPixels, type Orientation } from '@millrace/infer/kernels'
import { codecVersions, decodeImage, decodeImageSync, encodeJpeg, encodeJpegSync, loadTurboJpeg, type Codec, type RawImage } from '@millrace/pipeline/images'
import { realData } from '../../support.js'

const without = loadTurboJpeg() ? false : 'no libturbojpeg here (Debian: apt-get install libturbojpeg0)'
const codecs: readonly Codec[] = without ? ['sharp'] : ['sharp', 'turbojpeg']

function picture(width: number, height: number, channels: 1 | 3 | 4): RawImage {
  return { data: Uint8Array.from({ length: width * height * channels }, (_, at) => 128 + 90 * Math.sin(at / 50) + ((at * 7919) % 37)), width, height, channels }
}

const photos = realData('coco128/images')
t.test('photos: the same pixels, the same JPEG', { skip: without || photos.skip }, async (t) => {
  for (const name of readdirSync(photos.path).slice(0, 12)) {
    const bytes = readFileSync(join(photos.path, name))
    for (const colour of ['rgb', 'grey'] as const) {
      const [ours, theirs] = [await decodeImage(bytes, { colour, codec: 'turbojpeg' }), await decodeImage(bytes, { colour })]
      t.same([ours.width, ours.height, ours.channels], [theirs.width, theirs.height, theirs.channels], name)
      t.ok(Buffer.compare(ours.data, theirs.data) === 0, `${name}: pixels`)
    }
  }
})

t.test('encoding: the same bytes for every number of channels, chroma and odd size', { skip: without }, async (t) => {
  for (const channels of [1, 3, 4] as const) {
    for (const chroma of ['4:4:4', '4:2:0'] as const) {
      for (const [width, height, quality] of [[1, 1, 95], [17, 9, 1], [64, 48, 50], [33, 70, 90], [101, 37, 100]] as const) {
        const image = picture(width, height, channels)
        const [ours, theirs] = [await encodeJpeg(image, { quality, chroma, codec: 'turbojpeg' }), await encodeJpeg(image, { quality, chroma })]
        t.ok(Buffer.compare(ours, theirs) === 0, `${width}x${height}x${channels}, ${chroma}, quality ${quality}`)
      }
    }
  }
})

t.test('scaled decoding keeps the shorter edge', async (t) => {
  const image = picture(401, 300, 3)
  const upright = await encodeJpeg(image)
  const onItsSide = await sharp(upright).withMetadata({ orientation: 6 }).toBuffer()
  for (const codec of codecs) {
    for (const colour of ['rgb', 'grey', 'unchanged'] as const) {
      for (const minShorterEdge of [1, 37, 38, 75, 100, 149, 150, 151, 299, 300, 400]) {
        const { width, height, data, channels } = await decodeImage(upright, { codec, colour, minShorterEdge })
        t.ok(height >= Math.min(300, minShorterEdge) && height <= 300, `${codec}, ${colour}: ${height} for ${minShorterEdge}`)
        t.ok(Math.abs(width - (height * 401) / 300) < 2 && data.length === width * height * channels)
      }
      const turned = await decodeImage(onItsSide, { codec, colour, minShorterEdge: 75 })
      t.equal(turned.width < turned.height, colour !== 'unchanged')
    }
    t.ok((await decodeImage(upright, { codec, minShorterEdge: 75 })).height <= 76, 'a quarter')
  }
})

t.test('turned by EXIF: the same pixels, lent or not, scaled or not', { skip: without }, async (t) => {
  for (const orientation of [1, 2, 3, 4, 5, 6, 7, 8]) {
    for (const [width, height] of [[1, 1], [37, 90], [101, 64]] as const) {
      const upright = await encodeJpeg(picture(width, height, 3))
      const turned = await sharp(upright).keepExif().withMetadata({ orientation }).jpeg({ quality: 90 }).toBuffer()
      for (const colour of ['rgb', 'grey', 'unchanged'] as const) {
        const [ours, theirs] = [decodeImageSync(turned, { colour, codec: 'turbojpeg' }), await decodeImage(turned, { colour })]
        t.same([ours?.width, ours?.height, ours?.channels], [theirs.width, theirs.height, theirs.channels])
        t.ok(ours && Buffer.compare(ours.data, theirs.data) === 0, `${orientation}, ${width}x${height}, ${colour}`)
        t.same(decodeImageSync(turned, { colour, codec: 'turbojpeg', borrow: true }), ours, 'lent')
      }
      const small = decodeImageSync(turned, { codec: 'turbojpeg', minShorterEdge: 20 })!
      const stored = decodeImageSync(turned, { codec: 'turbojpeg', minShorterEdge: 20, colour: 'unchanged' }) as RawImage<3>
      t.same(small, turnPixels(stored, orientation as Orientation), 'scaled')
    }
  }
})

t.test('EXIF with any bit wrong: sharp\'s pixels', { skip: without }, async (t) => {
  const turned = await sharp(await encodeJpeg(picture(9, 5, 3))).withExif({ IFD0: { Make: 'any' } }).withMetadata({ orientation: 6 }).jpeg().toBuffer()
  const begin = turned.indexOf('Exif')
  let different = 0
  for (let bit = (begin - 4) * 8; bit < (begin + 110) * 8; bit++) {
    const flipped = Buffer.from(turned)
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    if (flipped[begin - 3]! >> 4 === 0xc) continue // a frame header
    const image = decodeImageSync(flipped, { codec: 'turbojpeg' })
    const theirs = image && (await decodeImage(flipped))
    if (image && !(image.width === theirs!.width && Buffer.compare(image.data, theirs!.data) === 0)) t.fail(`byte ${(bit >> 3) - begin} of EXIF, bit ${bit & 7}: ${different++}`)
  }
  t.equal(different, 0)
  t.ok(decodeImageSync(turned, { codec: 'turbojpeg' }), 'the library is none the worse')
})

const large = realData('large-photos')
t.test('photos turned by EXIF', { skip: without || large.skip }, async (t) => {
  for (const name of readdirSync(large.path).filter((name) => name.endsWith('.jpg'))) {
    const bytes = readFileSync(join(large.path, name))
    const [ours, theirs] = [decodeImageSync(bytes, { codec: 'turbojpeg', borrow: true }), await decodeImage(bytes)]
    t.ok(ours && ours.width === theirs.width && Buffer.compare(ours.data, theirs.data) === 0, name)
  }
})

t.test('at once: the same, or nothing where only sharp can tell', async (t) => {
  const image = picture(40, 30, 3)
  const jpeg = await encodeJpeg(image)
  t.equal(encodeJpegSync(image), undefined)
  t.equal(decodeImageSync(Buffer.from('GIF89a')), undefined)
  t.throws(() => encodeJpegSync(image, { quality: 0 }), { code: 'PIPE_OPTION' })
  t.throws(() => decodeImageSync(jpeg, { maxPixels: 1199 }), { code: 'PIPE_IMAGE_TOO_LARGE' })
  if (without) return
  t.same(encodeJpegSync(image, { codec: 'turbojpeg' }), await encodeJpeg(image, { codec: 'turbojpeg' }))
  t.same(decodeImageSync(jpeg, { codec: 'turbojpeg' }), await decodeImage(jpeg, { codec: 'turbojpeg' }))
  t.equal(decodeImageSync(jpeg.subarray(0, 700), { codec: 'turbojpeg' }), undefined, 'cut short')
})

t.test('the library is named in the manifest', { skip: without }, (t) => {
  t.match(codecVersions('turbojpeg'), { sharp: String, turbojpeg: /turbojpeg/ })
  t.end()
})

t.test('where the library is not', (t) => {
  const run = (environment: Record<string, string>, code: string): string =>
    execFileSync(process.execPath, ['--input-type=module', '-e', `import { loadTurboJpeg, codecVersions } from '@millrace/pipeline/images'\n${code}`], {
      encoding: 'utf8', env: { ...process.env, ...environment }, cwd: new URL('../../../', import.meta.url),
    })
  const print = (call: string): string => `try { console.log(${call}) } catch (error) { console.log(error.code, error.message) }`
  t.match(run({ MILLRACE_TURBOJPEG: '/nowhere/libturbojpeg.so' }, print('loadTurboJpeg()')), /^PIPE_OPTION MILLRACE_TURBOJPEG: .*\/nowhere\/libturbojpeg\.so/)
  t.match(run({}, `Object.defineProperty(process, 'platform', { value: 'sunos' })\n${print('loadTurboJpeg()')}\n${print('codecVersions("turbojpeg")')}`), /^undefined\nPIPE_OPTION codec: /)
  t.end()
})
