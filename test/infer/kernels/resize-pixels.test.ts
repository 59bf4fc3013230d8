// The fast paths of resizing against the plain loops, byte for byte: every channel count, odd sizes,
// images of one pixel, rows that need several bands.

import t from 'tap'
import fc from 'fast-check'
import { borrowPixels, resizePixels, resizePixelsReference, type PixelImage, type PixelSize, type ResizeMethod } from '@millrace/infer/kernels'
import { randomNumbers } from '../networks.js'

interface Case {
  readonly image: PixelImage
  readonly to: PixelSize
}

function noise(width: number, height: number, channels: 1 | 3 | 4, seed = 1): PixelImage {
  const random = randomNumbers(seed)
  return { data: Uint8Array.from({ length: width * height * channels }, () => 256 * random()), width, height, channels }
}

const side = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 70 }))
const channelCount = fc.constantFrom<1 | 3 | 4>(1, 3, 4)
const seed = fc.integer({ min: 1, max: 1e6 })
const anySizes = fc.record({ width: side, height: side, toWidth: side, toHeight: side, channels: channelCount, seed })
  .map((c): Case => ({ image: noise(c.width, c.height, c.channels, c.seed), to: { width: c.toWidth, height: c.toHeight } }))
const wholeScales = fc.record({ toWidth: side, toHeight: side, across: fc.integer({ min: 1, max: 5 }), down: fc.integer({ min: 1, max: 5 }), channels: channelCount, seed })
  .map((c): Case => ({ image: noise(c.toWidth * c.across, c.toHeight * c.down, c.channels, c.seed), to: { width: c.toWidth, height: c.toHeight } }))
const halves = fc.record({ toWidth: side, toHeight: side, channels: channelCount, seed })
  .map((c): Case => ({ image: noise(2 * c.toWidth, 2 * c.toHeight, c.channels, c.seed), to: { width: c.toWidth, height: c.toHeight } }))

/** The same pixels where the kernels need not copy them from. */
function lend(pixels: Uint8Array): Uint8Array {
  const lent = borrowPixels(pixels.length)!
  lent.set(pixels)
  return lent
}

const agrees = (method: ResizeMethod) => ({ image, to }: Case): boolean => {
  const plain = resizePixelsReference(image, to, method)
  const fast = resizePixels(image, to, method)
  const lent = resizePixels({ ...image, data: lend(image.data) }, to, method)
  const isEqual = (other: PixelImage): boolean => Buffer.compare(other.data, plain.data) === 0
  const areEqual = isEqual(lent) && isEqual(resizePixels(image, to, method, true)) && isEqual(resizePixels({ ...image, data: lend(image.data) }, to, method, true))
  return areEqual && isEqual(fast) && fast.width === to.width && fast.height === to.height && fast.channels === image.channels
}

for (const method of ['nearest', 'bilinear', 'cubic', 'area', 'lanczos4'] as const) {
  t.test(`${method}: any sizes, whole scales, halves`, (t) => {
    for (const sizes of [anySizes, wholeScales, halves]) t.doesNotThrow(() => fc.assert(fc.property(sizes, agrees(method)), { numRuns: method === 'cubic' || method === 'lanczos4' ? 80 : 300 }))
    t.end()
  })

  t.test(`${method}: images larger than a band, wide and high, and back to small ones`, (t) => {
    const cases: [PixelImage, PixelSize][] = [
      [noise(1500, 700, 3), { width: 333, height: 256 }],
      [noise(1500, 700, 1), { width: 750, height: 350 }],
      [noise(700, 1100, 4), { width: 175, height: 275 }],
      [noise(90_000, 3, 4), { width: 45_001, height: 2 }],
      [noise(2, 9000, 3), { width: 3, height: 4 }],
      [noise(30, 20, 3), { width: 1100, height: 700 }],
      [noise(7, 5, 3), { width: 5, height: 3 }],
    ]
    const isSlow = method === 'cubic' || method === 'lanczos4' // their references are
    for (const [image, to] of isSlow ? cases.slice(-3) : cases) t.ok(agrees(method)({ image, to }), `${image.width}x${image.height}x${image.channels} to ${to.width}x${to.height}`)
    t.end()
  })
}

t.test('equal sizes, even grey', (t) => {
  const image = noise(5, 4, 3)
  const copy = resizePixels(image, { width: 5, height: 4 })
  t.same(copy.data, image.data)
  t.not(copy.data, image.data, 'new pixels')
  const flat: PixelImage = { data: new Uint8Array(31 * 17 * 3).fill(200), width: 31, height: 17, channels: 3 }
  for (const method of ['nearest', 'bilinear', 'cubic', 'area', 'lanczos4'] as const) {
    for (const to of [{ width: 13, height: 40 }, { width: 7, height: 5 }]) t.ok(resizePixels(flat, to, method).data.every((value) => Math.abs(value - 200) <= 1), `${method} keeps an even grey`)
  }
  t.end()
})

t.test('lent pixels outlast a resize; more than 64 MiB are not lent', (t) => {
  const image = noise(300, 200, 3)
  const lent = lend(image.data)
  resizePixels({ ...image, data: lent }, { width: 900, height: 700 })
  resizePixels({ ...image, data: lent }, { width: 30, height: 65535 }, 'lanczos4')
  t.ok(Buffer.compare(lent, image.data) === 0)
  t.equal(borrowPixels(2 ** 26 + 1), undefined)
  t.end()
})

t.test('sizes and pixels that do not fit', (t) => {
  const image = noise(5, 4, 3)
  for (const width of [0, -1, 1.5, NaN]) t.throws(() => resizePixels(image, { width, height: 4 }), { code: 'INFER_ARGUMENT' })
  t.throws(() => resizePixels({ ...image, width: 6 }, { width: 2, height: 2 }), { code: 'INFER_ARGUMENT' })
  t.end()
})
