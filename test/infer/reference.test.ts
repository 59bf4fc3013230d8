// Every operation against values worked out by hand, and against a second implementation that goes
// about it the other way round: output by output, with a function that reads zero outside the image.

import t from 'tap'
import fc from 'fast-check'
import { inferShapes, runReference, type Conv2dNode, type GraphNode, type MaxPool2dNode } from '@millrace/infer'
import { classGraph, digitsGraph, randomNumbers, randomWeights, singleNodeGraph } from './networks.js'

type Shape = readonly [number, number, number]

function run(shape: Shape, node: GraphNode, input: readonly number[], weights: Record<string, readonly number[]> = {}): number[] {
  const named = new Map(Object.entries(weights).map(([part, values]) => [`${node.name}/${part}`, Float32Array.from(values)]))
  return [...runReference(singleNodeGraph(shape, node), named, Float32Array.from(input), 1).get(node.name)!]
}

const conv = (fields: Partial<Conv2dNode>): Conv2dNode => ({ op: 'conv2d', name: 'y', input: 'image', filters: 1, kernelSize: [2, 2], strides: [1, 1], padding: 'valid', bias: false, ...fields })
const pool = (fields: Partial<MaxPool2dNode>): MaxPool2dNode => ({ op: 'maxPool2d', name: 'y', input: 'image', poolSize: [2, 2], strides: [2, 2], padding: 'valid', ...fields })

t.test('conv2d: values by hand', (t) => {
  const nine = [1, 2, 3, 4, 5, 6, 7, 8, 9]
  const kernel = [1, 10, 100, 1000]
  t.same(run([3, 3, 1], conv({}), nine, { kernel }), [5421, 6532, 8754, 9865], 'a cross-correlation: the kernel is not turned round')
  t.same(run([3, 3, 1], conv({ padding: 'same' }), nine, { kernel }), [5421, 6532, 603, 8754, 9865, 906, 87, 98, 9], 'an odd row and column of zeros at the bottom and right')
  t.same(run([3, 3, 1], conv({ padding: 'same', kernelSize: [1, 3] }), nine, { kernel: [1, 10, 100] }), [210, 321, 32, 540, 654, 65, 870, 987, 98], 'even zeros on both sides')
  t.same(run([3, 3, 1], conv({ padding: 'same', strides: [2, 2] }), nine, { kernel }), [5421, 603, 87, 9])
  t.same(run([1, 1, 2], conv({ kernelSize: [1, 1], filters: 3, bias: true }), [2, 3], { kernel: [1, 2, 3, 10, 20, 30], bias: [0.5, 0, -1] }), [32.5, 64, 95], 'kernel [.., in, out]')
  t.end()
})

t.test('maxPool2d: values by hand; padding never wins', (t) => {
  t.same(run([3, 3, 1], pool({}), [1, 2, 3, 4, 5, 6, 7, 8, 9]), [5])
  t.same(run([3, 3, 1], pool({ padding: 'same' }), [1, 2, 3, 4, 5, 6, 7, 8, 9].map((x) => -x)), [-1, -3, -7, -9])
  t.same(run([2, 2, 2], pool({}), [1, -8, 2, -7, 3, -6, 4, -5]), [4, -5], 'by channel')
  t.same(run([1, 4, 1], pool({ poolSize: [1, 3], strides: [1, 1], padding: 'same' }), [4, 1, 2, 3]), [4, 4, 3, 3])
  t.end()
})

t.test('batchNorm, relu, flatten, dropout, slice, softmax, dense: values by hand', (t) => {
  const x = [1, -2, 3, 4]
  t.same(run([1, 2, 2], { op: 'batchNorm', name: 'y', input: 'image', epsilon: 0.25 }, x, { gamma: [2, 1], beta: [0.5, -1], mean: [1, 0], variance: [0.75, 3.75] }), [0.5, -2, 4.5, 1])
  t.same(run([1, 2, 2], { op: 'relu', name: 'y', input: 'image' }, x), [1, 0, 3, 4])
  t.same(run([1, 2, 2], { op: 'dropout', name: 'y', input: 'image', rate: 0.9 }, x), x, 'dropout does nothing when serving')
  t.same(run([1, 2, 2], { op: 'flatten', name: 'y', input: 'image' }, x), x)
  t.same(run([1, 2, 2], { op: 'slice', name: 'y', input: 'image', begin: 1, size: 1 }, x), [-2, 4], 'a slice of the last axis, of every pixel')
  t.same(run([1, 2, 2], { op: 'softmax', name: 'y', input: 'image' }, [1000, 1000, -1000, 0]), [0.5, 0.5, 0, 1], 'large logits do not overflow')
  const dense = classGraph([1, 1, 2], [
    { op: 'flatten', name: 'flat', input: 'image' },
    { op: 'dense', name: 'dense', input: 'flat', units: 3, bias: true },
    { op: 'softmax', name: 'answer', input: 'dense' },
  ], 3)
  const weights = new Map([['dense/kernel', Float32Array.of(1, 2, 3, 10, 20, 30)], ['dense/bias', Float32Array.of(0, 1, 0)]])
  const outputs = runReference({ ...dense, outputs: ['dense', 'answer'] }, weights, Float32Array.of(2, 3, 0, 1), 2)
  t.same([...outputs.get('dense')!], [32, 65, 96, 10, 21, 30], 'two images, one after the other')
  t.end()
})

t.test('NaN and infinity go through and are not lost', (t) => {
  const has = (values: readonly number[]): boolean => values.some(Number.isNaN)
  t.ok(has(run([1, 2, 1], { op: 'relu', name: 'y', input: 'image' }, [NaN, 1])))
  t.ok(has(run([2, 2, 1], pool({}), [1, 2, NaN, 3])))
  t.ok(has(run([1, 1, 2], { op: 'softmax', name: 'y', input: 'image' }, [NaN, 1])))
  t.ok(has(run([1, 1, 2], { op: 'softmax', name: 'y', input: 'image' }, [Infinity, Infinity])))
  t.ok(has(run([1, 1, 1], conv({ kernelSize: [1, 1] }), [0], { kernel: [Infinity] })), '0 · ∞ is NaN: a zero is not skipped')
  t.same(run([1, 1, 1], conv({ kernelSize: [1, 1] }), [2], { kernel: [-Infinity] }), [-Infinity])
  t.same(run([2, 2, 1], pool({}), [-Infinity, -Infinity, -Infinity, -Infinity]), [-Infinity])
  t.end()
})

t.test('conv2d and maxPool2d agree with the second implementation', (t) => {
  const axis = fc.record({ size: fc.constantFrom(1, 2, 3, 5, 7, 11), window: fc.integer({ min: 1, max: 5 }), stride: fc.integer({ min: 1, max: 3 }) })
  const layer = fc.record({ vertical: axis, horizontal: axis, channels: fc.integer({ min: 1, max: 6 }), filters: fc.integer({ min: 1, max: 9 }), padding: fc.constantFrom('same', 'valid'), bias: fc.boolean(), seed: fc.nat() })
  fc.assert(
    fc.property(layer, ({ vertical, horizontal, channels, filters, padding, bias, seed }) => {
      fc.pre(padding === 'same' || (vertical.window <= vertical.size && horizontal.window <= horizontal.size))
      const shape = [vertical.size, horizontal.size, channels] as const
      const windows = { strides: [vertical.stride, horizontal.stride], padding } as const
      const kernelSize = [vertical.window, horizontal.window] as const
      const random = randomNumbers(seed)
      const input = Float32Array.from({ length: shape[0] * shape[1] * channels }, () => 2 * random() - 1)
      for (const node of [conv({ ...windows, kernelSize, filters, bias }), pool({ ...windows, poolSize: kernelSize })]) {
        const graph = singleNodeGraph(shape, node)
        const weights = randomWeights(graph, seed)
        const found = runReference(graph, weights, input, 1).get('y')!
        const expected = node.op === 'conv2d' ? slowConv(node, shape, input, (part) => weights.get(`y/${part}`)!) : slowPool(node, shape, input)
        if (found.length !== expected.length) throw new Error(`${found.length} values, expected ${expected.length}`)
        for (const [index, value] of expected.entries()) {
          if (!(Math.abs(value - found[index]!) <= 1e-6)) throw new Error(`${node.op}: value ${index} is ${found[index]}, expected ${value}`)
        }
      }
    }),
    { numRuns: 300 },
  )
  t.end()
})

t.test('a batch gives what its images give one by one', (t) => {
  const graph = digitsGraph()
  const weights = randomWeights(graph)
  const random = randomNumbers(7)
  const input = Float32Array.from({ length: 5 * 64 }, random)
  const together = runReference(graph, weights, input, 5)
  for (const [name, values] of together) {
    const size = values.length / 5
    const alone = [0, 1, 2, 3, 4].flatMap((image) => [...runReference(graph, weights, input.slice(image * 64, (image + 1) * 64), 1).get(name)!])
    t.same([...values], alone, name)
    const sums = [0, 1, 2, 3, 4].map((image) => values.subarray(image * size, (image + 1) * size).reduce((a, b) => a + b))
    t.ok(sums.every((sum) => Math.abs(sum - 1) < 1e-6), `${name}: probabilities`)
  }
  t.same([...runReference(graph, weights, new Float32Array(0), 0).get('length')!], [], 'an empty batch')
  t.end()
})

t.test('wrong inputs and weights are typed errors', (t) => {
  const graph = digitsGraph()
  const weights = randomWeights(graph)
  t.throws(() => runReference(graph, weights, new Float32Array(63), 1), { code: 'INFER_ARGUMENT', message: /expected 1 · 64 input values, found 63/ })
  t.throws(() => runReference(graph, weights, new Float32Array(64), -1), { code: 'INFER_ARGUMENT' })
  t.throws(() => runReference(graph, new Map(), new Float32Array(64), 1), { code: 'INFER_WEIGHTS', message: /"conv\/kernel": expected 36 values for shape \[3, 3, 1, 4\], found none/ })
  t.throws(() => runReference(graph, new Map([...weights, ['conv/bias', new Float32Array(5)]]), new Float32Array(64), 1), { code: 'INFER_WEIGHTS', message: /found 5/ })
  t.throws(() => runReference(graph, new Map([...weights, ['other', new Float32Array(5)]]), new Float32Array(64), 1), { code: 'INFER_WEIGHTS', message: /another network/ })
  t.end()
})

/** How many places zeros or nothing precede the image: half of what the last window lacks, rounded down. */
function padBefore(size: number, window: number, stride: number, out: number): number {
  return Math.floor(Math.max(0, (out - 1) * stride + window - size) / 2)
}

/** Calls `visit` for every output place with a function that maps window offsets to an index into x, or undefined outside. */
function eachPlace(node: Conv2dNode | MaxPool2dNode, window: readonly [number, number], shape: Shape, visit: (at: (ky: number, kx: number) => number | undefined) => void): void {
  const [height, width] = inferShapes(singleNodeGraph(shape, node)).get('y')!
  const same = node.padding === 'same'
  const top = same ? padBefore(shape[0], window[0], node.strides[0], height!) : 0
  const left = same ? padBefore(shape[1], window[1], node.strides[1], width!) : 0
  for (let oy = 0; oy < height!; oy++) {
    for (let ox = 0; ox < width!; ox++) {
      visit((ky, kx) => {
        const y = oy * node.strides[0] + ky - top
        const x = ox * node.strides[1] + kx - left
        return y >= 0 && y < shape[0] && x >= 0 && x < shape[1] ? (y * shape[1] + x) * shape[2] : undefined
      })
    }
  }
}

function slowConv(node: Conv2dNode, shape: Shape, x: Float32Array, weight: (part: string) => Float32Array): number[] {
  const [kernelHeight, kernelWidth] = node.kernelSize
  const result: number[] = []
  eachPlace(node, node.kernelSize, shape, (at) => {
    for (let filter = 0; filter < node.filters; filter++) {
      let sum = node.bias ? weight('bias')[filter]! : 0
      for (let channel = 0; channel < shape[2]; channel++) {
        for (let ky = 0; ky < kernelHeight; ky++) {
          for (let kx = 0; kx < kernelWidth; kx++) {
            const place = at(ky, kx)
            if (place !== undefined) sum += x[place + channel]! * weight('kernel')[((ky * kernelWidth + kx) * shape[2] + channel) * node.filters + filter]!
          }
        }
      }
      result.push(sum)
    }
  })
  return result
}

function slowPool(node: MaxPool2dNode, shape: Shape, x: Float32Array): number[] {
  const result: number[] = []
  eachPlace(node, node.poolSize, shape, (at) => {
    for (let channel = 0; channel < shape[2]; channel++) {
      const values: number[] = []
      for (let ky = 0; ky < node.poolSize[0]; ky++) {
        for (let kx = 0; kx < node.poolSize[1]; kx++) {
          const place = at(ky, kx)
          if (place !== undefined) values.push(x[place + channel]!)
        }
      }
      result.push(Math.max(...values))
    }
  })
  return result
}
