// Keeps batches ready ahead of their use: plans go to loader threads, which fill shared slots; the
// consumer gets the slots in the order of the plans and gives each back. As many batches are under way
// as there are slots, so memory is bounded whatever the data set.

import type { SharedSlots } from '../replicas/shared-memory.js'
import { WorkerThread } from '../worker-thread.js'
import type { BatchPlan, PlannedRecord } from './batch-plan.js'
import type { LoaderRequest, LoaderSetup } from './loader-worker.js'

export interface BatchLoaderOptions extends LoaderSetup {
  /** Loader threads. */
  readonly workers: number
}

/** A filled slot: its first `count` rows are the plan's records in order. */
export interface LoadedBatch {
  readonly slot: number
  readonly count: number
  readonly plan: BatchPlan
}

type LoaderThread = WorkerThread<LoaderRequest, void>

export class BatchLoader {
  readonly slots: SharedSlots
  readonly #threads: readonly LoaderThread[]
  readonly #free: number[]
  #onRelease: (() => void) | undefined

  constructor({ workers, ...setup }: BatchLoaderOptions) {
    this.slots = setup.slots
    this.#free = Array.from({ length: setup.slots.slots }, (_, slot) => slot)
    const perWorker: LoaderSetup = { ...setup, cacheBytes: Math.floor(setup.cacheBytes / workers) }
    const script = new URL('./loader-worker.js', import.meta.url)
    this.#threads = Array.from({ length: workers }, (_, index): LoaderThread => new WorkerThread(script, `loader ${index}`, perWorker, 'TRAIN_LOADER_FAILED'))
  }

  /** The batches in order, loaded ahead. Give each slot back with {@link release}. */
  async *load(plans: Iterable<BatchPlan> | AsyncIterable<BatchPlan>): AsyncGenerator<LoadedBatch> {
    const iterator = Symbol.asyncIterator in plans ? plans[Symbol.asyncIterator]() : plans[Symbol.iterator]()
    const underWay: Promise<LoadedBatch>[] = []
    let ended = false
    try {
      for (;;) {
        while (!ended && this.#free.length > 0) {
          const next = await iterator.next()
          if (next.done) ended = true
          else {
            const batch = this.#start(next.value, this.#free.shift()!)
            batch.catch(() => {}) // reported when its turn comes
            underWay.push(batch)
          }
        }
        const batch = underWay.shift()
        if (batch) yield await batch
        else if (ended) return
        else await new Promise<void>((resolve) => (this.#onRelease = resolve))
      }
    } finally {
      for (const batch of await Promise.allSettled(underWay)) if (batch.status === 'fulfilled') this.release(batch.value.slot)
      await iterator.return?.()
    }
  }

  /** Gives a slot back once its batch has been used. */
  release(slot: number): void {
    this.#free.push(slot)
    this.#onRelease?.()
    this.#onRelease = undefined
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.terminate()))
  }

  async #start(plan: BatchPlan, slot: number): Promise<LoadedBatch> {
    const parts = this.#threads.map((): { records: PlannedRecord[]; rows: number[] } => ({ records: [], rows: [] }))
    for (const [row, record] of plan.records.entries()) {
      const part = parts[record.ordinal % parts.length]!
      part.records.push(record)
      part.rows.push(row)
    }
    await Promise.all(parts.map(({ records, rows }, index) =>
      records.length === 0 ? undefined : this.#threads[index]!.ask({ slot, epoch: plan.epoch, records, rows })))
    return { slot, count: plan.records.length, plan }
  }
}
