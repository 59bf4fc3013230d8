// Training's inputs: those of serving, but with crops at random places that follow from their key.

import t from 'tap'
import { preprocessImage, type PreprocessStep, type RawImage } from '@millrace/infer'
import { createNetwork } from '@millrace/train'
import { prepareImage, type AugmentationKey } from '../../../../train/dist/loader/prepare-image.js'
import { randomNumbers } from '../../infer/networks.js'

const key: AugmentationKey = { seed: 1, epoch: 2, shard: 3, ordinal: 4 }

/** Each pixel holds its own place: R is its column, G its row. */
function places(width: number, height: number): RawImage {
  return { data: Uint8Array.from({ length: width * height * 3 }, (_, index) => [Math.floor(index / 3) % width, Math.floor(index / 3 / width), 0][index % 3]!), width, height, channels: 3 }
}

t.test('without a key: what serving does, to the bit', (t) => {
  const random = randomNumbers(1)
  const photo: RawImage = { data: Uint8Array.from({ length: 71 * 58 * 3 }, () => 256 * random()), width: 71, height: 58, channels: 3 }
  const normalise: PreprocessStep[] = [{ step: 'crop', width: 50, height: 50 }, { step: 'normalise', mean: [1, 2, 3], scale: [0.5, 0.1, 2] }]
  for (const steps of [createNetwork('svhn-digits').preprocessing, createNetwork('svhn-digits-published').preprocessing, normalise, []]) {
    t.same(prepareImage(photo, steps), preprocessImage(photo, steps))
  }
  t.end()
})

t.test('the same key, the same crop; every part of the key counts', (t) => {
  const crop: PreprocessStep[] = [{ step: 'crop', width: 3, height: 3 }]
  const place = (own: AugmentationKey): string => prepareImage(places(250, 250), crop, own).subarray(0, 2).join()
  t.equal(place(key), place({ ...key }))
  for (const part of ['seed', 'epoch', 'shard', 'ordinal'] as const) t.not(place({ ...key, [part]: 77 }), place(key), part)
  t.end()
})

t.test('all places of the crop occur, none outside, each as often', (t) => {
  const counts = new Map<string, number>()
  const draws = 6000
  for (let ordinal = 0; ordinal < draws; ordinal++) {
    const [left, top, , nextLeft] = prepareImage(places(6, 4), [{ step: 'crop', width: 3, height: 2 }], { ...key, ordinal })
    if (nextLeft !== left! + 1) t.fail('not a piece of the image')
    counts.set(`${left},${top}`, (counts.get(`${left},${top}`) ?? 0) + 1)
  }
  t.same([...counts.keys()].sort(), [0, 1, 2, 3].flatMap((left) => [0, 1, 2].map((top) => `${left},${top}`)))
  t.ok([...counts.values()].every((count) => Math.abs(count - draws / 12) < 5 * Math.sqrt(draws / 12)), JSON.stringify([...counts]))
  t.end()
})

t.test('a crop of the whole image has one place; one that does not fit is an error', (t) => {
  t.same(prepareImage(places(4, 4), [{ step: 'crop', width: 4, height: 4 }], key), preprocessImage(places(4, 4), []))
  t.throws(() => prepareImage(places(4, 4), [{ step: 'crop', width: 5, height: 4 }], key), { code: 'INFER_IMAGE_TOO_SMALL' })
  t.end()
})

t.test('the image given is not changed', (t) => {
  const image = places(8, 8)
  const before = image.data.slice()
  prepareImage(image, [{ step: 'crop', width: 4, height: 4 }, { step: 'standardise' }], key)
  t.same(image.data, before)
  t.end()
})
