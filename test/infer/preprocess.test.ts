// The preprocessing steps: values by hand, what each must keep, and resize against its formula
// written down as one sum over the whole image.

import t from 'tap'
import fc from 'fast-check'
import { applyPreprocessStep, imageTensor, preprocessImage, type ImageTensor, type PreprocessStep, type RawImage } from '@millrace/infer'
import { randomNumbers } from './networks.js'

function photo(width: number, height: number, value: (x: number, y: number, channel: number) => number): RawImage {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, index) => value(Math.floor(index / 3) % width, Math.floor(index / 3 / width), index % 3))
  return { data, width, height, channels: 3 }
}

function noise(width: number, height: number, channels: number, seed: number): ImageTensor {
  const random = randomNumbers(seed)
  return { data: Float32Array.from({ length: width * height * channels }, () => 255 * random()), width, height, channels }
}

const mean = (values: Float32Array): number => values.reduce((a, b) => a + b, 0) / values.length

t.test('no steps: the bytes as numbers, in memory of their own', (t) => {
  const image = photo(2, 1, (x, _, channel) => 100 * x + channel)
  const input = preprocessImage(image, [])
  t.same([...input], [0, 1, 2, 100, 101, 102])
  input[0] = 7
  t.equal(image.data[0], 0)
  t.end()
})

t.test('resize to the same size changes nothing and copies nothing', (t) => {
  const tensor = noise(5, 4, 3, 1)
  t.equal(applyPreprocessStep(tensor, { step: 'resize', width: 5, height: 4 }), tensor)
  const taller = applyPreprocessStep(noise(5, 4, 1, 1), { step: 'resize', width: 5, height: 8 })
  const both = applyPreprocessStep(taller, { step: 'resize', width: 5, height: 8 })
  t.equal(both, taller)
  t.end()
})

t.test('resize: values by hand', (t) => {
  const resize = (values: number[], width: number): number[] =>
    [...applyPreprocessStep({ data: Float32Array.from(values), width: values.length, height: 1, channels: 1 }, { step: 'resize', width, height: 1 }).data]
  t.same(resize([0, 8], 4), [0, 2, 6, 8], 'twice as wide: bilinear, the ends held')
  t.same(resize([8, 0, 0, 0], 2), [3 / 7 * 8, 0].map(Math.fround), 'half as wide: 3 : 3 : 1 at the edge')
  t.same(resize([0, 0, 0, 8, 0, 0], 3), [0, 3 / 8 * 8, 1 / 7 * 8].map(Math.fround), '1 : 3 : 3 : 1 inside')
  t.same(resize([1, 2, 6], 1), [Math.fround((1 * 2 + 2 * 3 + 6 * 2) / 7)])
  t.end()
})

t.test('resize agrees with its formula as one sum over the image', (t) => {
  const size = fc.integer({ min: 1, max: 13 })
  fc.assert(
    fc.property(size, size, size, size, fc.constantFrom(1, 3), fc.nat(), (inWidth, inHeight, width, height, channels, seed) => {
      const tensor = noise(inWidth, inHeight, channels, seed)
      const { data } = applyPreprocessStep(tensor, { step: 'resize', width, height })
      const expected = slowResize(tensor, width, height)
      return data.length === expected.length && expected.every((value, index) => Math.abs(value - data[index]!) < 1e-4)
    }),
    { numRuns: 200 },
  )
  t.end()
})

t.test('resize keeps a constant image constant, and the mean where it enlarges or shrinks evenly', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 255 }), (inSize, outSize, value) => {
      const tensor = imageTensor(photo(inSize, 3, () => value))
      return applyPreprocessStep(tensor, { step: 'resize', width: outSize, height: 5 }).data.every((found) => Math.abs(found - value) < 1e-4)
    }),
  )
  const tensor = noise(64, 64, 1, 3)
  for (const size of [128, 32, 16]) {
    const found = mean(applyPreprocessStep(tensor, { step: 'resize', width: size, height: size }).data)
    t.ok(Math.abs(found - mean(tensor.data)) < 1, `${size}: ${found} against ${mean(tensor.data)}`)
  }
  t.end()
})

t.test('many sizes in a row: the cache of filters has an end and stays right', (t) => {
  const first = applyPreprocessStep(noise(9, 9, 1, 1), { step: 'resize', width: 5, height: 5 }).data
  for (let size = 1; size <= 400; size++) applyPreprocessStep(noise(size, 1, 1, 1), { step: 'resize', width: 7, height: 1 })
  t.same(applyPreprocessStep(noise(9, 9, 1, 1), { step: 'resize', width: 5, height: 5 }).data, first)
  t.end()
})

t.test('crop takes the middle, rounded up and left, or the place given', (t) => {
  const image = photo(7, 6, (x, y) => 10 * y + x)
  const step: PreprocessStep = { step: 'crop', width: 2, height: 3 }
  const first = (tensor: { data: ArrayLike<number> }): number => tensor.data[0]!
  t.equal(first(applyPreprocessStep(image, step)), 12, 'left floor(5 / 2) = 2, top floor(3 / 2) = 1')
  t.equal(first(applyPreprocessStep(image, step, { left: 5, top: 3 })), 35)
  t.equal(first(applyPreprocessStep(image, step, { left: 0, top: 0 })), 0)
  const { data, width, height } = applyPreprocessStep(applyPreprocessStep(image, { step: 'grey' }), step)
  t.same([width, height, ...data].map(Math.round), [2, 3, 12, 13, 22, 23, 32, 33], 'of a tensor')
  t.throws(() => applyPreprocessStep(image, step, { left: 6, top: 0 }), { code: 'INFER_ARGUMENT', message: /crop of 2x3 at 6,0: expected it within 7x6/ })
  t.throws(() => applyPreprocessStep(image, step, { left: 0, top: -1 }), { code: 'INFER_ARGUMENT' })
  t.throws(() => applyPreprocessStep(image, step, { left: 0.5, top: 0 }), { code: 'INFER_ARGUMENT' })
  t.end()
})

t.test('an image smaller than the crop', (t) => {
  const steps: PreprocessStep[] = [{ step: 'crop', width: 4, height: 4 }]
  t.throws(() => preprocessImage(photo(3, 9, () => 0), steps), { code: 'INFER_IMAGE_TOO_SMALL', message: /3x9 pixels.*4x4/ })
  t.throws(() => preprocessImage(photo(9, 3, () => 0), steps), { code: 'INFER_IMAGE_TOO_SMALL' })
  t.equal(preprocessImage(photo(4, 4, () => 1), steps).length, 48)
  t.end()
})

t.test('grey has the weights of ITU-R BT.601 and is not rounded', (t) => {
  const { data, channels } = applyPreprocessStep(photo(1, 1, (_x, _y, channel) => [10, 20, 31][channel]!), { step: 'grey' })
  t.same([channels, ...data], [1, Math.fround(0.299 * 10 + 0.587 * 20 + 0.114 * 31)])
  t.throws(() => applyPreprocessStep(noise(2, 2, 1, 1), { step: 'grey' }), { code: 'INFER_ARGUMENT' })
  t.end()
})

t.test('standardise: mean 0 and standard deviation 1; an image of one colour becomes 0', (t) => {
  const { data } = applyPreprocessStep(noise(16, 16, 3, 5), { step: 'standardise' })
  const squares = data.map((value) => value * value)
  t.ok(Math.abs(mean(data)) < 1e-6)
  t.ok(Math.abs(mean(squares) - 1) < 1e-5)
  t.ok(applyPreprocessStep(photo(4, 4, () => 200), { step: 'standardise' }).data.every((value) => value === 0))
  const faint = applyPreprocessStep({ data: Float32Array.of(0, 0.02), width: 2, height: 1, channels: 1 }, { step: 'standardise' })
  t.ok(Math.abs(faint.data[1]! - 0.01 * Math.SQRT2) < 1e-6, 'the deviation counts as 1/√(number of values) at least')
  t.end()
})

t.test('normalise by channel', (t) => {
  const step: PreprocessStep = { step: 'normalise', mean: [1, 2, 3], scale: [1, 2, 0.5] }
  t.same([...applyPreprocessStep(photo(2, 1, (x, _, channel) => 10 * x + channel), step).data], [-1, -2, -0.5, 9, 18, 4.5])
  t.throws(() => applyPreprocessStep(noise(1, 1, 1, 1), step), { code: 'INFER_ARGUMENT', message: /expected 1 values/ })
  t.end()
})

t.test('sizes that do not agree with the pixels', (t) => {
  const data = new Uint8Array(12)
  for (const [width, height] of [[3, 1], [0, 4], [-2, -2], [1.5, 8 / 3], [NaN, 4]] as const) {
    t.throws(() => preprocessImage({ data, width, height, channels: 3 }, []), { code: 'INFER_ARGUMENT' }, `${width}x${height}`)
  }
  t.throws(() => applyPreprocessStep({ data, width: 9, height: 9, channels: 3 }, { step: 'grey' }), { code: 'INFER_ARGUMENT' })
  t.end()
})

t.test('the steps of a whole list follow each other', (t) => {
  const image = photo(150, 80, (x, y, channel) => (x * 7 + y * 13 + channel * 29) % 256)
  const steps: PreprocessStep[] = [{ step: 'resize', width: 64, height: 64 }, { step: 'grey' }, { step: 'crop', width: 54, height: 54 }, { step: 'resize', width: 32, height: 32 }, { step: 'standardise' }]
  let tensor = imageTensor(image)
  for (const step of steps) tensor = applyPreprocessStep(tensor, step)
  t.same(preprocessImage(image, steps), tensor.data, 'bytes or numbers at the start, the same input')
  t.same([tensor.width, tensor.height, tensor.channels], [32, 32, 1])
  t.end()
})

/** Every output value as the weighted mean over all pixels, by the formula at the head of resize.ts. */
function slowResize({ data, width: inWidth, height: inHeight, channels }: ImageTensor, width: number, height: number): number[] {
  const weight = (o: number, i: number, scale: number): number => Math.max(0, 1 - Math.abs(i + 0.5 - (o + 0.5) * scale) / Math.max(scale, 1))
  const result: number[] = []
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < channels; channel++) {
        let [sum, total] = [0, 0]
        for (let iy = 0; iy < inHeight; iy++) {
          for (let ix = 0; ix < inWidth; ix++) {
            const share = weight(y, iy, inHeight / height) * weight(x, ix, inWidth / width)
            sum += share * data[(iy * inWidth + ix) * channels + channel]!
            total += share
          }
        }
        result.push(sum / total)
      }
    }
  }
  return result
}
