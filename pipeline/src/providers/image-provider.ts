// Where image bytes come from: a folder or a zip gives any image by name, a tar only one after the
// other, as they stand in it.

import { PipelineError } from '../errors.js'
import type { ImageFile } from './image-file.js'

export type ImageProvider = RandomImages | StreamedImages

interface ImageFiles {
  /** Of the folder or archive. */
  readonly path: string
  /**
   * The names of all files that are not hidden: sorted (`compareNames`), but those of a streamed archive
   * in its order. A name that could not be read (it leaves the folder, it is a link) comes too, and
   * reading it tells why. Begins anew each time.
   */
  names(): AsyncIterable<string>
  /** How many files were passed over, by reason; complete when `names` or `entries` has come to its end. */
  readonly ignored: ReadonlyMap<IgnoredReason, number>
}

/** A zip or a tar. */
export type ImageArchive = ImageProvider & {
  /**
   * Copies the first file of a wanted name out of the archive, for a parser that needs a file.
   * @returns all names that are wanted; none, and no file, where there is none
   * @throws PipelineError as `read` and `entries`
   */
  copyFirst(isWanted: (name: string) => boolean, target: string): Promise<string[]>
}

/** Why a file of the data set gives no sample. */
export type IgnoredReason = 'hidden' | 'no image' | 'a second file of the same name' | 'neither file nor folder'

export interface RandomImages extends ImageFiles {
  readonly access: 'random'
  /**
   * The bytes of the image. `from` says who names it, e.g. "digitStruct(17)".
   * @throws PipelineError PIPE_IMAGE_MISSING, PIPE_IMAGE_UNREADABLE, PIPE_IMAGE_TOO_LARGE,
   *   PIPE_NAME_OUTSIDE, PIPE_ARCHIVE_DAMAGED, PIPE_ARCHIVE_LIMIT, PIPE_ARCHIVE_UNSUPPORTED
   */
  read(name: string, from: string): Promise<Uint8Array>
  /** What is to be read, where images are files of their own. @throws PipelineError PIPE_NAME_OUTSIDE */
  file?(name: string, from: string): ImageFile
}

export interface StreamedImages extends ImageFiles {
  readonly access: 'streamed'
  /**
   * Every file, once, in the archive's order; of several with one name, the first. An entry's bytes
   * can be read until the next entry is asked for; those left are passed over.
   * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_ARCHIVE_DAMAGED, PIPE_ARCHIVE_LIMIT, PIPE_ABORTED
   */
  entries(): AsyncGenerator<StreamedImage, void, undefined>
}

export interface StreamedImage {
  readonly name: string
  /** Why the image cannot be had: PIPE_IMAGE_TOO_LARGE, PIPE_ARCHIVE_UNSUPPORTED for a link. */
  readonly refusal?: PipelineError
  /** In a buffer of its own. @throws PipelineError as `entries`, for the archive cannot be read on then */
  read(): Promise<Uint8Array>
}

/** A record cannot hold more (dmlc RecordIO: 29 bits), and no encoded photo comes near it. */
export const maxImageBytes = 2 ** 29

/** The error for an image that is larger than a record can be. */
export function tooLarge(path: string, found: number): PipelineError {
  return new PipelineError('PIPE_IMAGE_TOO_LARGE', `${path}: expected at most ${maxImageBytes} bytes, found ${found}; leave out the image`, { path })
}

/** The error for an image that an annotation names and that is not there. */
export function missing(path: string, from: string, cause?: unknown): PipelineError {
  return new PipelineError('PIPE_IMAGE_MISSING', `${path}: expected this image, named by ${from}, found no such file; add the image or leave out the entry`, { path, cause })
}

/** The error for a data set, or an archive of images, that cannot be opened or read. */
export function unreadableSource(path: string, cause: unknown): PipelineError {
  const { code, message } = cause as NodeJS.ErrnoException
  return new PipelineError('PIPE_SOURCE_MISSING', `${path}: ${whyUnreadable[code ?? ''] ?? `cannot be read (${code ?? message}); check the path and the file's rights`}`, { path, cause })
}

const whyUnreadable: Readonly<Record<string, string>> = {
  ENOENT: 'expected this file or folder, found none of that name; check the path',
  EISDIR: 'expected a file, found a folder; name the file in it',
  ENOTDIR: 'expected a folder above it, found a file; check the path',
  EACCES: "expected a file that may be read, found one that may not (EACCES); check the file's rights",
}

/** Adds one to the count of files passed over for that reason. */
export function countIgnored(counts: Map<IgnoredReason, number>, reason: IgnoredReason): void {
  counts.set(reason, (counts.get(reason) ?? 0) + 1)
}
