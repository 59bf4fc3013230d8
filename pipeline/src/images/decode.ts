// Encoded bytes (JPEG, PNG, WebP, GIF, TIFF, AVIF, …) to pixels, with the values that OpenCV's imread
// gives: colour profiles ignored, 16 bits cut to 8 unless they are asked for, the colours under an alpha
// channel kept, CMYK and grey as OpenCV converts them; of an animation, the first frame.

import { borrowPixels, turnPixels } from '@millrace/infer/kernels'
import { PipelineError } from '../errors.js'
import { turboJpegOf, type Codec } from './codec.js'
import { readJpegHeader, type JpegHeader } from './jpeg-header.js'
import { decodePlainPng } from './png-decode.js'
import type { DeepImage, RawImage } from './raw-image.js'
import { decodeWithSharp } from './sharp-decode.js'
import { scaledSize, type TurboJpeg } from './turbojpeg.js'

/**
 * What the pixels are to be (im2rec's color = 1, 0, −1):
 * - `rgb`: three channels, turned upright by EXIF;
 * - `grey`: one channel, turned upright;
 * - `unchanged`: as stored: grey, RGB or RGBA, not turned. Grey with alpha becomes RGBA, CMYK RGB.
 */
export type Colour = 'rgb' | 'grey' | 'unchanged'

export interface DecodeOptions {
  /** For errors: the image's path or name. Default "image". */
  readonly name?: string
  /** More pixels than this are refused before they are decoded. Default 2^27, 384 MiB as RGB. */
  readonly maxPixels?: number
  /** Default `rgb`. */
  readonly colour?: Colour
  /** Default `sharp`. */
  readonly codec?: Codec
  /**
   * A JPEG may be decoded at n/8 of its size, so that its shorter edge is still at least this: quicker,
   * but with other pixels. Default: whole size.
   */
  readonly minShorterEdge?: number
  /** With colour `unchanged`, a PNG of 16 bits keeps them: `data` is a Uint16Array. Default false. */
  readonly keepDepth?: boolean
}

const defaultMaxPixels = 2 ** 27

/**
 * Decodes a whole image. An image that ends early or breaks off is an error, never half a picture.
 * @throws PipelineError PIPE_IMAGE_DAMAGED, PIPE_IMAGE_TOO_LARGE; PIPE_OPTION for a codec that is not here
 */
export function decodeImage(bytes: Uint8Array, options?: DecodeOptions & { readonly colour?: 'rgb' }): Promise<RawImage<3>>
export function decodeImage(bytes: Uint8Array, options: DecodeOptions & { readonly keepDepth?: false }): Promise<RawImage>
export function decodeImage(bytes: Uint8Array, options: DecodeOptions): Promise<DeepImage>
export async function decodeImage(bytes: Uint8Array, options: DecodeOptions = {}): Promise<DeepImage> {
  const image = decodeImageSync(bytes, { ...options, borrow: false })
  if (image) return image
  const { name = 'image', maxPixels = defaultMaxPixels, colour = 'rgb', minShorterEdge, keepDepth = false } = options
  try {
    return await decodeWithSharp(bytes, { colour, maxPixels, jpeg: readJpegHeader(bytes), minShorterEdge, keepDepth })
  } catch (cause) {
    throw decodeError(name, bytes, maxPixels, cause as Error)
  }
}

/** For {@link decodeImageSync}. */
export interface DecodeSyncOptions extends DecodeOptions {
  /**
   * The pixels may lie in memory that is lent until this thread decodes the next image: spares getting
   * new memory, and a copy when they are resized. Default false.
   */
  readonly borrow?: boolean
}

/**
 * The same pixels at once, for threads that have nothing else to do: {@link decodeImage} without the way
 * through sharp's threads. `undefined` where only that way can tell.
 * @throws PipelineError PIPE_IMAGE_TOO_LARGE; PIPE_OPTION for a codec that is not here
 */
export function decodeImageSync(bytes: Uint8Array, options: DecodeSyncOptions = {}): RawImage | undefined {
  const { name = 'image', maxPixels = defaultMaxPixels, colour = 'rgb', codec = 'sharp', minShorterEdge, borrow = false } = options
  const turboJpeg = turboJpegOf(codec)
  const jpeg = readJpegHeader(bytes)
  if (!jpeg) return decodePlainPng(bytes, colour, maxPixels, borrow)
  if (jpeg.width * jpeg.height > maxPixels) throw tooLarge(name, maxPixels)
  return turboJpeg && isPlain(jpeg, colour) ? decodeJpeg(turboJpeg, bytes, jpeg, colour, minShorterEdge, borrow) : undefined
}

/** Whether libturbojpeg gives what is asked. */
function isPlain({ colours, precision, orientation }: JpegHeader, colour: Colour): boolean {
  const isClear = orientation !== 0 || colour === 'unchanged'
  return isClear && precision === 8 && (colours === 'ycbcr' || colours === 'grey' || (colours === 'rgb' && colour !== 'grey'))
}

function decodeJpeg(turboJpeg: TurboJpeg, bytes: Uint8Array, jpeg: JpegHeader, colour: Colour, minShorterEdge: number | undefined, borrow: boolean): RawImage | undefined {
  const channels = colour === 'grey' || (colour === 'unchanged' && jpeg.components === 1) ? 1 : 3
  const eighths = eighthsFor(jpeg, minShorterEdge)
  const { width, height } = scaledSize(jpeg.width, jpeg.height, eighths)
  const byteCount = width * height * channels
  const orientation = colour === 'unchanged' || jpeg.orientation === 0 ? 1 : jpeg.orientation
  const isTurned = orientation !== 1
  const lent = isTurned || borrow ? borrowPixels(isTurned ? 2 * byteCount : byteCount) : undefined
  const stored = turboJpeg.decode(bytes, jpeg.width, jpeg.height, channels, eighths, lent?.subarray(isTurned ? byteCount : 0))
  if (!stored || !isTurned) return stored
  const upright = turnPixels(stored, orientation, lent?.subarray(0, byteCount))
  return lent && !borrow ? { ...upright, data: upright.data.slice() } : upright
}

/** The least n for which ⌈shorter · n/8⌉ reaches the edge that is wanted. */
function eighthsFor({ width, height }: JpegHeader, minShorterEdge: number | undefined): number {
  if (minShorterEdge === undefined) return 8
  const shorter = Math.min(width, height)
  for (let eighths = 1; eighths < 8; eighths++) if (Math.ceil((shorter * eighths) / 8) >= minShorterEdge) return eighths
  return 8
}

function decodeError(path: string, bytes: Uint8Array, maxPixels: number, cause: Error): PipelineError {
  if (cause.message.includes('pixel limit')) return tooLarge(path, maxPixels, cause)
  return new PipelineError('PIPE_IMAGE_DAMAGED', `${path}: expected a whole image, found ${bytes.length} bytes that do not decode (${faultOf(bytes)}); fetch the file again`, { path, cause })
}

function tooLarge(path: string, maxPixels: number, cause?: Error): PipelineError {
  return new PipelineError('PIPE_IMAGE_TOO_LARGE', `${path}: expected at most ${maxPixels} pixels, found more; shrink the image or raise maxPixels`, { path, cause })
}

/** In our words: libvips keeps its own where all threads write, so that they may be those of another image. */
function faultOf(bytes: Uint8Array): string {
  const [isJpeg, isPng] = [hasAt(bytes, 0, 'ffd8'), hasAt(bytes, 0, '89504e470d0a1a0a')]
  if (!isJpeg && !isPng) return 'their format is unknown, or its head is damaged'
  const end = isJpeg ? 'ffd9' : '0000000049454e44ae426082'
  return hasAt(bytes, bytes.length - end.length / 2, end) ? 'they are damaged' : 'they end early, or do not end where the image does'
}

function hasAt(bytes: Uint8Array, at: number, hex: string): boolean {
  return Buffer.from(bytes.subarray(Math.max(0, at), at + hex.length / 2)).toString('hex') === hex
}
