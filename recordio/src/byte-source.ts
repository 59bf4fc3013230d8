// Bytes in chunks, from a file or from any stream, with an AbortSignal that also ends a wait for
// bytes that never come.

import { open } from 'node:fs/promises'
import { addAbortSignal, Readable } from 'node:stream'
import { fileError, RecordError } from './errors.js'

/** A path, or any stream of bytes: a node:stream Readable, a web ReadableStream, an async generator. */
export type ByteSource = string | AsyncIterable<Uint8Array>

/**
 * The next chunk is read while this one is used, at some 50 µs for the way through Node's thread pool,
 * and a record across two chunks must be put together: at 2 MiB both show least (bench/records.mjs).
 */
const chunkBytes = 2 ** 21

/**
 * The chunks of `source`. A chunk is only good until the next one is asked for: the file reader
 * uses its buffers again.
 *
 * @throws RecordError REC_FILE, REC_ABORTED, REC_BAD_VALUE (a stream of something else than bytes).
 *   What the stream itself throws passes unchanged.
 */
export async function* readChunks(source: ByteSource, name: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  throwIfAborted(name, signal)
  const chunks = typeof source === 'string' ? readFile(source) : signal ? abortable(source, signal) : source
  try {
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

/** @throws RecordError REC_ABORTED once the signal has fired */
export function throwIfAborted(name: string, signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new RecordError('REC_ABORTED', `${name}: stopped as asked`, { path: name, cause: signal.reason })
}

/** Ends the stream with an error as soon as the signal fires, even while it waits for bytes. */
function abortable(source: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncIterable<Uint8Array> {
  const stream = source instanceof Readable ? source : Readable.from(source, { highWaterMark: 1 })
  return addAbortSignal(signal, stream)
}

/** Two buffers: while the chunk in one is used, the other is read. */
async function* readFile(path: string): AsyncGenerator<Uint8Array> {
  const handle = await open(path).catch((cause: unknown) => {
    throw fileError(path, 'open it', cause)
  })
  let next: Promise<{ buffer: Uint8Array; bytesRead: number }> | undefined
  try {
    const { size } = await handle.stat()
    const length = size === 0 ? chunkBytes : Math.min(chunkBytes, size + 1) // a device or pipe has size 0
    next = handle.read(Buffer.allocUnsafeSlow(length), 0, length, null)
    let spare: Uint8Array = Buffer.allocUnsafeSlow(length)
    for (;;) {
      const { buffer, bytesRead } = await next
      if (bytesRead === 0) return
      next = handle.read(spare, 0, length, null)
      yield buffer.subarray(0, bytesRead)
      spare = buffer
    }
  } catch (cause) {
    throw fileError(path, 'read it', cause)
  } finally {
    await next?.catch(() => {})
    await handle.close()
  }
}
