// The dmlc RecordIO frame, as writers make it (include/dmlc/recordio.h in dmlc-core). Little endian:
//
//   bytes   field
//   4       magic 0xced7230a, on disk 0a 23 d7 ce
//   4       part flag << 29 | length
//   length  data
//   0-3     zeros up to a multiple of 4
//
// A file is frames back to back. So that a reader can find a frame in the middle of a file, the magic
// never stands in the data on the 4-byte grid: there the writer ends the part, drops the word, and
// goes on with a new frame. Flag 0 is a whole record; 1, 2, 3 are the first, a middle, the last part.
// Only the last part can need padding: the others end on the grid.

import { RecordError } from './errors.js'

export const frameMagic = 0xced7230a
export const frameHeadBytes = 8

/** The longest payload of one record; lengths have 29 bits. */
export const maximumPayloadBytes = 2 ** 29 - 1

/** Gives that many bytes, aligned to 4, whatever they hold. */
export type Allocate = (length: number) => Buffer

/** Where a frame stands in its record. */
export const framePart = { whole: 0, first: 1, middle: 2, last: 3 } as const

/** The magic as this machine reads it from memory, so that the search needs no byte swaps. */
export const nativeMagic = new Uint32Array(Uint8Array.of(0x0a, 0x23, 0xd7, 0xce).buffer)[0]!

/**
 * One record of any content as frames, ready to be appended to a `.rec`.
 *
 * @throws RecordError REC_TOO_LARGE when the payload has 2^29 bytes or more
 */
export function encodeFrames(payload: Uint8Array): Uint8Array {
  return composeFrames(payload.length, (target) => target.set(payload))
}

/**
 * The same for a payload that `write` puts together in place, which saves one copy of it; in memory from
 * `allocate`, unless the payload has to be split.
 */
export function composeFrames(length: number, write: (target: Buffer) => void, allocate: Allocate = Buffer.allocUnsafeSlow): Uint8Array {
  if (length > maximumPayloadBytes) {
    throw new RecordError('REC_TOO_LARGE', `a record of ${length} bytes: expected at most ${maximumPayloadBytes}; store a smaller image`)
  }
  const frame = allocate(frameHeadBytes + paddedLength(length))
  const payload = frame.subarray(frameHeadBytes, frameHeadBytes + length)
  write(payload)
  const cuts = findMagic(payload)
  if (cuts.length > 0) return splitFrames(payload, cuts)
  writeHead(frame, 0, framePart.whole, length)
  frame.fill(0, frameHeadBytes + length)
  return frame
}

/** The length with the padding that follows it. */
export function paddedLength(length: number): number {
  return Math.ceil(length / 4) * 4
}

/** Offsets of the magic on the 4-byte grid of the payload. */
function findMagic(payload: Buffer): number[] {
  const words = new Uint32Array(payload.buffer, payload.byteOffset, payload.length >>> 2)
  const offsets: number[] = []
  for (let word = words.indexOf(nativeMagic); word >= 0; word = words.indexOf(nativeMagic, word + 1)) offsets.push(word * 4)
  return offsets
}

/** Every cut drops 4 bytes of the payload and adds a frame head of 8. */
function splitFrames(payload: Uint8Array, cuts: readonly number[]): Uint8Array {
  const frames = Buffer.alloc(frameHeadBytes + cuts.length * 4 + paddedLength(payload.length))
  let at = 0
  let begin = 0
  for (const [index, end] of [...cuts, payload.length].entries()) {
    const part = index === cuts.length ? framePart.last : index === 0 ? framePart.first : framePart.middle
    at = writeHead(frames, at, part, end - begin)
    frames.set(payload.subarray(begin, end), at)
    at += end - begin
    begin = end + 4
  }
  return frames
}

/** Returns the offset after the head. */
function writeHead(target: Buffer, at: number, part: number, length: number): number {
  target.writeUInt32LE(frameMagic, at)
  return target.writeUInt32LE(part * 2 ** 29 + length, at + 4)
}
