// A packing thread: renders the images it is sent, one at a time, in their order. They come and go in
// batches, since a message costs as much as a small image; the rendered ones in one piece of memory, which
// moves over instead of being copied.

import { parentPort, workerData } from 'node:worker_threads'
import { PipelineError } from '../errors.js'
import type { ImagePlan } from './image-plan.js'
import { batchMs } from './render-batch.js'
import type { RenderedImage } from './render-image.js'
import { JobRenderer, type RenderJob } from './render-job.js'

export interface RenderBatch {
  readonly requests: readonly RenderJob[]
}

/** What became of the requests of a batch; of the first, where they took longer than was thought. */
export interface RenderReply {
  readonly outcomes: readonly RenderOutcome[]
  /** Of the outcomes one after the other. */
  readonly images: Uint8Array
  /** How long they took. */
  readonly ms: number
  /** `ImageFileReader.meanMs` */
  readonly readMs: number
}

export type RenderOutcome = { readonly rendered: Omit<RenderedImage, 'image'>; readonly bytes: number } | { readonly failure: RenderFailure }

/** An error on its way between threads: a structured clone keeps neither class nor fields. */
export interface RenderFailure {
  readonly message: string
  /** That of a PipelineError; absent for a fault of the program. */
  readonly code?: PipelineError['code']
  readonly path?: string
  readonly stack?: string
}

const renderer = new JobRenderer(workerData as ImagePlan)
let last = Promise.resolve()

parentPort?.on('message', ({ requests }: RenderBatch) => {
  last = last.then(() => work(requests))
})

async function work(requests: RenderBatch['requests']): Promise<void> {
  const outcomes: RenderOutcome[] = []
  const images: Uint8Array[] = []
  const began = performance.now()
  for (const request of requests) {
    try {
      const { image, ...rendered } = await renderer.render(request)
      outcomes.push({ rendered, bytes: image.length })
      images.push(image)
    } catch (error) {
      outcomes.push({ failure: describe(error) })
    }
    if (performance.now() - began > 2 * batchMs) break // the rest is sent again, in smaller batches
  }
  const together = join(images)
  const reply: RenderReply = { outcomes, images: together, ms: performance.now() - began, readMs: renderer.files.meanMs }
  parentPort?.postMessage(reply, [together.buffer])
}

/** In new memory: a codec's own cannot be moved between threads. */
function join(images: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const together = new Uint8Array(images.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const image of images) {
    together.set(image, at)
    at += image.length
  }
  return together
}

function describe(error: unknown): RenderFailure {
  if (!(error instanceof PipelineError)) return { message: String(error), ...(error instanceof Error && error.stack !== undefined && { stack: error.stack }) }
  const { code, message, details } = error
  return { code, message, ...(details.path !== undefined && { path: details.path }) }
}
