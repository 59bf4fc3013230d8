// An image to be rendered, which may still be a file: the thread that renders it reads it too, so that
// only a path goes from one thread to another.

import { ImageFileReader, type ImageFile } from '../providers/image-file.js'
import type { ImagePlan } from './image-plan.js'
import { render, type RenderedImage, type RenderRequest, type Soon } from './render-image.js'

export type RenderJob = Omit<RenderRequest, 'image'> & { readonly image: RenderRequest['image'] | ImageFile }

/** Does one job after another: the next is not to be given before the last is done, as they share memory. */
export class JobRenderer {
  readonly files = new ImageFileReader()
  readonly #plan: ImagePlan

  constructor(plan: ImagePlan) {
    this.#plan = plan
  }

  /** @throws PipelineError as `renderImage` and `readImageFile` */
  render(job: RenderJob): Soon<RenderedImage> {
    const { image } = job
    const isKept = this.#plan.encode.kind === 'original'
    return render({ ...job, image: 'path' in image ? this.files.read(image, isKept) : image }, this.#plan)
  }
}
