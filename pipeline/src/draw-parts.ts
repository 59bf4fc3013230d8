// How images are divided between training, validation and test, at random but for ever: an image's place
// follows from SHA-256(seed, NUL, key) alone. It is the same on every machine, and images that are added
// later do not move the others around.
//
//   of each class, in the order of the digests:   test │ validation │ training
//   by share: round(share · images) each, but never the last image;   by count: just so many

import crypto from 'node:crypto'
import { PipelineError } from './errors.js'

export type Part = { readonly share: number } | { readonly count: number }
export type PartName = 'train' | 'val' | 'test'

/** What goes to validation and test, of each class; the rest is for training. */
export interface PartAmounts {
  /** Share of each class, or how many images of each. Default: none. */
  readonly validation?: Part
  /** Default: none. */
  readonly test?: Part
}

export const defaultSeed = 42

/** A class's images in the order of their digests: the first `test` go to test, the next `validation` to validation. */
export interface DrawnCounts {
  readonly test: number
  readonly validation: number
}

/** 64 bits: of a billion images, some two may meet. */
export function drawDigest(seed: number, key: string): bigint {
  return BigInt(`0x${sha256(`${seed}\0${key}`).slice(0, 16)}`)
}

/** Node 20.12 and later: a third of the time for short texts. */
const hashAtOnce: typeof crypto.hash | undefined = crypto.hash

function sha256(text: string): string {
  return hashAtOnce ? hashAtOnce('sha256', text) : crypto.createHash('sha256').update(text).digest('hex')
}

/**
 * How many of a class's images are drawn for what. `name` names the class in errors.
 * @throws PipelineError PIPE_CLASS_TOO_SMALL where the class has not more images than the counts take away
 */
export function drawnCounts(name: string, images: number, { validation = none, test = none }: PartAmounts): DrawnCounts {
  const counts = [test, validation].reduce((sum, part) => sum + ('count' in part ? part.count : 0), 0)
  if (images > 0 && counts > 0 && images <= counts) {
    throw new PipelineError('PIPE_CLASS_TOO_SMALL', `class ${JSON.stringify(name)}: expected more than the ${counts} images that go to validation and test, found ${images}; take fewer, or leave the class out`)
  }
  const spare = Math.max(0, images - 1)
  const testCount = Math.min(spare, takeOf(test, images))
  return { test: testCount, validation: Math.min(spare - testCount, takeOf(validation, images)) }
}

/** The parts that are asked for. @throws PipelineError PIPE_OPTION for amounts that leave nothing to train on */
export function askedParts({ validation = none, test = none }: PartAmounts): PartName[] {
  const parts = [validation, test]
  const shares = parts.reduce((sum, part) => sum + ('share' in part ? part.share : 0), 0)
  const isRight = parts.every((part) => ('count' in part ? Number.isSafeInteger(part.count) && part.count >= 0 : part.share >= 0))
  if (!isRight || !(shares < 1)) {
    throw new PipelineError('PIPE_OPTION', `expected shares from 0 that together stay below 1, or counts from 0, found ${JSON.stringify(parts)}`)
  }
  return ['train', ...(amountOf(validation) > 0 ? ['val' as const] : []), ...(amountOf(test) > 0 ? ['test' as const] : [])]
}

const none: Part = { share: 0 }

function takeOf(part: Part, images: number): number {
  return 'count' in part ? part.count : Math.round(part.share * images)
}

function amountOf(part: Part): number {
  return 'count' in part ? part.count : part.share
}
