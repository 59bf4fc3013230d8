// Images in a folder a class, as ImageNet has them: FOLDER/CLASS/IMAGE. The class is the folder's
// place among the sorted names (by code point, as Python sorts), or its line in a given list of names.
// Whatever is passed over is counted, so that nobody has to guess why an image is missing.

import { readdir, realpath, stat } from 'node:fs/promises'
import type { Dirent } from 'node:fs'
import { extname, join } from 'node:path'
import { PipelineError, throwIfAborted } from './errors.js'

/** Endings of the image files that are looked for. */
export const imageExtensions: readonly string[] = ['.jpg', '.jpeg', '.png', '.webp']

export interface ClassFolderOptions {
  /** Names of the classes in order; folders of other names are passed over, and named. Default: all folders, sorted. */
  readonly classNames?: readonly string[]
  /** Endings of image files; case does not matter. Default `.jpg .jpeg .png .webp`. */
  readonly extensions?: readonly string[]
  /** Also looks into the folders inside a class folder. Default false. */
  readonly recursive?: boolean
  /** Default false: links are passed over. */
  readonly followLinks?: boolean
  readonly signal?: AbortSignal
}

export interface ClassFolders {
  readonly classes: readonly ClassFolder[]
  readonly ignored: IgnoredFiles
  /** Folders that the given class names do not name. */
  readonly unknownFolders: readonly string[]
  /** Image files whose name a list cannot hold, with the reason. */
  readonly rejected: readonly { readonly path: string; readonly reason: string }[]
}

export interface ClassFolder {
  readonly name: string
  /** Paths below the folder, with forward slashes, sorted. */
  readonly images: readonly string[]
}

/** How much was passed over, by reason. */
export interface IgnoredFiles {
  /** Files and folders whose name begins with a point. */
  hidden: number
  /** Files with another ending. */
  otherFiles: number
  /** Images beside the class folders. */
  outsideClasses: number
  /** Folders inside a class folder. */
  innerFolders: number
  /** Links, where they are not followed; links to nothing or around in a circle. */
  links: number
}

/**
 * Looks through a folder of class folders. Memory: all the paths.
 *
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_EMPTY (no class folder, or no image in any), PIPE_ABORTED
 */
export async function readClassFolders(folder: string, options: ClassFolderOptions = {}): Promise<ClassFolders> {
  const walk = new Walk(folder, options)
  const { files, folders } = await walk.list('', [])
  walk.ignored.outsideClasses += files.length
  const { classNames = folders, followLinks } = options
  if (classNames.length === 0) throw empty(folder, 'a folder for each class', 'none')
  const above = followLinks ? [await realpath(folder)] : []
  const classes: ClassFolder[] = []
  for (const name of classNames) classes.push({ name, images: folders.includes(name) ? await walk.images(name, above) : [] })
  if (classes.every(({ images }) => images.length === 0)) throw empty(folder, 'images in the class folders', `none that ends in ${walk.extensions.join(' ')}`)
  return { classes, ignored: walk.ignored, unknownFolders: folders.filter((name) => !classNames.includes(name)), rejected: walk.rejected }
}

class Walk {
  readonly ignored: IgnoredFiles = { hidden: 0, otherFiles: 0, outsideClasses: 0, innerFolders: 0, links: 0 }
  readonly rejected: { path: string; reason: string }[] = []
  readonly extensions: readonly string[]

  constructor(
    readonly root: string,
    readonly options: ClassFolderOptions,
  ) {
    this.extensions = (options.extensions ?? imageExtensions).map((extension) => extension.toLowerCase())
  }

  /** Image paths of one class, its inner folders after its own files. */
  async images(path: string, above: readonly string[]): Promise<string[]> {
    const here = this.options.followLinks ? [...above, await realpath(join(this.root, path))] : above
    const { files, folders } = await this.list(path, here)
    const images = files.map((name) => `${path}/${name}`)
    for (const name of folders) {
      if (!this.options.recursive) this.ignored.innerFolders++
      else for (const image of await this.images(`${path}/${name}`, here)) images.push(image)
    }
    return images
  }

  /** Names of the image files and of the folders in a folder, sorted. `above`: real paths that a link must not lead back to. */
  async list(path: string, above: readonly string[]): Promise<{ files: string[]; folders: string[] }> {
    throwIfAborted(this.options.signal)
    const found = await readdir(join(this.root, path), { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
      throw new PipelineError('PIPE_SOURCE_MISSING', `${join(this.root, path)}: expected a folder, found nothing that can be read (${cause.code}); check the path`, { path: join(this.root, path), cause })
    })
    const files: string[] = []
    const folders: string[] = []
    for (const entry of sortByCodePoint(found)) {
      if (entry.name.startsWith('.')) {
        this.ignored.hidden++
        continue
      }
      const kind = await this.kindOf(path, entry, above)
      if (kind === 'folder') folders.push(entry.name)
      else if (kind === 'link') this.ignored.links++
      else if (kind === 'other' || !this.extensions.includes(extname(entry.name).toLowerCase())) this.ignored.otherFiles++
      else if (this.accept(path, entry.name)) files.push(entry.name)
    }
    return { files, folders }
  }

  async kindOf(path: string, entry: Dirent, above: readonly string[]): Promise<'file' | 'folder' | 'link' | 'other'> {
    if (!entry.isSymbolicLink()) return entry.isFile() ? 'file' : entry.isDirectory() ? 'folder' : 'other'
    if (!this.options.followLinks) return 'link'
    const target = join(this.root, path, entry.name)
    const found = await stat(target).catch(() => undefined)
    if (found?.isFile()) return 'file'
    return found?.isDirectory() && !above.includes(await realpath(target)) ? 'folder' : 'link'
  }

  /** A list has no way to write some names. */
  accept(path: string, name: string): boolean {
    if (!/[\t\n\r\ufffd]/.test(`${path}${name}`) && name.trim() === name && path.trimStart() === path) return true
    const reason = 'expected a name in UTF-8 without tabs, line ends and blanks at its ends; rename it'
    this.rejected.push({ path: path === '' ? name : `${path}/${name}`, reason })
    return false
  }
}

/** JavaScript compares halves of letters outside the first plane; Python, and `sort` under LC_ALL=C, do not. */
function sortByCodePoint(entries: Dirent[]): Dirent[] {
  if (entries.some(({ name }) => /[\ud800-\udfff]/.test(name))) return entries.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
}

function empty(folder: string, expected: string, found: string): PipelineError {
  return new PipelineError('PIPE_EMPTY', `${folder}: expected ${expected}, found ${found}; check the path`, { path: folder })
}
