// From a decoded image to the network's input, as serving does it, but with random places for the crops
// when training. The places depend on (seed, epoch, shard, ordinal) alone.

import { applyPreprocessStep, imageTensor, type CropPlace, type ImageTensor, type PreprocessStep, type RawImage } from '@millrace/infer'
import { createRandom, drawInteger, type Random } from '../random.js'

/** What the random choices for one image depend on. */
export interface AugmentationKey {
  readonly seed: number
  readonly epoch: number
  readonly shard: number
  readonly ordinal: number
}

/** The input [h, w, c]; without a key, exactly what `preprocessImage` gives. */
export function prepareImage(image: RawImage, steps: readonly PreprocessStep[], key?: AugmentationKey): Float32Array {
  const random = key && createRandom(key.seed, key.epoch, key.shard, key.ordinal)
  let tensor = imageTensor(image)
  for (const step of steps) {
    const fits = step.step === 'crop' && tensor.width >= step.width && tensor.height >= step.height
    const place = random && fits ? drawPlace(random, tensor, step) : undefined
    tensor = applyPreprocessStep(tensor, step, place)
  }
  return tensor.data
}

/** Every place of the crop is equally likely. */
function drawPlace(random: Random, tensor: ImageTensor, { width, height }: { width: number; height: number }): CropPlace {
  return { left: drawInteger(random, tensor.width - width + 1), top: drawInteger(random, tensor.height - height + 1) }
}
