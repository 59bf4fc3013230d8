// The thing that flows: one labelled image on its way from an annotation file to a record. A source
// is an async iterable of samples; a transform (transform.ts) makes new samples from them.

import type { Orientation } from '@millrace/infer/kernels'
import type { PipelineError } from './errors.js'
import { decodeImage } from './images/decode.js'
import type { PixelBox, RawImage } from './images/raw-image.js'
import type { Label, LabelKind } from './label.js'
import type { ImageFile } from './providers/image-file.js'

export interface Sample {
  /** The record's id: unique within the data set, the same on every run. */
  readonly id: bigint
  /** The image's path within the data set; names the sample in messages. */
  readonly key: string
  readonly label: Label
  /** What the annotation marks in the image, in its pixels; absent where it marks nothing. */
  readonly regions?: readonly PixelBox[]
  /** Set where the annotation had to be bent to fit the image, with what was done. */
  readonly adjusted?: string
  /** Why the annotation cannot be used: `label` is then a stand-in, and `image` rejects with this. */
  readonly error?: PipelineError
  /**
   * The image: encoded bytes, or raw pixels once a transform has changed it. Read anew on every call,
   * and not before. Rejects with a PipelineError where it (or the sample's annotation) is unusable.
   */
  readonly image: SampleImage
}

export interface SampleImage {
  (): Promise<Uint8Array | RawImage>
  /** The file that a call reads, if it does nothing else: another thread may read it in its stead. */
  readonly file?: ImageFile
  /** What a call does, if it only decodes that image and turns it: another thread may do it in its stead. */
  readonly turned?: TurnedImage
}

export interface TurnedImage {
  readonly image: SampleImage
  /** How, in EXIF's numbers, once EXIF's own has been seen to. */
  readonly turn: Orientation
}

/** What is known of a sample before its image is read. Of boxes, the classes hold; their edges may not yet. */
export type SampleOutline = Pick<Sample, 'id' | 'key' | 'label' | 'regions' | 'error'>

/** Samples, again from the first each time it is iterated. */
export interface Source extends AsyncIterable<Sample> {
  readonly labelKind: LabelKind
  /** The classes' names by number, where the data set names them. */
  readonly classNames?: readonly string[]
  /** Files of the data set that give no sample, counted by reason; complete once the last sample has come. */
  readonly ignored?: ReadonlyMap<string, number>
  /** How many samples there will be; reads no image. */
  count(): Promise<number>
  /** Each sample's outline, in any order, for choosing among them; reads no image. Default: only the samples tell. */
  outlines?(): AsyncIterable<SampleOutline>
}

/**
 * The sample's pixels, decoded if need be.
 * @throws PipelineError what `image` rejects with, or PIPE_IMAGE_DAMAGED, PIPE_IMAGE_TOO_LARGE
 */
export async function readPixels(sample: Sample): Promise<RawImage> {
  const image = await sample.image()
  return image instanceof Uint8Array ? decodeImage(image, { name: sample.key }) : image
}
