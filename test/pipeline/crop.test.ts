// The crop of Goodfellow et al. 2014: union, floor of 30 %/2 on either side, clamped to the image.

import t from 'tap'
import fc from 'fast-check'
import { cropBox, cropToRegions, type PixelBox, type Sample } from '@millrace/pipeline'
import { box } from './digit-struct-fixture.js'

const image = { width: 100, height: 60 }

t.test('a width of 20 gains 3 on either side', (t) => {
  t.same(cropBox([box(1, 40, 20, 20, 10)], 0.3, image), { box: { left: 37, top: 19, width: 26, height: 12 }, clamped: false })
  t.same(cropBox([box(1, 40, 20, 9, 6)], 0.3, image).box, { left: 39, top: 20, width: 11, height: 6 }, 'the margin is floored')
  t.same(cropBox([box(1, 40, 20, 20, 10)], 0, image).box, { left: 40, top: 20, width: 20, height: 10 })
  t.end()
})

t.test('the union of several boxes', (t) => {
  t.same(cropBox([box(1, 50, 22, 10, 12), box(2, 40, 20, 8, 10)], 0.3, image).box, { left: 37, top: 18, width: 26, height: 18 })
  t.end()
})

t.test('the margin stops at the image without a word, boxes that reach past it are told', (t) => {
  t.same(cropBox([box(1, 0, 0, 100, 60)], 0.3, image), { box: { left: 0, top: 0, width: 100, height: 60 }, clamped: false })
  t.same(cropBox([box(1, -4, 10, 20, 10)], 0.3, image), { box: { left: 0, top: 9, width: 19, height: 12 }, clamped: true })
  t.equal(cropBox([box(1, 90, 10, 11, 10)], 0.3, image).clamped, true)
  t.end()
})

t.test('boxes that are not in the image', (t) => {
  for (const outside of [box(1, 100), box(1, -10), box(1, 5, 60), box(1, 5, -20), box(1, 5, 5, 0, 5), box(1, 5, 5, 5, -1)]) {
    t.throws(() => cropBox([box(1, 5), outside], 0.3, image, '7.png'), { code: 'PIPE_BOX_OUTSIDE', message: /^7\.png: .*100x60/ })
  }
  t.throws(() => cropBox([], 0.3, image, '7.png'), { code: 'PIPE_NO_BOXES' })
  t.throws(() => cropToRegions({ expand: -1 }), { code: 'PIPE_OPTION' })
  t.end()
})

t.test('the crop always lies in the image and holds what is visible of every box', (t) => {
  const side = fc.double({ min: 0.5, max: 90, noNaN: true })
  const place = fc.double({ min: -50, max: 99, noNaN: true })
  const anyBox = fc.record({ left: place, top: place, width: side, height: side })
  fc.assert(fc.property(fc.array(anyBox, { minLength: 1, maxLength: 5 }), fc.double({ min: 0, max: 2, noNaN: true }), (boxes: PixelBox[], expand) => {
    const visible = boxes.filter((each) => each.left < image.width && each.top < image.height && each.left + each.width > 0 && each.top + each.height > 0)
    fc.pre(visible.length > 0)
    const { box: crop } = cropBox(visible, expand, image)
    const isInside = crop.left >= 0 && crop.top >= 0 && crop.width >= 1 && crop.height >= 1 && crop.left + crop.width <= image.width && crop.top + crop.height <= image.height
    return isInside && Object.values(crop).every(Number.isInteger) && visible.every((each) => crop.left <= Math.max(0, each.left) && crop.left + crop.width >= Math.min(image.width, each.left + each.width))
  }))
  t.end()
})

t.test('pixels and regions of a cropped sample', async (t) => {
  const data = Uint8Array.from({ length: 100 * 60 * 3 }, (_, at) => at & 255)
  const sample: Sample = {
    id: 1n,
    key: '1.png',
    label: { kind: 'digits', digits: [1] },
    regions: [box(1, 40, 20, 20, 10)],
    image: async () => ({ data, width: 100, height: 60, channels: 3 }),
  }
  const cropped = await cropToRegions().one(sample)
  const pixels = await cropped.image()
  t.match(pixels, { width: 26, height: 12 })
  t.same((pixels as { data: Uint8Array }).data.subarray(26 * 3, 26 * 3 + 6), data.subarray((20 * 100 + 37) * 3, (20 * 100 + 37) * 3 + 6))
  t.match(cropped.regions, [{ left: 3, top: 1, width: 20, height: 10 }])
  t.equal(cropped.adjusted, undefined)
  await t.rejects(cropToRegions().one({ ...sample, label: { kind: 'boxes', width: 1, height: 1, boxes: [] } }), { code: 'PIPE_LABEL' })
})
