// Convolution and its two gradients against float64 loops and numeric gradients, over odd shapes.

import t from 'tap'
import fc from 'fast-check'
import type { Padding } from '@millrace/infer'
import { assertClose, convolution, dot, numericGradient, randomValues, somePlaces, type Sides } from '../plain-layers.js'
import { runKernel } from './run-kernel.js'

interface Case {
  readonly count: number
  readonly size: Sides
  readonly channels: number
  readonly filters: number
  readonly kernel: Sides
  readonly strides: Sides
  readonly padding: Padding
  readonly seed: number
}

const side = (max: number): fc.Arbitrary<Sides> => fc.tuple(fc.integer({ min: 1, max }), fc.integer({ min: 1, max }))
const channelCounts = fc.constantFrom(1, 3, 4, 5, 8, 16)
const cases: fc.Arbitrary<Case> = fc.record({
  count: fc.integer({ min: 1, max: 3 }),
  size: side(9),
  channels: channelCounts,
  filters: channelCounts,
  kernel: side(5),
  strides: side(3),
  padding: fc.constantFrom<Padding>('same', 'valid'),
  seed: fc.integer({ min: 1, max: 1e6 }),
}).filter(({ size, kernel, padding }) => padding === 'same' || (kernel[0] <= size[0] && kernel[1] <= size[1]))

async function check({ count, size, channels, filters, kernel, strides, padding, seed }: Case): Promise<void> {
  const x = randomValues([count, ...size, channels], seed)
  const filter = randomValues([...kernel, channels, filters], seed + 1)
  const attributes = { strides: [...strides], pad: padding, dataFormat: 'NHWC', dilations: 1 }
  const expected = convolution(x, filter, strides, padding)
  const [y] = await runKernel('Conv2D', { x, filter }, attributes)
  assertClose('shape', y!.shape, expected.shape, 0)
  assertClose('y', y!.data, expected.data, 1e-5)

  // The loss is linear in each value, so that central differences are exact for any h.
  const dy = randomValues(expected.shape, seed + 2)
  const loss = (): number => dot(convolution(x, filter, strides, padding), dy)
  const [dfilter] = await runKernel('Conv2DBackpropFilter', { x, dy }, { ...attributes, filterShape: filter.shape })
  assertClose('d(loss)/d(filter)', dfilter!.data, numericGradient(filter.data, loss, 0.5, somePlaces(filter.data.length, 16, seed)), 1e-5)
  const [dx] = await runKernel('Conv2DBackpropInput', { dy, filter }, { ...attributes, inputShape: x.shape })
  assertClose('d(loss)/dx', dx!.data, numericGradient(x.data, loss, 0.5, somePlaces(x.data.length, 16, seed)), 1e-5)
}

t.test('odd shapes, strides 1-3, kernels 1-5, same and valid', (t) => t.resolves(fc.assert(fc.asyncProperty(cases, check), { numRuns: 150 })))

const plain: Case = { count: 2, size: [7, 8], channels: 4, filters: 8, kernel: [3, 3], strides: [1, 1], padding: 'same', seed: 1 }
const corners: Readonly<Record<string, Case>> = {
  'one pixel, one channel': { ...plain, size: [1, 1], channels: 1, filters: 1, kernel: [1, 1] },
  'a kernel larger than the image': { ...plain, size: [2, 3], kernel: [5, 5] },
  'a kernel as large as the image, valid': { ...plain, size: [3, 5], kernel: [3, 5], padding: 'valid' },
  'strides larger than the kernel': { ...plain, kernel: [1, 2], strides: [3, 3] },
  'strides larger than the kernel, valid, a rest of two rows': { ...plain, size: [8, 8], kernel: [1, 1], strides: [3, 3], padding: 'valid' },
  'strides larger than the image': { ...plain, size: [2, 2], strides: [3, 3] },
  'even kernels: the odd padding comes last': { ...plain, kernel: [2, 4] },
  'different strides': { ...plain, strides: [2, 3] },
}
for (const [name, corner] of Object.entries(corners)) t.test(name, (t) => t.resolves(check(corner)))

t.test('NaN stays where it belongs', async (t) => {
  const x = randomValues([1, 5, 5, 4], 1)
  x.data[0] = NaN
  const filter = randomValues([3, 3, 4, 4], 2)
  const [y] = await runKernel('Conv2D', { x, filter }, { strides: [1, 1], pad: 'same', dataFormat: 'NHWC', dilations: 1 })
  const places = [...y!.data.keys()].filter((index) => Number.isNaN(y!.data[index]!))
  t.same(places.map((index) => Math.floor(index / 4)), [0, 1, 5, 6].flatMap((pixel) => [pixel, pixel, pixel, pixel]))
})
