// Scales every image to one size; the aspect is not kept, the regions follow.

import { checkSize, resizeAntialiased } from './images/transform.js'
import type { PixelBox } from './images/raw-image.js'
import { readPixels, type Sample } from './sample.js'
import { createTransform, type ConcurrencyOptions, type Transform } from './transform.js'

export interface ResizeOptions extends ConcurrencyOptions {
  readonly width: number
  readonly height: number
}

/**
 * A stage that scales each sample (see `resizeAntialiased` for the filter).
 * @throws PipelineError PIPE_OPTION for a size that is not of whole pixels ≥ 1
 */
export function resize(options: ResizeOptions): Transform<Sample, Sample> {
  const { width, height } = options
  checkSize(width, height)
  return createTransform(async (sample) => {
    const whole = await readPixels(sample)
    const image = await resizeAntialiased(whole, { width, height })
    const regions = sample.regions?.map((region) => scaleBox(region, width / whole.width, height / whole.height))
    return { ...sample, ...(regions && { regions }), image: () => Promise.resolve(image) }
  }, options)
}

function scaleBox({ left, top, width, height }: PixelBox, horizontally: number, vertically: number): PixelBox {
  return { left: left * horizontally, top: top * vertically, width: width * horizontally, height: height * vertically }
}
