// A packing thread: renders the images it is sent, one at a time, in their order.

import { parentPort, workerData } from 'node:worker_threads'
import { PipelineError } from '../errors.js'
import type { ImagePlan } from './image-plan.js'
import { renderImage, type RenderedImage, type RenderRequest } from './render-image.js'

export interface RenderJob {
  readonly job: number
  readonly request: RenderRequest
}

export type RenderReply = { readonly job: number } & ({ readonly rendered: RenderedImage } | { readonly failure: RenderFailure })

/** An error on its way between threads: a structured clone keeps neither class nor fields. */
export interface RenderFailure {
  readonly message: string
  /** That of a PipelineError; absent for a fault of the program. */
  readonly code?: PipelineError['code']
  readonly path?: string
  readonly stack?: string
}

const plan = workerData as ImagePlan
let last = Promise.resolve()

parentPort?.on('message', ({ job, request }: RenderJob) => {
  last = last.then(() => work(job, request))
})

async function work(job: number, request: RenderRequest): Promise<void> {
  try {
    const rendered = await renderImage(request, plan)
    const image = new Uint8Array(rendered.image) // a codec's own memory cannot be moved between threads
    post({ job, rendered: { ...rendered, image } }, [image.buffer])
  } catch (error) {
    post({ job, failure: describe(error) })
  }
}

function post(reply: RenderReply, transfer: readonly ArrayBuffer[] = []): void {
  parentPort?.postMessage(reply, transfer)
}

function describe(error: unknown): RenderFailure {
  if (!(error instanceof PipelineError)) return { message: String(error), ...(error instanceof Error && error.stack !== undefined && { stack: error.stack }) }
  const { code, message, details } = error
  return { code, message, ...(details.path !== undefined && { path: details.path }) }
}
