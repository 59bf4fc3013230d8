// recordio/src/frame.ts: what the writer makes of a payload.

import t from 'tap'
import fc from 'fast-check'
import { encodeFrames, maximumPayloadBytes, readFrames } from '@millrace/recordio'
import { collect, inChunks, magic, matchError } from './support.js'

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')
const framesOf = (hex: string): string => Buffer.from(encodeFrames(bytes(hex))).toString('hex')

t.test('one frame: magic, length, data, zeros up to a multiple of 4', (t) => {
  t.equal(framesOf(''), '0a23d7ce00000000')
  t.equal(framesOf('01'), '0a23d7ce0100000001000000')
  t.equal(framesOf('0102030405'), '0a23d7ce050000000102030405000000')
  t.equal(framesOf('01020304'), '0a23d7ce0400000001020304')
  t.end()
})

t.test('the magic on the 4-byte grid splits the record', (t) => {
  t.equal(framesOf('0a23d7ce'), bytes('0a23d7ce 00000020  0a23d7ce 00000060').toString('hex'), 'alone: two empty parts')
  t.equal(framesOf('01020304 0a23d7ce 05'), bytes('0a23d7ce 04000020 01020304  0a23d7ce 01000060 05000000').toString('hex'))
  t.equal(framesOf('0a23d7ce 0a23d7ce 06'), bytes('0a23d7ce 00000020  0a23d7ce 00000040  0a23d7ce 01000060 06000000').toString('hex'), 'twice: a middle part')
  t.end()
})

t.test('off the grid, and in the last bytes that make no whole group, the magic stays', (t) => {
  t.equal(framesOf('01 0a23d7ce 020304'), bytes('0a23d7ce 08000000 010a23d7ce020304').toString('hex'))
  t.equal(framesOf('01020304 0a23d7'), bytes('0a23d7ce 07000000 010203040a23d7 00').toString('hex'))
  t.end()
})

t.test('payloads rich in magic words, at every alignment, come back', async (t) => {
  const piece = fc.oneof(fc.constant(magic), fc.constant(magic.subarray(0, 3)), fc.uint8Array({ maxLength: 9 }))
  const payload = fc.array(piece, { maxLength: 12 }).map((pieces) => Buffer.concat(pieces))
  await fc.assert(fc.asyncProperty(fc.array(payload, { maxLength: 6 }), fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), async (payloads, sizes) => {
    const file = Buffer.concat(payloads.map(encodeFrames))
    for (let word = 0; word < file.length; word += 4) {
      if (!file.subarray(word, word + 4).equals(magic)) continue
      const flag = file.readUInt32LE(word + 4) >>> 29
      if (flag > 3) throw new Error('a magic that heads no frame')
    }
    const found = await collect(readFrames(inChunks(file, sizes)))
    return found.length === payloads.length && found.every(({ payload, ordinal }) => payloads[ordinal]!.equals(payload))
  }), { numRuns: 400 })
  t.pass()
})

t.test('lengths 0 to 64 come back, and places are those of the frames', async (t) => {
  const payloads = Array.from({ length: 65 }, (_, length) => Buffer.alloc(length, length))
  const frames = payloads.map(encodeFrames)
  const found = await collect(readFrames(inChunks(Buffer.concat(frames), [7])))
  t.same(found.map(({ payload }) => payload.length), payloads.map(({ length }) => length))
  t.same(found.map(({ lengthBytes }) => lengthBytes), frames.map(({ length }) => length))
  t.equal(found[64]!.offsetBytes, Buffer.concat(frames).length - frames[64]!.length)
})

t.test('a payload of 2^29 bytes is refused', (t) => {
  t.throws(() => encodeFrames(new Uint8Array(maximumPayloadBytes + 1)), matchError('REC_TOO_LARGE', /536870912 bytes: expected at most 536870911/))
  t.end()
})

t.test('a payload that is full of the magic word is encoded and read in linear time', async (t) => {
  const payload = Buffer.alloc(2 ** 21, magic)
  const [found] = await collect(readFrames(inChunks(encodeFrames(payload), [2 ** 16])))
  t.ok(payload.equals(found!.payload))
})
