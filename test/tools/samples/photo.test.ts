// The photos themselves: repeatable, varied as promised, and their boxes around the digits.

import t from 'tap'
import { commonTypefaces, drawSamplePhoto, testOnlyTypefaces, type Photo } from 'millrace'

const count = 1000
const train = Array.from({ length: count }, (_, index) => drawSamplePhoto(1, 'train', index))
const test = Array.from({ length: 400 }, (_, index) => drawSamplePhoto(1, 'test', index))
const share = (photos: readonly Photo[], holds: (photo: Photo) => boolean): number => photos.filter(holds).length / photos.length

t.test('a photo follows from seed, split and index', async (t) => {
  const first = Buffer.from(train[17]!.image.data)
  const again = drawSamplePhoto(1, 'train', 17)
  t.strictSame([again.digits, again.boxes], [train[17]!.digits, train[17]!.boxes])
  t.ok(first.equals(again.image.data), 'the same pixels')
  t.notOk(first.equals(drawSamplePhoto(2, 'train', 17).image.data), 'another seed')
  t.notOk(first.equals(drawSamplePhoto(1, 'validation', 17).image.data), 'another split')
})

t.test('typefaces: ten and more in training, two in the test split only', async (t) => {
  const used = new Set(train.map((photo) => photo.typeface))
  t.equal(used.size, commonTypefaces.length)
  t.ok(new Set(commonTypefaces.map((name) => name.slice(0, name.lastIndexOf('-')))).size + testOnlyTypefaces.length >= 10)
  t.notOk(testOnlyTypefaces.some((name) => used.has(name)), 'never in training')
  const unseen = share(test, (photo) => testOnlyTypefaces.includes(photo.typeface))
  t.ok(unseen > 0.17 && unseen < 0.33, `a quarter of the test photos: ${unseen}`)
  for (const name of testOnlyTypefaces) t.ok(test.some((photo) => photo.typeface === name), name)
})

t.test('numbers: lengths and digits as in SVHN', async (t) => {
  const svhn = [5137, 18130, 8691, 1434].map((photos) => photos / 33402)
  svhn.forEach((expected, place) => {
    const found = share(train, (photo) => photo.digits.length === place + 1)
    t.ok(Math.abs(found - expected) < 0.05, `${place + 1} digits: ${found}, SVHN ${expected.toFixed(3)}`)
  })
  t.ok(train.some((photo) => photo.digits.length === 5), 'some numbers have 5 digits')
  t.notOk(train.some((photo) => photo.digits.startsWith('0')))
  const digits = train.map((photo) => photo.digits).join('')
  const counts = Array.from('0123456789', (digit) => digits.split(digit).length - 1)
  t.equal(Math.max(...counts), counts[1], `1 is the most common digit: ${counts.join(' ')}`)
})

t.test('other digits stand beside the number in 30 % of the photos and more', async (t) => {
  const clutter = share(train, (photo) => photo.hasClutter)
  t.ok(clutter >= 0.3 && clutter < 0.5, String(clutter))
})

t.test('most photos are under 50 px tall, and their sizes vary', async (t) => {
  t.ok(share(train, ({ image }) => image.height < 50) > 0.55)
  t.ok(new Set(train.map(({ image }) => `${image.width}x${image.height}`)).size > count / 2)
  for (const { image } of train) if (image.data.length !== image.width * image.height * 3) t.fail('pixels do not fit the size')
})

t.test('boxes lie in the photo, hold ink, and say the digits from left to right', async (t) => {
  for (const { digits, boxes, image } of [...train, ...test]) {
    const inside = boxes.every(({ left, top, width, height }) => left >= 1 && top >= 1 && left + width - 1 <= image.width && top + height - 1 <= image.height)
    const whole = boxes.every((box) => Object.values(box).every(Number.isInteger))
    const labels = boxes.map(({ label }) => label % 10).join('')
    const ordered = boxes.every((box, place) => place === 0 || box.left > boxes[place - 1]!.left)
    const large = boxes.every(({ height }) => height >= 19 && height <= 110)
    if (!inside || !whole || labels !== digits || !ordered || !large) t.fail(`${digits}: ${JSON.stringify(boxes)} in ${image.width}x${image.height}`)
  }
  const contrasts = train.flatMap((photo) => photo.boxes.map((box) => contrastIn(photo, box))).sort((one, other) => one - other)
  t.ok(contrasts[0]! > 40, `least contrast in a box: ${contrasts[0]}`)
  t.ok(contrasts[Math.floor(contrasts.length * 0.05)]! > 60, 'nearly all are well above')
})

/** The range of brightness in a box, its darkest and brightest twentieth left out. */
function contrastIn({ image }: Photo, { left, top, width, height }: Photo['boxes'][number]): number {
  const values: number[] = []
  for (let y = top - 1; y < top - 1 + height; y++) {
    for (let x = left - 1; x < left - 1 + width; x++) {
      const [red, green, blue] = image.data.subarray((y * image.width + x) * 3)
      values.push(0.299 * red! + 0.587 * green! + 0.114 * blue!)
    }
  }
  values.sort((one, other) => one - other)
  return values[Math.floor(values.length * 0.95)]! - values[Math.floor(values.length * 0.05)]!
}
