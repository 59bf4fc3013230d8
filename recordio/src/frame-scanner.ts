// Reads a .rec that may be damaged: gives every intact record, and every stretch of bytes that is
// none, in the order of the file. Together the pieces are the whole file.
//
// After damage it goes on at the next place where a record can begin: a magic on the 4-byte grid whose
// part flag is 0 or 1. In a well-formed file such a place always is a record's head, because the
// writer lets no magic stand in the data on that grid (frame.ts).
//
// A record is intact when, with a .meta that lists it, length and CRC-32C are the listed ones. Without:
//   - its head has the magic and flag 0 or 1, the parts of a split record follow one another, and all
//     of it lies in the file;
//   - no magic stands in its data on the grid: a length that was damaged upwards runs over the next head;
//   - a frame head follows it, or the end of the file: a length that was damaged downwards ends amid data.
// Where the head after it is itself damaged, the record is still taken if that head differs from the
// magic in at most 4 of 32 bits (unrelated data does so once in 100,000), or if the image is a JPEG or
// PNG with its end mark in place. So damage to one record does not cost the one before it.

import { crc32c } from '@node-rs/crc32'
import { open, type FileHandle } from 'node:fs/promises'
import { throwIfAborted } from './byte-source.js'
import { fileError } from './errors.js'
import { frameHeadBytes, frameMagic, framePart, maximumPayloadBytes, nativeMagic, paddedLength } from './frame.js'
import { joinFrames } from './frame-reader.js'
import { hasWholeImage } from './image-header.js'
import { EntryCursor, type LostRecords } from './meta-cursor.js'
import type { ListedEntry, MetaIndex } from './meta-file.js'

/** An intact record. Its bytes are not used for anything else. */
export interface ScannedRecord {
  readonly kind: 'record'
  /** Place in the file as the .meta lists it; without one, among the intact records. */
  readonly ordinal: number
  readonly offsetBytes: number
  /** All frames of the record, heads and padding included. */
  readonly frames: Uint8Array
  readonly payload: Uint8Array
  /** The .meta's entry, to which length and checksum have been compared. */
  readonly entry: ListedEntry | undefined
}

/** Bytes that are no intact record. */
export interface DamagedBytes {
  readonly kind: 'damage'
  readonly offsetBytes: number
  readonly lengthBytes: number
  /** What was expected and what was found. */
  readonly reason: string
  /** The checksum is what told; the frames look well. */
  readonly isChecksum: boolean
  /** The records that the .meta lists in these bytes. */
  readonly lost: LostRecords | undefined
}

export interface ScanOptions {
  readonly signal?: AbortSignal | undefined
  /** Decides which records are intact. */
  readonly meta?: MetaIndex | undefined
}

/**
 * The pieces of a .rec. Memory: 4 MiB, or the largest record.
 *
 * @throws RecordError REC_FILE, REC_ABORTED, REC_BAD_META (a block of the .meta is damaged)
 */
export async function* scanFrames(path: string, options: ScanOptions = {}): AsyncGenerator<ScannedRecord | DamagedBytes> {
  const handle = await open(path).catch((cause: unknown) => {
    throw fileError(path, 'open it', cause)
  })
  try {
    const { size } = await handle.stat()
    yield* scanAll(path, new FrameScanner(handle, size), size, options)
  } catch (cause) {
    throw fileError(path, 'read it', cause)
  } finally {
    await handle.close()
  }
}

async function* scanAll(path: string, scanner: FrameScanner, size: number, { signal, meta }: ScanOptions): AsyncGenerator<ScannedRecord | DamagedBytes> {
  const entries = meta && new EntryCursor(meta)
  let count = 0
  for (let at = 0; at < size;) {
    throwIfAborted(path, signal)
    const entry = await entries?.startingAt(at)
    const found = await scanner.examine(at, entry)
    if (found.isIntact) {
      yield { kind: 'record', ordinal: entry?.ordinal ?? count, offsetBytes: at, frames: found.frames, payload: joinFrames(found.frames), entry }
      entries?.take(entry)
      count++
      at += found.frames.length
    } else {
      const end = await scanner.nextStart(at + 4)
      yield { kind: 'damage', offsetBytes: at, lengthBytes: end - at, reason: found.reason, isChecksum: found.isChecksum, lost: await entries?.passTo(end) }
      at = end
    }
  }
  const lost = await entries?.passTo(Infinity)
  if (lost && lost.count > 0) yield { kind: 'damage', offsetBytes: size, lengthBytes: 0, reason: `the .meta lists ${lost.count} more records, found the end of the file`, isChecksum: false, lost }
}

type Examined = { readonly isIntact: true; readonly frames: Buffer } | { readonly isIntact: false; readonly reason: string; readonly isChecksum: boolean }

/** Where the frames of a record end, and how sure that is. */
interface Extent {
  readonly end: number
  /** A part that another follows has a length that is a multiple of 4: this one is the last. */
  readonly isSurelyLast: boolean
}

const windowBytes = 4 * 2 ** 20

/** Looks at places of the file through a window that moves forward. All offsets are multiples of 4. */
class FrameScanner {
  readonly #handle: FileHandle
  readonly #size: number
  #window: Buffer = Buffer.alloc(0)
  #windowStart = 0
  #clearFrom = 0 // no magic stands on the grid in these bytes,
  #clearTo = 0 // which end at a magic or at the end of the file

  constructor(handle: FileHandle, size: number) {
    this.#handle = handle
    this.#size = size
  }

  /** Is there an intact record at `at`? */
  async examine(at: number, entry: ListedEntry | undefined): Promise<Examined> {
    const extent = await this.#extent(at, entry === undefined)
    if (typeof extent === 'string') return damaged(extent)
    const lengthBytes = extent.end - at
    if (entry && lengthBytes !== entry.stored.lengthBytes) return damaged(`expected a record of ${entry.stored.lengthBytes} bytes as the .meta says, found one of ${lengthBytes}`)
    const frames = await this.#load(at, extent.end)
    if (entry) return crc32c(frames) === entry.stored.checksum ? { isIntact: true, frames } : damaged('the checksum of the record is not the one in the .meta', true)
    const reason = await this.#whatFollows(extent)
    return reason === undefined || hasWholeImage(joinFrames(frames)) ? { isIntact: true, frames } : damaged(reason)
  }

  /** The next place from `from` at which a record can begin; the end of the file if there is none. */
  async nextStart(from: number): Promise<number> {
    for (let at = from; ; at += 4) {
      at = await this.#nextMagic(at, at)
      if (at + frameHeadBytes > this.#size) return this.#size
      if ((await this.#bytes(at)).readUInt32LE(4) >>> 29 <= framePart.first) return at
    }
  }

  /** Follows the parts of a record; a text says why there is none. */
  async #extent(start: number, isSearched: boolean): Promise<Extent | string> {
    let payloadBytes = 0
    for (let at = start; ;) {
      if (this.#size - at < frameHeadBytes) return `expected a frame head of ${frameHeadBytes} bytes at byte ${at}, found ${this.#size - at}`
      const head = await this.#bytes(at)
      const [magic, word] = [head.readUInt32LE(0), head.readUInt32LE(4)]
      const [part, length] = [word >>> 29, word & 0x1fffffff]
      if (magic !== frameMagic) return `expected a frame head at byte ${at}, found ${hex(magic)}`
      const expected = at === start ? [framePart.whole, framePart.first] : [framePart.middle, framePart.last]
      if (part !== expected[0] && part !== expected[1]) return `expected part flag ${expected.join(' or ')} at byte ${at}, found ${part}`
      const dataEnd = at + frameHeadBytes + length
      const end = at + frameHeadBytes + paddedLength(length)
      if (end > this.#size) return `expected ${length} bytes of data after the frame head at byte ${at}, found the end of the file after ${this.#size - at - frameHeadBytes}`
      payloadBytes += length + (at === start ? 0 : 4)
      if (payloadBytes > maximumPayloadBytes) return `expected a record of at most ${maximumPayloadBytes} bytes, found parts of ${payloadBytes}`
      const magicAt = isSearched ? await this.#nextMagic(at + frameHeadBytes, start) : end
      if (magicAt + 4 <= dataEnd) return `expected data up to byte ${dataEnd} after the frame head at byte ${at}, found a magic at byte ${magicAt}`
      if (part === framePart.whole || part === framePart.last) return { end, isSurelyLast: length % 4 !== 0 }
      at = end
    }
  }

  /** Why the record may end elsewhere; `undefined` if what follows is a head, damaged or not. */
  async #whatFollows({ end, isSurelyLast }: Extent): Promise<string | undefined> {
    if (end === this.#size) return undefined
    const head = await this.#bytes(end)
    if (head.length < frameHeadBytes) return startsLikeMagic(head) ? undefined : `expected a frame head after it at byte ${end}, found ${head.length} bytes and the end of the file`
    const [magic, part] = [head.readUInt32LE(0), head.readUInt32LE(4) >>> 29]
    if (bitsSet(magic ^ frameMagic) > 4) return `expected a frame head after it at byte ${end}, found ${hex(magic)}`
    const continues = part === framePart.middle || part === framePart.last
    return continues && !isSurelyLast ? `expected the start of another record at byte ${end}, found part flag ${part}` : undefined
  }

  /** The first magic on the grid from `from`, or the size of the file. What it has searched it does not search again. */
  async #nextMagic(from: number, keepFrom: number): Promise<number> {
    if (from >= this.#clearFrom && from <= this.#clearTo) return this.#clearTo
    let at = from
    while (this.#size - at >= 4) {
      if (!this.#isInWindow(at, 4)) await this.#fill(at - keepFrom < windowBytes && keepFrom > this.#windowStart ? keepFrom : at)
      if (!this.#isInWindow(at, 4)) await this.#fill(at)
      const words = new Uint32Array(this.#window.buffer, this.#window.byteOffset, this.#window.length >>> 2)
      const found = words.indexOf(nativeMagic, (at - this.#windowStart) / 4)
      if (found >= 0) return this.#setClear(from, this.#windowStart + 4 * found)
      at = this.#windowStart + 4 * words.length
    }
    return this.#setClear(from, this.#size)
  }

  #setClear(from: number, to: number): number {
    this.#clearFrom = from
    return (this.#clearTo = to)
  }

  /** A frame head's bytes from `at`, or those up to the end of the file. */
  async #bytes(at: number): Promise<Buffer> {
    const wanted = Math.min(frameHeadBytes, this.#size - at)
    if (this.#isInWindow(at, wanted)) return this.#window.subarray(at - this.#windowStart, at - this.#windowStart + wanted)
    const head = Buffer.allocUnsafeSlow(wanted)
    await this.#read(head, at)
    return head
  }

  async #load(at: number, end: number): Promise<Buffer> {
    if (end - at > windowBytes) {
      const frames = Buffer.allocUnsafeSlow(end - at)
      await this.#read(frames, at)
      return frames
    }
    if (!this.#isInWindow(at, end - at)) await this.#fill(at)
    return this.#window.subarray(at - this.#windowStart, end - this.#windowStart)
  }

  #isInWindow(at: number, length: number): boolean {
    return at >= this.#windowStart && at + length <= this.#windowStart + this.#window.length
  }

  /** Into fresh memory: records that were given out are views of the old window. */
  async #fill(start: number): Promise<void> {
    this.#window = Buffer.allocUnsafeSlow(Math.min(windowBytes, this.#size - start))
    this.#windowStart = start
    await this.#read(this.#window, start)
  }

  async #read(target: Buffer, start: number): Promise<void> {
    for (let at = 0; at < target.length;) {
      const { bytesRead } = await this.#handle.read(target, at, target.length - at, start + at)
      if (bytesRead === 0) throw new Error('it became shorter while it was read')
      at += bytesRead
    }
  }
}

function damaged(reason: string, isChecksum = false): Examined {
  return { isIntact: false, reason, isChecksum }
}

/** A head that the end of the file cuts. */
function startsLikeMagic(head: Buffer): boolean {
  const magic = Buffer.alloc(4)
  magic.writeUInt32LE(frameMagic)
  return magic.subarray(0, head.length).equals(head.subarray(0, 4))
}

function bitsSet(word: number): number {
  let count = 0
  for (let rest = word >>> 0; rest !== 0; rest &= rest - 1) count++
  return count
}

function hex(word: number): string {
  return `0x${word.toString(16).padStart(8, '0')}`
}
