// Measures the network as it stands on validation records: centre crops, moving statistics, no dropout.

import type { Objective } from './engine/objective.js'
import type { BatchLoader, LoadedBatch } from './loader/batch-loader.js'
import { planAll } from './loader/batch-plan.js'
import { MetricsCounter, type Metrics } from './metrics.js'
import type { ReplicaPool } from './replicas/replica-pool.js'
import { viewSlot } from './replicas/shared-memory.js'
import type { RunConfig } from './run-config.js'

export interface Validation {
  readonly pool: ReplicaPool
  readonly loader: BatchLoader
  readonly config: RunConfig
  readonly objective: Objective
  readonly signal: AbortSignal | undefined
}

interface Measured {
  readonly batch: LoadedBatch
  readonly outputs: ReadonlyMap<string, Float32Array>
}

/** Batches go to the replicas in turn and are counted in order; nothing may train meanwhile. */
export async function validate({ pool, loader, config: { data, graph }, objective, signal }: Validation): Promise<Metrics> {
  const counter = new MetricsCounter(graph.task, objective)
  const underWay: Promise<Measured>[] = []
  // A slot stays taken until its batch is counted, and one must be left for the loader to fill.
  const mostUnderWay = Math.min(pool.size, loader.slots.slots - 2)
  const countNext = async (): Promise<void> => {
    const { batch, outputs } = await underWay.shift()!
    counter.add(outputs, viewSlot(loader.slots, batch.slot).labels, batch.count)
    loader.release(batch.slot)
  }
  let turn = 0
  for await (const batch of loader.load(planAll(data.validation.map(({ records }) => records), loader.slots.batchSize))) {
    signal?.throwIfAborted()
    const measured = pool.run(turn++ % pool.size, loader.slots, batch.slot, batch.count).then((outputs) => ({ batch, outputs }))
    measured.catch(() => {}) // awaited below, maybe later than it fails
    underWay.push(measured)
    if (underWay.length > mostUnderWay) await countNext()
  }
  while (underWay.length > 0) await countNext()
  return counter.result
}
