// Records as a folder of image files again, with a list that packs back to the same records:
//
//   FOLDER/CLASS/ID.jpg (kind class), else FOLDER/ID.jpg; FOLDER/NAME.lst, FOLDER/NAME.classes.txt
//
// All is written into a folder beside it, which gets its name at the end.

import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { labelValues, readRecords, type LabelKind, type StoredRecord } from '@millrace/recordio'
import { formatClassNames } from '../class-names.js'
import { PipelineError } from '../errors.js'
import { formatListLine } from '../list-file.js'
import { writeWholeFile } from '../whole-file.js'
import { ClassFolderNames } from './class-folder-names.js'
import { extensionOf } from './image-type.js'
import { readMetaHeader } from './record-images.js'

export interface UnpackOptions {
  readonly input: string
  /** To be made: new, or empty. */
  readonly folder: string
  /** Default: what the .meta says, else `class` if the first record's label is one whole number from 0. */
  readonly labelKind?: LabelKind
  /** Puts all images into one folder. Default false. */
  readonly flat?: boolean
  readonly signal?: AbortSignal
  readonly onProgress?: (images: number) => void
}

export interface UnpackReport {
  readonly images: number
  /** Folders of classes; 0 when the images lie in one folder. */
  readonly classFolders: number
  readonly listPath: string
  /** Where the records have class names. */
  readonly classesPath?: string
}

/**
 * Unpacks a `.rec`. Endings follow from the images' first bytes; a second record with the same id gets
 * its place in the file behind the id. Nothing that exists is changed.
 *
 * @throws PipelineError PIPE_OUTPUT (also for a folder with something in it), PIPE_CLASS_NAME; RecordError as readRecords
 */
export async function unpackRecords(options: UnpackOptions): Promise<UnpackReport> {
  const { input, folder, signal } = options
  await requireEmpty(folder)
  const header = await readMetaHeader(input)
  const temporary = join(dirname(resolve(folder)), `.${basename(resolve(folder))}.partial-${process.pid}-${randomBytes(4).toString('hex')}`)
  const name = basename(input).replace(/\.rec$/i, '')
  const labelKind = options.labelKind ?? header?.labelKind
  const unpacking = new Unpacking(temporary, { ...options, ...(labelKind && { labelKind }) }, header?.classNames)
  try {
    await attempt(folder, mkdir(temporary))
    await writeWholeFile(join(temporary, `${name}.lst`), unpacking.lines(), signal)
    if (header?.classNames) await writeWholeFile(join(temporary, `${name}.classes.txt`), [formatClassNames(header.classNames)], signal)
    await attempt(folder, rename(temporary, folder))
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {})
    throw error
  }
  const { images, classFolders } = unpacking
  return { images, classFolders, listPath: join(folder, `${name}.lst`), ...(header?.classNames && { classesPath: join(folder, `${name}.classes.txt`) }) }
}

class Unpacking {
  images = 0
  readonly #folder: string
  readonly #options: UnpackOptions
  readonly #names: ClassFolderNames
  readonly #made = new Set<string>()

  constructor(folder: string, options: UnpackOptions, classNames: readonly string[] | undefined) {
    this.#folder = folder
    this.#options = options
    this.#names = new ClassFolderNames(classNames)
  }

  get classFolders(): number {
    return this.#made.size
  }

  /** Writes each image, then gives its line. */
  async *lines(): AsyncGenerator<string, void, undefined> {
    const { input, signal, flat = false, onProgress } = this.#options
    let isInFolders: boolean | undefined = flat ? false : undefined
    for await (const record of readRecords(input, signal ? { signal } : {})) {
      isInFolders ??= (this.#options.labelKind ?? guessKind(record)) === 'class'
      const path = await this.#write(record, isInFolders ? await this.#makeFolder(record.label) : '')
      yield formatListLine({ id: record.id, labels: labelValues(record), path })
      this.images++
      onProgress?.(this.images)
    }
  }

  async #makeFolder(label: number): Promise<string> {
    const name = this.#names.of(label)
    if (!this.#made.has(name)) await attempt(this.#options.folder, mkdir(join(this.#folder, name)))
    this.#made.add(name)
    return `${name}/`
  }

  /** The path of the new file, below the folder. */
  async #write({ id, ordinal, image }: StoredRecord, prefix: string): Promise<string> {
    for (const name of [`${id}`, `${id}-${ordinal}`]) {
      const path = `${prefix}${name}${extensionOf(image)}`
      const isNew = await attempt(this.#options.folder, writeNew(join(this.#folder, path), image))
      if (isNew) return path
    }
    throw new PipelineError('PIPE_OUTPUT', `${this.#options.folder}: expected a free name for record ${ordinal} with id ${id}, found none; unpack into a folder that nobody else writes to`, { path: this.#options.folder })
  }
}

function guessKind({ label, labels }: StoredRecord): LabelKind {
  return labels.length === 0 && Number.isInteger(label) && label >= 0 ? 'class' : 'values'
}

async function requireEmpty(folder: string): Promise<void> {
  const found = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return []
    throw new PipelineError('PIPE_OUTPUT', `${folder}: expected a new or an empty folder, found something else (${cause.code}); give another name`, { path: folder, cause })
  })
  if (found.length > 0) throw new PipelineError('PIPE_OUTPUT', `${folder}: expected a new or an empty folder, found one with ${found.length} entries; give another name`, { path: folder })
}

/** `false` where a file has that name. */
async function writeNew(path: string, bytes: Uint8Array): Promise<boolean> {
  try {
    await writeFile(path, bytes, { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function attempt<T>(folder: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    throw new PipelineError('PIPE_OUTPUT', `${folder}: cannot be written (${(cause as Error).message}); check the folder, its rights and the space on the disk`, { path: folder, cause })
  }
}
