// Opens images by what stands at a path: a folder, a zip (begins with PK), a tar.gz (1f 8b) or a tar
// ("ustar" at byte 257, or the name ends in .tar). The bytes decide, not the name's ending.

import { open, stat, type FileHandle } from 'node:fs/promises'
import { PipelineError } from '../errors.js'
import { folderImages } from './folder-images.js'
import { unreadableSource, type ImageArchive, type ImageProvider } from './image-provider.js'

export interface OpenImagesOptions {
  /** In a folder: follow symbolic links wherever they lead. Default false. */
  readonly followLinks?: boolean
  readonly signal?: AbortSignal | undefined
}

/**
 * The images in a folder or an archive.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_ARCHIVE_UNSUPPORTED for another kind of file,
 *   PIPE_ARCHIVE_DAMAGED, PIPE_ARCHIVE_LIMIT
 */
export async function openImages(path: string, options: OpenImagesOptions = {}): Promise<ImageProvider> {
  const images = (await isFolder(path)) ? folderImages(path, options) : await openArchive(path, options)
  if (images !== undefined) return images
  throw new PipelineError('PIPE_ARCHIVE_UNSUPPORTED', `${path}: expected a folder, a .zip, a .tar or a .tar.gz with images, found another kind of file; unpack it into a folder`, { path })
}

/**
 * The images in an archive; undefined where the file is none.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_ARCHIVE_DAMAGED, PIPE_ARCHIVE_LIMIT
 */
export async function openArchive(path: string, options: OpenImagesOptions = {}): Promise<ImageArchive | undefined> {
  const head = await readHead(path)
  if (/^PK(\x03\x04|\x05\x06)/.test(head)) return (await import('./zip-images.js')).zipImages(path) // archives' readers load with the first archive
  const isTar = head.startsWith('\x1f\x8b') || head.slice(257, 262) === 'ustar' || /\.tar$/i.test(path)
  return isTar ? (await import('./tar-images.js')).tarImages(path, options) : undefined
}

/** @throws PipelineError PIPE_SOURCE_MISSING where nothing is there */
export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (cause) {
    throw unreadableSource(path, cause)
  }
}

async function readHead(path: string): Promise<string> {
  let file: FileHandle | undefined
  try {
    file = await open(path)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0)
    return buffer.toString('latin1', 0, bytesRead)
  } catch (cause) {
    throw unreadableSource(path, cause)
  } finally {
    await file?.close()
  }
}
