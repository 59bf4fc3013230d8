// Renders images in the caller's thread and, where more are asked for, in others. One image in work a
// thread, with the codec held to one thread of its own, so that a number of threads is a number of cores.
//
// The caller's thread renders whatever the others have no room for. It works, as they do, for some
// milliseconds at a time (render-batch.ts), and in between sees to the rest of the process.
//
// Memory: what is ready waits for what comes before it, so no image is begun that is more than a few
// batches ahead of the first that is not done.

import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import sharp from 'sharp'
import { PipelineError } from '../errors.js'
import type { ImagePlan } from './image-plan.js'
import { BatchSize, renderBatch } from './render-batch.js'
import type { RenderedImage } from './render-image.js'
import { JobRenderer, type RenderJob } from './render-job.js'
import type { RenderBatch, RenderFailure, RenderReply } from './render-worker.js'

interface Job {
  readonly number: number
  readonly request: RenderJob
  readonly resolve: (rendered: RenderedImage) => void
  readonly reject: (error: Error) => void
}

interface Thread {
  readonly worker: Worker
  /** The batches that it has, the one in work first. */
  readonly batches: Job[][]
  /** It has loaded its code: what it got before would wait, and all that comes after it. */
  isReady: boolean
}

/**
 * A thread has one batch in work and two at hand, so that it does not run out while the caller's thread
 * renders and writes; another is gathered. With one at hand threads waited for a quarter of their time.
 */
const batchesPerThread = 3

/** A file from memory takes some microseconds, one from a local disk a few hundred. */
const slowReadMs = 1
/** With a slow disk one of so many is read by the renderer all the same, to see whether it still is. */
const probeEvery = 32

export class Renderer {
  readonly #plan: ImagePlan
  readonly #threads: number
  readonly #codecThreads = sharp.concurrency()
  readonly #here: JobRenderer
  readonly #others: Thread[] = []
  readonly #batchSize = new BatchSize()
  /** Those that no thread has, in order. */
  #queue: Job[] = []
  /** The numbers of those that are not done, in order. */
  readonly #undone = new Set<number>()
  #nextJob = 0
  #isWorkingHere = false
  #readMs = 0
  #readsAsked = 0
  #failure: PipelineError | undefined

  /**
   * @param threads the caller's among them. Default: the number of cores
   * @throws PipelineError PIPE_OPTION for a number below 1
   */
  constructor(plan: ImagePlan, threads: number = availableParallelism()) {
    if (!Number.isInteger(threads) || threads < 1) throw new PipelineError('PIPE_OPTION', `threads: expected a whole number from 1, found ${threads}`)
    sharp.concurrency(1)
    this.#plan = plan
    this.#threads = plan.encode.kind === 'original' && plan.statistics === 'none' ? 1 : threads
    this.#here = new JobRenderer(plan)
  }

  /** How many requests to have in flight so that no thread waits. It changes with the images. */
  get inFlight(): number {
    return this.#threads * (batchesPerThread + 1) * this.#batchSize.images
  }

  /** Whether the disk is so slow that the next file is better read ahead, with others, and given as bytes. */
  get readsAhead(): boolean {
    return this.#readMs > slowReadMs && ++this.#readsAsked % probeEvery > 0
  }

  /** @throws PipelineError as `renderImage` and `readImageFile`; PIPE_THREAD_FAILED */
  render(request: RenderJob): Promise<RenderedImage> {
    if (this.#failure) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      const job = { number: this.#nextJob++, request, resolve, reject }
      this.#queue.push(job)
      this.#undone.add(job.number)
      if (!this.#isWorkingHere) this.#assign()
    })
  }

  async close(): Promise<void> {
    sharp.concurrency(this.#codecThreads)
    this.#failure ??= new PipelineError('PIPE_THREAD_FAILED', 'the packing threads have ended')
    await Promise.all(this.#others.map(({ worker }) => worker.terminate()))
  }

  #assign(): void {
    if (this.#queue.length > 0 && this.#others.length < this.#threads - 1) this.#start()
    for (const thread of this.#others) {
      while (thread.isReady && thread.batches.length < batchesPerThread && this.#queue.length >= (thread.batches.length === 0 ? 1 : this.#batchSize.images)) {
        const batch = this.#takeBatch()
        if (batch.length === 0) return
        this.#send(thread, batch)
      }
    }
    if (this.#isWorkingHere || this.#queue.length === 0) return
    this.#isWorkingHere = true
    setImmediate(() => void this.#workHere())
  }

  /** The next jobs, unless they are too far ahead. */
  #takeBatch(): Job[] {
    const [first = 0] = this.#undone
    const end = first + this.inFlight
    const batch = this.#queue.slice(0, this.#batchSize.images).filter(({ number }) => number < end)
    this.#queue = this.#queue.slice(batch.length)
    return batch
  }

  async #workHere(): Promise<void> {
    const batch = this.#takeBatch()
    if (batch.length === 0) { // the others have them, and will tell
      this.#isWorkingHere = false
      return
    }
    const began = performance.now()
    let done = 0
    let bytes = 0
    await renderBatch(this.#here, batch.map(({ request }) => request), (outcome) => {
      const { number, request, resolve, reject } = batch[done++]!
      this.#undone.delete(number)
      if (outcome instanceof Error) return reject(outcome)
      bytes += heldBytes(request, outcome.image.length)
      resolve(outcome)
    })
    this.#isWorkingHere = false
    this.#note(batch, done, bytes, performance.now() - began, this.#here.files.meanMs)
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

  #start(): void {
    const worker = new Worker(new URL('./render-worker.js', import.meta.url), { workerData: this.#plan })
    const thread: Thread = { worker, batches: [], isReady: false }
    worker.on('message', (reply: RenderReply | 'ready') => {
      if (reply !== 'ready') return this.#settle(thread.batches.shift()!, reply)
      thread.isReady = true
      this.#assign()
    })
    worker.on('error', (cause) => this.#fail(new PipelineError('PIPE_THREAD_FAILED', `a packing thread failed (${cause.message}); often memory: lower --threads`, { cause })))
    worker.on('exit', (exitCode) => this.#fail(new PipelineError('PIPE_THREAD_FAILED', `a packing thread ended with exit code ${exitCode}`)))
    this.#others.push(thread)
  }

  #settle(batch: readonly Job[], { outcomes, images, ms, readMs }: RenderReply): void {
    let at = 0
    let bytes = 0
    for (const [index, outcome] of outcomes.entries()) {
      const { number, request, resolve, reject } = batch[index]!
      this.#undone.delete(number)
      if ('failure' in outcome) {
        reject(toError(outcome.failure))
        continue
      }
      bytes += heldBytes(request, outcome.bytes)
      resolve({ ...outcome.rendered, image: images.subarray(at, (at += outcome.bytes)) })
    }
    this.#note(batch, outcomes.length, bytes, ms, readMs)
  }

  /** After a batch of which so many are done. */
  #note(batch: readonly Job[], done: number, bytes: number, ms: number, readMs: number): void {
    this.#batchSize.note(ms, bytes, done)
    this.#readMs = readMs
    if (done < batch.length) this.#queue = [...batch.slice(done), ...this.#queue].sort((a, b) => a.number - b.number)
    this.#assign()
  }

  /** One thread's failure ends the run: nobody may wait for an answer that never comes. */
  #fail(error: PipelineError): void {
    this.#failure ??= error
    const waiting = [...this.#others.flatMap(({ batches }) => batches.flat()), ...this.#queue]
    for (const { batches } of this.#others) batches.length = 0
    this.#queue = []
    for (const { reject } of waiting) reject(this.#failure)
  }
}

/** What an image takes in this thread, before or after. */
function heldBytes({ image }: RenderJob, rendered: number): number {
  return Math.max(rendered, 'data' in image ? image.data.length : 'path' in image ? 0 : image.length)
}

function toError({ code, message, path, stack }: RenderFailure): Error {
  if (code !== undefined) return new PipelineError(code, message, path === undefined ? {} : { path })
  return Object.assign(new Error(message), stack === undefined ? {} : { stack })
}
