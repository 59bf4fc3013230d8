// The vector kernel against a byte at a time, at every length around its step and its chunk.

import t from 'tap'
import fc from 'fast-check'
import { borrowPixels, sumRgb, sumRgbReference } from '@millrace/infer/kernels'

t.test('equals the reference', (t) => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (data) => {
    const whole = data.subarray(0, data.length - (data.length % 3))
    t.same(sumRgb(whole), sumRgbReference(whole))
    const lent = borrowPixels(whole.length)!
    lent.set(whole)
    t.same(sumRgb(lent), sumRgbReference(whole), 'where it lies in the memory of the kernels')
  }), { numRuns: 200 })
  t.end()
})

t.test('the brightest image of more than one chunk does not overflow', (t) => {
  for (const pixels of [2 ** 14 - 1, 2 ** 14, 2 ** 14 + 5, 3 * 2 ** 14 + 2]) {
    const white = new Uint8Array(3 * pixels).fill(255)
    const lent = borrowPixels(white.length)!
    lent.set(white)
    t.same(sumRgb(lent), sumRgb(white))
    t.same(sumRgb(white), { sum: new Array(3).fill(255 * pixels), sumOfSquares: new Array(3).fill(255 * 255 * pixels) })
  }
  t.end()
})
