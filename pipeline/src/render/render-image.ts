// Carries out an image plan on one image: the one place where packed pixels are made, whether in this
// thread or another.

import type { Orientation } from '@millrace/infer/kernels'
import { imageSize } from '@millrace/recordio'
import { cropToBoxes } from '../crop.js'
import { PipelineError } from '../errors.js'
import { channelStatistics, sumChannels, type ChannelSums } from '../images/channel-sums.js'
import {
  cropImage, decodeImage, decodeImageSync, encodeJpeg, encodeJpegSync, encodePng, encodeWebp, resizeAntialiased, resizeImage, toEightBits,
  type DecodeOptions, type DeepImage, type JpegOptions, type PixelBox, type RawImage, type ResizeMethod,
} from '../images/index.js'
import { turnUpright } from '../images/transform.js'
import type { ImagePlan, PlanMethod, ResizePlan } from './image-plan.js'

/** One image to be rendered, as plain data. */
export interface RenderRequest {
  readonly image: Uint8Array | RawImage
  /** Names the image in errors. */
  readonly key: string
  readonly id: bigint
  /** How the decoded image is turned, in EXIF's numbers; encoded images only. Default: not at all. */
  readonly turn?: Orientation
  /** Of the turned image. */
  readonly regions?: readonly PixelBox[]
}

export interface RenderedImage {
  readonly image: Uint8Array
  /** Absent for bytes passed through whose size is not known. */
  readonly size?: Size
  readonly channelSums?: ChannelSums
  /** Mean of R, G, B at the original size; with statistics `all`. */
  readonly imageMean?: readonly number[]
  /** Set where the annotation had to be bent to fit the image. */
  readonly adjusted?: string
}

interface Size {
  readonly width: number
  readonly height: number
}

/** @throws PipelineError PIPE_IMAGE_DAMAGED, PIPE_IMAGE_TOO_LARGE, PIPE_NO_BOXES, PIPE_BOX_OUTSIDE, PIPE_OPTION */
export async function renderImage(request: RenderRequest, plan: ImagePlan): Promise<RenderedImage> {
  return render(request, plan)
}

/** At once, or later where a step of it has to wait for sharp's threads. */
export type Soon<T> = T | Promise<T>

/** As {@link renderImage}, without waiting where the codecs need none: a small image takes less than a wait. */
export function render(request: RenderRequest, plan: ImagePlan): Soon<RenderedImage> {
  if (plan.encode.kind === 'original') return passThrough(request, plan)
  return after(decode(request, plan), (whole) => {
    const { image: cropped, adjusted } = crop(whole, request, plan)
    const imageMean = plan.statistics === 'all' ? channelStatistics(sumChannels(toEightBits(whole))).mean : undefined
    return after(resize(cropped, request, plan), (sized) => {
      const channelSums = plan.statistics === 'none' ? undefined : sumChannels(toEightBits(sized))
      return after(encode(sized, plan), (image) => ({
        image,
        size: { width: sized.width, height: sized.height },
        ...(channelSums && { channelSums }),
        ...(imageMean && { imageMean }),
        ...(adjusted !== undefined && { adjusted }),
      }))
    })
  })
}

function after<From, To>(value: Soon<From>, next: (value: From) => Soon<To>): Soon<To> {
  return value instanceof Promise ? value.then(next) : next(value)
}

/** A plain grey image of the plan's size (64x64 where it has none), in place of one that cannot be had. */
export async function renderPlaceholder(plan: ImagePlan): Promise<Uint8Array> {
  const { width, height } = targetSize(plan.resize, { width: 64, height: 64 })
  const data = new Uint8Array(width * height * 3).fill(128)
  const encodable: ImagePlan = plan.encode.kind === 'original' ? { ...plan, encode: { kind: 'jpeg', quality: 95, chroma: '4:2:0' } } : plan
  return encode({ data, width, height, channels: 3 }, encodable)
}

/** @throws PipelineError PIPE_OPTION for a side above 65,535, which an image of extreme aspect may reach */
function targetSize(resize: ResizePlan, { width, height }: Size): Size {
  if (resize.kind === 'none') return { width, height }
  if (resize.kind === 'exact') return { width: resize.width, height: resize.height }
  const { pixels } = resize
  // A strip of 1 pixel by thousands still gets a pixel: im2rec hands OpenCV a side of 0 and dies.
  return width < height
    ? { width: pixels, height: Math.max(1, Math.floor((height * pixels) / width)) }
    : { width: Math.max(1, Math.floor((width * pixels) / height)), height: pixels }
}

function passThrough({ image, key, turn }: RenderRequest, { statistics }: ImagePlan): Soon<RenderedImage> {
  if (!(image instanceof Uint8Array) || turn) throw new PipelineError('PIPE_OPTION', `${key}: expected an image whose bytes can be packed as they are, found pixels, or an image that is turned or changed before; choose an encoding`)
  if (statistics === 'none') {
    const size = imageSize(image)
    return size ? { image, size: { width: size.width, height: size.height } } : { image }
  }
  return after(decodeBytes(image, { name: key }), (pixels) => {
    const { width, height } = pixels
    const channelSums = sumChannels(toEightBits(pixels))
    const { mean } = channelStatistics(channelSums)
    return { image, size: { width, height }, channelSums, ...(statistics === 'all' && { imageMean: mean }) }
  })
}

function decode({ image, key, turn }: RenderRequest, plan: ImagePlan): Soon<DeepImage> {
  if (!(image instanceof Uint8Array)) return image
  if (turn) return after(decodeBytes(image, { name: key, colour: plan.colour === 'grey' ? 'grey' : 'rgb', codec: plan.codec }), (upright) => turnUpright(toEightBits(upright) as RawImage<1 | 3>, turn))
  const { colour, codec, encode } = plan
  const minShorterEdge = plan.scaledDecode ? neededShorterEdge(plan) : undefined
  return decodeBytes(image, { name: key, colour, codec, keepDepth: encode.kind === 'png', ...(minShorterEdge !== undefined && { minShorterEdge }) }, isAtOnce(plan))
}

/** Whether what follows the decoding waits for nothing: pixels may then be borrowed. */
function isAtOnce({ encode, codec, method }: ImagePlan): boolean {
  return encode.kind === 'jpeg' && codec === 'turbojpeg' && method !== 'antialiased'
}

function decodeBytes(bytes: Uint8Array, options: DecodeOptions, borrow = false): Soon<DeepImage> {
  return decodeImageSync(bytes, { ...options, borrow }) ?? decodeImage(bytes, options)
}

/** The least shorter edge of a decoded image from which the resize does not enlarge; boxes need all of it. */
function neededShorterEdge({ crop, resize }: ImagePlan): number | undefined {
  if (crop.kind === 'regions' || resize.kind === 'none') return undefined
  return resize.kind === 'exact' ? Math.max(resize.width, resize.height) : resize.pixels
}

function crop(image: DeepImage, { regions = [], key }: RenderRequest, plan: ImagePlan): { readonly image: DeepImage; readonly adjusted?: string } {
  switch (plan.crop.kind) {
    case 'none':
      return { image }
    case 'centre':
      return { image: cropImage(image, centreSquare(image)) }
    case 'regions':
      return cropToBoxes(image, regions, plan.crop.expand, key)
  }
}

function centreSquare({ width, height }: Size): PixelBox {
  const side = Math.min(width, height)
  return { left: Math.floor((width - side) / 2), top: Math.floor((height - side) / 2), width: side, height: side }
}

function resize(image: DeepImage, { id }: RenderRequest, plan: ImagePlan): Soon<DeepImage> {
  const size = targetSize(plan.resize, image)
  const method = chooseMethod(plan.method, image, size, id)
  return method === 'antialiased' ? resizeAntialiased(image, size) : resizeImage(image, size, method, isAtOnce(plan))
}

const randomMethods: readonly ResizeMethod[] = ['nearest', 'bilinear', 'cubic', 'area', 'lanczos4']

function chooseMethod(method: PlanMethod, from: Size, to: Size, id: bigint): ResizeMethod | 'antialiased' {
  if (method === 'random') return randomMethods[Number(BigInt.asUintN(32, id * 2654435761n) >> 16n) % randomMethods.length]!
  if (method !== 'auto') return method
  if (to.width > from.width && to.height > from.height) return 'cubic'
  return to.width < from.width && to.height < from.height ? 'area' : 'bilinear'
}

function encode(image: DeepImage, { encode: chosen, codec }: ImagePlan): Soon<Uint8Array> {
  switch (chosen.kind) {
    case 'jpeg':
      return encodeJpegBytes(toEightBits(image), { quality: chosen.quality, chroma: chosen.chroma, codec })
    case 'png':
      return encodePng(image, { compression: chosen.compression })
    case 'webp':
      return encodeWebp(toEightBits(image), { quality: chosen.quality })
    case 'original':
      throw new PipelineError('PIPE_OPTION', 'encoding: expected jpeg, png or webp for pixels, found original')
  }
}

function encodeJpegBytes(image: RawImage, options: JpegOptions): Soon<Uint8Array> {
  const owned = (): RawImage => (options.codec === 'turbojpeg' ? { ...image, data: image.data.slice() } : image) // what is borrowed cannot wait
  return encodeJpegSync(image, options) ?? encodeJpeg(owned(), options)
}
