// Reads dmlc RecordIO frames (frame.ts) from chunks of any size and joins split records: between two
// parts stood the magic word that the writer dropped.
//
// Damage ends the reading with an error that names record and byte. The reader never allocates for a
// length that the bytes have not yet confirmed by arriving, so a damaged length costs nothing.
// Padding is not looked at: its value carries nothing.

import { crc32c } from '@node-rs/crc32'
import { readChunks, type ByteSource } from './byte-source.js'
import { RecordError, type RecordErrorCode } from './errors.js'
import { frameHeadBytes, frameMagic, framePart, maximumPayloadBytes, paddedLength } from './frame.js'

/** The content of one record, whatever it is, and its place. */
export interface FramedPayload {
  /** Place among the records, from 0. */
  readonly ordinal: number
  /** Where the record's first frame starts. */
  readonly offsetBytes: number
  /** Of all its frames, heads and padding included. */
  readonly lengthBytes: number
  /** Owned by the receiver: its memory is used for nothing else. With `borrow`, good until the next is asked for. */
  readonly payload: Uint8Array
}

export interface ReadOptions {
  readonly signal?: AbortSignal
  /** Named in errors; default: the path, or `stream`. */
  readonly name?: string
  /**
   * Give bytes that are good only until the next record is asked for, instead of a copy of them: about
   * twice as fast where records are large. Default false: what you get is yours.
   */
  readonly borrow?: boolean
}

/**
 * The payloads of a RecordIO file or stream, image records or not, in order. Memory: one record.
 *
 * @throws RecordError REC_BAD_MAGIC, REC_BAD_FRAME, REC_CUT, REC_TOO_LARGE, REC_FILE, REC_ABORTED
 */
export async function* readFrames(source: ByteSource, options: ReadOptions = {}): AsyncGenerator<FramedPayload> {
  const name = sourceName(source, options)
  const decoder = new FrameDecoder(name, options)
  for await (const chunk of readChunks(source, name, options.signal)) {
    for (const framed of decoder.decode(chunk)) yield framed
  }
  decoder.finish()
}

/** What errors call the source. */
export function sourceName(source: ByteSource, options: ReadOptions): string {
  return options.name ?? (typeof source === 'string' ? source : 'stream')
}

/**
 * The content of one record's frames: a view of them, unless it was split.
 *
 * @throws RecordError as `readFrames`
 */
export function joinFrames(frames: Uint8Array): Uint8Array {
  const { buffer, byteOffset, length } = frames
  const word = length < frameHeadBytes ? 0 : new DataView(buffer, byteOffset, length).getUint32(4, true)
  const isWhole = length >= frameHeadBytes && word >>> 29 === framePart.whole
  if (isWhole && frameHeadBytes + paddedLength(word) === length) return frames.subarray(frameHeadBytes, frameHeadBytes + word)
  const decoder = new FrameDecoder('record', { borrow: true })
  for (const { payload } of decoder.decode(frames)) return payload
  decoder.finish()
  return frames.subarray(0, 0)
}

export interface DecoderOptions {
  /** A decoder may start at any record of a file: its place. Default 0, 0. */
  readonly ordinal?: number
  readonly offsetBytes?: number
  /** Where a record lies whole in a chunk, its payload is a view of the chunk. Default false: a copy. */
  readonly borrow?: boolean
  /** Tells `checksum` of the last record. Default false. */
  readonly isChecked?: boolean
}

/** The decoder behind `readFrames`: give it chunks in order, then call `finish`. */
export class FrameDecoder {
  /** CRC-32C of all frames of the record that came last, if `isChecked`. */
  checksum = 0
  readonly #name: string
  readonly #head = Buffer.alloc(frameHeadBytes)
  #headBytes = 0
  #dataLeft = 0
  #paddingLeft = 0
  #part = -1 // of the frame being read
  #inRecord = false // a first part was read, the last part was not
  #payload: Uint8Array = empty
  #payloadBytes = 0
  #ordinal: number
  #position: number // bytes taken so far, as an offset in the file
  #frameOffset: number
  #recordOffset: number

  readonly #borrow: boolean
  readonly #isChecked: boolean
  #checksum = 0 // of the record being read

  constructor(name: string, { ordinal = 0, offsetBytes = 0, borrow = false, isChecked = false }: DecoderOptions = {}) {
    this.#name = name
    this.#borrow = borrow
    this.#isChecked = isChecked
    this.#ordinal = ordinal
    this.#position = this.#frameOffset = this.#recordOffset = offsetBytes
  }

  /** Where the next unread byte stands in the file. */
  get position(): number {
    return this.#position
  }

  /** The records that end in this chunk. Copies what it keeps. */
  *decode(chunk: Uint8Array): Generator<FramedPayload> {
    let at = 0
    while (at < chunk.length) {
      const whole = this.#wholeRecord(chunk, at)
      if (whole) {
        at += whole.lengthBytes
        yield whole
        continue
      }
      const taken = this.#take(chunk, at)
      if (this.#isChecked) this.#checksum = crc32c(chunk.subarray(at, at + taken), this.#checksum)
      at += taken
      this.#position += taken
      if (this.#headBytes < frameHeadBytes || this.#dataLeft > 0 || this.#paddingLeft > 0) continue
      const framed = this.#endFrame()
      if (framed) yield framed
    }
  }

  /** The source has ended: anything unfinished is an error. */
  finish(): void {
    const missing =
      this.#headBytes > 0 && this.#headBytes < frameHeadBytes ? `${frameHeadBytes - this.#headBytes} more bytes of the frame head`
      : this.#headBytes > 0 ? `${this.#dataLeft + this.#paddingLeft} more bytes of data and padding`
      : this.#inRecord ? 'the next part of a split record'
      : undefined
    if (missing) throw this.#error('REC_CUT', `expected ${missing}, found the end at byte ${this.#position}`, 'the file was cut: copy it again from its source, or keep the records before the cut with "millrace repair"')
  }

  /** The quick way for a record in one frame that lies in the chunk; all others go the long way. */
  #wholeRecord(chunk: Uint8Array, at: number): FramedPayload | undefined {
    if (this.#inRecord || this.#headBytes > 0 || at + frameHeadBytes > chunk.length) return undefined
    if (readWord(chunk, at) !== frameMagic) return undefined
    const length = readWord(chunk, at + 4)
    const lengthBytes = frameHeadBytes + paddedLength(length)
    if (length > maximumPayloadBytes || at + lengthBytes > chunk.length) return undefined // above: another part flag than 0
    if (this.#isChecked) this.checksum = crc32c(chunk.subarray(at, at + lengthBytes))
    const view = chunk.subarray(at + frameHeadBytes, at + frameHeadBytes + length)
    const offsetBytes = this.#position
    this.#position += lengthBytes
    return { ordinal: this.#ordinal++, offsetBytes, lengthBytes, payload: this.#borrow ? view : copyOf(view) }
  }

  /** Takes bytes for whatever the frame needs next; returns how many. */
  #take(chunk: Uint8Array, at: number): number {
    if (this.#headBytes < frameHeadBytes) return this.#takeHead(chunk, at)
    if (this.#dataLeft > 0) {
      const data = chunk.subarray(at, at + this.#dataLeft)
      this.#append(data)
      this.#dataLeft -= data.length
      return data.length
    }
    const skipped = Math.min(this.#paddingLeft, chunk.length - at)
    this.#paddingLeft -= skipped
    return skipped
  }

  #takeHead(chunk: Uint8Array, at: number): number {
    if (this.#headBytes === 0) this.#frameOffset = this.#position
    const bytes = chunk.subarray(at, at + frameHeadBytes - this.#headBytes)
    this.#head.set(bytes, this.#headBytes)
    this.#headBytes += bytes.length
    if (this.#headBytes === frameHeadBytes) this.#beginFrame()
    return bytes.length
  }

  #beginFrame(): void {
    const magic = this.#head.readUInt32LE(0)
    if (magic !== frameMagic) {
      const next = this.#frameOffset === 0 ? 'is this a .rec file?' : damagedHere
      throw this.#error('REC_BAD_MAGIC', `expected magic ${hex(frameMagic)}, found ${hex(magic)}`, next)
    }
    this.#part = this.#head.readUInt32LE(4) >>> 29
    const length = this.#head.readUInt32LE(4) & 0x1fffffff
    const continues = this.#part === framePart.middle || this.#part === framePart.last
    if (this.#part > framePart.last || continues !== this.#inRecord) {
      const expected = this.#inRecord ? '2 or 3 (the next part of a split record)' : '0 or 1 (the start of a record)'
      throw this.#error('REC_BAD_FRAME', `expected part flag ${expected}, found ${this.#part}`, damagedHere)
    }
    if (!continues) this.#recordOffset = this.#frameOffset
    this.#inRecord = true
    this.#dataLeft = length
    this.#paddingLeft = paddedLength(length) - length
    const total = this.#payloadBytes + length + (continues ? 4 : 0)
    if (total > maximumPayloadBytes) {
      throw this.#error('REC_TOO_LARGE', `expected a record of at most ${maximumPayloadBytes} bytes, found parts of ${total}`, 'the file is damaged here')
    }
    if (continues) this.#append(magicBytes)
  }

  /** The frame is complete; so is the record unless more parts follow. */
  #endFrame(): FramedPayload | undefined {
    this.#headBytes = 0
    if (this.#part === framePart.first || this.#part === framePart.middle) return undefined
    const payload = this.#payload.subarray(0, this.#payloadBytes)
    if (!this.#borrow) this.#payload = empty // else the next record across two chunks needs no new memory
    this.#payloadBytes = 0
    this.#inRecord = false
    this.checksum = this.#checksum
    this.#checksum = 0
    return { ordinal: this.#ordinal++, offsetBytes: this.#recordOffset, lengthBytes: this.#position - this.#recordOffset, payload }
  }

  #append(bytes: Uint8Array): void {
    const needed = this.#payloadBytes + bytes.length
    if (needed > this.#payload.length) this.#grow(needed)
    this.#payload.set(bytes, this.#payloadBytes)
    this.#payloadBytes = needed
  }

  /**
   * A record up to 1 MiB in one frame gets exactly its size; a longer one, or one of many parts,
   * doubles as its bytes arrive. Not from Buffer's pool: the receiver may transfer the memory to a worker.
   */
  #grow(needed: number): void {
    const expected = Math.max(needed, this.#payloadBytes + this.#dataLeft)
    const doubled = Math.max(needed, 2 * this.#payload.length, Math.min(expected, 2 ** 20))
    const isLastPart = this.#part === framePart.whole || this.#part === framePart.last
    const grown = Buffer.allocUnsafeSlow(isLastPart ? Math.min(doubled, expected) : doubled)
    grown.set(this.#payload.subarray(0, this.#payloadBytes))
    this.#payload = grown
  }

  #error(code: RecordErrorCode, fact: string, next: string): RecordError {
    const message = `${this.#name}: record ${this.#ordinal} at byte ${this.#frameOffset}: ${fact}; ${next}`
    return new RecordError(code, message, { path: this.#name, record: this.#ordinal, offsetBytes: this.#frameOffset })
  }
}

const damagedHere = 'the file is damaged here: copy it again from its source, or keep its intact records with "millrace repair"'
const empty = new Uint8Array(0)
const magicBytes = Uint8Array.of(0x0a, 0x23, 0xd7, 0xce)

function readWord(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}

/** Not from Buffer's pool: the receiver may transfer the memory to a worker. */
function copyOf(bytes: Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  copy.set(bytes)
  return copy
}

function hex(word: number): string {
  return `0x${word.toString(16).padStart(8, '0')}`
}
