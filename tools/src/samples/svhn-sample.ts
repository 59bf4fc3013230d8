// The sample data set: photos of house numbers in SVHN's own layout, so that everything that reads SVHN
// reads them.
//
//   DIR/sample.json                       what was drawn, with which seed; marks the folder as ours
//   DIR/train, validation, test           1.png … n.png and digitStruct.mat (digit-struct.ts)
//
// A photo follows from (seed, split, index) alone. Two typefaces appear in the test split only, in a
// quarter of its photos: its accuracy says how well a network reads lettering it has never seen.

import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeDigitStruct, type DigitStructEntry } from './digit-struct.js'
import { drawPhoto, type Photo } from './photo.js'
import { chance, createRandom } from './random.js'
import { checkWhole, claimFolder, encodePng, inLanes, largestPart, partNames, writeMarker, type PartName } from './sample-folder.js'
import { commonTypefaces, loadTypeface, testOnlyTypefaces } from './typefaces.js'

/** A part of the data set. */
export type SplitName = PartName

/** The parts in the order in which they are drawn; the place is the random stream, so it never changes. */
export const splitNames = partNames

export interface SvhnSampleOptions {
  /** New, empty, or holding a former sample, which is then replaced. */
  readonly folder: string
  /** Photos of each split, 1 to 100,000. Defaults: 8000, 1000, 1000. */
  readonly train?: number
  readonly validation?: number
  readonly test?: number
  /** 0 to 2^32 − 1; the same seed gives the same files. Default 1. */
  readonly seed?: number
  readonly signal?: AbortSignal
  /** After each photo; `done` and `total` count all splits. */
  readonly onProgress?: (progress: { split: SplitName; done: number; total: number }) => void
}

/** What was written, split by split. */
export interface SvhnSampleSummary {
  readonly folder: string
  readonly seed: number
  readonly splits: Readonly<Record<SplitName, SplitSummary>>
}

export interface SplitSummary {
  readonly photos: number
  /** Numbers of 1, 2, 3, 4 and 5 digits. */
  readonly lengths: readonly number[]
  /** Photos with digits beside the number that are no part of it. */
  readonly withClutter: number
  /** Photos in typefaces that no other split has. */
  readonly unseenTypefaces: number
  readonly bytes: number
}

const unseenShareOfTest = 0.25

/** Draws the data set. @throws CliError when the folder holds other things or a count is out of range. */
export async function sampleSvhn(options: SvhnSampleOptions): Promise<SvhnSampleSummary> {
  const { folder, seed = 1, signal, onProgress } = options
  const counts: Record<SplitName, number> = { train: options.train ?? 8000, validation: options.validation ?? 1000, test: options.test ?? 1000 }
  for (const split of splitNames) checkWhole(`--${split}`, counts[split], 1, largestPart)
  checkWhole('--seed', seed, 0, 2 ** 32 - 1)
  await claimFolder(folder)
  const mark = (complete: boolean): Promise<void> => writeMarker(folder, { kind: 'svhn', complete, seed, holds: [...splitNames, ...splitNames.map((split) => `${split}.partial`)], ...counts })
  await mark(false)
  const summaries: Partial<Record<SplitName, SplitSummary>> = {}
  const total = splitNames.reduce((sum, split) => sum + counts[split], 0)
  let done = 0
  for (const split of splitNames) {
    const partial = join(folder, `${split}.partial`)
    try {
      summaries[split] = await writeSplit(partial, split, counts[split], seed, signal, () => onProgress?.({ split, done: ++done, total }))
      await rename(partial, join(folder, split))
    } catch (error) {
      await rm(partial, { recursive: true, force: true })
      throw error
    }
  }
  await mark(true)
  return { folder, seed, splits: summaries as Record<SplitName, SplitSummary> }
}

/** Photo `index` (from 0) of a split: the same whenever and wherever it is drawn. */
export function drawSamplePhoto(seed: number, split: SplitName, index: number): Photo {
  const random = createRandom(seed, splitNames.indexOf(split), index)
  const unseen = split === 'test' && chance(random, unseenShareOfTest)
  return drawPhoto(random, (unseen ? testOnlyTypefaces : commonTypefaces).map(loadTypeface))
}

async function writeSplit(folder: string, split: SplitName, count: number, seed: number, signal: AbortSignal | undefined, onDrawn: () => void): Promise<SplitSummary> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder)
  const entries: DigitStructEntry[] = []
  const tally = { photos: count, lengths: [0, 0, 0, 0, 0], withClutter: 0, unseenTypefaces: 0, bytes: 0 }
  await inLanes(count, async (index) => {
    signal?.throwIfAborted()
    const photo = drawSamplePhoto(seed, split, index)
    const name = `${index + 1}.png`
    entries[index] = { name, boxes: photo.boxes }
    const png = await encodePng(photo.image)
    await writeFile(join(folder, name), png)
    tally.bytes += png.length
    tally.lengths[photo.digits.length - 1]!++
    if (photo.hasClutter) tally.withClutter++
    if (testOnlyTypefaces.includes(photo.typeface)) tally.unseenTypefaces++
    onDrawn()
  })
  const annotations = encodeDigitStruct(entries)
  await writeFile(join(folder, 'digitStruct.mat'), annotations)
  return { ...tally, bytes: tally.bytes + annotations.length }
}
