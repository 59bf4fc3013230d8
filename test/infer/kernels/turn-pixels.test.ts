// Turning upright by EXIF's eight orientations: where each pixel goes, of any size, in the kernels'
// memory and outside.

import t from 'tap'
import { borrowPixels, turnPixels, type Orientation, type PixelImage } from '@millrace/infer/kernels'

const orientations: readonly Orientation[] = [1, 2, 3, 4, 5, 6, 7, 8]

t.test('an image of 3 x 2 grey pixels', (t) => {
  const image = { data: Uint8Array.of(1, 2, 3, 4, 5, 6), width: 3, height: 2, channels: 1 } as const
  const expected = [[1, 2, 3, 4, 5, 6], [3, 2, 1, 6, 5, 4], [6, 5, 4, 3, 2, 1], [4, 5, 6, 1, 2, 3], [1, 4, 2, 5, 3, 6], [4, 1, 5, 2, 6, 3], [6, 3, 5, 2, 4, 1], [3, 6, 2, 5, 1, 4]]
  for (const [index, orientation] of orientations.entries()) {
    const { data, width, height } = turnPixels(image, orientation)
    t.same([...data], expected[index], `orientation ${orientation}`)
    t.same([width, height], orientation >= 5 ? [2, 3] : [3, 2])
  }
  t.end()
})

t.test('in lent pixels the same, tile by tile', (t) => {
  for (const channels of [1, 3] as const) {
    for (const [width, height] of [[1, 1], [1, 70], [65, 1], [32, 64], [33, 31], [101, 67]] as const) {
      const length = width * height * channels
      const data = Uint8Array.from({ length }, (_, at) => Math.imul(at + 1, 2654435761) >>> 24)
      const image: PixelImage & { channels: typeof channels } = { data, width, height, channels }
      for (const orientation of orientations) {
        const place = borrowPixels(2 * length + 8)!
        place.fill(77)
        place.set(data, length + 8)
        const turned = turnPixels({ ...image, data: place.subarray(length + 8) }, orientation, place.subarray(0, length))
        t.same(turned.data, turnPixels(image, orientation).data, `${width}x${height}x${channels}, ${orientation}`)
        t.ok(place.subarray(length, length + 8).every((value) => value === 77), 'nothing is written beyond')
      }
    }
  }
  t.end()
})
