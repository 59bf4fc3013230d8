// TensorFlow's record file: records back to back, little endian, no header, no index.
//
//   bytes    field
//   8        length, u64
//   4        masked CRC-32C of the length's 8 bytes
//   length   data (here: a tf.train.Example, tf-example.ts)
//   4        masked CRC-32C of the data
//
//   masked = ((crc >> 15) | (crc << 17)) + 0xa282ead8, so that a checksum over data that holds
//   checksums stays a good one
//
// The whole file may be gzipped. Its first bytes could also be a length of 559,903 and more: the
// checksum of the length tells which they are. See tensorflow/core/lib/io/record_writer.h.

import { crc32c } from '@node-rs/crc32'
import { createReadStream } from 'node:fs'
import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { PipelineError, throwIfAborted, type PipelineErrorCode } from '../errors.js'
import { ChunkReader } from './chunk-reader.js'

/** The data of one record, and its place. */
export interface TfRecord {
  /** Place among the records, from 0. */
  readonly ordinal: number
  /** Where the record starts, in the file or in what it decompresses to. */
  readonly offsetBytes: number
  readonly data: Uint8Array
}

export interface ReadTfRecordsOptions {
  /** Named in errors. Default: the path, or `stream`. */
  readonly name?: string
  /** A longer record is damage or an attack. Default 2^29, the most that a `.rec` holds. */
  readonly maximumBytes?: number
  /** Told of each record whose data do not match their checksum, which is then passed over. Default: it is thrown. */
  readonly onDamaged?: (error: PipelineError, ordinal: number) => void
  readonly signal?: AbortSignal
}

/**
 * The records of a TFRecord file (a path) or stream, gzipped or not. Memory: one record.
 *
 * @throws PipelineError PIPE_TFRECORD_CUT, PIPE_TFRECORD_DAMAGED, PIPE_TFRECORD_TOO_LARGE,
 *   PIPE_SOURCE_MISSING, PIPE_ABORTED. What a stream throws passes unchanged.
 */
export async function* readTfRecords(source: string | AsyncIterable<Uint8Array>, options: ReadTfRecordsOptions = {}): AsyncGenerator<TfRecord, void, undefined> {
  const name = options.name ?? (typeof source === 'string' ? source : 'stream')
  const reader = new ChunkReader(openChunks(source, name, options.signal))
  try {
    for (let ordinal = 0; ; ordinal++) {
      const place = { name, ordinal, offsetBytes: reader.position }
      const length = await readLength(reader, place, options.maximumBytes ?? 2 ** 29)
      if (length === undefined) return
      const data = await readData(reader, place, length, options.onDamaged)
      if (data) yield { ordinal, offsetBytes: place.offsetBytes, data }
    }
  } finally {
    await reader.close()
  }
}

/** One record as it stands in a file; their concatenation is a TFRecord file. */
export function encodeTfRecord(data: Uint8Array): Buffer {
  const record = Buffer.allocUnsafe(headBytes + data.length + checksumBytes)
  record.writeBigUInt64LE(BigInt(data.length), 0)
  record.writeUInt32LE(maskedChecksum(record.subarray(0, 8)), 8)
  record.set(data, headBytes)
  record.writeUInt32LE(maskedChecksum(data), headBytes + data.length)
  return record
}

interface Place {
  readonly name: string
  readonly ordinal: number
  readonly offsetBytes: number
}

const headBytes = 12
const checksumBytes = 4
const chunkBytes = 2 ** 19

function maskedChecksum(bytes: Uint8Array): number {
  const checksum = crc32c(bytes)
  return (((checksum >>> 15) | (checksum << 17)) + 0xa282ead8) >>> 0
}

/** `undefined` at a clean end. */
async function readLength(reader: ChunkReader, place: Place, maximumBytes: number): Promise<number | undefined> {
  const head = await reader.read(headBytes)
  if (head.length === 0) return undefined
  if (head.length < headBytes) throw wrong('PIPE_TFRECORD_CUT', place, `expected ${headBytes} bytes of length and checksum, found the end after ${head.length}`)
  checkLength(head, place)
  const length = head.readBigUInt64LE(0)
  if (length > BigInt(maximumBytes)) throw wrong('PIPE_TFRECORD_TOO_LARGE', place, `expected a record of at most ${maximumBytes} bytes, found one of ${length}`, 'store smaller images')
  return Number(length)
}

function checkLength(head: Buffer, place: Place): void {
  const [expected, found] = [head.readUInt32LE(8), maskedChecksum(head.subarray(0, 8))]
  if (expected === found) return
  const next = place.offsetBytes === 0 ? 'is this a TFRecord file?' : undefined
  throw wrong('PIPE_TFRECORD_DAMAGED', place, `expected a length with checksum ${hex(expected)}, found ${hex(found)}`, next)
}

async function readData(reader: ChunkReader, place: Place, length: number, onDamaged: ReadTfRecordsOptions['onDamaged']): Promise<Uint8Array | undefined> {
  const body = await reader.read(length + checksumBytes)
  if (body.length < length + checksumBytes) throw wrong('PIPE_TFRECORD_CUT', place, `expected ${length} bytes and a checksum, found the end after ${body.length}`)
  const data = body.subarray(0, length)
  const [expected, found] = [body.readUInt32LE(length), maskedChecksum(data)]
  if (expected === found) return data
  const error = wrong('PIPE_TFRECORD_DAMAGED', place, `expected ${length} bytes with checksum ${hex(expected)}, found ${hex(found)}`)
  if (!onDamaged) throw error
  onDamaged(error, place.ordinal)
  return undefined
}

async function* openChunks(source: string | AsyncIterable<Uint8Array>, name: string, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void, undefined> {
  const raw = new ChunkReader(typeof source === 'string' ? createReadStream(source, { highWaterMark: chunkBytes }) : source)
  try {
    throwIfAborted(signal)
    for await (const chunk of isGzip(await raw.peek(headBytes)) ? gunzip(raw) : raw.rest()) {
      throwIfAborted(signal)
      yield chunk
    }
  } catch (cause) {
    throw readError(name, cause)
  } finally {
    await raw.close()
  }
}

function isGzip(head: Buffer): boolean {
  const isMagic = head.length >= 3 && head.readUIntBE(0, 3) === 0x1f8b08
  return isMagic && !(head.length === headBytes && head.readUInt32LE(8) === maskedChecksum(head.subarray(0, 8)))
}

function gunzip(raw: ChunkReader): AsyncIterable<Uint8Array> {
  return pipeline(Readable.from(raw.rest()), createGunzip({ chunkSize: chunkBytes }), () => {}) as AsyncIterable<Uint8Array> // its iterator throws the error
}

function readError(name: string, cause: unknown): unknown {
  const { code = '', syscall, message } = cause as NodeJS.ErrnoException
  if (code.startsWith('Z_')) return new PipelineError('PIPE_TFRECORD_DAMAGED', `${name}: expected a whole gzip file, found one that breaks off or is damaged (${message}); fetch the file again`, { path: name, cause })
  if (syscall !== undefined) return new PipelineError('PIPE_SOURCE_MISSING', `${name}: expected a TFRecord file, found nothing that can be read (${code}); check the path`, { path: name, cause })
  return cause
}

function wrong(code: PipelineErrorCode, { name, ordinal, offsetBytes }: Place, fact: string, next = 'the file is damaged here: fetch it again'): PipelineError {
  return new PipelineError(code, `${name}: record ${ordinal} at byte ${offsetBytes}: ${fact}; ${next}`, { path: name, entry: ordinal + 1 })
}

function hex(word: number): string {
  return `0x${word.toString(16).padStart(8, '0')}`
}
