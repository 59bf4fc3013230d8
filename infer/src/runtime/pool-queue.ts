// Which request runs when: first come, first served, in parts of the compiled batch, each by the next free
// thread. A request waits in a queue of bounded length until all its parts have been given out.

import { InferError, type InferErrorCode } from '../errors.js'
import type { Graph } from '../graph.js'
import { countValues } from '../shapes.js'
import { endToEnd } from './executor.js'
import type { Replica } from './replica.js'

export interface RequestOptions {
  /** Ends the request when it fires. What a thread has begun it finishes, and nobody gets the answer. */
  readonly signal?: AbortSignal
  /** Milliseconds from the call to the answer, waiting included. Default that of the pool. */
  readonly timeoutMs?: number
}

interface Request extends RequestOptions {
  readonly input: Float32Array
  readonly batch: number
  /** Images given out. */
  given: number
  readonly parts: Promise<Map<string, Float32Array>>[]
  /** Threads that are at it. */
  readonly replicas: Set<Replica>
  /** To be called once with the end; later calls do nothing. */
  end(error: InferError | undefined): void
}

type Outputs = Map<string, Float32Array>

/** A thread that still runs what nobody waits for is stopped after another timeout, and at least a second. */
const leastPatienceMs = 1000

export class PoolQueue {
  readonly #graph: Graph
  readonly #batch: number
  readonly #capacity: number
  readonly #waiting: Request[] = []
  readonly #started = new Set<Request>()
  readonly #idle: Replica[] = []
  #running = 0
  #onIdle: () => void = () => undefined

  /** @param batch most images of a part */
  constructor(graph: Graph, batch: number, capacity: number) {
    this.#graph = graph
    this.#batch = batch
    this.#capacity = capacity
  }

  /** Requests that wait, with at least a part. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Threads at work. */
  get running(): number {
    return this.#running
  }

  /** A thread that is free. */
  add(replica: Replica): void {
    this.#idle.push(replica)
    this.#giveOut()
  }

  /** A thread that ended. */
  remove(replica: Replica): void {
    const at = this.#idle.indexOf(replica)
    if (at >= 0) this.#idle.splice(at, 1)
  }

  /** @throws InferError INFER_BUSY if a request would find no place; INFER_ABORTED if the signal has fired */
  checkRoom(signal: AbortSignal | undefined): void {
    if (signal?.aborted) throw aborted(signal)
    if (this.#idle.length === 0 && this.#waiting.length >= this.#capacity) {
      throw new InferError('INFER_BUSY', `the pool: all threads are at work and ${this.#waiting.length} requests wait, expected at most ${this.#capacity}; try again later, or ask for a longer queue`)
    }
  }

  /**
   * The outputs of a batch of any size.
   * @throws InferError as `checkRoom`; INFER_TIMEOUT; INFER_WORKER_FAILED; INFER_COMPILED
   */
  async submit(input: Float32Array, batch: number, options: RequestOptions): Promise<Outputs> {
    const { signal, timeoutMs } = options
    this.checkRoom(signal)
    if (batch === 0) return endToEnd(this.#graph, [])
    return new Promise((resolve, reject) => {
      const late = timeoutMs === undefined ? undefined : setTimeout(() => request.end(new InferError('INFER_TIMEOUT', `the pool: expected an answer within ${timeoutMs} ms, found none; allow more time, or ask for more threads`)), timeoutMs)
      const onAbort = (): void => request.end(aborted(signal!))
      const request: Request = {
        input, batch, ...options, given: 0, parts: [], replicas: new Set(),
        end: (error) => {
          if (!this.#forget(request)) return
          clearTimeout(late)
          signal?.removeEventListener('abort', onAbort)
          if (error === undefined) resolve(Promise.all(request.parts).then((parts) => endToEnd(this.#graph, parts)))
          else reject(error)
        },
      }
      signal?.addEventListener('abort', onAbort)
      this.#started.add(request)
      this.#waiting.push(request)
      this.#giveOut()
    })
  }

  /** Ends what waits and what runs. */
  rejectAll(code: InferErrorCode, message: string): void {
    for (const request of [...this.#started]) request.end(new InferError(code, message))
  }

  /** Fulfilled when nothing waits and nothing runs. */
  async drained(): Promise<void> {
    while (this.#started.size > 0 || this.#running > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve))
  }

  /** Takes a request out; false if it had ended. Threads that are at it have a little time to finish. */
  #forget(request: Request): boolean {
    if (!this.#started.delete(request)) return false
    if (request.given < request.batch) this.#waiting.splice(this.#waiting.indexOf(request), 1)
    if (request.timeoutMs !== undefined) for (const replica of request.replicas) replica.hurry(Math.max(leastPatienceMs, request.timeoutMs))
    this.#onIdle()
    return true
  }

  #giveOut(): void {
    while (this.#idle.length > 0 && this.#waiting.length > 0) {
      const request = this.#waiting[0]!
      const first = request.given
      const size = Math.min(this.#batch, request.batch - first)
      request.given += size
      if (request.given === request.batch) this.#waiting.shift()
      const part = this.#run(this.#idle.pop()!, request, first, size)
      part.catch((error: InferError) => request.end(error))
      request.parts.push(part)
    }
  }

  async #run(replica: Replica, request: Request, first: number, size: number): Promise<Outputs> {
    const values = countValues(this.#graph.input.shape)
    this.#running++
    request.replicas.add(replica)
    try {
      return await replica.run(request.input.subarray(first * values, (first + size) * values), size)
    } finally {
      this.#running--
      request.replicas.delete(replica)
      if (request.given === request.batch && request.replicas.size === 0) request.end(undefined)
      if (!replica.hasEnded) this.add(replica)
      this.#onIdle()
    }
  }
}

function aborted(signal: AbortSignal): InferError {
  return new InferError('INFER_ABORTED', 'the pool: the request was given up as asked', { cause: signal.reason })
}
