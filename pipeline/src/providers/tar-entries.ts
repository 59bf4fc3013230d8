// The entries of a tar or tar.gz file, one after the other, through tar-stream (ustar, GNU and PAX
// names) and node:zlib. Nothing is held but the chunk in work. A tar has no directory and no length,
// so two things tell whether all of it was there: gzip's checksum and the zero block at a tar's end.

import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { extract, type Extract } from 'tar-stream'
import { PipelineError, throwIfAborted } from '../errors.js'
import { unreadableSource } from './image-provider.js'

export interface TarOptions {
  readonly signal?: AbortSignal | undefined
}

/** One file or link of a tar, as it is come to. */
export interface TarEntry {
  /** As stored. */
  readonly name: string
  readonly kind: 'file' | 'link' | 'other'
  readonly sizeBytes: number
  /** The entry's bytes; to be taken before the next entry is asked for, or not at all. */
  readonly content: AsyncIterable<Uint8Array>
}

const blockBytes = 512
/** Also tars from before POSIX: the header's checksum guards them too. (An option that the types leave out.) */
const anyTar: object = { allowUnknownFormat: true }
const chunkBytes = 2 ** 18
/** Deflate cannot do better than 1032:1, and a tar of photos stays near 1:1; its first megabyte may be padding. */
const maxRatio = 1000
const freeBytes = 2 ** 20
const gzipMagic = 0x1f8b

/**
 * The entries of the tar file at `path`, gzipped or not; folders are left out.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_ARCHIVE_DAMAGED, PIPE_ARCHIVE_LIMIT, PIPE_ABORTED
 */
export async function* readTar(path: string, options: TarOptions = {}): AsyncGenerator<TarEntry, void, undefined> {
  const archive = extract({ ...anyTar })
  const tail = new Tail()
  const feeding = feed(archive, path, tail, options)
  let endOfEntries = 0
  try {
    for await (const content of archive) {
      const { name, type, size } = content.header
      if (type !== 'directory') yield { name, kind: toKind(type), sizeBytes: size, content: readContent(path, content as AsyncIterable<Uint8Array>) }
      content.resume() // what the caller left
      endOfEntries = content.offset + blockBytes + Math.ceil(size / blockBytes) * blockBytes
    }
    if (!tail.endsArchive(endOfEntries)) throw new Error('it ends without the block of zeros that ends a tar')
  } catch (error) {
    throw error instanceof PipelineError ? error : readError(path, error as NodeJS.ErrnoException)
  } finally {
    archive.destroy()
    await feeding
  }
}

function toKind(type: string): TarEntry['kind'] {
  if (type === 'file' || type === 'contiguous-file') return 'file'
  return type === 'link' || type === 'symlink' ? 'link' : 'other'
}

async function* readContent(path: string, content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* content
  } catch (error) {
    throw error instanceof PipelineError ? error : readError(path, error as NodeJS.ErrnoException)
  }
}

/** Never fails: what goes wrong ends the archive, whose reader then throws it. */
async function feed(archive: Extract, path: string, tail: Tail, options: TarOptions): Promise<void> {
  let wake = (): void => {}
  for (const event of ['drain', 'close'] as const) archive.on(event, () => wake())
  archive.on('error', () => {}) // its reader throws it
  try {
    for await (const chunk of tarBytes(path, options)) {
      if (archive.destroyed) return
      tail.add(chunk)
      if (!archive.write(chunk)) await new Promise<void>((resolve) => void (wake = resolve))
    }
    archive.end(null)
  } catch (error) {
    archive.destroy(error as Error)
  }
}

async function* tarBytes(path: string, { signal }: TarOptions): AsyncGenerator<Buffer, void, undefined> {
  const file = createReadStream(path, { highWaterMark: chunkBytes })
  if (!(await startsWithGzip(path))) {
    for await (const chunk of file as AsyncIterable<Buffer>) {
      throwIfAborted(signal)
      yield chunk
    }
    return
  }
  const gunzip = createGunzip({ chunkSize: chunkBytes })
  pipeline(file, gunzip, () => {}) // an error comes out of gunzip
  let outBytes = 0
  for await (const chunk of gunzip as AsyncIterable<Buffer>) {
    throwIfAborted(signal)
    outBytes += chunk.length
    if (outBytes > freeBytes + maxRatio * gunzip.bytesWritten) throw new PipelineError('PIPE_ARCHIVE_LIMIT', `${path}: expected at most ${maxRatio} bytes for a compressed byte, found ${outBytes} from ${gunzip.bytesWritten}; this holds no photos`, { path })
    yield chunk
  }
}

async function startsWithGzip(path: string): Promise<boolean> {
  const file = await open(path)
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(2), 0, 2, 0)
    return bytesRead === 2 && buffer.readUInt16BE(0) === gzipMagic
  } finally {
    await file.close()
  }
}

/** The last block of a stream, and how long the stream was. */
class Tail {
  #totalBytes = 0
  #lastBlock: Uint8Array = new Uint8Array(0)

  add(chunk: Buffer): void {
    this.#totalBytes += chunk.length
    this.#lastBlock = Buffer.concat([this.#lastBlock, chunk.subarray(-blockBytes)]).subarray(-blockBytes)
  }

  /** Whether a block of zeros stands after the last entry. */
  endsArchive(endOfEntries: number): boolean {
    return this.#totalBytes >= endOfEntries + blockBytes && this.#lastBlock.every((byte) => byte === 0)
  }
}

function readError(path: string, cause: NodeJS.ErrnoException): PipelineError {
  if (cause.syscall !== undefined) return unreadableSource(path, cause)
  return new PipelineError('PIPE_ARCHIVE_DAMAGED', `${path}: expected a whole tar or tar.gz file, found one that breaks off or is damaged (${cause.message}); fetch the file again`, { path, cause })
}
