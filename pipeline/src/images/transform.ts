// Cutting out and scaling raw pixels.

import { borrowPixels, resizeDeepPixels, resizePixels, turnPixels, type Orientation, type ResizeMethod } from '@millrace/infer/kernels'
import sharp, { type Sharp } from 'sharp'
import { PipelineError } from '../errors.js'
import type { ChannelCount, DeepImage, PixelBox, RawImage, Samples } from './raw-image.js'

export type { ResizeMethod }

/**
 * The pixels within a box of whole numbers that lies in the image.
 * @throws PipelineError PIPE_OPTION if it does not
 */
export function cropImage<Channels extends ChannelCount, Values extends Samples = Uint8Array>(image: RawImage<Channels, Values>, box: PixelBox): RawImage<Channels, Values> {
  checkBox(image, box)
  const { left, top, width, height } = box
  const { channels } = image
  const rowLength = width * channels
  const data = (image.data instanceof Uint16Array ? new Uint16Array(rowLength * height) : new Uint8Array(rowLength * height)) as Values
  for (let row = 0; row < height; row++) {
    const start = ((top + row) * image.width + left) * channels
    data.set(image.data.subarray(start, start + rowLength), row * rowLength)
  }
  return { data, width, height, channels }
}

/**
 * Scales to a size, value for value as OpenCV does; the aspect is not kept. Only `area` antialiases where
 * it shrinks. An image of that size already is given back itself.
 * @param borrow the new pixels may lie in memory that is lent until this thread decodes the next image, and
 *   those of a borrowed image are used up. Default false
 * @throws PipelineError PIPE_OPTION for a size that is not of whole pixels between 1 and 65,535
 */
export function resizeImage<Channels extends ChannelCount>(image: RawImage<Channels>, size: { readonly width: number; readonly height: number }, method?: ResizeMethod, borrow?: boolean): RawImage<Channels>
export function resizeImage(image: DeepImage, size: { readonly width: number; readonly height: number }, method?: ResizeMethod, borrow?: boolean): DeepImage
export function resizeImage(image: DeepImage, size: { readonly width: number; readonly height: number }, method: ResizeMethod = 'bilinear', borrow = false): DeepImage {
  const { width, height } = size
  checkSize(width, height)
  if (width === image.width && height === image.height) return image
  const { data } = image
  return data instanceof Uint16Array ? resizeDeepPixels({ ...image, data }, size, method) : resizePixels({ ...image, data }, size, method, borrow)
}

/**
 * Scales to a size; the aspect is not kept. Shrinking is antialiased bilinear (libvips' "linear"
 * kernel: a triangle as wide as the scale), enlarging is plain bilinear.
 * @throws PipelineError PIPE_OPTION for a size that is not of whole pixels between 1 and 65,535
 */
export function resizeAntialiased<Channels extends ChannelCount>(image: RawImage<Channels>, size: { readonly width: number; readonly height: number }): Promise<RawImage<Channels>>
export function resizeAntialiased(image: DeepImage, size: { readonly width: number; readonly height: number }): Promise<DeepImage>
export async function resizeAntialiased(image: DeepImage, size: { readonly width: number; readonly height: number }): Promise<DeepImage> {
  const { width, height } = size
  checkSize(width, height)
  if (width === image.width && height === image.height) return image
  const isDeep = image.data instanceof Uint16Array
  const data = await fromRaw(image).resize({ width, height, fit: 'fill', kernel: 'linear' }).raw({ depth: isDeep ? 'ushort' : 'uchar' }).toBuffer()
  return { data: isDeep ? deepSamples(data) : data, width, height, channels: image.channels }
}

/** The image as EXIF says that it is to be seen: turned, mirrored, or both. */
export function turnUpright<Channels extends 1 | 3>(image: RawImage<Channels>, orientation: Orientation): RawImage<Channels> {
  if (orientation === 1) return image
  const byteCount = image.data.length
  const lent = borrowPixels(2 * byteCount)
  if (!lent) return turnPixels(image, orientation)
  lent.set(image.data, byteCount)
  const turned = turnPixels({ ...image, data: lent.subarray(byteCount) }, orientation, lent.subarray(0, byteCount))
  return { ...turned, data: turned.data.slice() }
}

/** The upper 8 bits of 16; those of 8 are as they were. */
export function toEightBits(image: DeepImage): RawImage {
  const { data } = image
  if (!(data instanceof Uint16Array)) return image as RawImage
  const upper = new Uint8Array(data.length)
  for (let at = 0; at < data.length; at++) upper[at] = data[at]! >> 8
  return { ...image, data: upper }
}

/** The 16-bit values, in the machine's byte order, of a buffer that may begin anywhere. */
export function deepSamples(bytes: Buffer): Uint16Array {
  const isAligned = bytes.byteOffset % 2 === 0
  return isAligned ? new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2) : new Uint16Array(new Uint8Array(bytes).buffer)
}

/** RGB without alpha; grey and RGB are themselves. */
export function dropAlpha({ data, width, height, channels }: RawImage): RawImage<1 | 3> {
  if (channels !== 4) return { data, width, height, channels }
  const opaque = new Uint8Array((data.length / 4) * 3)
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    opaque[to] = data[from]!
    opaque[to + 1] = data[from + 1]!
    opaque[to + 2] = data[from + 2]!
  }
  return { data: opaque, width, height, channels: 3 }
}

/** @throws PipelineError PIPE_OPTION for a size that is not of whole pixels between 1 and 65,535 */
export function checkSize(width: number, height: number): void {
  const isValid = [width, height].every((side) => Number.isInteger(side) && side >= 1 && side <= 65535)
  if (!isValid) throw new PipelineError('PIPE_OPTION', `size: expected a width and height of 1 to 65535 whole pixels, found ${width}x${height}`)
}

/** A sharp pipeline that begins with these pixels and keeps their number of channels and bits. */
export function fromRaw({ data, width, height, channels }: DeepImage): Sharp {
  const image = sharp(data, { raw: { width, height, channels }, limitInputPixels: false })
  if (data instanceof Uint16Array) return image.toColourspace(channels === 1 ? 'grey16' : 'rgb16')
  return channels === 1 ? image.toColourspace('b-w') : image
}

function checkBox(image: { readonly width: number; readonly height: number }, { left, top, width, height }: PixelBox): void {
  const isWhole = [left, top, width, height].every(Number.isInteger)
  const isInside = left >= 0 && top >= 0 && width >= 1 && height >= 1 && left + width <= image.width && top + height <= image.height
  if (!isWhole || !isInside) {
    throw new PipelineError('PIPE_OPTION', `box: expected whole pixels within ${image.width}x${image.height}, found ${width}x${height} at ${left},${top}`)
  }
}
