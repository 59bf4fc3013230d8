// `millrace sample NAME DIR`: the data sets there are, and the drawing of one. Scenes (scenes/) know nothing of
// formats, and each format (formats/) writes whatever its scene shows; a new one is a file there and an entry here.

import { join } from 'node:path'
import { claimFolder, checkWhole, largestPart, partNames, SampleFolder, writeMarker, type PartName } from './sample-folder.js'
import { sampleFormats, type WrittenPart } from './sample-formats.js'

export interface SampleDataOptions {
  /** One of `sampleFormats`. */
  readonly name: string
  /** New, empty, or holding a former sample, which is then replaced. */
  readonly folder: string
  /** Images to train on, 1 to 100,000; the other parts get a quarter each. Default: the format's. */
  readonly count?: number
  /** Pixels of an image's longer side, 32 to 1,024; not for formats of one size. Default: the format's. */
  readonly size?: number
  /** 0 to 2^32 − 1; the same seed gives the same files. Default 1. */
  readonly seed?: number
  readonly signal?: AbortSignal
  /** After each image; `done` and `total` count all parts. */
  readonly onProgress?: (progress: { readonly part: PartName; readonly done: number; readonly total: number }) => void
}

export interface SampleDataSummary {
  readonly name: string
  readonly folder: string
  readonly seed: number
  readonly parts: readonly WrittenPart[]
  readonly bytes: number
}

/**
 * Draws a data set. Memory: its annotations, and a few images (tfrecord, webdataset, idx and fer2013: all images).
 * @throws CliError CLI_SAMPLE_FOLDER, CLI_USAGE for a number out of range
 */
export async function sampleData(options: SampleDataOptions): Promise<SampleDataSummary> {
  const { name, folder, seed = 1, signal, onProgress } = options
  const format = sampleFormats[name]!
  const count = options.count ?? format.count
  const size = options.size ?? format.size ?? 0
  checkWhole('--count', count, 1, largestPart)
  checkWhole('--seed', seed, 0, 2 ** 32 - 1)
  if (format.size !== undefined) checkWhole('--size', size, 32, 1024)
  const counts = { train: count, validation: Math.ceil(count / 4), test: Math.ceil(count / 4) }
  const total = partNames.reduce((sum, part) => sum + (format.parts.includes(part) ? counts[part] : 0), 0)
  await claimFolder(folder)
  const marker = { kind: name, seed, count, ...(format.size !== undefined && { size }), holds: format.holds }
  await writeMarker(folder, { ...marker, complete: false })
  let done = 0
  const target = new SampleFolder(folder, seed, signal, (part) => onProgress?.({ part, done: ++done, total }))
  const parts = await (await format.writer())({ folder: target, counts, size })
  await writeMarker(folder, { ...marker, complete: true })
  return { name, folder, seed, parts, bytes: target.bytes }
}

/** What `millrace pack` takes for a part, but for the name of the output. */
export function packArguments(folder: string, { path, flags, classNames }: WrittenPart): string[] {
  return [...flags, ...(classNames === undefined ? [] : ['--class-names', join(folder, classNames)]), join(folder, path)]
}
