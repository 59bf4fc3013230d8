// Reads images that an annotation names, from the folder of the data set and from nowhere else.

import { readFile, stat } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { PipelineError } from '../errors.js'

/** A record cannot hold more (dmlc RecordIO: 29 bits), and no encoded photo comes near it. */
const maxImageBytes = 2 ** 29

/**
 * The path of the file `name` (with forward slashes) in the folder.
 * @throws PipelineError PIPE_NAME_OUTSIDE for an absolute name, one that climbs out, or none at all
 */
export function pathInFolder(folder: string, name: string): string {
  const isPlain = name !== '' && !posix.isAbsolute(name) && !/[\\\0]|^[a-z]:/i.test(name)
  if (isPlain && !name.split('/').includes('..')) return join(folder, name)
  throw new PipelineError('PIPE_NAME_OUTSIDE', `expected the name of a file in ${folder}, found ${JSON.stringify(name)}; correct the annotation`, { path: folder })
}

/**
 * The bytes of an image file. `from` says who names it, e.g. "digitStruct(17)".
 * @throws PipelineError PIPE_IMAGE_MISSING, PIPE_IMAGE_UNREADABLE, PIPE_IMAGE_TOO_LARGE
 */
export async function readImageFile(path: string, from: string): Promise<Uint8Array> {
  try {
    const found = await stat(path)
    if (!found.isFile()) throw new PipelineError('PIPE_IMAGE_UNREADABLE', `${path}: expected an image file (${from}), found something else`, { path })
    if (found.size > maxImageBytes) throw new PipelineError('PIPE_IMAGE_TOO_LARGE', `${path}: expected at most ${maxImageBytes} bytes, found ${found.size}`, { path })
    return await readFile(path)
  } catch (cause) {
    if (cause instanceof PipelineError) throw cause
    throw imageError(path, from, cause as NodeJS.ErrnoException)
  }
}

function imageError(path: string, from: string, cause: NodeJS.ErrnoException): PipelineError {
  if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') {
    return new PipelineError('PIPE_IMAGE_MISSING', `${path}: expected this image, named by ${from}, found no such file; add the image or leave out the entry`, { path, cause })
  }
  return new PipelineError('PIPE_IMAGE_UNREADABLE', `${path}: expected to read this image, named by ${from}, found ${cause.code ?? cause.message}; check the file's rights`, { path, cause })
}
