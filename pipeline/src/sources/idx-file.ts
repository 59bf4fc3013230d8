// idx files, in which MNIST and its kin are published: a block of numbers with its shape before it, all
// big-endian, plain or gzipped. http://yann.lecun.com/exdb/mnist (its last section).
//
//   bytes  field
//   2      0
//   1      type of the numbers: 8 is u8, the only one of images and classes
//   1      dimensions: 1 for labels, 3 for grey images, 4 for images of several channels
//   4      each dimension, u32
//   …      the numbers, the last dimension fastest

import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { PipelineError, throwIfAborted } from '../errors.js'
import { ChunkReader } from '../interchange/chunk-reader.js'
import { unreadableSource } from '../providers/image-provider.js'

export interface IdxFile {
  readonly path: string
  readonly shape: readonly number[]
  /**
   * All the numbers, so many at a time; the last block may be shorter. Memory: a block.
   * @throws PipelineError PIPE_IDX for a file that ends early or goes on after its end, PIPE_ABORTED
   */
  blocks(blockBytes: number, signal?: AbortSignal): AsyncGenerator<Uint8Array, void, undefined>
}

const magicBytes = 4
const typeOfBytes = 8
const maxDimensions = 4
const chunkBytes = 2 ** 18

/**
 * Opens a file of bytes with one of these numbers of dimensions: its shape is read, and the length of a
 * file that is not gzipped checked.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_IDX
 */
export async function openIdx(path: string, dimensions: readonly number[]): Promise<IdxFile> {
  const { reader, isGzip } = await openReader(path)
  try {
    const shape = await readShape(reader, path, dimensions)
    const expected = magicBytes + 4 * shape.length + shape.reduce((product, length) => product * length, 1)
    const { size } = await stat(path)
    if (!isGzip && size !== expected) throw idxError(path, `at byte ${4 + 4 * shape.length}: expected ${shape.join('x')} numbers in a file of ${expected} bytes`, `one of ${size}`)
    return { path, shape, blocks: (blockBytes, signal) => readBlocks(path, shape, blockBytes, signal) }
  } finally {
    await reader.close()
  }
}

/** The error for an idx file. */
export function idxError(path: string, expected: string, found: string, cause?: unknown): PipelineError {
  return new PipelineError('PIPE_IDX', `${path}: ${expected}, found ${found}; fetch the file again`, { path, cause })
}

async function readShape(reader: ChunkReader, path: string, dimensions: readonly number[]): Promise<number[]> {
  const magic = await reader.read(magicBytes)
  const count = magic[3] ?? 0
  const isRight = magic.length === magicBytes && magic.readUInt16BE(0) === 0 && magic[2] === typeOfBytes && dimensions.includes(count)
  if (!isRight) throw idxError(path, `at byte 0: expected ${dimensions.map((each) => `0x0000080${each}`).join(' or ')}, an idx file of bytes with ${dimensions.join(' or ')} dimensions`, magic.length === 0 ? 'an empty file' : `0x${magic.toString('hex')}`)
  const bytes = await reader.read(4 * count)
  if (bytes.length < 4 * count) throw idxError(path, `at byte ${magicBytes}: expected ${count} dimensions`, `the end after ${bytes.length} bytes`)
  return Array.from({ length: Math.min(count, maxDimensions) }, (_, place) => bytes.readUInt32BE(4 * place))
}

async function* readBlocks(path: string, shape: readonly number[], blockBytes: number, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void, undefined> {
  const count = shape.reduce((product, length) => product * length, 1)
  const { reader } = await openReader(path)
  try {
    await reader.read(magicBytes + 4 * shape.length)
    for (let at = 0; at < count; at += blockBytes) {
      throwIfAborted(signal)
      const wanted = Math.min(blockBytes, count - at)
      const block = await reader.read(wanted)
      if (block.length < wanted) throw idxError(path, `expected ${shape.join('x')} numbers`, `the end after ${at + block.length}`)
      yield block
    }
    if ((await reader.peek(1)).length > 0) throw idxError(path, `expected ${shape.join('x')} numbers`, 'more bytes after them')
  } finally {
    await reader.close()
  }
}

async function openReader(path: string): Promise<{ readonly reader: ChunkReader; readonly isGzip: boolean }> {
  const raw = new ChunkReader(fileChunks(path))
  const isGzip = (await raw.peek(2)).equals(Buffer.from([0x1f, 0x8b]))
  return { reader: isGzip ? new ChunkReader(gunzip(raw, path)) : raw, isGzip }
}

async function* fileChunks(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* createReadStream(path, { highWaterMark: chunkBytes }) as AsyncIterable<Uint8Array>
  } catch (cause) {
    throw unreadableSource(path, cause)
  }
}

async function* gunzip(raw: ChunkReader, path: string): AsyncGenerator<Uint8Array, void, undefined> {
  const unpacked = pipeline(Readable.from(raw.rest()), createGunzip({ chunkSize: chunkBytes }), () => {}) // its iterator throws the error
  try {
    yield* unpacked as AsyncIterable<Uint8Array>
  } catch (cause) {
    if (cause instanceof PipelineError) throw cause
    throw idxError(path, 'expected a whole gzip file', `one that breaks off or is damaged (${(cause as Error).message})`, cause)
  } finally {
    await raw.close()
  }
}
