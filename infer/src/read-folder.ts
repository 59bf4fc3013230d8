// A model folder on the disk (Node, Deno, Bun). In a browser read-folder-web.ts stands in its place: the
// package's `imports` say so.

import { createHash } from 'node:crypto'
import { open, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { InferError } from './errors.js'
import { missing, otherLength, tooLong, unreadable, type ModelFiles } from './model-files.js'

/** Read and hashed at once; while it is in the processor's cache. */
const partBytes = 2 ** 20

export function folderFiles(path: string): ModelFiles {
  return {
    name: path,
    read: (name, maxBytes) => whereThere(join(path, name), async (file, byteLength) => {
      if (byteLength > maxBytes) throw tooLong(file, byteLength, maxBytes)
      return readFile(file)
    }),
    async readInto(name, target) {
      const file = join(path, name)
      const digest = await whereThere(file, (_, byteLength) => {
        if (byteLength !== target.length) throw otherLength(file, target.length, byteLength)
        return readHashed(file, target)
      })
      if (digest === undefined) throw missing(file)
      return digest
    },
  }
}

/** What `read` gives, after a look at the file's kind: a pipe would never end. Undefined where there is no file. */
async function whereThere<T>(path: string, read: (path: string, byteLength: number) => Promise<T>): Promise<T | undefined> {
  try {
    const found = await stat(path)
    if (!found.isFile()) throw unreadable(path, 'it is not a plain file')
    return await read(path, found.size)
  } catch (error) {
    if (error instanceof InferError) throw error
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined
    throw unreadable(path, (error as Error).message, error)
  }
}

/** Fills the target and gives the SHA-256 of what was read. */
async function readHashed(path: string, target: Uint8Array): Promise<string> {
  const file = await open(path)
  try {
    const hash = createHash('sha256')
    for (let at = 0; at < target.length;) {
      const { bytesRead } = await file.read(target, at, Math.min(partBytes, target.length - at), at)
      if (bytesRead === 0) throw otherLength(path, target.length, at)
      hash.update(target.subarray(at, at + bytesRead))
      at += bytesRead
    }
    return hash.digest('hex')
  } finally {
    await file.close()
  }
}
