// Decoding with sharp, and what has to be done beside it so that grey and CMYK images have the values
// that OpenCV gives.
//
// A colour JPEG stores Y, Cb and Cr. OpenCV takes Y for grey as libjpeg decodes it; sharp has only RGB
// to offer, from which Y does not come back exactly. So the file's head is rewritten: without JFIF
// segment and with an Adobe segment that says "these three components are RGB", the decoder leaves them
// as they are, and the "red" that it gives is Y.

import sharp from 'sharp'
import type { Colour } from './decode.js'
import type { JpegHeader } from './jpeg-header.js'
import { readPngHeader, type PngHeader } from './png-header.js'
import type { ChannelCount, DeepImage, RawImage } from './raw-image.js'
import { cmykToRgb, greyOfCmyk, greyOfJpeg, greyOfOthers, greyOfPng, takeChannel, toGrey, type GreyFormula } from './to-grey.js'
import { deepSamples, turnUpright } from './transform.js'

export interface SharpDecodeOptions {
  readonly colour: Colour
  readonly maxPixels: number
  /** Where it is a JPEG. */
  readonly jpeg: JpegHeader | undefined
  readonly minShorterEdge: number | undefined
  readonly keepDepth: boolean
}

interface Pixels {
  readonly data: Buffer
  readonly info: { readonly width: number; readonly height: number; readonly channels: number }
}

/** Rejects with sharp's own errors. */
export async function decodeWithSharp(bytes: Uint8Array, options: SharpDecodeOptions): Promise<DeepImage> {
  const { colour, jpeg } = options
  const image = await readStored(bytes, options)
  // Turned by libvips, it would cost the more the larger the photo.
  return colour !== 'unchanged' && jpeg && jpeg.orientation !== 0 ? turnUpright(image as RawImage<1 | 3>, jpeg.orientation) : image
}

/** Not turned where the header of a JPEG says plainly how it is to be turned. */
async function readStored(bytes: Uint8Array, options: SharpDecodeOptions): Promise<DeepImage> {
  const { colour, jpeg, keepDepth } = options
  if (jpeg?.colours === 'cmyk') return fromCmyk(await readPixels(bytes, 'cmyk', options), jpeg, colour)
  const png = jpeg ? undefined : readPngHeader(bytes)
  if (colour === 'grey') return decodeGrey(bytes, png, options)
  if (colour === 'unchanged' && keepDepth && png?.bitDepth === 16) return readDeep(bytes, png, options)
  if (colour === 'unchanged' && storesGrey(jpeg, png)) return readGrey(bytes, png, options)
  if (colour === 'unchanged') return rawImage(await readPixels(bytes, 'srgb', options, storesAlpha(jpeg, png)))
  return rawImage(await readPixels(bytes, 'srgb', options))
}

async function decodeGrey(bytes: Uint8Array, png: PngHeader | undefined, options: SharpDecodeOptions): Promise<RawImage> {
  const { jpeg } = options
  if (jpeg?.colours === 'ycbcr') return firstChannel(await readPixels(declareRgb(bytes, jpeg), 'srgb', options))
  if (jpeg?.colours === 'grey' || png?.colours === 'grey') return readGrey(bytes, png, options)
  const isDeep = png?.bitDepth === 16
  const { data, info: { width, height, channels } } = await readPixels(bytes, isDeep ? 'rgb16' : 'srgb', options)
  if (channels !== 3) throw new Error(`it has ${channels} channels after conversion`)
  const formula: GreyFormula = jpeg ? greyOfJpeg : png ? greyOfPng(png.gamma, isDeep ? 16 : 8) : greyOfOthers
  const rgb = isDeep ? deepSamples(data) : data
  return { data: toGrey(rgb, formula), width, height, channels: 1 }
}

async function readDeep(bytes: Uint8Array, png: PngHeader, options: SharpDecodeOptions): Promise<DeepImage> {
  const pixels = await readPixels(bytes, storesGrey(undefined, png) ? 'grey16' : 'rgb16', options, storesAlpha(undefined, png))
  return { ...rawImage(pixels), data: deepSamples(pixels.data) }
}

/** Of a file that stores grey. 16 bits become 8 as they should only on the way to RGB. */
async function readGrey(bytes: Uint8Array, png: PngHeader | undefined, options: SharpDecodeOptions): Promise<RawImage> {
  return firstChannel(await readPixels(bytes, png?.bitDepth === 16 ? 'srgb' : 'b-w', options))
}

function firstChannel({ data, info: { width, height, channels } }: Pixels): RawImage {
  return { data: channels === 1 ? data : takeChannel(data, channels, 0), width, height, channels: 1 }
}

function fromCmyk({ data, info }: Pixels, { isAdobe }: JpegHeader, colour: Colour): RawImage {
  if (info.channels !== 4) throw new Error(`it has ${info.channels} channels where its header says 4`)
  // libvips turns Adobe's inverted inks round; OpenCV takes them as they are stored.
  const rgb = cmykToRgb(isAdobe ? data.map((ink) => 255 - ink) : data)
  const { width, height } = info
  return colour === 'grey' ? { data: toGrey(rgb, greyOfCmyk), width, height, channels: 1 } : { data: rgb, width, height, channels: 3 }
}

/** A grey PNG with alpha counts as colour: OpenCV spreads it to four channels. */
function storesGrey(jpeg: JpegHeader | undefined, png: PngHeader | undefined): boolean {
  return jpeg?.colours === 'grey' || (png?.colours === 'grey' && !png.hasAlpha)
}

function storesAlpha(jpeg: JpegHeader | undefined, png: PngHeader | undefined): boolean {
  if (png) return png.hasAlpha || (png.hasTransparentColours && png.colours !== 'grey')
  return !jpeg
}

async function readPixels(bytes: Uint8Array, space: 'srgb' | 'rgb16' | 'grey16' | 'b-w' | 'cmyk', options: SharpDecodeOptions, keepAlpha = false): Promise<Pixels> {
  const { colour, maxPixels, jpeg } = options
  const isTurned = colour !== 'unchanged' && (!jpeg || jpeg.orientation === 0)
  let image = sharp(bytes, { failOn: 'error', ignoreIcc: true, autoOrient: isTurned, limitInputPixels: maxPixels })
  if (space === 'cmyk') image = image.pipelineColourspace('cmyk')
  else image = image.resize(shrunkSize(options))
  image = image.toColourspace(space)
  if (!keepAlpha && space !== 'cmyk') image = image.removeAlpha()
  return image.raw({ depth: space === 'rgb16' || space === 'grey16' ? 'ushort' : 'uchar' }).toBuffer({ resolveWithObject: true })
}

/**
 * A whole part of the size. From a third on libvips has libjpeg decode at a half, from a fifth on at a quarter,
 * from a ninth on at an eighth, and shrinks the rest itself, antialiased; a half would be all its own work.
 */
function shrunkSize({ jpeg, minShorterEdge }: SharpDecodeOptions): { width?: number; height?: number; fit?: 'fill'; kernel?: 'linear' } {
  if (!jpeg || jpeg.orientation === 0 || minShorterEdge === undefined) return {}
  const { width, height } = jpeg
  const factor = Math.floor(Math.min(width, height) / Math.max(1, minShorterEdge))
  return factor < 3 ? {} : { width: Math.floor(width / factor), height: Math.floor(height / factor), fit: 'fill', kernel: 'linear' }
}

function rawImage({ data, info: { width, height, channels } }: Pixels): RawImage {
  if (channels !== 1 && channels !== 3 && channels !== 4) throw new Error(`it has ${channels} channels after conversion`)
  return { data, width, height, channels: channels satisfies ChannelCount }
}

const adobeSaysRgb = Buffer.from('ffee000e41646f626500640000000000', 'hex')

function declareRgb(bytes: Uint8Array, { segments }: JpegHeader): Buffer {
  const head = segments.filter(({ marker }) => marker !== 0xe0 && marker !== 0xee).map(({ begin, end }) => bytes.subarray(begin, end))
  const rest = segments.at(-1)!.end
  return Buffer.concat([bytes.subarray(0, 2), adobeSaysRgb, ...head, bytes.subarray(rest)])
}
