// Bytes in chunks, from a file or from any stream, with an AbortSignal that also ends a wait for
// bytes that never come.

import { open } from 'node:fs/promises'
import { addAbortSignal, Readable } from 'node:stream'
import { fileError, RecordError } from './errors.js'

/** A path, or any stream of bytes: a node:stream Readable, a web ReadableStream, an async generator. */
export type ByteSource = string | AsyncIterable<Uint8Array>

/** Large enough to make system calls rare, small enough to stay in a core's cache while it is decoded. */
const chunkBytes = 256 * 1024

/**
 * The chunks of `source`. A chunk is only good until the next one is asked for: the file reader
 * uses one buffer for all.
 *
 * @throws RecordError REC_FILE, REC_ABORTED, REC_BAD_VALUE (a stream of something else than bytes).
 *   What the stream itself throws passes unchanged.
 */
export async function* readChunks(source: ByteSource, name: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const chunks = typeof source === 'string' ? readFile(source) : signal ? abortable(source, signal) : source
  try {
    throwIfAborted(name, signal)
    for await (const chunk of chunks) {
      if (!(chunk instanceof Uint8Array)) {
        throw new RecordError('REC_BAD_VALUE', `${name}: expected a stream of bytes, found one of ${typeof chunk}s; set no encoding on it`)
      }
      yield chunk
      throwIfAborted(name, signal)
    }
  } catch (error) {
    throwIfAborted(name, signal)
    throw error
  }
}

/** @throws RecordError REC_ABORTED */
export function throwIfAborted(name: string, signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new RecordError('REC_ABORTED', `${name}: stopped as asked`, { path: name, cause: signal.reason })
}

/** Ends the stream with an error as soon as the signal fires, even while it waits for bytes. */
function abortable(source: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncIterable<Uint8Array> {
  const stream = source instanceof Readable ? source : Readable.from(source, { highWaterMark: 1 })
  return addAbortSignal(signal, stream)
}

async function* readFile(path: string): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(chunkBytes)
  const handle = await open(path).catch((cause: unknown) => {
    throw fileError(path, 'open it', cause)
  })
  try {
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, chunkBytes, null)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
    }
  } catch (cause) {
    throw fileError(path, 'read it', cause)
  } finally {
    await handle.close()
  }
}
