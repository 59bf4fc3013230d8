// Divides the images of each class between training, validation and test (draw-parts.ts), and shuffles
// each part, as the lines of list files.

import type { ClassFolder } from './class-folders.js'
import { askedParts, defaultSeed, drawDigest, drawnCounts, type PartAmounts, type PartName } from './draw-parts.js'
import type { ListEntry } from './list-file.js'

export interface SplitOptions extends PartAmounts {
  /** Another seed gives other parts in another order. Default 42. */
  readonly seed?: number
  /** Default true; false keeps the order of classes and paths within each part. */
  readonly shuffle?: boolean
}

/**
 * The parts, without those that were not asked for. Ids number the images by class and path, from 0;
 * the label is the class.
 *
 * @throws PipelineError PIPE_OPTION for shares that leave nothing to train on; PIPE_CLASS_TOO_SMALL
 *   where a class has not more images than the counts take away
 */
export function splitClasses(classes: readonly ClassFolder[], options: SplitOptions = {}): Map<PartName, ListEntry[]> {
  const { seed = defaultSeed, shuffle = true } = options
  const asked = askedParts(options)
  const parts = { train: [] as Drawn[], val: [] as Drawn[], test: [] as Drawn[] }
  let id = 0n
  for (const [label, { name, images }] of classes.entries()) {
    const drawn = images.map((path) => ({ id: id++, labels: [label], path, order: drawDigest(seed, path) }))
    const { test, validation } = drawnCounts(name, images.length, options)
    for (const [index, image] of [...drawn].sort(byDraw).entries()) {
      parts[index < test ? 'test' : index < test + validation ? 'val' : 'train'].push(image)
    }
  }
  return new Map(asked.map((name) => [name, finish(parts[name], shuffle)]))
}

interface Drawn extends ListEntry {
  readonly order: bigint
}

function finish(drawn: Drawn[], shuffle: boolean): ListEntry[] {
  const sorted = drawn.sort(shuffle ? byDraw : (a, b) => Number(a.id - b.id))
  return sorted.map(({ id, labels, path }) => ({ id, labels, path }))
}

/** Where two digests meet, ids decide. */
function byDraw(a: Drawn, b: Drawn): number {
  return a.order < b.order ? -1 : a.order > b.order ? 1 : Number(a.id - b.id)
}
