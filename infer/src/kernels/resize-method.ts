// Resizing images to OpenCV's very values: the methods by OpenCV's names, and which algorithm
// each of them becomes for two sizes. Source of this and of all resize-* files: OpenCV 4.6,
// modules/imgproc/src/resize.cpp, as it runs on x86-64.
//
//   method      sizes                                     algorithm
//   any         equal                                     copy
//   nearest                                               nearest
//   bilinear    half in both directions                   area-whole (of 2x2 pixels)
//   bilinear    else                                      bilinear
//   area        shrunk by a whole number in each          area-whole
//   area        shrunk, or kept in one direction          area
//   area        grown in a direction                      area-enlarge: bilinear with other weights
//   cubic, lanczos4                                       the same

import { InferError } from '../errors.js'

/** OpenCV's INTER_NEAREST, INTER_LINEAR, INTER_CUBIC, INTER_AREA and INTER_LANCZOS4. */
export type ResizeMethod = 'nearest' | 'bilinear' | 'cubic' | 'area' | 'lanczos4'

export type ResizeAlgorithm = 'copy' | 'nearest' | 'bilinear' | 'area-enlarge' | 'area-whole' | 'area' | 'cubic' | 'lanczos4'

/** Grey (1), RGB (3) or RGBA (4) values in rows, 8 bits each or 16; `data.length` = width · height · channels. */
export interface PixelImage<Samples extends Uint8Array | Uint16Array = Uint8Array> {
  readonly data: Samples
  readonly width: number
  readonly height: number
  readonly channels: 1 | 3 | 4
}

export interface PixelSize {
  readonly width: number
  readonly height: number
}

/** Which algorithm OpenCV runs. */
export function chooseResize(method: ResizeMethod, from: PixelSize, to: PixelSize): ResizeAlgorithm {
  if (from.width === to.width && from.height === to.height) return 'copy'
  const horizontal = axisScale(from.width, to.width)
  const vertical = axisScale(from.height, to.height)
  const areWhole = isWhole(horizontal) && isWhole(vertical)
  const isHalf = areWhole && Math.round(horizontal) === 2 && Math.round(vertical) === 2
  if (method === 'bilinear') return isHalf ? 'area-whole' : 'bilinear'
  if (method !== 'area') return method
  if (horizontal < 1 || vertical < 1) return 'area-enlarge'
  return areWhole ? 'area-whole' : 'area'
}

/** Source pixels per output pixel, with OpenCV's rounding: the inverse of a quotient, in float64. */
export function axisScale(inSize: number, outSize: number): number {
  return 1 / (outSize / inSize)
}

/**
 * Proves that the pixels fill the image and that there is something to make of them.
 * @throws InferError INFER_ARGUMENT
 */
export function checkResize({ data, width, height, channels }: PixelImage<Uint8Array | Uint16Array>, to: PixelSize): void {
  const areWhole = [width, height, to.width, to.height].every((side) => Number.isSafeInteger(side) && side > 0)
  if (!areWhole || data.length !== width * height * channels) {
    throw new InferError('INFER_ARGUMENT', `resize: expected whole sizes above 0 and ${channels} values a pixel, found ${width}x${height} with ${data.length} values, to ${to.width}x${to.height}`)
  }
}

/** Zeros for an image, as wide as the samples of another. */
export function samplesLike<Samples extends Uint8Array | Uint16Array>(like: Samples, count: number): Samples {
  return (like instanceof Uint16Array ? new Uint16Array(count) : new Uint8Array(count)) as Samples
}

function isWhole(scale: number): boolean {
  return Math.abs(scale - Math.round(scale)) < Number.EPSILON
}
