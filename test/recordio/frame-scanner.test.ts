// recordio/src/frame-scanner.ts: which records of a damaged file are intact.

import t, { type Test } from 'tap'
import { encodeFrames, encodeRecord, readFrames } from '@millrace/recordio'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { scanFrames, type DamagedBytes, type ScannedRecord } from '../../../recordio/dist/frame-scanner.js'
import { openMeta } from '../../../recordio/dist/meta-file.js'
import { collect, golden, magic, small, written } from './support.js'

type Piece = ScannedRecord | DamagedBytes

/** Scans bytes; checks that the pieces are the whole file, in order, and that what is called a record is one. */
async function scan(t: Test, bytes: Uint8Array): Promise<Piece[]> {
  const path = join(t.testdirName, 'x.rec')
  writeFileSync(path, bytes)
  const pieces = await collect(scanFrames(path))
  let at = 0
  for (const piece of pieces) {
    t.equal(piece.offsetBytes, at)
    at += lengthOf(piece)
    if (piece.kind === 'record') t.ok(Buffer.from(bytes.subarray(piece.offsetBytes, at)).equals(piece.frames))
  }
  t.equal(at, bytes.length)
  return pieces
}

function lengthOf(piece: Piece): number {
  return piece.kind === 'record' ? piece.frames.length : piece.lengthBytes
}

function offsets(pieces: readonly Piece[]): number[] {
  return pieces.filter(({ kind }) => kind === 'record').map(({ offsetBytes }) => offsetBytes)
}

/** A record whose image looks like a whole JPEG. */
function jpegLike(id: bigint, bytes = 21): Uint8Array {
  return encodeRecord({ id, label: 1, image: Buffer.concat([Buffer.from('ffd8', 'hex'), Buffer.alloc(bytes, Number(id % 100n) + 1), Buffer.from('ffd9', 'hex')]) })
}

function startsOf(records: readonly Uint8Array[]): number[] {
  let at = 0
  return records.map((record) => (at += record.length) - record.length)
}

t.test('a sound file: the same payloads as the reader', async (t) => {
  t.testdir()
  await fc.assert(fc.asyncProperty(fc.array(fc.array(fc.oneof(fc.constant(magic), fc.uint8Array({ maxLength: 9 })), { maxLength: 6 })), async (contents) => {
    const payloads = contents.map((parts) => Buffer.concat(parts))
    const pieces = await scan(t, Buffer.concat(payloads.map(encodeFrames)))
    t.same(pieces.map((piece) => piece.kind === 'record' && Buffer.from(piece.payload).toString('hex')), payloads.map((payload) => payload.toString('hex')))
  }), { numRuns: 100 })
})

for (const name of ['magic', 'hdrmagic', 'photos_pass']) {
  const { path, skip } = golden(`${name}.rec`)
  t.test(`${name}.rec, written by MXNet`, { skip }, async (t) => {
    const truth = await collect(readFrames(path))
    const pieces = await collect(scanFrames(path))
    t.same(offsets(pieces), truth.map(({ offsetBytes }) => offsetBytes))
    t.equal(pieces.length, truth.length)
  })
}

t.test('each bit of a frame head flipped: only that record is lost', async (t) => {
  t.testdir()
  const records = [jpegLike(1n), jpegLike(2n, 22), jpegLike(3n, 23), jpegLike(4n, 24)]
  const starts = startsOf(records)
  for (let bit = 0; bit < 64; bit++) {
    const bytes = Buffer.concat(records)
    bytes[starts[1]! + (bit >> 3)]! ^= 1 << (bit & 7)
    const found = offsets(await scan(t, bytes))
    const isHarmless = bit >= 32 && found.length === 4 // the length changed within the padding
    t.same(found, isHarmless ? starts : [starts[0], starts[2], starts[3]], `bit ${bit}`)
  }
})

t.test('records of one size: a length that swallows the next record exactly is seen', async (t) => {
  t.testdir()
  const records = [1n, 2n, 3n, 4n].map((id) => encodeFrames(Buffer.alloc(56, Number(id))))
  for (const bit of [6, 7]) {
    const bytes = Buffer.concat(records)
    bytes[64 + 4]! ^= 1 << bit
    t.same(offsets(await scan(t, bytes)), [0, 128, 192], `64 or 128 bytes more`)
  }
})

t.test('decoy magics in the data at every alignment, with a plausible head behind', async (t) => {
  t.testdir()
  for (let shift = 0; shift < 8; shift++) {
    const decoy = Buffer.concat([Buffer.alloc(shift, 9), encodeFrames(Buffer.from('decoy!')), encodeFrames(Buffer.from('another')), Buffer.from('ffd9', 'hex')])
    const image = Buffer.concat([Buffer.from('ffd8', 'hex'), decoy])
    const records = [jpegLike(1n), encodeRecord({ id: 2n, image }), jpegLike(3n)]
    const starts = startsOf(records)
    const whole = Buffer.concat(records)
    t.same(offsets(await scan(t, whole)), starts)
    for (let at = starts[1]!; at < starts[1]! + 8; at++) {
      const bytes = Buffer.from(whole)
      bytes[at]! ^= 0x40
      const found = offsets(await scan(t, bytes))
      if (found.length === 3) t.same(found, starts)
      else t.same(found, [starts[0], starts[2]], `shift ${shift}, byte ${at}`)
    }
  }
})

t.test('a stretch of zeros, lost bytes and added bytes', async (t) => {
  t.testdir()
  const records = Array.from({ length: 9 }, (_, id) => jpegLike(BigInt(id), 30 + id))
  const starts = startsOf(records)
  const whole = Buffer.concat(records)
  const zeroed = Buffer.from(whole).fill(0, starts[3], starts[5]! + 20)
  t.same(offsets(await scan(t, zeroed)), starts.filter((_, index) => index < 3 || index > 5))
  const cutOut = Buffer.concat([whole.subarray(0, starts[3]! + 12), whole.subarray(starts[5]! + 16)])
  t.equal(offsets(await scan(t, cutOut)).length, 6, 'a multiple of 4 bytes is missing')
  const added = Buffer.concat([whole.subarray(0, starts[4]! + 12), Buffer.alloc(40, 7), whole.subarray(starts[4]! + 12)])
  t.equal(offsets(await scan(t, added)).length, 8)
})

t.test('cut at every byte: the records before the cut', async (t) => {
  t.testdir()
  const records = [jpegLike(1n), encodeRecord({ id: 2n, image: Buffer.concat([Buffer.from('abcd'), magic, magic, Buffer.from('e')]) }), jpegLike(3n)]
  const ends = [...startsOf(records).slice(1), Buffer.concat(records).length]
  const whole = Buffer.concat(records)
  for (let length = 0; length <= whole.length; length++) {
    t.equal(offsets(await scan(t, whole.subarray(0, length))).length, ends.filter((end) => end <= length).length)
  }
})

t.test('any bytes: pieces, and never an error', async (t) => {
  t.testdir()
  const word = fc.oneof(fc.constant([0x0a, 0x23, 0xd7, 0xce]), fc.tuple(fc.nat(40), fc.constant(0), fc.constant(0), fc.constantFrom(0, 0x20, 0x40, 0x60, 0x80)), fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)))
  await fc.assert(fc.asyncProperty(fc.array(word, { maxLength: 60 }), fc.nat(3), async (words, rest) => {
    await scan(t, Buffer.from([...words.flat(), ...Array<number>(rest).fill(1)]))
  }), { numRuns: 500 })
})

t.test('many heads that claim the whole file do not take long', async (t) => {
  t.testdir()
  const bytes = Buffer.alloc(2 ** 20)
  for (let at = 0; at + 8 <= bytes.length; at += 8) {
    bytes.set(magic, at)
    bytes.writeUInt32LE(bytes.length - at - 8, at + 4)
  }
  const path = join(t.testdirName, 'x.rec')
  writeFileSync(path, bytes)
  const began = performance.now()
  let pieces = 0
  for await (const _ of scanFrames(path)) pieces++
  t.ok(performance.now() - began < 15_000, `${pieces} pieces in ${performance.now() - began} ms`)
  t.equal(pieces, bytes.length / 8)
})

t.test('records larger than the window, and records across its edge', async (t) => {
  t.testdir()
  const records = [3_000_000, 5_000_000, 10, 9_000_001, 4_194_296, 20].map((size, id) => encodeRecord({ id: BigInt(id), image: Buffer.alloc(size, id) }))
  t.same(offsets(await scan(t, Buffer.concat(records))), startsOf(records))
})

t.test('with a .meta: every flipped bit of 1,000 records is found, and costs the record it hits', async (t) => {
  const images = Array.from({ length: 1000 }, (_, id) => small(BigInt(id), `image ${id}`.padEnd(10 + (id % 40), '.')))
  const { meta: path } = await written(t, images)
  const meta = (await openMeta(path.replace(/rec$/, 'meta')))!
  const whole = (await collect(scanFrames(path, { meta }))) as ScannedRecord[]
  t.equal(whole.length, 1000)
  const sound = Buffer.concat(whole.map(({ frames }) => frames))
  const random = fc.sample(fc.nat(), 1000)
  const damaged = Buffer.from(sound)
  for (const [index, { offsetBytes, frames }] of whole.entries()) {
    if (index % 3 !== 1) continue // so that two records before and after each are whole
    const bit = random[index]! % (8 * frames.length)
    damaged[offsetBytes + (bit >> 3)]! ^= 1 << (bit & 7)
  }
  writeFileSync(path, damaged)
  const pieces = await collect(scanFrames(path, { meta }))
  const lost = pieces.flatMap((piece) => (piece.kind === 'damage' ? piece.lost!.ids : []))
  t.same(lost, images.map(({ id }) => id).filter((id) => id % 3n === 1n))
  t.same(pieces.flatMap((piece) => (piece.kind === 'record' ? [piece.ordinal] : [])), [...images.keys()].filter((index) => index % 3 !== 1))

  const all = Buffer.from(sound)
  for (const [index, { offsetBytes, frames }] of whole.entries()) {
    const bit = random[index]! % (8 * frames.length)
    all[offsetBytes + (bit >> 3)]! ^= 1 << (bit & 7)
  }
  writeFileSync(path, all)
  const none = await collect(scanFrames(path, { meta }))
  t.equal(none.filter(({ kind }) => kind === 'record').length, 0, 'a bit of each')
  t.equal(none.reduce((sum, piece) => sum + (piece.kind === 'damage' ? piece.lost!.count : 0), 0), 1000)
  await meta.close()
})
