// Images in a folder. Nothing outside of it is read: names do not climb, and a symbolic link that
// leads out is refused unless links are followed.

import { realpathSync, type Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { PipelineError, throwIfAborted } from '../errors.js'
import { annotatedName, compareNames, isHidden } from './image-name.js'
import { readImageFile, type ImageFile } from './image-file.js'
import { countIgnored, unreadableSource, type IgnoredReason, type RandomImages } from './image-provider.js'

export interface FolderImagesOptions {
  /** Follow symbolic links wherever they lead. Default false: only within the folder, and only to files. */
  readonly followLinks?: boolean
  readonly signal?: AbortSignal | undefined
}

/**
 * The images of a folder. Memory: the names of the largest folder within it.
 */
export function folderImages(path: string, options: FolderImagesOptions = {}): RandomImages {
  const { followLinks = false, signal } = options
  const ignored = new Map<IgnoredReason, number>()
  let realFolder: string | undefined
  const start = join(path, 'x').slice(0, -1) // names are plain: joining each would cost as much as all else of a long list
  const locate = (name: string, from: string): ImageFile => {
    const place = start + annotatedName(name, '', from)
    return followLinks ? { path: place, from } : { path: place, from, within: (realFolder ??= realPath(path)) }
  }
  return {
    access: 'random',
    path,
    ignored,
    names() {
      ignored.clear()
      return walk({ root: path, followLinks, ignored, signal }, '', [])
    },
    file: locate,
    read: async (name, from) => readImageFile(locate(name, from)),
  }
}

interface Walk {
  readonly root: string
  readonly followLinks: boolean
  readonly ignored: Map<IgnoredReason, number>
  readonly signal: AbortSignal | undefined
}

/** `within`: the real paths of the folders above, to notice a link that leads back to one of them. */
async function* walk(options: Walk, folder: string, within: readonly string[]): AsyncGenerator<string, void, undefined> {
  throwIfAborted(options.signal)
  const path = join(options.root, folder)
  const above = options.followLinks ? [...within, await realpath(path).catch((cause: unknown) => Promise.reject(unreadableSource(path, cause)))] : within
  if (new Set(above).size < above.length) throw new PipelineError('PIPE_NAME_OUTSIDE', `${path}: expected folders that end, found a symbolic link to a folder above; remove the link`, { path })
  for (const entry of await sortedEntries(path)) {
    const name = folder === '' ? entry.name : `${folder}/${entry.name}`
    const kind = isHidden(entry.name) ? 'hidden' : await kindOf(entry, join(options.root, name), options.followLinks)
    if (kind === 'folder') yield* walk(options, name, above)
    else if (kind === 'file') yield name
    else countIgnored(options.ignored, kind)
  }
}

async function sortedEntries(path: string): Promise<Dirent[]> {
  try {
    return (await readdir(path, { withFileTypes: true })).sort((a, b) => compareNames(a.name, b.name))
  } catch (cause) {
    throw unreadableSource(path, cause)
  }
}

async function kindOf(entry: Dirent, path: string, followLinks: boolean): Promise<'file' | 'folder' | 'neither file nor folder'> {
  const found = entry.isSymbolicLink() ? await stat(path).catch(() => undefined) : entry
  if (found === undefined || found.isFile()) return 'file' // a link to nothing is read, and so rejected by name
  if (!found.isDirectory()) return 'neither file nor folder'
  if (entry.isSymbolicLink() && !followLinks) {
    throw new PipelineError('PIPE_NAME_OUTSIDE', `${path}: expected a folder, found a symbolic link to one; allow links with followLinks (--follow-links), or put the folder there`, { path })
  }
  return 'folder'
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch (cause) {
    throw unreadableSource(path, cause)
  }
}
