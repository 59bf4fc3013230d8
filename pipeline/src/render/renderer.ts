// Renders images in this thread, or in several at a time. One image in work a thread, with the codec
// held to one thread of its own, so that a number of threads is a number of cores.
//
// Memory: what is ready waits for what comes before it, so no image is begun that is more than a few
// batches ahead of the first that is not done.

import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import sharp from 'sharp'
import { PipelineError } from '../errors.js'
import type { ImagePlan } from './image-plan.js'
import { BatchSize } from './render-batch.js'
import type { RenderedImage } from './render-image.js'
import { JobRenderer, type RenderJob } from './render-job.js'
import type { RenderBatch, RenderFailure, RenderReply } from './render-worker.js'

export interface Renderer {
  /** How many requests to have in flight so that no thread waits. It changes with the images. */
  readonly inFlight: number
  /** Whether the disk is so slow that files are better read ahead, several at a time, and given as bytes. */
  readonly readsAhead: boolean
  /** @throws PipelineError as `renderImage` and `readImageFile`; PIPE_THREAD_FAILED */
  render(request: RenderJob): Promise<RenderedImage>
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
  const close = renderer.close.bind(renderer)
  renderer.close = async () => {
    sharp.concurrency(codecThreads)
    await close()
  }
  return renderer
}

/** A file from memory takes some microseconds, one from a local disk a few hundred. */
const slowReadMs = 1
/** With a slow disk one of so many is read by the renderer all the same, to see whether it still is. */
const probeEvery = 32

class ReadPace {
  #meanMs = 0
  #asked = 0

  note(meanMs: number): void {
    this.#meanMs = meanMs
  }

  get readsAhead(): boolean {
    return this.#meanMs > slowReadMs && ++this.#asked % probeEvery > 0
  }
}

/** One at a time, in this thread. */
class InlineRenderer implements Renderer {
  readonly inFlight: number
  readonly #renderer: JobRenderer
  readonly #pace = new ReadPace()
  #last: Promise<unknown> = Promise.resolve()

  constructor(plan: ImagePlan) {
    this.#renderer = new JobRenderer(plan)
    this.inFlight = plan.encode.kind === 'original' ? 8 : 2 // while one is in work the next is read
  }

  get readsAhead(): boolean {
    return this.#pace.readsAhead
  }

  render(request: RenderJob): Promise<RenderedImage> {
    const result = this.#last.then(() => this.#renderer.render(request))
    this.#last = result.catch(() => {})
    this.#pace.note(this.#renderer.files.meanMs)
    return result
  }

  async close(): Promise<void> {
    await this.#last
  }
}

interface Job {
  readonly number: number
  readonly request: RenderJob
  readonly resolve: (rendered: RenderedImage) => void
  readonly reject: (error: Error) => void
}

interface Thread {
  readonly worker: Worker
  /** Of the batches that it has, by the jobs' numbers. */
  readonly batches: Job[][]
}

/** A thread has one batch in work and one at hand; another is gathered. */
const batchesPerThread = 2

class ThreadedRenderer implements Renderer {
  readonly #plan: ImagePlan
  readonly #maximum: number
  readonly #threads: Thread[] = []
  readonly #batchSize = new BatchSize()
  readonly #pace = new ReadPace()
  /** Those that no thread has, in order. */
  #queue: Job[] = []
  /** The numbers of those that are not done, in order. */
  readonly #undone = new Set<number>()
  #nextJob = 0
  #failure: PipelineError | undefined

  constructor(plan: ImagePlan, threads: number) {
    this.#plan = plan
    this.#maximum = threads
  }

  get inFlight(): number {
    return this.#maximum * (batchesPerThread + 1) * this.#batchSize.images
  }

  get readsAhead(): boolean {
    return this.#pace.readsAhead
  }

  render(request: RenderJob): Promise<RenderedImage> {
    if (this.#failure) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      const job = { number: this.#nextJob++, request, resolve, reject }
      this.#queue.push(job)
      this.#undone.add(job.number)
      this.#assign()
    })
  }

  async close(): Promise<void> {
    this.#failure ??= new PipelineError('PIPE_THREAD_FAILED', 'the packing threads have ended')
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()))
  }

  #assign(): void {
    while (this.#queue.length > 0) {
      const [first = 0] = this.#undone
      const end = first + this.inFlight
      const thread = this.#queue[0]!.number < end ? this.#freeThread() : undefined
      if (!thread) return
      const batch = this.#queue.slice(0, this.#batchSize.images).filter(({ number }) => number < end)
      this.#queue = this.#queue.slice(batch.length)
      this.#send(thread, batch)
    }
  }

  /** An idle thread, else a new one, else the one with the least to do. */
  #freeThread(): Thread | undefined {
    const leastBusy = this.#threads.reduce<Thread | undefined>((least, each) => (least && least.batches.length <= each.batches.length ? least : each), undefined)
    if (leastBusy?.batches.length === 0) return leastBusy
    if (this.#threads.length < this.#maximum) return this.#start()
    const isWorthwhile = this.#queue.length >= this.#batchSize.images // a busy thread has time for it to grow
    return leastBusy && leastBusy.batches.length < batchesPerThread && isWorthwhile ? leastBusy : undefined
  }

  #send({ worker, batches }: Thread, batch: Job[]): void {
    batches.push(batch)
    const moved: ArrayBuffer[] = []
    const requests = batch.map(({ request }) => {
      if (!(request.image instanceof Uint8Array)) return request
      const image = new Uint8Array(request.image) // the source may keep its own; this copy moves over
      moved.push(image.buffer)
      return { ...request, image }
    })
    worker.postMessage({ requests } satisfies RenderBatch, moved)
  }

  #start(): Thread {
    const worker = new Worker(new URL('./render-worker.js', import.meta.url), { workerData: this.#plan })
    const thread: Thread = { worker, batches: [] }
    worker.on('message', (reply: RenderReply) => {
      this.#settle(thread.batches.shift()!, reply)
      this.#assign()
    })
    worker.on('error', (cause) => this.#fail(new PipelineError('PIPE_THREAD_FAILED', `a packing thread failed (${cause.message}); often memory: lower --threads`, { cause })))
    worker.on('exit', (exitCode) => this.#fail(new PipelineError('PIPE_THREAD_FAILED', `a packing thread ended with exit code ${exitCode}`)))
    this.#threads.push(thread)
    return thread
  }

  #settle(batch: readonly Job[], { outcomes, images, ms, readMs }: RenderReply): void {
    this.#batchSize.note(ms, outcomes.length)
    this.#pace.note(readMs)
    let at = 0
    for (const [index, outcome] of outcomes.entries()) {
      const { number, resolve, reject } = batch[index]!
      this.#undone.delete(number)
      if ('failure' in outcome) reject(toError(outcome.failure))
      else resolve({ ...outcome.rendered, image: images.subarray(at, (at += outcome.bytes)) })
    }
    const left = batch.slice(outcomes.length)
    if (left.length > 0) this.#queue = [...left, ...this.#queue].sort((a, b) => a.number - b.number)
  }

  /** One thread's failure ends the run: nobody may wait for an answer that never comes. */
  #fail(error: PipelineError): void {
    this.#failure ??= error
    const waiting = [...this.#threads.flatMap(({ batches }) => batches.flat()), ...this.#queue]
    for (const { batches } of this.#threads) batches.length = 0
    this.#queue = []
    for (const { reject } of waiting) reject(this.#failure)
  }
}

function toError({ code, message, path, stack }: RenderFailure): Error {
  if (code !== undefined) return new PipelineError(code, message, path === undefined ? {} : { path })
  return Object.assign(new Error(message), stack === undefined ? {} : { stack })
}
