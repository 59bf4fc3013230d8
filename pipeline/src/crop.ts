// Crops an image to what its annotation marks: the union of the boxes, made larger by a share of
// its size, as far as the image goes. Goodfellow et al., "Multi-digit Number Recognition from Street
// View Imagery", 2014, section 5.1: expand = 0.3, that is
//
//   dx = ⌊(xmax − xmin) · 0.3 / 2⌋ on either side, dy likewise (a width of 20 gains 3 and 3)

import { PipelineError } from './errors.js'
import type { ChannelCount, PixelBox, RawImage, Samples } from './images/raw-image.js'
import { cropImage } from './images/transform.js'
import { readPixels, type Sample } from './sample.js'
import { createTransform, type ConcurrencyOptions, type Transform } from './transform.js'

export interface CropOptions extends ConcurrencyOptions {
  /** By how much the union grows in each direction, both sides together. Default 0.3, Goodfellow's. */
  readonly expand?: number
}

/**
 * A stage that crops each sample to its regions. A sample whose boxes reach past the image is clamped
 * and marked `adjusted`. Rejects with PIPE_NO_BOXES, PIPE_BOX_OUTSIDE; PIPE_LABEL for a label of boxes.
 * @throws PipelineError PIPE_OPTION for an expansion that is not 0 or more
 */
export function cropToRegions(options: CropOptions = {}): Transform<Sample, Sample> {
  const { expand = 0.3 } = options
  if (!(expand >= 0 && expand < Infinity)) throw new PipelineError('PIPE_OPTION', `expand: expected 0 or more, found ${expand}`)
  return createTransform((sample) => cropSample(sample, expand), options)
}

/**
 * The crop for boxes in an image of a size: whole pixels within the image. `clamped` tells that the
 * boxes themselves, not only their margin, reached past it.
 * @throws PipelineError PIPE_NO_BOXES, PIPE_BOX_OUTSIDE
 */
export function cropBox(
  boxes: readonly PixelBox[],
  expand: number,
  image: { readonly width: number; readonly height: number },
  name = 'image',
): { readonly box: PixelBox; readonly clamped: boolean } {
  if (boxes.length === 0) throw new PipelineError('PIPE_NO_BOXES', `${name}: expected at least one box to crop to, found none; pack it without the crop`, { path: name })
  for (const box of boxes) checkOverlap(box, image, name)
  const horizontal = { from: Math.min(...boxes.map((box) => box.left)), to: Math.max(...boxes.map((box) => box.left + box.width)) }
  const vertical = { from: Math.min(...boxes.map((box) => box.top)), to: Math.max(...boxes.map((box) => box.top + box.height)) }
  const { from: left, to: right } = expandWithin(horizontal, expand, image.width)
  const { from: top, to: bottom } = expandWithin(vertical, expand, image.height)
  const clamped = horizontal.from < 0 || vertical.from < 0 || horizontal.to > image.width || vertical.to > image.height
  return { box: { left, top, width: right - left, height: bottom - top }, clamped }
}

/**
 * An image cut to its boxes; `adjusted` says so where they reached past it and were clamped.
 * @throws PipelineError PIPE_NO_BOXES, PIPE_BOX_OUTSIDE
 */
export function cropToBoxes<Values extends Samples>(
  whole: RawImage<ChannelCount, Values>,
  boxes: readonly PixelBox[],
  expand: number,
  name: string,
): { readonly image: RawImage<ChannelCount, Values>; readonly box: PixelBox; readonly adjusted?: string } {
  const { box, clamped } = cropBox(boxes, expand, whole, name)
  const adjusted = `its boxes reached past the image of ${whole.width}x${whole.height} and were clamped`
  return { image: cropImage(whole, box), box, ...(clamped && { adjusted }) }
}

interface Span {
  readonly from: number
  readonly to: number
}

function expandWithin({ from, to }: Span, expand: number, size: number): Span {
  const margin = Math.floor(((to - from) * expand) / 2)
  return { from: Math.max(0, Math.floor(from - margin)), to: Math.min(size, Math.ceil(to + margin)) }
}

function checkOverlap(box: PixelBox, image: { readonly width: number; readonly height: number }, name: string): void {
  const isInside = (start: number, length: number, size: number): boolean => length > 0 && Math.min(start + length, size) > Math.max(start, 0)
  if (isInside(box.left, box.width, image.width) && isInside(box.top, box.height, image.height)) return
  throw new PipelineError(
    'PIPE_BOX_OUTSIDE',
    `${name}: expected every box to overlap the image of ${image.width}x${image.height}, found ${box.width}x${box.height} at left ${box.left}, top ${box.top}; correct the annotation`,
    { path: name },
  )
}

async function cropSample(sample: Sample, expand: number): Promise<Sample> {
  if (sample.label.kind === 'boxes') {
    throw new PipelineError('PIPE_LABEL', `${sample.key}: a label of boxes cannot follow a crop; pack it without the crop`, { path: sample.key })
  }
  const whole = await readPixels(sample)
  const { image, box, adjusted } = cropToBoxes(whole, sample.regions ?? [], expand, sample.key)
  return {
    ...sample,
    ...(sample.regions && { regions: sample.regions.map((region) => ({ ...region, left: region.left - box.left, top: region.top - box.top })) }),
    ...(adjusted !== undefined && { adjusted }),
    image: () => Promise.resolve(image),
  }
}
