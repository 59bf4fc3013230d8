// RGB pixels to JPEG or PNG. The same pixels and options give the same bytes, whatever the threads.

import { PipelineError } from '../errors.js'
import type { RawImage } from './raw-image.js'
import { fromRaw } from './transform.js'

export interface JpegOptions {
  /** 1-100. Default 95, im2rec's. */
  readonly quality?: number
}

/**
 * Baseline JPEG, 4:2:0, standard Huffman tables, as im2rec writes.
 * @throws PipelineError PIPE_OPTION for a quality outside 1-100
 */
export function encodeJpeg(image: RawImage, options: JpegOptions = {}): Promise<Uint8Array> {
  const { quality = 95 } = options
  checkQuality(quality)
  return fromRaw(image).jpeg({ quality, chromaSubsampling: '4:2:0', optimiseCoding: false }).toBuffer()
}

/** Lossless PNG. */
export function encodePng(image: RawImage): Promise<Uint8Array> {
  return fromRaw(image).png().toBuffer()
}

/** @throws PipelineError PIPE_OPTION for a quality outside 1-100 */
export function checkQuality(quality: number): void {
  const isValid = Number.isInteger(quality) && quality >= 1 && quality <= 100
  if (!isValid) throw new PipelineError('PIPE_OPTION', `quality: expected a whole number from 1 to 100, found ${quality}`)
}
