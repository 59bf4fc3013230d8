// The ways to inflate: each that is here gives zlib's bytes, and finds the same streams whole.

import t from 'tap'
import fc from 'fast-check'
import { deflateSync } from 'node:zlib'
import { inflaters } from '../../../../pipeline/dist/images/inflate.js'

const names = ['libdeflate', 'zlib', 'node'] as const

for (const name of names) {
  const inflate = inflaters[name]()
  t.test(name, { skip: inflate ? false : `no ${name} here` }, (t) => {
    const whole = (stream: Uint8Array, byteCount: number): Uint8Array | undefined => {
      const place = new Uint8Array(byteCount)
      return inflate!(stream, place) ? place : undefined
    }
    fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 3000 }), fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 9 }), (block, times, level) => {
      const bytes = Buffer.concat(Array.from({ length: times }, () => block))
      const stream = deflateSync(bytes, { level })
      t.same(whole(stream, bytes.length), new Uint8Array(bytes))
      t.equal(whole(stream, bytes.length - 1), undefined, 'more than there is room for')
      t.equal(whole(stream, bytes.length + 1), undefined, 'less than was said')
      t.equal(whole(stream.subarray(0, -1), bytes.length), undefined, 'cut')
      t.same(whole(Buffer.concat([stream, Buffer.of(7)]), bytes.length), new Uint8Array(bytes), 'what follows is not looked at')
    }), { numRuns: 40 })
    t.equal(whole(new Uint8Array(0), 4), undefined)
    t.equal(whole(deflateSync(Buffer.of(7)), 0), undefined, 'no room at all')
    t.end()
  })
}

t.test('a flipped bit: the same verdict, the same bytes', (t) => {
  const bytes = Uint8Array.from({ length: 300 }, (_, at) => 128 + 90 * Math.sin(at / 7) + (at * 7) % 5)
  const stream = deflateSync(bytes)
  const ways = names.map((name) => inflaters[name]()).filter((each) => each !== undefined)
  for (let bit = 0; bit < stream.length * 8; bit++) {
    const flipped = Buffer.from(stream)
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    const found = ways.map((inflate) => {
      const place = new Uint8Array(bytes.length)
      return inflate(flipped, place) ? Buffer.from(place).toString('hex') : undefined
    })
    if (new Set(found).size !== 1) t.fail(`bit ${bit}`)
  }
  t.end()
})
