// A model folder on the disk (Node, Deno, Bun). In a browser read-folder-web.ts stands in its place: the
// package's `imports` say so.

import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { InferError } from './errors.js'
import { tooLong, unreadable, type ModelFiles } from './model-files.js'

export function folderFiles(path: string): ModelFiles {
  return { name: path, read: (name, maxBytes) => readWhole(join(path, name), maxBytes) }
}

/** A file's bytes, after a look at its kind and size: a pipe would never end. */
async function readWhole(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
  try {
    const found = await stat(path)
    if (!found.isFile()) throw unreadable(path, 'it is not a plain file')
    if (found.size > maxBytes) throw tooLong(path, found.size, maxBytes)
    return await readFile(path)
  } catch (error) {
    if (error instanceof InferError) throw error
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined
    throw unreadable(path, (error as Error).message, error)
  }
}
