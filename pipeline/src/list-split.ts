// Divides the images of each class between training, validation and test, and shuffles each part.
// An image's place follows from SHA-256(seed, NUL, path) alone: the same on every machine, and images
// that are added later do not move the others around.
//
//   of each class, in the order of the digests:   test │ validation │ training
//   by share: round(share · images) each, but never the last image;   by count: just so many

import { createHash } from 'node:crypto'
import type { ClassFolder } from './class-folders.js'
import { PipelineError } from './errors.js'
import type { ListEntry } from './list-file.js'

export interface SplitOptions {
  /** Share of each class, or how many images of each. Default: none. */
  readonly validation?: Part
  /** Default: none. */
  readonly test?: Part
  /** Another seed gives other parts in another order. Default 42. */
  readonly seed?: number
  /** Default true; false keeps the order of classes and paths within each part. */
  readonly shuffle?: boolean
}

export type Part = { readonly share: number } | { readonly count: number }
export type PartName = 'train' | 'val' | 'test'

/**
 * The parts, without those that were not asked for. Ids number the images by class and path, from 0;
 * the label is the class.
 *
 * @throws PipelineError PIPE_OPTION for shares that leave nothing to train on; PIPE_CLASS_TOO_SMALL
 *   where a class has not more images than the counts take away
 */
export function splitClasses(classes: readonly ClassFolder[], options: SplitOptions = {}): Map<PartName, ListEntry[]> {
  const { validation = { share: 0 }, test = { share: 0 }, seed = 42, shuffle = true } = options
  checkShares(validation, test)
  const parts = { train: [] as Drawn[], val: [] as Drawn[], test: [] as Drawn[] }
  let id = 0n
  for (const [label, { name, images }] of classes.entries()) {
    const drawn = images.map((path) => ({ id: id++, labels: [label], path, order: drawOrder(seed, path) }))
    const [testCount, validationCount] = takenOf(name, images.length, test, validation)
    for (const [index, image] of [...drawn].sort(byDraw).entries()) {
      parts[index < testCount ? 'test' : index < testCount + validationCount ? 'val' : 'train'].push(image)
    }
  }
  const asked = new Map<PartName, ListEntry[]>()
  for (const name of ['train', 'val', 'test'] as const) {
    if (name === 'train' || amountOf(name === 'val' ? validation : test) > 0) asked.set(name, finish(parts[name], shuffle))
  }
  return asked
}

interface Drawn extends ListEntry {
  readonly order: string
}

function finish(drawn: Drawn[], shuffle: boolean): ListEntry[] {
  const sorted = drawn.sort(shuffle ? byDraw : (a, b) => Number(a.id - b.id))
  return sorted.map(({ id, labels, path }) => ({ id, labels, path }))
}

/** 64 bits: of a billion images, some two may meet, and their ids decide. */
function drawOrder(seed: number, path: string): string {
  return createHash('sha256').update(`${seed}\0${path}`).digest('hex').slice(0, 16)
}

function byDraw(a: Drawn, b: Drawn): number {
  return a.order < b.order ? -1 : a.order > b.order ? 1 : Number(a.id - b.id)
}

function takenOf(name: string, images: number, test: Part, validation: Part): [number, number] {
  const counts = [test, validation].reduce((sum, part) => sum + ('count' in part ? part.count : 0), 0)
  if (images > 0 && counts > 0 && images <= counts) {
    throw new PipelineError('PIPE_CLASS_TOO_SMALL', `class ${JSON.stringify(name)}: expected more than the ${counts} images that go to validation and test, found ${images}; take fewer, or leave the class out`)
  }
  const spare = Math.max(0, images - 1)
  const testCount = Math.min(spare, takeOf(test, images))
  return [testCount, Math.min(spare - testCount, takeOf(validation, images))]
}

function takeOf(part: Part, images: number): number {
  return 'count' in part ? part.count : Math.round(part.share * images)
}

function amountOf(part: Part): number {
  return 'count' in part ? part.count : part.share
}

function checkShares(...parts: readonly Part[]): void {
  const shares = parts.reduce((sum, part) => sum + ('share' in part ? part.share : 0), 0)
  const isRight = parts.every((part) => ('count' in part ? Number.isSafeInteger(part.count) && part.count >= 0 : part.share >= 0))
  if (!isRight || !(shares < 1)) {
    throw new PipelineError('PIPE_OPTION', `expected shares from 0 that together stay below 1, or counts from 0, found ${JSON.stringify(parts)}`)
  }
}
