// The bytes of an annotation file in pieces, all in one buffer: a stream's fresh buffers stay until the next
// collection, and over a file of 450 MB that doubles what the process holds.

import { isUtf8 } from 'node:buffer'
import { open } from 'node:fs/promises'
import { throwIfAborted } from '../errors.js'
import { unreadableSource } from '../providers/image-provider.js'

const chunkBytes = 2 ** 18

/**
 * The file's bytes; each piece holds until the next is asked for.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_ABORTED
 */
export async function* readChunks(path: string, signal?: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
  const file = await open(path).catch((cause: unknown) => Promise.reject(unreadableSource(path, cause)))
  const buffer = Buffer.allocUnsafe(chunkBytes)
  try {
    while (true) {
      throwIfAborted(signal)
      const { bytesRead } = await file.read(buffer, 0, chunkBytes)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
    }
  } catch (error) {
    throw (error as NodeJS.ErrnoException).syscall === undefined ? error : unreadableSource(path, error)
  } finally {
    await file.close()
  }
}

/**
 * The first line (from 1) with bytes that are no UTF-8; undefined where all are.
 * @throws PipelineError as `readChunks`
 */
export async function findInvalidUtf8(path: string, signal?: AbortSignal): Promise<number | undefined> {
  let line = 1
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of readChunks(path, signal)) {
    const text = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
    const end = lastBoundary(text)
    const whole = text.subarray(0, end)
    const found = line + countLines(whole.subarray(0, validLength(whole)))
    if (!isUtf8(whole)) return found
    line = found
    rest = Buffer.from(text.subarray(end))
  }
  return isUtf8(rest) ? undefined : line
}

/** Where the last character begins: what may go on in the next piece. */
function lastBoundary(bytes: Buffer): number {
  let at = bytes.length - 1
  while (at > 0 && bytes.length - at < 4 && (bytes[at]! & 0xc0) === 0x80) at--
  return at
}

/** How many bytes at the beginning are UTF-8, up to the end of a line. */
function validLength(bytes: Buffer): number {
  if (isUtf8(bytes)) return bytes.length
  let valid = 0
  for (let end = bytes.indexOf(0x0a) + 1; end > 0 && isUtf8(bytes.subarray(valid, end)); end = bytes.indexOf(0x0a, end) + 1) valid = end
  return valid
}

function countLines(bytes: Buffer): number {
  let lines = 0
  for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) lines++
  return lines
}
