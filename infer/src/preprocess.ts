// From 8-bit RGB pixels to a network's input, in the steps that its graph lists. Serving runs them as
// they stand; training runs the same functions but gives `crop` a random place. Each step is a pure
// function of its image; the formulas stand beside `PreprocessStep` in graph.ts.

import { InferError } from './errors.js'
import type { PreprocessStep } from './graph.js'
import { checkImage, imageTensor, type ImageTensor, type RawImage } from './image.js'
import { resizeImage } from './resize.js'

/** The top left corner of a crop, in pixels. */
export interface CropPlace {
  readonly left: number
  readonly top: number
}

/** Largest width or height that a step may ask for. */
export const maxStepSize = 16384

/**
 * The network's input [height, width, channels] from an image.
 * @throws InferError INFER_IMAGE_TOO_SMALL if a crop does not fit into the image; INFER_ARGUMENT if
 * the image's sizes and bytes do not agree.
 */
export function preprocessImage(image: RawImage, steps: readonly PreprocessStep[]): Float32Array {
  let current: RawImage | ImageTensor = image
  for (const step of steps) current = applyPreprocessStep(current, step)
  return imageTensor(current).data
}

/**
 * One step. `cropPlace` replaces the centre as the place of a crop (training draws it at random); other
 * steps ignore it. The image given is never changed, but is itself the result where there is nothing to
 * do (a resize to the size it has); bytes stay bytes in that case alone.
 * @throws InferError as {@link preprocessImage}; INFER_ARGUMENT if the crop lies outside the image or
 * its channels do not suit the step.
 */
export function applyPreprocessStep<Image extends RawImage | ImageTensor>(image: Image, step: PreprocessStep, cropPlace?: CropPlace): Image | ImageTensor {
  checkImage(image)
  switch (step.step) {
    case 'resize':
      if (image.width === step.width && image.height === step.height) return image
      return resizeImage(image, step.width, step.height)
    case 'crop':
      return crop(image, step.width, step.height, cropPlace ?? centre(image, step))
    case 'grey':
      return grey(image)
    case 'standardise':
      return standardise(imageTensor(image))
    case 'normalise':
      return normalise(imageTensor(image), step.mean, step.scale)
  }
}

/**
 * What the steps make of an RGB image: [height, width, channels], undefined where the image decides.
 * Calls `fail` with a description of the first step that does not fit.
 */
export function preprocessedShape(steps: readonly PreprocessStep[], fail: (problem: string) => never): [number | undefined, number | undefined, number] {
  let height: number | undefined
  let width: number | undefined
  let channels = 3
  for (const [index, step] of steps.entries()) {
    const place = `step ${index + 1} (${step.step})`
    if (step.step === 'resize' || step.step === 'crop') {
      const sizes = [step.height, step.width]
      if (!sizes.every((size) => Number.isInteger(size) && size > 0 && size <= maxStepSize)) {
        fail(`${place}: expected a width and height of 1 to ${maxStepSize}, found ${step.width}x${step.height}`)
      }
      if (step.step === 'crop' && (step.height > (height ?? Infinity) || step.width > (width ?? Infinity))) {
        fail(`${place}: cannot take ${step.width}x${step.height} from an image that is ${width}x${height} by then`)
      }
      ;[height, width] = [step.height, step.width]
    } else if (step.step === 'grey') {
      if (channels !== 3) fail(`${place}: expected 3 channels, found ${channels}`)
      channels = 1
    } else if (step.step === 'normalise') {
      if (step.mean.length !== channels || step.scale.length !== channels) {
        fail(`${place}: expected ${channels} values in mean and scale, found ${step.mean.length} and ${step.scale.length}`)
      }
      if (![...step.mean, ...step.scale].every(Number.isFinite)) fail(`${place}: expected finite numbers`)
    } else if (step.step !== 'standardise') fail(`step ${index + 1}: unknown ${JSON.stringify((step as { step: unknown }).step)}`)
  }
  return [height, width, channels]
}

function centre(image: RawImage | ImageTensor, size: { width: number; height: number }): CropPlace {
  if (size.width > image.width || size.height > image.height) {
    throw new InferError('INFER_IMAGE_TOO_SMALL', `image of ${image.width}x${image.height} pixels: the network takes the middle ${size.width}x${size.height} of it; give a larger image`)
  }
  return { left: Math.floor((image.width - size.width) / 2), top: Math.floor((image.height - size.height) / 2) }
}

function crop(image: RawImage | ImageTensor, width: number, height: number, { left, top }: CropPlace): ImageTensor {
  const inside = Number.isInteger(left) && Number.isInteger(top) && left >= 0 && top >= 0 && left + width <= image.width && top + height <= image.height
  if (!inside) throw new InferError('INFER_ARGUMENT', `crop of ${width}x${height} at ${left},${top}: expected it within ${image.width}x${image.height} pixels`)
  const { channels } = image
  const data = new Float32Array(width * height * channels)
  for (let y = 0; y < height; y++) {
    const start = ((top + y) * image.width + left) * channels
    data.set(image.data.subarray(start, start + width * channels), y * width * channels)
  }
  return { data, width, height, channels }
}

function grey({ data: source, width, height, channels }: RawImage | ImageTensor): ImageTensor {
  if (channels !== 3) throw new InferError('INFER_ARGUMENT', `grey: expected an image of 3 channels, found ${channels}`)
  const data = new Float32Array(width * height)
  for (let i = 0, at = 0; i < data.length; i++, at += 3) {
    data[i] = 0.299 * source[at]! + 0.587 * source[at + 1]! + 0.114 * source[at + 2]!
  }
  return { data, width, height, channels: 1 }
}

function standardise(tensor: ImageTensor): ImageTensor {
  const source = tensor.data
  const count = source.length
  let sum = 0
  for (let i = 0; i < count; i++) sum += source[i]!
  const mean = sum / count
  let squares = 0
  for (let i = 0; i < count; i++) squares += (source[i]! - mean) ** 2
  // The floor keeps the noise of an image of one colour from being blown up (TensorFlow's per_image_standardization).
  const factor = 1 / Math.max(Math.sqrt(squares / count), 1 / Math.sqrt(count))
  const data = new Float32Array(count)
  for (let i = 0; i < count; i++) data[i] = (source[i]! - mean) * factor
  return { ...tensor, data }
}

function normalise(tensor: ImageTensor, mean: readonly number[], scale: readonly number[]): ImageTensor {
  const { data: source, channels } = tensor
  if (mean.length !== channels || scale.length !== channels) {
    throw new InferError('INFER_ARGUMENT', `normalise: expected ${channels} values in mean and scale, found ${mean.length} and ${scale.length}`)
  }
  const data = new Float32Array(source.length)
  for (let channel = 0; channel < channels; channel++) {
    const offset = mean[channel]!
    const factor = scale[channel]!
    for (let i = channel; i < data.length; i += channels) data[i] = (source[i]! - offset) * factor
  }
  return { ...tensor, data }
}
