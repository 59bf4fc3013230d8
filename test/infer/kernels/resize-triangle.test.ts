// The vector path of the triangle filter against its float64 reference.

import t from 'tap'
import fc from 'fast-check'
import { resizeImage, resizeReference } from '../../../../infer/dist/resize.js'
import { randomNumbers } from '../networks.js'

t.test('bytes and floats, any sizes and channels', (t) => {
  const size = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 21, max: 300 }))
  t.doesNotThrow(() => fc.assert(fc.property(size, size, size, size, fc.constantFrom(1, 2, 3, 4), fc.boolean(), fc.nat(), (inWidth, inHeight, width, height, channels, isBytes, seed) => {
    const random = randomNumbers(seed)
    const values = Float32Array.from({ length: inWidth * inHeight * channels }, () => (isBytes ? Math.floor(256 * random()) : 510 * random() - 255))
    const tensor = { data: values, width: inWidth, height: inHeight, channels }
    const image = isBytes && channels === 3 ? { ...tensor, data: Uint8Array.from(values), channels: 3 as const } : tensor
    const found = resizeImage(image, width, height)
    const expected = resizeReference(tensor, width, height)
    if (found.width !== width || found.height !== height || found.channels !== channels) throw new Error('another shape')
    const furthest = found.data.reduce((most, value, index) => Math.max(most, Math.abs(value - expected.data[index]!)), 0)
    if (!(furthest < 2e-4)) throw new Error(`differs by ${furthest}`)
  }), { numRuns: 200 }))
  t.end()
})

t.test('an image larger than a band', (t) => {
  const random = randomNumbers(3)
  const data = Uint8Array.from({ length: 3000 * 900 * 3 }, () => 256 * random())
  for (const [width, height] of [[31, 7], [1, 1], [3000, 2]] as const) {
    const found = resizeImage({ data, width: 3000, height: 900, channels: 3 }, width, height)
    const expected = resizeReference({ data: Float32Array.from(data), width: 3000, height: 900, channels: 3 }, width, height)
    t.ok(found.data.every((value, index) => Math.abs(value - expected.data[index]!) < 1e-3), `${width}x${height}`)
  }
  t.end()
})
