// tf.train.Example: hand-made bytes, round trips, damage.

import t from 'tap'
import fc from 'fast-check'
import { decodeExample, encodeExample, PipelineError, type Feature } from '@millrace/pipeline'
import { damagedCopies } from './support.js'

const integers = (...values: bigint[]): Feature => ({ kind: 'integers', values: BigInt64Array.from(values) })
const floats = (...values: number[]): Feature => ({ kind: 'floats', values: Float32Array.from(values) })
const bytes = (...values: string[]): Feature => ({ kind: 'bytes', values: values.map((value) => Buffer.from(value)) })

/** Features in plain values. */
function plain(features: Iterable<readonly [string, Feature]>): unknown {
  return [...features].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))).map(([name, { kind, values }]) => [name, kind, Array.from<bigint | number | Uint8Array, unknown>(values, (value) => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value))])
}

function decode(hex: string): unknown {
  return plain(decodeExample(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'), 'x'))
}

t.test('bytes laid out by hand', (t) => {
  const feature = (list: string): string => {
    const value = `12 ${length(list)} ${list}`
    const entry = `0a 01 61 ${value}`
    const features = `0a ${length(entry)} ${entry}`
    return `0a ${length(features)} ${features}`
  }
  const length = (hex: string): string => (hex.replaceAll(' ', '').length / 2).toString(16).padStart(2, '0')
  const cases: [string, unknown][] = [
    ['1a 03 0a 01 05', ['a', 'integers', [5n]]],
    ['1a 0b 08 ff ff ff ff ff ff ff ff ff 01', ['a', 'integers', [-1n]]],
    ['1a 0d 0a 0b 07 80 80 80 80 80 80 80 80 80 01', ['a', 'integers', [7n, -(2n ** 63n)]]],
    ['1a 04 08 03 08 04', ['a', 'integers', [3n, 4n]]],
    ['12 05 0d 00 00 80 3f', ['a', 'floats', [1]]],
    ['12 0b 0a 04 00 00 80 bf 0d 00 00 00 40', ['a', 'floats', [-1, 2]]],
    ['0a 06 0a 01 62 0a 01 63', ['a', 'bytes', ['62', '63']]],
    ['1a 00', ['a', 'integers', []]],
    ['1a 02 08 01 1a 02 08 02', ['a', 'integers', [1n, 2n]]],
    ['1a 02 08 01 0a 03 0a 01 62', ['a', 'bytes', ['62']]],
  ]
  for (const [list, expected] of cases) t.same(decode(feature(list)), [expected], list)
  t.same(decode(feature('1a 09 08 01 55 00 00 00 00 10 01')), [['a', 'integers', [1n]]], 'unknown fields are passed over')
  t.same(decode(feature('22 00')), [], 'no list: no feature')
  t.same(decode(''), [])
  t.end()
})

t.test('what is no Example', (t) => {
  const cases: [string, RegExp][] = [
    ['0a', /a number breaks off at byte 1/],
    ['0a05', /a field of 5 bytes at byte 0 passes the end of its message of 2 bytes/],
    ['0b', /has type 3/],
    ['00', /a field has number 0/],
    ['ffffffffffffffffffff01', /goes on past 10 bytes/],
    ['0800', /field 1 of type 0 where a message is expected/],
    ['0a020a0e', /passes the end/],
    ['0affffffffffffffffff01', /passes the end/],
  ]
  for (const [hex, message] of cases) {
    t.throws(() => decodeExample(Buffer.from(hex, 'hex'), 'x.tfrecord#3'), { code: 'PIPE_EXAMPLE', message })
    t.throws(() => decodeExample(Buffer.from(hex, 'hex'), 'x.tfrecord#3'), { message: /^x.tfrecord#3: expected a tf.train.Example, found/ })
  }
  t.end()
})

const anyFeature: fc.Arbitrary<Feature> = fc.oneof(
  fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { maxLength: 5 }).map((values) => integers(...values)),
  fc.array(fc.float(), { maxLength: 5 }).map((values) => floats(...values)),
  fc.array(fc.string(), { maxLength: 3 }).map((values) => bytes(...values)),
)

t.test('any features, written and read; their order does not matter', (t) => {
  fc.assert(fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), anyFeature, { maxKeys: 5 }), (features) => {
    const entries = Object.entries(features)
    const encoded = encodeExample(entries)
    t.same(plain(decodeExample(encoded, 'x')), plain(entries))
    t.ok(encodeExample(entries.reverse()).equals(encoded))
  }), { numRuns: 200 })
  t.end()
})

t.test('cut at every byte, every bit flipped: features or a PipelineError', (t) => {
  const whole = encodeExample([['a', integers(-1n, 300n)], ['b/c', floats(1, 2)], ['d', bytes('xyz', '')]])
  for (const { bytes: damaged, what } of damagedCopies(whole)) {
    try {
      decodeExample(damaged, 'x')
    } catch (error) {
      if (!(error instanceof PipelineError)) t.fail(`${what}: ${(error as Error).message}`)
    }
  }
  t.end()
})

t.test('a million empty strings are refused', (t) => {
  const list = Buffer.alloc(2 * (2 ** 20 + 1))
  for (let at = 0; at < list.length; at += 2) list[at] = 0x0a
  const field = (content: Buffer, head = 0x0a): Buffer => {
    const size = Buffer.from([0x80 | (content.length & 127), 0x80 | ((content.length >> 7) & 127), 0x80 | ((content.length >> 14) & 127), content.length >> 21])
    return Buffer.concat([Buffer.of(head), size, content])
  }
  t.throws(() => decodeExample(field(field(field(field(list), 0x12))), 'x'), { code: 'PIPE_EXAMPLE', message: /more than 1048576 strings/ })
  t.end()
})
