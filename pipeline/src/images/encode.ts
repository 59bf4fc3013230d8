// Pixels to JPEG, PNG or WebP. The same pixels and options give the same bytes, whatever the threads
// and, for JPEG, the codec.

import { PipelineError } from '../errors.js'
import { turboJpegOf, type Codec } from './codec.js'
import type { DeepImage, RawImage } from './raw-image.js'
import { dropAlpha, fromRaw } from './transform.js'

/** How finely colour is stored: for every pixel, or for every 2 x 2. */
export type Chroma = '4:4:4' | '4:2:0'

export interface JpegOptions {
  /** 1-100. Default 95, im2rec's. */
  readonly quality?: number
  /** Default 4:2:0, im2rec's. */
  readonly chroma?: Chroma
  /** Default `sharp`. */
  readonly codec?: Codec
}

const defaultQuality = 95

export interface PngOptions {
  /** zlib's, 0-9. Default 6. */
  readonly compression?: number
}

export interface WebpOptions {
  /** 1-100. Default 80. */
  readonly quality?: number
}

/**
 * Baseline JPEG with standard Huffman tables and a JFIF segment: im2rec's bytes. Grey stays grey, an
 * alpha channel is dropped.
 * @throws PipelineError PIPE_OPTION for a quality outside 1-100, or a codec that is not here
 */
export async function encodeJpeg(image: RawImage, options: JpegOptions = {}): Promise<Uint8Array> {
  const encoded = encodeJpegSync(image, options)
  if (encoded) return encoded
  const { quality = defaultQuality, chroma = '4:2:0' } = options
  const jpeg = await fromRaw(dropAlpha(image)).jpeg({ quality, chromaSubsampling: chroma, optimiseCoding: false }).toBuffer()
  return insertJfif(jpeg)
}

/**
 * The same bytes at once, for threads that have nothing else to do: {@link encodeJpeg} without the way
 * through sharp's threads. `undefined` where there is only that way.
 * @throws PipelineError PIPE_OPTION for a quality outside 1-100, or a codec that is not here
 */
export function encodeJpegSync(image: RawImage, options: JpegOptions = {}): Uint8Array | undefined {
  const { quality = defaultQuality, chroma = '4:2:0', codec = 'sharp' } = options
  checkQuality(quality)
  return turboJpegOf(codec)?.encode(dropAlpha(image), quality, chroma)
}

/** Lossless PNG: grey, RGB or RGBA, of 8 bits or 16, as the pixels are. */
export async function encodePng(image: DeepImage, options: PngOptions = {}): Promise<Uint8Array> {
  const { compression = 6 } = options
  const isValid = Number.isInteger(compression) && compression >= 0 && compression <= 9
  if (!isValid) throw new PipelineError('PIPE_OPTION', `compression: expected a whole number from 0 to 9, found ${compression}`)
  return fromRaw(image).png({ compressionLevel: compression }).toBuffer()
}

/** Lossy WebP. */
export async function encodeWebp(image: RawImage, options: WebpOptions = {}): Promise<Uint8Array> {
  const { quality = 80 } = options
  checkQuality(quality)
  return fromRaw(image).webp({ quality }).toBuffer()
}

/** @throws PipelineError PIPE_OPTION for a quality outside 1-100 */
export function checkQuality(quality: number): void {
  const isValid = Number.isInteger(quality) && quality >= 1 && quality <= 100
  if (!isValid) throw new PipelineError('PIPE_OPTION', `quality: expected a whole number from 1 to 100, found ${quality}`)
}

// ff e0, length 16, "JFIF" 0, version 1.1, no unit, density 1 x 1, no thumbnail.
const jfif = Buffer.from('ffe000104a46494600010100000100010000', 'hex')

/** Puts the segment that libjpeg writes first, and sharp leaves out, where it belongs: after SOI. */
function insertJfif(jpeg: Buffer): Uint8Array {
  return Buffer.concat([jpeg.subarray(0, 2), jfif, jpeg.subarray(2)])
}
