// Encoded bytes (JPEG, PNG, WebP, GIF, TIFF, AVIF, …) to RGB pixels, always in the same shape:
// turned upright by EXIF; embedded colour profiles ignored (as OpenCV and im2rec do); alpha dropped,
// the colours under it kept; grey and palette spread to RGB; CMYK converted; 16 bits cut to 8; the
// first frame of an animation.

import sharp from 'sharp'
import { PipelineError } from '../errors.js'
import type { RawImage } from './raw-image.js'

export interface DecodeOptions {
  /** For errors: the image's path or name. Default "image". */
  readonly name?: string
  /** More pixels than this are refused before they are decoded. Default 2^27, 384 MiB as RGB. */
  readonly maxPixels?: number
}

const defaultMaxPixels = 2 ** 27

/**
 * Decodes a whole image. An image that ends early or breaks off is an error, never half a picture.
 * @throws PipelineError PIPE_IMAGE_DAMAGED, PIPE_IMAGE_TOO_LARGE
 */
export async function decodeImage(bytes: Uint8Array, options: DecodeOptions = {}): Promise<RawImage> {
  const { name = 'image', maxPixels = defaultMaxPixels } = options
  try {
    const { data, info } = await sharp(bytes, { failOn: 'error', ignoreIcc: true, autoOrient: true, limitInputPixels: maxPixels })
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true })
    if (info.channels !== 3) throw new Error(`it has ${info.channels} channels after conversion`)
    return { data, width: info.width, height: info.height, channels: 3 }
  } catch (cause) {
    throw decodeError(name, bytes.length, maxPixels, cause as Error)
  }
}

function decodeError(path: string, byteCount: number, maxPixels: number, cause: Error): PipelineError {
  if (cause.message.includes('pixel limit')) {
    return new PipelineError('PIPE_IMAGE_TOO_LARGE', `${path}: expected at most ${maxPixels} pixels, found more; shrink the image or raise maxPixels`, { path, cause })
  }
  const reason = cause.message.trim().split('\n')[0]
  return new PipelineError('PIPE_IMAGE_DAMAGED', `${path}: expected a whole image, found ${byteCount} bytes that do not decode (${reason}); fetch the file again`, { path, cause })
}
