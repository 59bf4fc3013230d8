// The `orientation` source: the images of a folder or an archive, each turned clockwise by 0, 90, 180 or
// 270 degrees on a canvas that grows with it, to learn from which way is up. The angle is drawn as data
// sets are divided (draw-parts.ts): it follows from SHA-256(seed, NUL, name) alone, so that an image is
// turned the same way on every machine and each time.

import { turnPixels } from '@millrace/infer/kernels'
import { defaultSeed, drawDigest } from '../draw-parts.js'
import { PipelineError } from '../errors.js'
import type { RawImage } from '../images/raw-image.js'
import { dropAlpha } from '../images/transform.js'
import { readPixels, type Sample, type SampleOutline, type Source } from '../sample.js'
import { folder } from './folder.js'
import { outlinesOf } from './outlines.js'
import type { SourceOptions } from './source-options.js'

export type OrientationOptions = Pick<SourceOptions, 'images' | 'root' | 'followLinks' | 'extensions' | 'seed' | 'signal'>

/** Degrees, clockwise, sorted as names are. */
const classNames = ['0', '180', '270', '90']
/** The turns in EXIF's numbers; which of them is drawn. */
const turns = [
  { degrees: '0', turn: 1 },
  { degrees: '90', turn: 6 },
  { degrees: '180', turn: 3 },
  { degrees: '270', turn: 8 },
] as const
type Turn = (typeof turns)[number]

/**
 * The samples of a tree of images, wherever they lie in it. Class names are the angles "0", "180", "270",
 * "90"; ids are positions from 0 in the order of names. Images are decoded upright (EXIF) and come as
 * pixels, unturned ones too, so that nothing but the turn tells the classes apart; one that does not
 * decode rejects by name. Memory: as `folder`.
 * @throws PipelineError PIPE_OPTION for a seed that is no whole number from 0; those of `folder`
 */
export async function orientation(path: string, options: OrientationOptions = {}): Promise<Source> {
  const { seed = defaultSeed, ...others } = options
  if (!Number.isSafeInteger(seed) || seed < 0) throw new PipelineError('PIPE_OPTION', `seed: expected a whole number from 0, found ${seed}`)
  const upright = await folder(path, { ...others, flat: true })
  return {
    ...upright,
    classNames,
    async *outlines() {
      for await (const outline of outlinesOf(upright)) yield label(outline, drawTurn(seed, outline.key))
    },
    async *[Symbol.asyncIterator]() {
      for await (const sample of upright) yield turn(sample, drawTurn(seed, sample.key))
    },
  }
}

function drawTurn(seed: number, key: string): Turn {
  return turns[Number(drawDigest(seed, key) & 3n)]!
}

function label<T extends SampleOutline>(outline: T, { degrees }: Turn): T {
  return { ...outline, label: { kind: 'class', value: classNames.indexOf(degrees) } }
}

function turn(sample: Sample, drawn: Turn): Sample {
  const image = async (): Promise<RawImage> => turnPixels(dropAlpha(await readPixels(sample)), drawn.turn)
  return { ...label(sample, drawn), image: Object.assign(image, { turned: { image: sample.image, turn: drawn.turn } }) }
}
