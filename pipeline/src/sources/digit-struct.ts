// The `digit-struct` source: SVHN's full numbers, a folder of images with a digitStruct.mat.

import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PipelineError } from '../errors.js'
import type { Sample, Source } from '../sample.js'
import { DigitStructFile, type DigitStructEntry } from './digit-struct-file.js'
import { pathInFolder, readImageFile } from './image-folder.js'

export interface DigitStructOptions {
  /** Where the images are. Default: the folder of the .mat file. */
  readonly imageFolder?: string
}

/** How the file writes the digit 0. */
const labelOfZero = 10

/**
 * The samples of an SVHN data set: `path` is a digitStruct.mat or the folder that holds one. Ids are
 * MATLAB's indices, from 1; digits stand from left to right; images are read when asked for.
 * An entry that cannot be understood still gives a sample: its `image()` rejects with the reason,
 * so that a packer lists it and goes on. A file that cannot be read at all throws while iterating.
 */
export function digitStruct(path: string, options: DigitStructOptions = {}): Source {
  return {
    labelKind: 'digits',
    async count() {
      return withFile(await findMat(path), (file) => file.count)
    },
    async *[Symbol.asyncIterator]() {
      const file = new DigitStructFile(await findMat(path))
      const folder = options.imageFolder ?? dirname(file.path)
      try {
        for (let number = 1; number <= file.count; number++) yield readSample(file, number, folder)
      } finally {
        file.close()
      }
    },
  }
}

function withFile<T>(path: string, use: (file: DigitStructFile) => T): T {
  const file = new DigitStructFile(path)
  try {
    return use(file)
  } finally {
    file.close()
  }
}

async function findMat(path: string): Promise<string> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    throw new PipelineError('PIPE_SOURCE_MISSING', `${path}: expected a digitStruct.mat or a folder with one, found nothing that can be read (${cause.code}); check the path`, { path, cause })
  })
  return found.isDirectory() ? join(path, 'digitStruct.mat') : path
}

function readSample(file: DigitStructFile, number: number, folder: string): Sample {
  let name: string | undefined
  try {
    const entry = file.entry(number)
    name = entry.name
    return createSample(entry, folder)
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    return rejectedSample(number, name ?? `digitStruct(${number})`, error)
  }
}

function createSample({ number, name, boxes }: DigitStructEntry, folder: string): Sample {
  const place = `digitStruct(${number})`
  const path = pathInFolder(folder, name)
  const fromLeft = [...boxes].sort((a, b) => a.left - b.left)
  return {
    id: BigInt(number),
    key: name,
    label: { kind: 'digits', digits: fromLeft.map(({ label }) => toDigit(label, place)) },
    regions: fromLeft.map(({ left, top, width, height }) => ({ left, top, width, height })),
    image: () => readImageFile(path, place),
  }
}

function toDigit(label: number, place: string): number {
  if (Number.isInteger(label) && label >= 1 && label <= labelOfZero) return label % labelOfZero
  throw new PipelineError('PIPE_DIGIT_STRUCT', `${place}: expected a label of 1 to 9, or 10 for the digit 0, found ${label}; correct the entry`)
}

function rejectedSample(number: number, key: string, reason: PipelineError): Sample {
  return { id: BigInt(number), key, label: { kind: 'digits', digits: [] }, image: () => Promise.reject(reason) }
}
