// The matrix kernel against its reference, to the bit: every size round its tiles, free strides of A,
// room between the rows of B and C, and nothing written beside C.

import t from 'tap'
import fc from 'fast-check'
import { createMatrixMultiply, multiplyReference } from '@millrace/infer/kernels'
import { randomNumbers } from '../networks.js'

/** Strides and places in floats. A's rows and columns may lie anywhere. */
interface Case {
  readonly m: number
  readonly n: number
  readonly k: number
  readonly aRow: number
  readonly aColumn: number
  /** Floats between one row's end and the next row's begin. */
  readonly bGap: number
  readonly cGap: number
  readonly accumulate: boolean
  readonly seed: number
}

const sizes = fc.oneof(fc.constantFrom(0, 1, 3, 4, 5, 7, 8, 9, 11, 12, 13, 15, 16, 17), fc.integer({ min: 0, max: 40 }))
const strides = fc.integer({ min: 0, max: 20 })
const cases: fc.Arbitrary<Case> = fc.record({
  m: sizes, n: sizes, k: sizes, aRow: strides, aColumn: strides, bGap: fc.integer({ min: 0, max: 3 }), cGap: fc.integer({ min: 0, max: 3 }),
  accumulate: fc.boolean(), seed: fc.integer({ min: 1, max: 1e6 }),
})

const memory = new WebAssembly.Memory({ initial: 2 })
const multiply = createMatrixMultiply(memory)

/** Runs the kernel and the reference on the same numbers; throws where any float of the memory differs. */
function check({ m, n, k, aRow, aColumn, bGap, cGap, accumulate, seed }: Case, fill?: (values: Float32Array) => void): Float32Array {
  const values = new Float32Array(memory.buffer)
  const random = randomNumbers(seed)
  for (let i = 0; i < values.length; i++) values[i] = 2 * random() - 1
  fill?.(values)
  const a = 3 // odd places: vectors are not aligned
  const b = a + Math.max(0, m - 1) * aRow + Math.max(0, k - 1) * aColumn + 2
  const c = b + k * (n + bGap) + 3

  const expected = values.slice()
  const product = multiplyReference(
    m, n, k,
    Float32Array.from({ length: m * k }, (_, index) => values[a + Math.floor(index / k) * aRow + (index % k) * aColumn]!),
    Float32Array.from({ length: k * n }, (_, index) => values[b + Math.floor(index / n) * (n + bGap) + (index % n)]!),
  )
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      const place = c + i * (n + cGap) + j
      expected[place] = product[i * n + j]!
      if (!accumulate) continue
      // The kernel begins its sums with what stands in C.
      let sum = values[place]!
      for (let l = 0; l < k; l++) sum = Math.fround(sum + Math.fround(values[a + i * aRow + l * aColumn]! * values[b + l * (n + bGap) + j]!))
      expected[place] = sum
    }
  }
  multiply(m, n, k, 4 * a, 4 * aRow, 4 * aColumn, 4 * b, 4 * (n + bGap), 4 * c, 4 * (n + cGap), accumulate ? 1 : 0)
  for (let i = 0; i < values.length; i++) {
    if (!Object.is(values[i], expected[i])) throw new Error(`float ${i} (C begins at ${c}): expected ${expected[i]}, found ${values[i]}`)
  }
  return values.slice(c, c + m * n)
}

t.test('any sizes and strides', (t) => {
  t.doesNotThrow(() => fc.assert(fc.property(cases, (each) => void check(each)), { numRuns: 300 }))
  t.end()
})

t.test('all sizes round the tiles', (t) => {
  const plain = { bGap: 0, cGap: 0, accumulate: false, seed: 1 }
  for (const m of [1, 3, 4, 5, 8]) for (const n of [1, 3, 4, 5, 7, 8, 9, 11, 12, 13]) for (const k of [0, 1, 2, 7]) check({ m, n, k, aRow: k, aColumn: 1, ...plain })
  t.pass('200 products')
  t.end()
})

t.test('a transposed A, and the overlapping windows of a convolution', (t) => {
  const plain = { m: 9, n: 13, k: 6, bGap: 0, cGap: 0, accumulate: true, seed: 2 }
  t.doesNotThrow(() => check({ ...plain, aRow: 1, aColumn: 9 }))
  t.doesNotThrow(() => check({ ...plain, aRow: 2, aColumn: 1 }))
  t.doesNotThrow(() => check({ ...plain, aRow: 0, aColumn: 1 }), 'every row the same')
  t.end()
})

t.test('no terms: zero, or what was there', (t) => {
  const plain = { m: 5, n: 13, k: 0, aRow: 0, aColumn: 1, bGap: 0, cGap: 0, seed: 3 }
  t.same([...check({ ...plain, accumulate: false })], new Array(65).fill(0))
  t.doesNotThrow(() => check({ ...plain, accumulate: true }))
  t.end()
})

t.test('NaN and infinity go through in every kind of tile', (t) => {
  // With n = 13 the columns are of an 8, a 4 and a 1 wide tile; with m = 5 the rows of a 4 and a 1 high one.
  const plain = { m: 5, n: 13, k: 2, aRow: 2, aColumn: 1, bGap: 0, cGap: 0, accumulate: false, seed: 4 }
  const b = 3 + 4 * 2 + 1 + 2
  const nan = check(plain, (values) => (values[3 + 4 * 2] = NaN))
  t.same([...nan].map(Number.isNaN), Array.from({ length: 65 }, (_, index) => index >= 52), 'NaN in row 4 of A')
  const infinite = check(plain, (values) => {
    values.fill(1, 3, b)
    values.fill(Infinity, b, b + 13)
    values.fill(-Infinity, b + 13, b + 15)
  })
  t.same([...infinite.subarray(0, 13)], [NaN, NaN, ...new Array<number>(11).fill(Infinity)], 'infinities that cancel are NaN')
  const zeroTimesInfinity = check(plain, (values) => {
    values.fill(0, 3, b)
    values.fill(Infinity, b, b + 26)
  })
  t.ok(zeroTimesInfinity.every(Number.isNaN))
  t.end()
})

t.test('the memory may grow afterwards', (t) => {
  const small = new WebAssembly.Memory({ initial: 1 })
  const multiplyThere = createMatrixMultiply(small)
  small.grow(1)
  const values = new Float32Array(small.buffer)
  const begin = 65536 / 4 + 5
  values.set([1, 2, 3, 4], begin)
  values.set([5, 6, 7, 8], begin + 4)
  multiplyThere(2, 2, 2, 4 * begin, 8, 4, 4 * (begin + 4), 8, 4 * (begin + 8), 8, 0)
  t.same([...values.subarray(begin + 8, begin + 12)], [19, 22, 43, 50])
  t.throws(() => multiplyThere(2, 2, 2, 2 * 65536, 8, 4, 0, 8, 0, 8, 0), { name: 'RuntimeError' }, 'outside the memory')
  t.end()
})
