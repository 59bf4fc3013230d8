// A pool: threads that answer for one network at the same time, with its weights in memory once.
//
//   caller   preprocesses, writes into a free thread's arena, reads the answer there
//   thread   runs the network
//
// Pixels never travel in messages; a message (about 25 µs each way) says "run" or "done". Threads sleep between.

import { InferError } from '../errors.js'
import type { Graph } from '../graph.js'
import type { RawImage } from '../image.js'
import { isList, preprocessImages, readAnswers, type Answer } from '../model.js'
import { checkInput } from './executor.js'
import type { VariantName } from './plan.js'
import { loadPoolNetwork, type PoolNetworkOptions, type PoolSource } from './pool-network.js'
import { PoolQueue, type RequestOptions } from './pool-queue.js'
import { startReplica, type PoolNetwork, type Replica, type StartThread } from './replica.js'

export interface PoolOptions extends PoolNetworkOptions {
  /** Networks that run at the same time, each in a thread. Default: as many as there are processors. */
  readonly threads?: number
  /** Requests that may wait while all threads are at work. Default 64. */
  readonly queue?: number
  /** Milliseconds from call to answer, waiting included. Default: no limit. */
  readonly timeoutMs?: number
}

export interface Pool {
  readonly graph: Graph
  readonly runsOn: VariantName
  readonly threads: number
  /** Of weights and arenas, of all threads together. */
  readonly memoryBytes: number
  /** Whether all threads read the same weights. */
  readonly sharesMemory: boolean
  /** Requests that wait for a thread. */
  readonly waiting: number
  /** Threads at work. */
  readonly running: number
  /**
   * The graph's outputs [batch, …] by name, for an input [batch, height, width, channels], which is not to be changed
   * before. More images than the compiled batch are divided among the threads.
   * @throws InferError INFER_BUSY if no thread is free and the queue is full; INFER_ABORTED; INFER_TIMEOUT;
   * INFER_WORKER_FAILED if the thread ended; INFER_CLOSED; INFER_ARGUMENT for an input of another size
   */
  run(input: Float32Array, batch: number, options?: RequestOptions): Promise<Map<string, Float32Array>>
  /**
   * Preprocesses, at once and in the caller's thread, and reads one image, or several in the same order.
   * @throws InferError as `run`, and as the `predict` of a model
   */
  predict(image: RawImage, options?: RequestOptions): Promise<Answer>
  predict(images: readonly RawImage[], options?: RequestOptions): Promise<Answer[]>
  /**
   * Ends the threads and lets go of the memory; new requests are refused from now on. Those accepted are answered
   * first, or with `drain: false` rejected (INFER_CLOSED). May be called again.
   */
  close(options?: { readonly drain?: boolean }): Promise<void>
}

const mostThreads = 1024
const mostWaiting = 1_000_000
/** What a timer can count. */
const mostMs = 2 ** 31 - 1

/**
 * A pool of threads for the network in a model folder, or for a graph and its weights.
 * @throws InferError as `loadModel`; INFER_WORKER_FAILED if a thread cannot be started
 */
export async function createPool(source: PoolSource, options: PoolOptions = {}): Promise<Pool> {
  const { processors, startThread } = await import('#worker')
  const threads = checkWhole('threads', options.threads ?? processors, 1, mostThreads)
  const queue = checkWhole('queue', options.queue ?? 64, 0, mostWaiting)
  checkTimeout(options.timeoutMs)
  const { graph, network, memoryBytes } = await loadPoolNetwork(source, threads, options)
  const pool = new ThreadPool(graph, network, { ...options, threads, queue, memoryBytes }, startThread)
  await pool.start()
  return pool
}

class ThreadPool implements Pool {
  readonly graph: Graph
  readonly runsOn: VariantName
  readonly threads: number
  readonly memoryBytes: number
  readonly sharesMemory: boolean
  readonly #timeoutMs: number | undefined
  readonly #queue: PoolQueue
  readonly #startThread: StartThread
  readonly #replicas = new Set<Replica>()
  readonly #starting = new Set<Promise<void>>()
  #network: PoolNetwork | undefined
  #closing: Promise<void> | undefined
  /** Why there are no threads any more. */
  #failure: InferError | undefined

  constructor(graph: Graph, network: PoolNetwork, { threads, queue, memoryBytes, timeoutMs }: { threads: number; queue: number; memoryBytes: number; timeoutMs?: number }, startThread: StartThread) {
    this.graph = graph
    this.runsOn = network.variant
    this.threads = threads
    this.memoryBytes = memoryBytes
    this.sharesMemory = network.memory !== undefined
    this.#timeoutMs = timeoutMs
    this.#network = network
    this.#queue = new PoolQueue(graph, network.plan.batch, queue)
    this.#startThread = startThread
  }

  get waiting(): number {
    return this.#queue.waiting
  }

  get running(): number {
    return this.#queue.running
  }

  async start(): Promise<void> {
    const starts = await Promise.allSettled(Array.from({ length: this.threads }, (_, index) => this.#startReplica(index)))
    const failed = starts.find(({ status }) => status === 'rejected')
    if (failed === undefined) return
    await this.close({ drain: false })
    throw (failed as PromiseRejectedResult).reason
  }

  async run(input: Float32Array, batch: number, options: RequestOptions = {}): Promise<Map<string, Float32Array>> {
    checkInput(this.graph, input, batch)
    return this.#submit(() => input, batch, options)
  }

  predict(image: RawImage, options?: RequestOptions): Promise<Answer>
  predict(images: readonly RawImage[], options?: RequestOptions): Promise<Answer[]>
  async predict(images: RawImage | readonly RawImage[], options: RequestOptions = {}): Promise<Answer | Answer[]> {
    const list = isList(images) ? images : [images]
    const outputs = await this.#submit(() => preprocessImages(this.graph, list), list.length, options)
    const answers = readAnswers(this.graph, outputs, list.length)
    return isList(images) ? answers : answers[0]!
  }

  close({ drain = true }: { readonly drain?: boolean } = {}): Promise<void> {
    this.#closing ??= this.#end()
    if (!drain) {
      this.#queue.rejectAll('INFER_CLOSED', 'the pool: it was closed before it answered')
      for (const replica of this.#replicas) replica.stop()
    }
    return this.#closing
  }

  /** What is refused is refused before anything is computed. */
  async #submit(makeInput: () => Float32Array, batch: number, { signal, timeoutMs = this.#timeoutMs }: RequestOptions): Promise<Map<string, Float32Array>> {
    checkTimeout(timeoutMs)
    if (this.#closing !== undefined) throw new InferError('INFER_CLOSED', 'the pool: it was closed; create another')
    if (this.#failure !== undefined) throw this.#failure
    this.#queue.checkRoom(signal)
    return this.#queue.submit(makeInput(), batch, { ...(signal && { signal }), ...(timeoutMs !== undefined && { timeoutMs }) })
  }

  async #startReplica(index: number): Promise<void> {
    const replica = await startReplica(this.#startThread, this.#network!, index)
    this.#replicas.add(replica)
    void replica.ended.then(() => this.#replace(replica))
    this.#queue.add(replica)
  }

  /** A thread that ended leaves its arena to another. */
  #replace(ended: Replica): void {
    this.#replicas.delete(ended)
    this.#queue.remove(ended)
    if (this.#closing !== undefined && this.#queue.waiting === 0) return
    const start = this.#startReplica(ended.index).catch((error: InferError) => {
      if (this.#replicas.size > 0 || this.#starting.size > 1) return // the others go on
      this.#failure = error
      this.#queue.rejectAll('INFER_WORKER_FAILED', `the pool: no thread is left: ${error.message}`)
    }).finally(() => this.#starting.delete(start))
    this.#starting.add(start)
  }

  async #end(): Promise<void> {
    await this.#queue.drained()
    await Promise.all(this.#starting)
    for (const replica of this.#replicas) replica.stop()
    await Promise.all(Array.from(this.#replicas, ({ ended }) => ended))
    this.#network = undefined
    remindCollector(this.memoryBytes)
  }
}

/**
 * V8 does not count shared memory, and would let many closed pools lie about before it collects them. It counts this,
 * which is never touched and takes no memory of the machine's.
 */
function remindCollector(bytes: number): void {
  try {
    new ArrayBuffer(bytes)
  } catch {
    // There is no room for it: then it will collect anyway.
  }
}

/** @throws InferError INFER_ARGUMENT unless it is a whole number in the range */
function checkWhole(name: string, value: number, least: number, most: number): number {
  if (!(Number.isSafeInteger(value) && value >= least && value <= most)) throw new InferError('INFER_ARGUMENT', `${name}: expected a whole number from ${least} to ${most}, found ${value}`)
  return value
}

/** @throws InferError INFER_ARGUMENT */
function checkTimeout(timeoutMs: number | undefined): void {
  if (timeoutMs !== undefined && !(timeoutMs > 0 && timeoutMs <= mostMs)) throw new InferError('INFER_ARGUMENT', `timeoutMs: expected more than 0 and at most ${mostMs}, found ${timeoutMs}`)
}
