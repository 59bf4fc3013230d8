// Runs the steps of one epoch: takes loaded batches, keeps two steps under way so that replicas need not
// wait for this thread, and reports.

import { TrainError } from './errors.js'
import type { BatchLoader, LoadedBatch } from './loader/batch-loader.js'
import type { BatchPlan } from './loader/batch-plan.js'
import type { ReplicaPool } from './replicas/replica-pool.js'

export interface StepLoop {
  readonly pool: ReplicaPool
  readonly loader: BatchLoader
  readonly plans: Iterable<BatchPlan> | AsyncIterable<BatchPlan>
  readonly firstStep: number
  readonly rateAt: (step: number) => number
  readonly signal: AbortSignal | undefined
  readonly onReport: (report: StepReport) => Promise<void>
}

export interface StepReport {
  /** Steps done of the whole run. */
  readonly step: number
  readonly loss: number
  readonly learningRate: number
  readonly imagesPerSecond: number
  readonly waitingShare: number
  /** Every {@link logInterval} steps of the run; the reports between are for the eye. */
  readonly isLogged: boolean
}

const logInterval = 50
const reportInterval = 10
const stepsUnderWay = 2
/** An error names so many records of its batch. */
const namedRecords = 32

/** @returns how many steps ran and their mean loss. Throws the signal's reason once it is aborted. */
export async function runSteps({ pool, loader, plans, firstStep, rateAt, signal, onReport }: StepLoop): Promise<{ steps: number; loss: number }> {
  const underWay: Promise<void>[] = []
  const clock = new IdleClock()
  let step = firstStep
  let lossSum = 0
  const recent = { loss: 0, steps: 0, images: 0 }

  const runStep = async (batch: LoadedBatch, number: number): Promise<void> => {
    clock.begin()
    const learningRate = rateAt(number)
    const losses = await pool.step(loader.slots, batch.slot, number, learningRate).catch((error: unknown) => { throw namingBatch(error, batch) })
    clock.end()
    loader.release(batch.slot)
    const loss = losses.reduce((sum, value) => sum + value, 0)
    lossSum += loss
    recent.loss += loss
    recent.steps++
    recent.images += batch.count
    const done = number + 1
    if (done % reportInterval === 0) {
      const { seconds, idleShare } = clock.lap()
      await onReport({ step: done, loss: recent.loss / recent.steps, learningRate, imagesPerSecond: recent.images / seconds, waitingShare: idleShare, isLogged: done % logInterval === 0 })
      Object.assign(recent, { loss: 0, steps: 0, images: 0 })
    }
  }

  const batches = loader.load(plans)
  try {
    for await (const batch of batches) {
      signal?.throwIfAborted()
      const running = runStep(batch, step++)
      running.catch(() => {}) // awaited below, maybe later than it fails
      underWay.push(running)
      if (underWay.length >= stepsUnderWay) await underWay.shift()
    }
    await Promise.all(underWay)
  } finally {
    await Promise.allSettled(underWay)
  }
  return { steps: step - firstStep, loss: lossSum / (step - firstStep) }
}

/** Adds to a failed step's error which records it was about. */
function namingBatch(error: unknown, { plan }: LoadedBatch): unknown {
  if (!(error instanceof TrainError) || error.code !== 'TRAIN_LOSS_NOT_FINITE') return error
  const names = plan.records.slice(0, namedRecords).map(({ shard, ordinal }) => (shard === 0 ? `${ordinal}` : `${ordinal} of file ${shard + 1}`))
  const others = plan.records.length - names.length
  return new TrainError(error.code, `${error.message} (the batch holds records ${names.join(', ')}${others > 0 ? ` and ${others} more` : ''})`, { cause: error })
}

/** How long the replicas had no step, of how long in all. */
class IdleClock {
  #underWay = 0
  #idleSince = performance.now()
  #idleMs = 0
  #lapBegan = performance.now()

  begin(): void {
    if (this.#underWay++ === 0) this.#idleMs += performance.now() - this.#idleSince
  }

  end(): void {
    if (--this.#underWay === 0) this.#idleSince = performance.now()
  }

  lap(): { seconds: number; idleShare: number } {
    const now = performance.now()
    const elapsedMs = now - this.#lapBegan
    const idleShare = Math.min(1, this.#idleMs / elapsedMs)
    this.#lapBegan = now
    this.#idleMs = 0
    return { seconds: elapsedMs / 1000, idleShare }
  }
}
