// An image that is a file on the disk. What is to be read is plain data, so that any thread can do it,
// and each makes the same checks: a file, not too large, and within its folder where it must be.
//
// `readImageFile` goes through Node's thread pool and lets others wait meanwhile: some 150 µs of work.
// `ImageFileReader` reads at once: 4 µs where the system has the file in memory.

import { closeSync, constants, fstatSync, openSync, readSync, realpathSync, type Stats } from 'node:fs'
import { readFile, realpath, stat } from 'node:fs/promises'
import { dirname, sep } from 'node:path'
import { PipelineError } from '../errors.js'
import { maxImageBytes, missing, tooLarge } from './image-provider.js'

export interface ImageFile {
  readonly path: string
  /** Who names it, for errors: "digitStruct(17)". */
  readonly from: string
  /** The folder, by its real path, that no symbolic link may lead out of. Absent: links are followed. */
  readonly within?: string
}

/** Gives the bytes of an image; those of `file`, if that is there. */
export interface FileImage {
  (): Promise<Uint8Array>
  readonly file: ImageFile
}

/** A sample's image that is a file. */
export function fileImage(file: ImageFile): FileImage {
  return Object.assign(() => readImageFile(file), { file })
}

/** @throws PipelineError PIPE_IMAGE_MISSING, PIPE_IMAGE_UNREADABLE, PIPE_IMAGE_TOO_LARGE, PIPE_NAME_OUTSIDE */
export async function readImageFile(file: ImageFile): Promise<Uint8Array> {
  try {
    if (file.within !== undefined) checkPlace(file, await realpath(file.path))
    checkFile(file, await stat(file.path))
    return await readFile(file.path)
  } catch (error) {
    throw readError(file, error)
  }
}

/** Reads one file after another in this thread. */
export class ImageFileReader {
  #meanMs = 0
  #memory = Buffer.allocUnsafeSlow(2 ** 18)
  /** Folders whose place has been looked at, with the folder they must be within. */
  readonly #folders = new Map<string, string>()

  /** About how long the last files took; one that took very long does not count for more than 5 ms. */
  get meanMs(): number {
    return this.#meanMs
  }

  /**
   * The bytes, good until the next are read unless they are to be kept.
   * @throws PipelineError as `readImageFile`
   */
  read(file: ImageFile, isKept = false): Uint8Array {
    const began = performance.now()
    try {
      const descriptor = this.#open(file)
      try {
        const { size } = checkFile(file, fstatSync(descriptor))
        return fill(descriptor, isKept ? Buffer.allocUnsafeSlow(size) : this.#room(size), size)
      } finally {
        closeSync(descriptor)
        this.#meanMs += 0.1 * (Math.min(performance.now() - began, 5) - this.#meanMs)
      }
    } catch (error) {
      throw readError(file, error)
    }
  }

  /** A link in the place of the file makes the opening fail, so the folder need only be looked at once. */
  #open(file: ImageFile): number {
    const { path, within } = file
    if (within === undefined) return openSync(path, openFlags)
    if (constants.O_NOFOLLOW !== undefined) {
      this.#checkFolder(file, dirname(path), within)
      try {
        return openSync(path, openFlags | constants.O_NOFOLLOW)
      } catch (error) {
        if (!linkCodes.has((error as NodeJS.ErrnoException).code ?? '')) throw error
      }
    }
    checkPlace(file, realpathSync(path))
    return openSync(path, openFlags)
  }

  #checkFolder(file: ImageFile, folder: string, within: string): void {
    if (this.#folders.get(folder) === within) return
    checkPlace(file, realpathSync(folder))
    if (this.#folders.size >= maxFolders) this.#folders.clear()
    this.#folders.set(folder, within)
  }

  #room(size: number): Buffer {
    if (size > maxMemory) return Buffer.allocUnsafeSlow(size)
    if (size > this.#memory.length) this.#memory = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(size)))
    return this.#memory
  }
}

const maxFolders = 10_000
/** What a reader keeps for itself. */
const maxMemory = 2 ** 24
/** Without waiting for the other end of a pipe, which then is found to be no file. */
const openFlags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)
const linkCodes: ReadonlySet<string> = new Set(['ELOOP', 'EMLINK'])

function fill(descriptor: number, memory: Buffer, size: number): Uint8Array {
  let length = 0
  while (length < size) {
    const bytesRead = readSync(descriptor, memory, length, size - length, null)
    if (bytesRead === 0) break // it has become shorter
    length += bytesRead
  }
  return memory.subarray(0, length)
}

function checkFile({ path }: ImageFile, found: Stats): Stats {
  if (!found.isFile()) throw new PipelineError('PIPE_IMAGE_UNREADABLE', `${path}: expected an image file, found something else; correct the annotation`, { path })
  if (found.size > maxImageBytes) throw tooLarge(path, found.size)
  return found
}

function checkPlace({ path, from, within = '' }: ImageFile, real: string): void {
  if (real === within || real.startsWith(within.endsWith(sep) ? within : within + sep)) return
  throw new PipelineError('PIPE_NAME_OUTSIDE', `${path}: expected this image, named by ${from}, within the folder, found a symbolic link that leads out of it; allow links with followLinks (--follow-links), or put the image there`, { path })
}

function readError({ path, from }: ImageFile, error: unknown): PipelineError {
  if (error instanceof PipelineError) return error
  const cause = error as NodeJS.ErrnoException
  if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return missing(path, from, cause)
  return new PipelineError('PIPE_IMAGE_UNREADABLE', `${path}: expected to read this image, named by ${from}, found ${cause.code ?? cause.message}; check the file's rights`, { path, cause })
}
