// A pool's hold on one of its threads: gives it a run at a time.

import { InferError } from '../errors.js'
import { damaged } from './check-module.js'
import { arenaOffset, type NetworkPlan, type VariantName } from './plan.js'
import type { FromReplica, ReplicaEvents, ReplicaThread } from './replica-messages.js'
import { readTensor, writeTensor } from './session.js'

/** What the threads of a pool run. */
export interface PoolNetwork {
  readonly plan: NetworkPlan
  readonly module: WebAssembly.Module
  readonly variant: VariantName
  readonly path: string
  /** Weights and an arena for each thread; undefined where each has a memory of its own. */
  readonly memory: WebAssembly.Memory | undefined
  /** As the kernels read them: the begin of the shared memory, or what threads copy when they start. */
  readonly weights: Uint8Array
}

export interface Replica {
  /** Which of the pool's arenas it has. */
  readonly index: number
  /**
   * The outputs of at most the compiled batch. One at a time.
   * @throws InferError INFER_COMPILED if the module fails; INFER_WORKER_FAILED if the thread ends
   */
  run(input: Float32Array, batch: number): Promise<Map<string, Float32Array>>
  /** Stops the thread unless it answers within so many milliseconds. */
  hurry(withinMs: number): void
  stop(): void
  readonly hasEnded: boolean
  /** Fulfilled when the thread has ended. */
  readonly ended: Promise<void>
}

/** How a platform starts a thread. */
export type StartThread = (events: ReplicaEvents) => ReplicaThread

/**
 * A thread that is ready to run.
 * @throws InferError INFER_WORKER_FAILED
 */
export async function startReplica(startThread: StartThread, network: PoolNetwork, index: number): Promise<Replica> {
  const replica = new ThreadReplica(startThread, network, index)
  try {
    await replica.start()
    return replica
  } catch (error) {
    replica.stop()
    await replica.ended
    throw error
  }
}

type Reply = FromReplica & { kind: 'done' }

/** Who waits for an answer. */
interface Asked {
  resolve(reply: Reply): void
  reject(error: InferError): void
}

class ThreadReplica implements Replica {
  readonly index: number
  readonly ended: Promise<void>
  readonly #network: PoolNetwork
  readonly #thread: ReplicaThread
  readonly #arena: Float32Array | undefined
  #asked: Asked | undefined
  hasEnded = false
  #patience: ReturnType<typeof setTimeout> | undefined

  constructor(startThread: StartThread, network: PoolNetwork, index: number) {
    const { plan, memory } = network
    this.index = index
    this.#network = network
    if (memory !== undefined) this.#arena = new Float32Array(memory.buffer, arenaOffset(plan, index), plan.arenaBytes / 4)
    let markEnded: () => void
    this.ended = new Promise((resolve) => (markEnded = resolve))
    this.#thread = startThread({
      onMessage: (message) => (message.kind === 'done' ? this.#take()?.resolve(message) : this.#take()?.reject(damaged(network.path, `the module failed: ${message.message}`))),
      onEnd: (reason) => {
        this.hasEnded = true
        this.#take()?.reject(threadFailed(reason))
        markEnded()
      },
    })
  }

  async start(): Promise<void> {
    const { plan, module, variant, memory, weights } = this.#network
    if (memory !== undefined) await this.#ask({ kind: 'share', module, memory, arena: arenaOffset(plan, this.index) })
    else await this.#ask({ kind: 'copy', module, variant, weights, plan })
  }

  async run(input: Float32Array, batch: number): Promise<Map<string, Float32Array>> {
    const { outputs, input: place } = this.#network.plan
    const arena = this.#arena
    if (arena !== undefined) {
      writeTensor(arena, place, input, batch)
      await this.#ask({ kind: 'run', batch })
      return new Map(outputs.map((output) => [output.name, readTensor(arena, output, batch)]))
    }
    const own = input.slice()
    return (await this.#ask({ kind: 'run', batch, input: own }, [own.buffer])).outputs!
  }

  hurry(withinMs: number): void {
    clearTimeout(this.#patience)
    this.#patience = setTimeout(() => this.stop(), withinMs)
  }

  stop(): void {
    this.#thread.stop()
  }

  async #ask(message: Parameters<ReplicaThread['post']>[0], transfer?: readonly ArrayBuffer[]): Promise<Reply> {
    if (this.hasEnded) throw threadFailed('it has ended')
    this.#thread.keepAlive(true)
    return new Promise((resolve, reject) => {
      this.#asked = { resolve, reject }
      this.#thread.post(message, transfer)
    })
  }

  /** Who asked; the answer is there. */
  #take(): Asked | undefined {
    const asked = this.#asked
    this.#asked = undefined
    clearTimeout(this.#patience)
    this.#thread.keepAlive(false)
    return asked
  }
}

function threadFailed(reason: string): InferError {
  return new InferError('INFER_WORKER_FAILED', `a thread of the pool ended: ${reason}; another takes its place, ask again`)
}
