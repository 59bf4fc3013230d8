// Images on their way into a network: 8-bit pixels as a decoder gives them, and the float32 tensor
// that the preprocessing steps make of them. Both are rows from top to bottom, pixels from left to
// right, the channels of a pixel side by side.

import { InferError } from './errors.js'

/** A decoded image: R, G, B bytes, `data.length` = width · height · 3. */
export interface RawImage {
  readonly data: Uint8Array
  readonly width: number
  readonly height: number
  readonly channels: 3
}

/** The same as numbers, [height, width, channels]. */
export interface ImageTensor {
  readonly data: Float32Array
  readonly width: number
  readonly height: number
  readonly channels: number
}

/**
 * The image's values as float32: bytes become the numbers 0 … 255 in memory of their own, a tensor is
 * itself the result.
 * @throws InferError as {@link checkImage}.
 */
export function imageTensor(image: RawImage | ImageTensor): ImageTensor {
  checkImage(image)
  return isTensor(image) ? image : { ...image, data: new Float32Array(image.data) }
}

/**
 * Proves that the values fill the image.
 * @throws InferError INFER_ARGUMENT if width, height, channels and the number of values do not agree.
 */
export function checkImage({ data, width, height, channels }: RawImage | ImageTensor): void {
  const whole = [width, height, channels].every((size) => Number.isSafeInteger(size) && size > 0)
  if (!whole || data.length !== width * height * channels) {
    throw new InferError('INFER_ARGUMENT', `image of ${width}x${height} pixels: expected whole sizes above 0 and ${channels} values a pixel, found ${data.length} values`)
  }
}

function isTensor(image: RawImage | ImageTensor): image is ImageTensor {
  return image.data instanceof Float32Array
}
