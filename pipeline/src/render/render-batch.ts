// How many images a packing thread renders at a stretch: as many as take some milliseconds and make a
// megabyte. That is much beside the cost of a message, about that of a small image, and little enough to keep
// what is in work small.

import type { RenderedImage } from './render-image.js'
import type { JobRenderer, RenderJob } from './render-job.js'

const batchMs = 4
const batchBytes = 2 ** 20
const mostImages = 32

export class BatchSize {
  /** Of an image, as a share of a batch. */
  #meanShare = 1

  /** 1 until images are known to be small. */
  get images(): number {
    return Math.max(1, Math.min(mostImages, Math.floor(1 / this.#meanShare)))
  }

  /** Tells how long so many images took, and what memory. */
  note(ms: number, bytes: number, images: number): void {
    this.#meanShare += 0.2 * (Math.max(ms / batchMs, bytes / batchBytes) / images - this.#meanShare)
  }
}

/**
 * Renders a batch and gives what becomes of each job, in order. Ends early where the jobs take twice as long
 * as they should: the rest belongs into smaller batches.
 */
export async function renderBatch(renderer: JobRenderer, jobs: readonly RenderJob[], take: (outcome: RenderedImage | Error) => void): Promise<void> {
  const began = performance.now()
  for (const job of jobs) {
    take(await attempt(renderer, job))
    if (performance.now() - began > 2 * batchMs) return
  }
}

async function attempt(renderer: JobRenderer, job: RenderJob): Promise<RenderedImage | Error> {
  try {
    return await renderer.render(job)
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}
