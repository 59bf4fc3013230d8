// One part of a source that is divided at random: by image, never by box, and for ever (draw-parts.ts).
// Class labels are divided class by class; of others, all images are one class. Two passes: the first
// takes down the digest of every image, 8 bytes each, and leaves two limits for each class (and the count):
//
//   0 ≤ digest < test limit: test    < validation limit: validation    else training
//
// The second compares. Two samples of one image have one digest and come into one part.

import { PipelineError } from '../errors.js'
import { askedParts, defaultSeed, drawDigest, drawnCounts, type PartAmounts, type PartName } from '../draw-parts.js'
import type { SampleOutline, Source } from '../sample.js'
import { DigestList } from './digest-list.js'
import { outlinesOf } from './outlines.js'

/** A division, and which part of it is wanted. */
export interface SplitShare extends PartAmounts {
  readonly part: PartName
}

/**
 * The wanted part of a source. A sample whose label is not known is divided with its like: each is in
 * one part and in no other. The division follows from the source's samples and the seed.
 * @throws PipelineError PIPE_OPTION for amounts that leave nothing to train on, a part that gets nothing,
 *   a seed that is no whole number from 0. While iterating and counting: PIPE_CLASS_TOO_SMALL, and what
 *   the source throws
 */
export function splitSource(source: Source, share: SplitShare, seed: number = defaultSeed): Source {
  const asked = askedParts(share)
  if (!asked.includes(share.part)) throw new PipelineError('PIPE_OPTION', `split: expected one of ${asked.join(', ')}, found ${JSON.stringify(share.part)}`)
  if (!Number.isSafeInteger(seed) || seed < 0) throw new PipelineError('PIPE_OPTION', `seed: expected a whole number from 0, found ${seed}`)
  let division: Promise<Division> | undefined
  const divide = (): Promise<Division> => (division ??= divideSource(source, share, seed))
  const choose = async (): Promise<(outline: SampleOutline) => boolean> => {
    const { limits: found } = await divide()
    return (outline) => {
      const { test, validation } = found.get(stratumOf(outline)) ?? nothing
      const digest = drawDigest(seed, outline.key)
      return share.part === (digest < test ? 'test' : digest < validation ? 'val' : 'train')
    }
  }
  return {
    ...source,
    count: async () => (await divide()).count,
    async *outlines() {
      const isWanted = await choose()
      for await (const outline of outlinesOf(source)) if (isWanted(outline)) yield outline
    },
    async *[Symbol.asyncIterator]() {
      const isWanted = await choose()
      for await (const sample of source) if (isWanted(sample)) yield sample
    },
  }
}

/** Digests below. */
interface Limits {
  readonly test: bigint
  readonly validation: bigint
}

const nothing: Limits = { test: 0n, validation: 0n }
const pastAll = 2n ** 64n

interface Division {
  readonly limits: ReadonlyMap<string, Limits>
  /** Samples of the wanted part. */
  readonly count: number
}

async function divideSource(source: Source, share: SplitShare, seed: number): Promise<Division> {
  const strata = new Map<string, DigestList>()
  for await (const outline of outlinesOf(source)) {
    const name = stratumOf(outline)
    const digests = strata.get(name) ?? new DigestList()
    if (digests.count === 0) strata.set(name, digests)
    digests.add(drawDigest(seed, outline.key))
  }
  const limits = new Map<string, Limits>()
  const counts = { test: 0, val: 0, train: 0 }
  for (const [name, digests] of strata) {
    const sorted = digests.sorted()
    const { test, validation } = name === unknown ? sharesOf(sorted.length, share) : drawnCounts(source.classNames?.[Number(name)] ?? name, sorted.length, share)
    limits.set(name, { test: sorted[test] ?? pastAll, validation: sorted[test + validation] ?? pastAll })
    const [testEnd, validationEnd] = [firstLike(sorted, test), firstLike(sorted, test + validation)]
    counts.test += testEnd
    counts.val += validationEnd - testEnd
    counts.train += sorted.length - validationEnd
  }
  return { limits, count: counts[share.part] }
}

/** The first place of the digest that stands there: samples of one image have one digest, and stay together. */
function firstLike(sorted: BigUint64Array, place: number): number {
  let first = place
  while (first > 0 && sorted[first - 1] === sorted[place]) first--
  return first
}

/** Counts are of classes: what has none stays with training. */
function sharesOf(images: number, { validation, test }: SplitShare): { test: number; validation: number } {
  return drawnCounts('', images, { ...(validation && 'share' in validation && { validation }), ...(test && 'share' in test && { test }) })
}

const unknown = 'unknown'

function stratumOf({ label, error }: SampleOutline): string {
  if (error) return unknown
  return label.kind === 'class' ? `${label.value}` : 'all images'
}
