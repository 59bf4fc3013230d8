// Writes a folder of files so that it is there whole or not at all: into a temporary folder beside its place,
// synced, then renamed. A folder of the same kind that is there already gives way in the same manner; anything
// else is left alone. For pages write-folder-web.ts stands in its place: the package's `imports` say so.

import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, readdir, realpath, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { InferError } from './errors.js'

/** A kind of folder that may be replaced. */
export interface FolderKind {
  /** What messages call it. */
  readonly what: string
  /** All names that may be in it. */
  readonly names: readonly string[]
  /** The file, and the text in it, that marks the kind. */
  readonly marker: { readonly name: string; readonly text: string }
}

/**
 * Parents are made where needed.
 * @throws InferError INFER_MODEL_WRITE if `folder` holds something of another kind, or writing fails; no trace is left
 */
export async function writeFolder(folder: string, files: Readonly<Record<string, Uint8Array | string>>, kind: FolderKind): Promise<void> {
  await asWriteError(folder, kind, async () => {
    // Through a link to the folder itself: what gives way below must be the folder, not the link.
    const target = await realpath(folder).catch(() => resolve(folder))
    const isThere = await checkReplaceable(target, kind)
    const temporary = join(dirname(target), `.${basename(target)}.${randomUUID()}`)
    try {
      await mkdir(temporary, { recursive: true })
      for (const [name, content] of Object.entries(files)) await writeSynced(join(temporary, name), content)
      await moveInto(temporary, target, isThere)
    } catch (error) {
      await rm(temporary, { recursive: true, force: true })
      throw error
    }
  })
}

/** Whether there is a folder to replace; an error if it holds anything of another kind. */
async function checkReplaceable(folder: string, { what, names, marker }: FolderKind): Promise<boolean> {
  const found = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (found === undefined) return false
  const foreign = found.find((name) => !names.includes(name))
  const isOfKind = found.length === 0 || (foreign === undefined && (await readFile(join(folder, marker.name), 'utf8')).includes(marker.text))
  if (!isOfKind) {
    throw new InferError('INFER_MODEL_WRITE', `${folder}: expected a new, empty or ${what} folder, found one with ${JSON.stringify(foreign ?? marker.name)} in it; choose another folder`, { path: folder })
  }
  return true
}

/** Renames a folder into its place; the old one is removed only when the new one is there. */
async function moveInto(temporary: string, target: string, isThere: boolean): Promise<void> {
  if (!isThere) return rename(temporary, target)
  const old = `${temporary}.old`
  await rename(target, old)
  try {
    await rename(temporary, target)
  } catch (error) {
    await rename(old, target)
    throw error
  }
  await rm(old, { recursive: true })
}

async function writeSynced(path: string, content: Uint8Array | string): Promise<void> {
  const file = await open(path, 'wx')
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function asWriteError(folder: string, { what }: FolderKind, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (error instanceof InferError) throw error
    throw new InferError('INFER_MODEL_WRITE', `${folder}: the ${what} cannot be written: ${(error as Error).message}`, { path: folder, cause: error })
  }
}
