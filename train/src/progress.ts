// What a training run tells while it runs, and at its end.

import type { Metrics } from './metrics.js'

/** What a person wants to see while it runs. */
export type TrainProgress = ResumeProgress | StepProgress | EpochProgress

/** Once, when a run goes on from a checkpoint. */
export interface ResumeProgress {
  readonly kind: 'resumed'
  /** Epochs and steps that are done. */
  readonly epoch: number
  readonly epochs: number
  readonly step: number
  /** Why newer checkpoints were passed over: their epochs are run again. Mostly empty. */
  readonly damaged: readonly string[]
}

/** Every few steps. */
export interface StepProgress {
  readonly kind: 'steps'
  readonly epoch: number
  readonly epochs: number
  /** Steps done of the whole run, and of how many (0 when not known). */
  readonly step: number
  readonly totalSteps: number
  /** Mean over the steps since the last report, summed over the heads. */
  readonly loss: number
  readonly learningRate: number
  readonly imagesPerSecond: number
  /** Share of the time in which the replicas had nothing to do. */
  readonly waitingShare: number
  readonly secondsLeft: number | undefined
}

/** After each epoch, once its checkpoint is written. */
export interface EpochProgress {
  readonly kind: 'epoch'
  readonly epoch: number
  readonly epochs: number
  readonly step: number
  /** Mean over the steps of the epoch, summed over the heads. */
  readonly loss: number
  readonly seconds: number
  readonly validation: Metrics | undefined
  readonly isBest: boolean
}

export interface TrainReport {
  readonly epochs: number
  readonly steps: number
  readonly seconds: number
  /** The epoch that validated best; undefined where nothing validates. */
  readonly best: { readonly epoch: number; readonly accuracy: number } | undefined
  /** As in {@link ResumeProgress}. */
  readonly damaged: readonly string[]
}
