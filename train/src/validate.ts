// Measures the network as it stands on validation records: centre crops, moving statistics, no dropout.

import type { Objective } from './engine/objective.js'
import type { BatchLoader, LoadedBatch } from './loader/batch-loader.js'
import { planAll } from './loader/batch-plan.js'
import { MetricsCounter, type Metrics } from './metrics.js'
import type { ReplicaPool } from './replicas/replica-pool.js'
import { viewSlot } from './replicas/shared-memory.js'
import type { RunConfig } from './run-folder.js'

/** Batches go to the replicas in turn; nothing may train meanwhile. */
export async function validate(pool: ReplicaPool, loader: BatchLoader, { data, graph }: RunConfig, objective: Objective): Promise<Metrics> {
  const counter = new MetricsCounter(graph.task, objective)
  const underWay: Promise<void>[] = []
  let turn = 0
  const measure = async (batch: LoadedBatch, replica: number): Promise<void> => {
    const outputs = await pool.run(replica, loader.slots, batch.slot, batch.count)
    counter.add(outputs, viewSlot(loader.slots, batch.slot).labels, batch.count)
    loader.release(batch.slot)
  }
  for await (const batch of loader.load(planAll(data.validation.map(({ records }) => records), loader.slots.batchSize))) {
    const running = measure(batch, turn++ % pool.size)
    running.catch(() => {}) // awaited below, maybe later than it fails
    underWay.push(running)
    if (underWay.length > pool.size) await underWay.shift()
  }
  await Promise.all(underWay)
  return counter.result
}
