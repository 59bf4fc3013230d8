// decodeDigits finds the most probable number, length and digits together.

import t from 'tap'
import fc from 'fast-check'
import { decodeDigits } from '@millrace/infer'

/** A head that is sure of one digit (10 is blank) to a degree; the rest is spread evenly. */
function head(digit: number, probability: number): number[] {
  return Array.from({ length: 11 }, (_, index) => (index === digit ? probability : (1 - probability) / 10))
}

t.test('reads as many digits as the length says', (t) => {
  const heads = [head(4, 0.5), head(0, 0.5), head(7, 0.5), head(10, 1), head(10, 1)]
  const length = [0, 0, 0, 1, 0, 0, 0]
  t.same(decodeDigits(length, heads), { digits: '407', length: 3, probability: 0.125, perDigit: [0.5, 0.5, 0.5] })
  t.end()
})

t.test('no digits at all', (t) => {
  t.same(decodeDigits([0.9, 0.1, 0], [head(3, 1)]), { digits: '', length: 0, probability: 0.9, perDigit: [] })
  t.end()
})

t.test('a blank is never a digit, however probable', (t) => {
  t.same(decodeDigits([0, 1, 0], [head(10, 0.5)]), { digits: '0', length: 1, probability: 0.05, perDigit: [0.05] })
  t.end()
})

t.test('a length that the digits contradict gives way: the joint maximum, not one after the other', (t) => {
  const { digits, probability } = decodeDigits([0, 0.45, 0.55, 0], [head(1, 1), head(10, 0.95)])
  t.equal(digits, '1', '0.45 · 1 against 0.55 · 0.005')
  t.equal(probability, 0.45)
  t.end()
})

t.test('more digits than heads: those there are, and an ellipsis', (t) => {
  const heads = [1, 2, 3, 4, 5].map((digit) => head(digit, 1))
  t.same(decodeDigits([0, 0, 0, 0, 0, 0.25, 0.75], heads), { digits: '12345…', length: 6, probability: 0.75, perDigit: [1, 1, 1, 1, 1] })
  t.end()
})

t.test('ties and zeros: the shorter number, the smaller digit', (t) => {
  t.equal(decodeDigits([0, 0.5, 0.5, 0], [head(10, 0), head(9, 1)]).digits, '0')
  t.same(decodeDigits([0, 0, 0], [head(0, 1)]), { digits: '', length: 0, probability: 0, perDigit: [] })
  t.end()
})

t.test('NaN is an error, not an answer', (t) => {
  t.throws(() => decodeDigits([0, NaN, 0], [head(0, 1)]), { code: 'INFER_NOT_FINITE' })
  t.throws(() => decodeDigits([1, 0, 0], [head(0, NaN)]), { code: 'INFER_NOT_FINITE', message: /digit 1/ })
  t.throws(() => decodeDigits([1, 0, 0], [[0.5, 0.5]]), { code: 'INFER_NOT_FINITE' }, 'a head that is too short')
  t.end()
})

t.test('no sequence is more probable than the one read', (t) => {
  const probabilities = (length: number): fc.Arbitrary<number[]> =>
    fc.array(fc.double({ min: 0.001, max: 1, noNaN: true }), { minLength: length, maxLength: length }).map((values) => {
      const sum = values.reduce((a, b) => a + b)
      return values.map((value) => value / sum)
    })
  fc.assert(
    fc.property(probabilities(4), probabilities(11), probabilities(11), (lengths, first, second) => {
      const reading = decodeDigits(lengths, [first, second])
      let best = lengths[0]!
      for (let a = 0; a < 10; a++) {
        best = Math.max(best, lengths[1]! * first[a]!)
        for (let b = 0; b < 10; b++) best = Math.max(best, lengths[2]! * first[a]! * second[b]!, lengths[3]! * first[a]! * second[b]!)
      }
      return Math.abs(reading.probability - best) < 1e-12
    }),
  )
  t.end()
})
