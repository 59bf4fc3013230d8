// Renders images in this thread, or in several at a time. One image in work a thread, with the codec
// held to one thread of its own, so that a number of threads is a number of cores.

import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import sharp from 'sharp'
import { PipelineError } from '../errors.js'
import type { ImagePlan } from './image-plan.js'
import { renderImage, type RenderedImage, type RenderRequest } from './render-image.js'
import type { RenderFailure, RenderJob, RenderReply } from './render-worker.js'

export interface Renderer {
  /** How many requests to have in flight so that no thread waits. */
  readonly inFlight: number
  /** @throws PipelineError as `renderImage`; PIPE_THREAD_FAILED */
  render(request: RenderRequest): Promise<RenderedImage>
  close(): Promise<void>
}

/**
 * @param threads 1 works in this thread, more in as many threads of their own. Default: the number of cores
 * @throws PipelineError PIPE_OPTION for a number below 1
 */
export function createRenderer(plan: ImagePlan, threads: number = availableParallelism()): Renderer {
  if (!Number.isInteger(threads) || threads < 1) throw new PipelineError('PIPE_OPTION', `threads: expected a whole number from 1, found ${threads}`)
  const codecThreads = sharp.concurrency()
  sharp.concurrency(1)
  const renderer = threads === 1 || plan.encode.kind === 'original' && plan.statistics === 'none' ? new InlineRenderer(plan) : new ThreadedRenderer(plan, threads)
  return {
    inFlight: renderer.inFlight,
    render: (request) => renderer.render(request),
    close: async () => {
      sharp.concurrency(codecThreads)
      await renderer.close()
    },
  }
}

/** One at a time, in this thread. */
class InlineRenderer implements Renderer {
  readonly inFlight: number
  readonly #plan: ImagePlan
  #last: Promise<unknown> = Promise.resolve()

  constructor(plan: ImagePlan) {
    this.#plan = plan
    this.inFlight = plan.encode.kind === 'original' ? 8 : 2 // while one is in work the next is read
  }

  render(request: RenderRequest): Promise<RenderedImage> {
    const result = this.#last.then(() => renderImage(request, this.#plan))
    this.#last = result.catch(() => {})
    return result
  }

  async close(): Promise<void> {
    await this.#last
  }
}

interface Waiting {
  readonly resolve: (rendered: RenderedImage) => void
  readonly reject: (error: Error) => void
}

interface Thread {
  readonly worker: Worker
  readonly jobs: Map<number, Waiting>
}

/** A thread has one image in work and one at hand. */
const jobsPerThread = 2

class ThreadedRenderer implements Renderer {
  readonly inFlight: number
  readonly #plan: ImagePlan
  readonly #maximum: number
  readonly #threads: Thread[] = []
  readonly #queue: { readonly request: RenderRequest; readonly waiting: Waiting }[] = []
  #nextJob = 0
  #failure: PipelineError | undefined

  constructor(plan: ImagePlan, threads: number) {
    this.#plan = plan
    this.#maximum = threads
    this.inFlight = threads * (jobsPerThread + 1)
  }

  render(request: RenderRequest): Promise<RenderedImage> {
    if (this.#failure) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#queue.push({ request, waiting: { resolve, reject } })
      this.#assign()
    })
  }

  async close(): Promise<void> {
    this.#failure ??= new PipelineError('PIPE_THREAD_FAILED', 'the packing threads have ended')
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()))
  }

  #assign(): void {
    while (this.#queue.length > 0) {
      const thread = this.#freeThread()
      if (!thread) return
      const { request, waiting } = this.#queue.shift()!
      this.#send(thread, request, waiting)
    }
  }

  /** An idle thread, else a new one, else the one with the least to do. */
  #freeThread(): Thread | undefined {
    const leastBusy = this.#threads.reduce<Thread | undefined>((least, each) => (least && least.jobs.size <= each.jobs.size ? least : each), undefined)
    if (leastBusy?.jobs.size === 0) return leastBusy
    if (this.#threads.length < this.#maximum) return this.#start()
    return leastBusy && leastBusy.jobs.size < jobsPerThread ? leastBusy : undefined
  }

  #send({ worker, jobs }: Thread, request: RenderRequest, waiting: Waiting): void {
    const job = this.#nextJob++
    jobs.set(job, waiting)
    if (!(request.image instanceof Uint8Array)) return worker.postMessage({ job, request } satisfies RenderJob)
    const image = new Uint8Array(request.image) // the source may keep its own; this copy moves over
    worker.postMessage({ job, request: { ...request, image } } satisfies RenderJob, [image.buffer])
  }

  #start(): Thread {
    const worker = new Worker(new URL('./render-worker.js', import.meta.url), { workerData: this.#plan })
    const thread: Thread = { worker, jobs: new Map() }
    worker.on('message', (reply: RenderReply) => {
      const waiting = thread.jobs.get(reply.job)
      thread.jobs.delete(reply.job)
      if ('rendered' in reply) waiting?.resolve(reply.rendered)
      else waiting?.reject(toError(reply.failure))
      this.#assign()
    })
    worker.on('error', (cause) => this.#fail(new PipelineError('PIPE_THREAD_FAILED', `a packing thread failed (${cause.message}); often memory: lower --threads`, { cause })))
    worker.on('exit', (exitCode) => this.#fail(new PipelineError('PIPE_THREAD_FAILED', `a packing thread ended with exit code ${exitCode}`)))
    this.#threads.push(thread)
    return thread
  }

  /** One thread's failure ends the run: nobody may wait for an answer that never comes. */
  #fail(error: PipelineError): void {
    this.#failure ??= error
    const waiting = [...this.#threads.flatMap(({ jobs }) => [...jobs.values()]), ...this.#queue.map((each) => each.waiting)]
    for (const { jobs } of this.#threads) jobs.clear()
    this.#queue.length = 0
    for (const { reject } of waiting) reject(this.#failure)
  }
}

function toError({ code, message, path, stack }: RenderFailure): Error {
  if (code !== undefined) return new PipelineError(code, message, path === undefined ? {} : { path })
  return Object.assign(new Error(message), stack === undefined ? {} : { stack })
}
