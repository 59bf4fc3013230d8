// Cutting out and scaling raw pixels.

import sharp, { type Sharp } from 'sharp'
import { PipelineError } from '../errors.js'
import type { PixelBox, RawImage } from './raw-image.js'

/**
 * The pixels within a box of whole numbers that lies in the image.
 * @throws PipelineError PIPE_OPTION if it does not
 */
export function cropImage(image: RawImage, box: PixelBox): RawImage {
  checkBox(image, box)
  const { left, top, width, height } = box
  const rowBytes = width * 3
  const data = new Uint8Array(rowBytes * height)
  for (let row = 0; row < height; row++) {
    const start = ((top + row) * image.width + left) * 3
    data.set(image.data.subarray(start, start + rowBytes), row * rowBytes)
  }
  return { data, width, height, channels: 3 }
}

/**
 * Scales to a size; the aspect is not kept. Shrinking is antialiased bilinear (libvips' "linear"
 * kernel: a triangle as wide as the scale), enlarging is plain bilinear.
 * @throws PipelineError PIPE_OPTION for a size that is not of whole pixels ≥ 1
 */
export async function resizeImage(image: RawImage, size: { readonly width: number; readonly height: number }): Promise<RawImage> {
  const { width, height } = size
  checkSize(width, height)
  if (width === image.width && height === image.height) return image
  const data = await fromRaw(image).resize({ width, height, fit: 'fill', kernel: 'linear' }).raw().toBuffer()
  return { data, width, height, channels: 3 }
}

/** @throws PipelineError PIPE_OPTION for a size that is not of whole pixels between 1 and 65,535 */
export function checkSize(width: number, height: number): void {
  const isValid = [width, height].every((side) => Number.isInteger(side) && side >= 1 && side <= 65535)
  if (!isValid) throw new PipelineError('PIPE_OPTION', `size: expected a width and height of 1 to 65535 whole pixels, found ${width}x${height}`)
}

/** A sharp pipeline that begins with these pixels. */
export function fromRaw(image: RawImage): Sharp {
  return sharp(image.data, { raw: { width: image.width, height: image.height, channels: 3 }, limitInputPixels: false })
}

function checkBox(image: RawImage, { left, top, width, height }: PixelBox): void {
  const isWhole = [left, top, width, height].every(Number.isInteger)
  const isInside = left >= 0 && top >= 0 && width >= 1 && height >= 1 && left + width <= image.width && top + height <= image.height
  if (!isWhole || !isInside) {
    throw new PipelineError('PIPE_OPTION', `box: expected whole pixels within ${image.width}x${image.height}, found ${width}x${height} at ${left},${top}`)
  }
}
