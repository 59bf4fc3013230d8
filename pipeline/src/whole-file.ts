// A file that appears under its name only when it is whole: written beside it as
// `.NAME.partial-PID-RANDOM`, made durable, then renamed.

import { randomBytes } from 'node:crypto'
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { syncFolder, writeFully } from './durable-write.js'
import { PipelineError, throwIfAborted } from './errors.js'

/** One system call for many small chunks. */
const batchBytes = 2 ** 20

/**
 * Writes the chunks (text as UTF-8) in place of any file of that name. Where they or the writing
 * fail, nothing of it stays. Memory: a megabyte and one chunk.
 *
 * @returns how many bytes
 * @throws PipelineError PIPE_OUTPUT, PIPE_ABORTED; what `chunks` throws passes unchanged
 */
export async function writeWholeFile(path: string, chunks: Iterable<Uint8Array | string> | AsyncIterable<Uint8Array | string>, signal?: AbortSignal): Promise<number> {
  if (await isDevice(path)) return writeDevice(path, chunks, signal)
  const temporary = join(dirname(path), `.${basename(path)}.partial-${process.pid}-${randomBytes(4).toString('hex')}`)
  const handle = await attempt(path, open(temporary, 'wx'))
  try {
    const bytes = await writeChunks(path, handle, chunks, signal)
    await attempt(path, handle.sync())
    await attempt(path, handle.close())
    await attempt(path, rename(temporary, path))
    await attempt(path, syncFolder(path))
    return bytes
  } catch (error) {
    await handle.close().catch(() => {})
    await rm(temporary, { force: true }).catch(() => {})
    throw error
  }
}

async function writeChunks(path: string, handle: FileHandle, chunks: Iterable<Uint8Array | string> | AsyncIterable<Uint8Array | string>, signal: AbortSignal | undefined): Promise<number> {
  let batch: Uint8Array[] = []
  let batched = 0
  let written = 0
  const flush = async (): Promise<void> => {
    await attempt(path, writeFully(handle, Buffer.concat(batch)))
    written += batched
    batch = []
    batched = 0
  }
  throwIfAborted(signal)
  for await (const chunk of chunks) {
    throwIfAborted(signal)
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    batch.push(bytes)
    batched += bytes.length
    if (batched >= batchBytes) await flush()
  }
  if (batched > 0) await flush()
  return written
}

/**
 * A pipe or a device such as /dev/stdout must not be replaced by a file. A folder in the way would be found
 * only by the rename, after all the work.
 */
async function isDevice(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory()) throw new PipelineError('PIPE_OUTPUT', `${path}: expected the name of a file to write, found a folder; give the name of a file in it`, { path })
  return found !== undefined && (!found.isFile() || /^\/(dev|proc)\//.test(path))
}

async function writeDevice(path: string, chunks: Parameters<typeof writeWholeFile>[1], signal: AbortSignal | undefined): Promise<number> {
  const handle = await attempt(path, open(path, 'w'))
  try {
    return await writeChunks(path, handle, chunks, signal)
  } finally {
    await handle.close().catch(() => {})
  }
}

async function attempt<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    throw new PipelineError('PIPE_OUTPUT', `${path}: cannot be written (${(cause as Error).message}); check the folder, its rights and the space on the disk`, { path, cause })
  }
}
