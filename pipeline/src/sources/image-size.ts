// The size of an encoded image as it is shown, from its header: no pixel is decoded.

import sharp from 'sharp'
import { PipelineError } from '../errors.js'
import type { PixelSize } from './source-options.js'

/**
 * Width and height in pixels, after the turn that EXIF asks for, as decoding gives them.
 * @throws PipelineError PIPE_IMAGE_DAMAGED where there is no readable header
 */
export async function readImageSize(bytes: Uint8Array, name: string): Promise<PixelSize> {
  try {
    const { width, height } = (await sharp(bytes, { limitInputPixels: false }).metadata()).autoOrient
    return { width, height }
  } catch (cause) {
    const reason = (cause as Error).message.trim().split('\n')[0]
    throw new PipelineError('PIPE_IMAGE_DAMAGED', `${name}: expected an image, found ${bytes.length} bytes without a readable header (${reason}); fetch the file again`, { path: name, cause })
  }
}
