// The training loop: records → batches → replicas → log, best weights, checkpoint, epoch after epoch.
// Everything that happens at a step follows from the configuration and the step's number, so a run that
// was stopped and resumed ends as if it had never stopped. The checkpoint is the last thing that an
// epoch writes: if the run is killed before it, the epoch runs again and writes the same once more.

import type { StoredRecord } from '@millrace/recordio'
import { describeFiles, requireUnchanged } from './data-files.js'
import { initialiseWeights } from './engine/initialise.js'
import type { Objective } from './engine/objective.js'
import { layoutWeights, type WeightLayout } from './engine/parameters.js'
import { TrainError } from './errors.js'
import { BatchLoader } from './loader/batch-loader.js'
import { planEpoch, planStream, type BatchPlan } from './loader/batch-plan.js'
import { labelShapeOf, recordLabels } from './loader/record-labels.js'
import type { Metrics } from './metrics.js'
import type { TrainProgress, TrainReport } from './progress.js'
import { ReplicaPool } from './replicas/replica-pool.js'
import { allocateSlots } from './replicas/shared-memory.js'
import type { DataFile, RunConfig } from './run-config.js'
import { logReport, readNewestCheckpoint, rewindLog, writeBest, writeCheckpoint, type RunState } from './run-folder.js'
import { learningRateAt } from './schedule.js'
import { runSteps, type StepReport } from './step-loop.js'
import { validate } from './validate.js'

/** Settings that change how fast a run goes, not what comes out. */
export interface RunSettings {
  /** Threads that read, decode and prepare images. Default 1. */
  readonly loaderWorkers?: number
  /** Most bytes of decoded pixels kept in memory, so that later epochs need not decode. Default 512 MiB. */
  readonly cacheBytes?: number
  /** Checkpoints kept, the newest. Default 3. */
  readonly keepCheckpoints?: number
  /** Stops the run between two steps. A stream given as `records` is the caller's to end. */
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: TrainProgress) => void
}

/** Records that come once, for the first epoch. */
export interface StreamSource {
  readonly records: AsyncIterable<StoredRecord>
  readonly bufferRecords: number
  /** The file that holds them once they have all come; later epochs read it. */
  readonly spooled: string | undefined
}

export interface TrainingSetup {
  readonly folder: string
  readonly config: RunConfig
  readonly objective: Objective
  readonly settings: RunSettings
  readonly stream: StreamSource | undefined
}

/** The parts that own threads. */
interface Parts {
  readonly pool: ReplicaPool
  readonly loader: BatchLoader
  readonly validationLoader: BatchLoader | undefined
}

type Plans = Iterable<BatchPlan> | AsyncIterable<BatchPlan>

export class TrainingRun {
  readonly #folder: string
  readonly #config: RunConfig
  readonly #objective: Objective
  readonly #settings: RunSettings
  readonly #stream: StreamSource | undefined
  readonly #layout: WeightLayout
  #state: RunState = { epoch: 0, step: 0 }

  constructor({ folder, config, objective, settings, stream }: TrainingSetup) {
    this.#folder = folder
    this.#config = config
    this.#objective = objective
    this.#settings = settings
    this.#stream = stream
    this.#layout = layoutWeights(config.graph)
  }

  /** From the newest checkpoint, or from the beginning, to the last epoch. */
  async toEnd(): Promise<TrainReport> {
    const began = performance.now()
    const { epochs, data, batchSize } = this.#config
    const opened: { close: () => Promise<void> }[] = []
    const closeLater = <Part extends { close: () => Promise<void> }>(part: Part): Part => (opened.push(part), part)
    try {
      const pool = closeLater(this.#createPool())
      const damaged = await this.#begin(pool)
      const validationLoader = data.validation.length > 0 ? closeLater(this.#createLoader(data.validation, Math.max(batchSize, 64), false)) : undefined
      let loader = closeLater(this.#createLoader(this.#trainingFiles(), batchSize, true))
      while (this.#state.epoch < epochs) {
        await this.#runEpoch({ pool, loader, validationLoader })
        if (this.#stream && this.#state.epoch === 1 && epochs > 1) {
          await loader.close()
          loader = closeLater(this.#createLoader(this.#trainingFiles(), batchSize, true))
        }
      }
      const { epoch, step, best } = this.#state
      return { epochs: epoch, steps: step, seconds: (performance.now() - began) / 1000, best, damaged }
    } catch (error) {
      throw this.#isAbort(error) ? this.#aborted(error) : error
    } finally {
      await Promise.all(opened.map((part) => part.close()))
    }
  }

  /** First weights, or those of the newest checkpoint. Returns what is wrong with newer ones. */
  async #begin({ state, memory }: ReplicaPool): Promise<readonly string[]> {
    const { stored, damaged } = await readNewestCheckpoint(this.#folder, this.#layout, state, memory)
    await rewindLog(this.#folder, stored?.step ?? 0)
    if (stored) {
      this.#state = stored
      if (stored.spooled) await requireUnchanged([stored.spooled], this.#objective)
      const { epoch, step } = stored
      this.#settings.onProgress?.({ kind: 'resumed', epoch, epochs: this.#config.epochs, step, damaged: damaged.map(({ message }) => message) })
    } else initialiseWeights(this.#layout, state, this.#config.seed)
    if (!this.#stream && this.#trainingFiles().length === 0 && this.#state.epoch < this.#config.epochs) {
      throw new TrainError('TRAIN_STREAM_ONCE', `${this.#folder}: this run read a stream, which is gone; train again from a record file`, { path: this.#folder })
    }
    return damaged.map(({ message }) => message)
  }

  async #runEpoch(parts: Parts): Promise<void> {
    const { pool } = parts
    const before = this.#state
    const began = performance.now()
    const { steps, loss } = await this.#train(parts, before)
    const metrics = await this.#validate(parts)
    const epoch = before.epoch + 1
    const isBest = metrics === undefined || before.best === undefined || metrics.accuracy > before.best.accuracy
    const spooled = before.spooled ?? (await this.#describeSpooled())
    const state: RunState = {
      epoch,
      step: before.step + steps,
      ...(metrics && { metrics, best: isBest ? { epoch, accuracy: metrics.accuracy } : before.best! }),
      ...(spooled && { spooled }),
    }
    requireFinite(pool, metrics, state)
    const seconds = (performance.now() - began) / 1000
    await logReport(this.#folder, { kind: 'epoch', epoch, step: state.step, loss, seconds: round(seconds), validation: metrics, isBest })
    if (isBest) await writeBest(this.#folder, this.#layout, pool.state, state)
    await writeCheckpoint(this.#folder, this.#layout, pool.state, pool.memory, state, this.#settings.keepCheckpoints ?? 3)
    this.#state = state
    this.#settings.onProgress?.({ kind: 'epoch', epoch, epochs: this.#config.epochs, step: state.step, loss, seconds, validation: metrics, isBest })
  }

  async #train({ pool, loader }: Parts, before: RunState): Promise<{ steps: number; loss: number }> {
    const { learningRate, schedule, totalSteps, batchSize } = this.#config
    const { steps, loss } = await runSteps({
      pool,
      loader,
      plans: this.#plan(before.epoch),
      firstStep: before.step,
      rateAt: (step) => learningRateAt(schedule, learningRate, step, totalSteps),
      signal: this.#settings.signal,
      onReport: (report) => this.#report(before.epoch + 1, report),
    })
    if (steps === 0) throw new TrainError('TRAIN_TOO_FEW_RECORDS', `the stream ended before one batch of ${batchSize} was full; pack more records or take a smaller --batch-size`)
    return { steps, loss }
  }

  async #report(epoch: number, { isLogged, ...report }: StepReport): Promise<void> {
    const { epochs, totalSteps, batchSize } = this.#config
    const secondsLeft = totalSteps > 0 ? ((totalSteps - report.step) * batchSize) / report.imagesPerSecond : undefined
    this.#settings.onProgress?.({ kind: 'steps', epoch, epochs, totalSteps, secondsLeft, ...report })
    if (!isLogged) return
    const { step, loss, learningRate, imagesPerSecond, waitingShare } = report
    await logReport(this.#folder, { kind: 'steps', epoch, step, loss, learningRate, imagesPerSecond: Math.round(imagesPerSecond), waitingShare: round(waitingShare) })
  }

  async #validate({ pool, validationLoader }: Parts): Promise<Metrics | undefined> {
    return validationLoader && (await validate({ pool, loader: validationLoader, config: this.#config, objective: this.#objective, signal: this.#settings.signal }))
  }

  #plan(epoch: number): Plans {
    const { batchSize, seed } = this.#config
    if (this.#stream && epoch === 0) {
      const shape = labelShapeOf(this.#objective)
      const labelsOf = (record: StoredRecord): Float32Array => recordLabels(record, shape, `the stream: record ${record.ordinal}`)
      return planStream(this.#stream.records, labelsOf, batchSize, this.#stream.bufferRecords, seed)
    }
    return planEpoch(this.#trainingFiles().map(({ records }) => records), batchSize, seed, epoch)
  }

  /** None while a stream is read for the first time. */
  #trainingFiles(): readonly DataFile[] {
    return this.#state.spooled ? [this.#state.spooled] : this.#config.data.training
  }

  async #describeSpooled(): Promise<DataFile | undefined> {
    if (this.#stream?.spooled === undefined) return undefined
    const [file] = await describeFiles([this.#stream.spooled], this.#objective)
    return file
  }

  #createPool(): ReplicaPool {
    const { graph, optimiser, seed, statisticsMomentum, replicas } = this.#config
    return new ReplicaPool({ graph, optimiser, seed, statisticsMomentum, replicas, layout: this.#layout })
  }

  #createLoader(files: readonly DataFile[], batchSize: number, isTraining: boolean): BatchLoader {
    const { graph, seed } = this.#config
    const imageSize = graph.input.shape.reduce((product, side) => product * side, 1)
    return new BatchLoader({
      files: files.map(({ path }) => path),
      slots: allocateSlots({ slots: 4, batchSize, imageSize, labelWidth: this.#objective.labelWidth }),
      preprocessing: graph.preprocessing,
      labels: labelShapeOf(this.#objective),
      augmentationSeed: isTraining ? seed : undefined,
      workers: this.#settings.loaderWorkers ?? 1,
      cacheBytes: (this.#settings.cacheBytes ?? 512 * 2 ** 20) * (isTraining ? 0.9 : 0.1),
    })
  }

  #isAbort(error: unknown): boolean {
    const { signal } = this.#settings
    return signal?.aborted === true && (error === signal.reason || (error as { code?: unknown } | undefined)?.code === 'REC_ABORTED')
  }

  #aborted(cause: unknown): TrainError {
    const isResumable = this.#trainingFiles().length > 0
    const advice = isResumable ? `go on with it by "millrace train --resume ${this.#folder}"` : 'a stream cannot be resumed: train again'
    return new TrainError('TRAIN_ABORTED', `${this.#folder}: stopped in epoch ${this.#state.epoch + 1} of ${this.#config.epochs}; ${advice}`, { path: this.#folder, cause })
  }
}

/** Weights that ran away in the last step of an epoch would else be stored, and found by the next step only. */
function requireFinite({ state }: ReplicaPool, metrics: Metrics | undefined, { epoch }: RunState): void {
  const isFinite = state.trained.every(Number.isFinite) && state.statistics.every(Number.isFinite)
  if (isFinite && (metrics === undefined || Number.isFinite(metrics.loss))) return
  const found = isFinite ? `a validation loss of ${metrics!.loss}` : 'weights that are no finite numbers'
  throw new TrainError('TRAIN_LOSS_NOT_FINITE', `epoch ${epoch}: ended with ${found}; lower --learning-rate; the last checkpoint is intact`)
}

function round(value: number): number {
  return Math.round(value * 1e4) / 1e4
}
