// A packing thread: renders the images it is sent, one at a time, in their order. They come and go in
// batches, since a message costs as much as a small image; the rendered ones in one piece of memory, which
// moves over instead of being copied.

import { parentPort, workerData } from 'node:worker_threads'
import { PipelineError } from '../errors.js'
import type { ImagePlan } from './image-plan.js'
import { renderBatch } from './render-batch.js'
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
/** One batch after another, as the renderer must have it. */
let last = Promise.resolve()

parentPort?.on('message', ({ requests }: RenderBatch) => {
  last = last.then(() => work(requests))
})
parentPort?.postMessage('ready')

async function work(requests: RenderBatch['requests']): Promise<void> {
  const outcomes: RenderOutcome[] = []
  const images: Uint8Array[] = []
  const began = performance.now()
  await renderBatch(renderer, requests, (outcome) => {
    if (outcome instanceof Error) return void outcomes.push({ failure: describe(outcome) })
    const { image, ...rendered } = outcome
    outcomes.push({ rendered, bytes: image.length })
    images.push(image)
  })
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

function describe(error: Error): RenderFailure {
  const { message, stack } = error
  if (!(error instanceof PipelineError)) return { message, ...(stack !== undefined && { stack }) }
  const { code, details } = error
  return { code, message, ...(details.path !== undefined && { path: details.path }) }
}
