// What is done to every image of a packing run, as plain data: it goes to the packing threads, into the
// .meta file, and into the journal that a resumed run must agree with.
//
//   decode → crop → resize → encode            (`original` keeps the bytes and does none of it)

import { PipelineError } from '../errors.js'
import { checkQuality } from '../images/encode.js'
import { checkSize } from '../images/transform.js'
import type { Chroma, Codec, Colour, ResizeMethod } from '../images/index.js'

export type CropPlan =
  | { readonly kind: 'none' }
  /** The largest square in the middle; an odd rest goes to the right or the bottom, as in im2rec. */
  | { readonly kind: 'centre' }
  /** The union of the sample's boxes, made larger by `expand` (crop.ts). */
  | { readonly kind: 'regions'; readonly expand: number }

export type ResizePlan =
  | { readonly kind: 'none' }
  /** The aspect is not kept. */
  | { readonly kind: 'exact'; readonly width: number; readonly height: number }
  /** im2rec's `resize`: the shorter edge, enlarged too; the other is ⌊long · pixels / short⌋. */
  | { readonly kind: 'shorter-edge'; readonly pixels: number }

export type EncodePlan =
  | { readonly kind: 'jpeg'; readonly quality: number; readonly chroma: Chroma }
  /** `compression` 0-9, zlib's. */
  | { readonly kind: 'png'; readonly compression: number }
  | { readonly kind: 'webp'; readonly quality: number }
  /** The bytes as they are, not even decoded unless statistics are asked for. */
  | { readonly kind: 'original' }

/**
 * OpenCV's filters; `antialiased`, libvips' triangle as wide as the scale, which shrinks without false
 * patterns; `auto` is im2rec's inter_method 9 (cubic to enlarge, area to shrink, bilinear where
 * one side grows and one shrinks), `random` its 10, here chosen by the sample's id.
 */
export type PlanMethod = ResizeMethod | 'antialiased' | 'auto' | 'random'

/**
 * `none`; `stored`: mean and deviation of the pixels that are packed; `all`: the mean of each image at its
 * original size too, and all of it for images that are passed through, which are decoded for that.
 */
export type StatisticsPlan = 'none' | 'stored' | 'all'

export interface ImagePlan {
  readonly crop: CropPlan
  readonly resize: ResizePlan
  readonly method: PlanMethod
  readonly colour: Colour
  readonly encode: EncodePlan
  /** Lets the JPEG decoder shrink by n/8 where the resize shrinks anyway: quicker, other pixels. */
  readonly scaledDecode: boolean
  readonly codec: Codec
  readonly statistics: StatisticsPlan
}

/** Whole images as im2rec's JPEGs: quality 95, 4:2:0, bilinear where there is a resize. */
export const defaultPlan: ImagePlan = {
  crop: { kind: 'none' },
  resize: { kind: 'none' },
  method: 'bilinear',
  colour: 'rgb',
  encode: { kind: 'jpeg', quality: 95, chroma: '4:2:0' },
  scaledDecode: false,
  codec: 'sharp',
  statistics: 'stored',
}

/**
 * A plan from the parts that differ from the default.
 * @throws PipelineError PIPE_OPTION for values out of range or parts that contradict one another
 */
export function createPlan(parts: Partial<ImagePlan> = {}): ImagePlan {
  const plan = { ...defaultPlan, ...(parts.encode?.kind === 'original' && { statistics: 'none' as const }), ...parts }
  const { crop, resize, encode, scaledDecode, statistics } = plan
  if (crop.kind === 'regions' && !(crop.expand >= 0 && crop.expand < Infinity)) throw wrongOption('expand', '0 or more', crop.expand)
  if (resize.kind === 'exact') checkSize(resize.width, resize.height)
  if (resize.kind === 'shorter-edge') checkSize(resize.pixels, resize.pixels)
  if (encode.kind === 'jpeg' || encode.kind === 'webp') checkQuality(encode.quality)
  if (encode.kind === 'png' && !(Number.isInteger(encode.compression) && encode.compression >= 0 && encode.compression <= 9)) {
    throw wrongOption('compression', 'a whole number from 0 to 9', encode.compression)
  }
  const changes = crop.kind !== 'none' || resize.kind !== 'none' || plan.colour !== 'rgb'
  if (encode.kind === 'original' && changes) throw wrongOption('encoding original', 'no crop, resize or colour, which need the image encoded anew', 'one')
  if (scaledDecode && statistics === 'all') throw wrongOption('statistics', 'none at the original size together with a scaled decode, which does not see it', 'both')
  return plan
}

function wrongOption(name: string, expected: string, found: unknown): PipelineError {
  return new PipelineError('PIPE_OPTION', `${name}: expected ${expected}, found ${String(found)}`)
}
