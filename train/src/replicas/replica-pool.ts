// The main thread's side of the replicas: starts them, hands out steps and validation batches, and
// turns their replies into promises.

import { TrainError } from '../errors.js'
import { memoryArrays } from '../optimiser.js'
import type { WeightLayout } from '../engine/parameters.js'
import type { ReplicaReply, ReplicaRequest, ReplicaSetup } from './replica-worker.js'
import { WorkerThread } from '../worker-thread.js'
import { allocateSharedState, viewFailure, viewMemory, viewState, type SharedSlots, type SharedState } from './shared-memory.js'

export type ReplicaPoolOptions = Omit<ReplicaSetup, 'replica' | 'shared'> & {
  readonly replicas: number
  readonly layout: WeightLayout
}

type Replica = WorkerThread<ReplicaRequest, ReplicaReply>

export class ReplicaPool {
  readonly #replicas: readonly Replica[]
  readonly #shared: SharedState

  constructor({ replicas, layout, ...setup }: ReplicaPoolOptions) {
    this.#shared = allocateSharedState({
      trained: layout.trainedSize,
      statistics: layout.statisticsSize,
      memoryArrays: memoryArrays(setup.optimiser),
      replicas,
    })
    const script = new URL('./replica-worker.js', import.meta.url)
    this.#replicas = Array.from({ length: replicas }, (_, replica): Replica =>
      new WorkerThread(script, `replica ${replica}`, { ...setup, replica, shared: this.#shared } satisfies ReplicaSetup, 'TRAIN_REPLICA_FAILED'))
  }

  /** How many replicas there are. */
  get size(): number {
    return this.#replicas.length
  }

  /** The network's values; change them only while no step is under way. */
  get state(): ReturnType<typeof viewState> {
    return viewState(this.#shared)
  }

  /** The optimiser's memory, likewise. */
  get memory(): ReturnType<typeof viewMemory> {
    return viewMemory(this.#shared)
  }

  /**
   * One training step on all replicas. Resolves with the mean loss of each head over the batch.
   * @throws TrainError TRAIN_LOSS_NOT_FINITE when it or a gradient is no finite number; the weights then stay as they were.
   */
  async step(slots: SharedSlots, slot: number, step: number, learningRate: number): Promise<Float64Array> {
    const replies = await Promise.all(this.#replicas.map((replica) => replica.ask({ kind: 'step', slots, slot, step, learningRate })))
    const heads = (replies[0] as ReplicaReply & { kind: 'losses' }).losses.length
    const losses = new Float64Array(heads)
    for (const reply of replies) {
      const { losses: own, count } = reply as ReplicaReply & { kind: 'losses' }
      for (let head = 0; head < heads; head++) losses[head]! += (own[head]! * count) / slots.batchSize
    }
    if (Atomics.load(viewFailure(this.#shared), 0) === 1) {
      const loss = losses.reduce((sum, each) => sum + each, 0)
      const found = Number.isFinite(loss) ? `the loss is ${loss}, but its gradients are not all finite` : `the loss is ${loss}`
      throw new TrainError('TRAIN_LOSS_NOT_FINITE', `step ${step + 1}: ${found}; lower --learning-rate or look at this batch's images; the last checkpoint is intact`)
    }
    return losses
  }

  /** Outputs of the first `count` images of a slot, in inference mode, from one replica. */
  async run(replica: number, slots: SharedSlots, slot: number, count: number): Promise<Map<string, Float32Array>> {
    const reply = await this.#replicas[replica]!.ask({ kind: 'run', slots, slot, count })
    return (reply as ReplicaReply & { kind: 'outputs' }).outputs
  }

  async close(): Promise<void> {
    await Promise.all(this.#replicas.map((replica) => replica.terminate()))
  }
}
