// What format a data set is in, by what is certain: names and first bytes, as the registry has them.

import { access, open, type FileHandle } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { isFolder } from '../providers/open-images.js'
import { sourceFormats, type CertainSigns } from './registry.js'

const headBytes = 4096

/**
 * The formats that the data set at this path is certainly in; several where signs contradict each other.
 * @throws PipelineError PIPE_SOURCE_MISSING
 */
export async function guessFormats(path: string): Promise<string[]> {
  const isInFolder = await isFolder(path)
  const head = isInFolder ? '' : await readHead(path)
  const guessed: string[] = []
  for (const [name, { certain }] of Object.entries(sourceFormats)) {
    for (const signs of certain ?? []) {
      if (!guessed.includes(name) && (await fits(signs, path, isInFolder, head))) guessed.push(name)
    }
  }
  return guessed
}

async function fits({ name, head, holds }: CertainSigns, path: string, isInFolder: boolean, found: string): Promise<boolean> {
  if (isInFolder !== (holds !== undefined)) return false
  if (name && !name.test(basename(resolve(path)))) return false
  if (head && !head.test(found)) return false
  for (const each of holds ?? []) {
    if (!(await access(join(path, each)).then(() => true, () => false))) return false
  }
  return true
}

async function readHead(path: string): Promise<string> {
  let file: FileHandle | undefined
  try {
    file = await open(path)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0)
    return buffer.toString('latin1', 0, bytesRead).replace(/^\xef\xbb\xbf/, '')
  } catch {
    return '' // opening the data set tells why
  } finally {
    await file?.close()
  }
}
