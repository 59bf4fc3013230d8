// The training run: records → batches → replicas → checkpoints and log. Everything that happens at a
// step follows from the configuration and the step's number, so a run that was stopped and resumed ends
// as if it had never stopped.

import { stat } from 'node:fs/promises'
import { inferShapes, type Graph } from '@millrace/infer'
import { openRecords, type StoredRecord } from '@millrace/recordio'
import { initialiseWeights } from './engine/initialise.js'
import { objectiveOf, type Objective } from './engine/objective.js'
import { layoutWeights } from './engine/parameters.js'
import { TrainError } from './errors.js'
import { BatchLoader } from './loader/batch-loader.js'
import { planEpoch, planStream, type BatchPlan } from './loader/batch-plan.js'
import { recordLabels } from './loader/record-labels.js'
import { allocateSlots } from './replicas/shared-memory.js'
import { ReplicaPool } from './replicas/replica-pool.js'
import type { Metrics } from './metrics.js'
import { defaultAdam, type OptimiserConfig } from './optimiser.js'
import {
  createRun, logReport, readCheckpoint, readRunConfig, rewindLog, writeBest, writeCheckpoint, type DataFile, type RunConfig, type RunState,
} from './run-folder.js'
import { defaultSchedule, learningRateAt, type ScheduleConfig } from './schedule.js'
import { runSteps } from './step-loop.js'
import { validate } from './validate.js'

/** Settings that change how fast a run goes, not what comes out. */
export interface RunSettings {
  /** Threads that read, decode and prepare images. Default 1. */
  readonly loaderWorkers?: number
  /** Most bytes of decoded pixels kept in memory, so that later epochs need not decode. Default 512 MiB. */
  readonly cacheBytes?: number
  /** Checkpoints kept, the newest. Default 3. */
  readonly keepCheckpoints?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: TrainProgress) => void
}

export interface TrainOptions extends RunSettings {
  /** The untrained network, from `createNetwork`. */
  readonly graph: Graph
  /** Record files, or a stream of records that is read once. */
  readonly records: readonly string[] | AsyncIterable<StoredRecord>
  readonly validation?: readonly string[]
  /** The run folder: new or empty. */
  readonly run: string
  /** Default 10. A stream has one, unless `spooled` names the file that keeps it. */
  readonly epochs?: number
  /** Images a step, over all replicas. Default 32. */
  readonly batchSize?: number
  /** Default 1e-3. */
  readonly learningRate?: number
  /** Default Adam (0.9, 0.999, 1e-7). */
  readonly optimiser?: OptimiserConfig
  /** Default warm-up of 50 steps, flat to 30 % of the run, then a cosine to 2 %; constant for a stream. */
  readonly schedule?: ScheduleConfig
  /** Default 1. */
  readonly seed?: number
  /** Engines that share each batch, one a thread. Default 2. */
  readonly replicas?: number
  /** For a stream: the record file that holds it once the stream has ended. */
  readonly spooled?: string
  /** For a stream: records that the shuffle buffer holds, encoded. Default 2048. */
  readonly shuffleRecords?: number
}

/** What a person wants to see while it runs. */
export type TrainProgress =
  | {
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
  | { readonly kind: 'epoch'; readonly epoch: number; readonly epochs: number; readonly step: number; readonly loss: number; readonly seconds: number; readonly validation: Metrics | undefined; readonly isBest: boolean }

export interface TrainReport {
  readonly epochs: number
  readonly steps: number
  readonly seconds: number
  /** Of the best epoch, or of the last where nothing validates. */
  readonly best: { readonly epoch: number; readonly accuracy: number } | undefined
}

/**
 * Starts a run and sees it to its end.
 * @throws TrainError: TRAIN_RUN_EXISTS, TRAIN_TOO_FEW_RECORDS, TRAIN_LABEL_KIND, TRAIN_LABEL_RANGE,
 * TRAIN_IMAGE_DAMAGED, TRAIN_LOSS_NOT_FINITE, TRAIN_ABORTED; RecordError for damaged records.
 */
export async function trainNetwork(options: TrainOptions): Promise<TrainReport> {
  const { graph, records, batchSize = 32, epochs = 10 } = options
  const isStream = !Array.isArray(records)
  const objective = objectiveOf(graph, inferShapes(graph))
  const training = isStream ? [] : await describeData(records as readonly string[], objective)
  const validation = await describeData(options.validation ?? [], objective)
  if (isStream && epochs > 1 && options.spooled === undefined) {
    throw new TrainError('TRAIN_STREAM_ONCE', `a stream is read once: ${epochs} epochs were asked for; take one, or keep the stream in a file (--spool FILE)`)
  }
  const stepsPerEpoch = Math.floor(countRecords(training) / batchSize)
  if (!isStream && stepsPerEpoch === 0) {
    throw new TrainError('TRAIN_TOO_FEW_RECORDS', `${training.map(({ path }) => path).join(', ')}: ${countRecords(training)} records do not fill one batch of ${batchSize}; give more records or a smaller --batch-size`)
  }
  const config: RunConfig = {
    format: 'millrace-run',
    version: 1,
    graph,
    data: { training, validation },
    seed: options.seed ?? 1,
    epochs,
    batchSize,
    replicas: Math.min(options.replicas ?? 2, batchSize),
    optimiser: options.optimiser ?? defaultAdam,
    learningRate: options.learningRate ?? 1e-3,
    schedule: isStream ? { kind: 'constant' } : options.schedule ?? defaultSchedule,
    statisticsMomentum: 0.99,
    totalSteps: stepsPerEpoch * epochs,
  }
  await createRun(options.run, config)
  const stream = isStream ? { records: records as AsyncIterable<StoredRecord>, bufferRecords: options.shuffleRecords ?? 2048, spooled: options.spooled } : undefined
  return await new TrainingRun(options.run, config, objective, options, stream).toEnd()
}

/**
 * Goes on with a run that was stopped, from its newest checkpoint. The same machine or another, with any
 * number of loader threads: the weights at the end are those of a run that never stopped.
 * @throws TrainError TRAIN_RUN_DAMAGED, TRAIN_RUN_MISMATCH, TRAIN_DATA_CHANGED, and as {@link trainNetwork}.
 */
export async function resumeTraining(run: string, settings: RunSettings = {}): Promise<TrainReport> {
  const config = await readRunConfig(run)
  if (config.data.training.length === 0) {
    throw new TrainError('TRAIN_STREAM_ONCE', `${run}: this run read a stream, which is gone; train again from a record file`)
  }
  const objective = objectiveOf(config.graph, inferShapes(config.graph))
  for (const file of [...config.data.training, ...config.data.validation]) {
    const [now] = await describeData([file.path], objective)
    if (now!.records !== file.records || now!.bytes !== file.bytes) {
      throw new TrainError('TRAIN_DATA_CHANGED', `${file.path}: the run began with ${file.records} records in ${file.bytes} bytes, found ${now!.records} in ${now!.bytes}; restore the file or start a new run`, { path: file.path })
    }
  }
  return await new TrainingRun(run, config, objective, settings, undefined).toEnd()
}

interface StreamSource {
  readonly records: AsyncIterable<StoredRecord>
  readonly bufferRecords: number
  readonly spooled: string | undefined
}

class TrainingRun {
  readonly #folder: string
  readonly #config: RunConfig
  readonly #objective: Objective
  readonly #settings: RunSettings
  readonly #stream: StreamSource | undefined
  readonly #layout
  readonly #pool: ReplicaPool
  #training: readonly DataFile[]

  constructor(folder: string, config: RunConfig, objective: Objective, settings: RunSettings, stream: StreamSource | undefined) {
    this.#folder = folder
    this.#config = config
    this.#objective = objective
    this.#settings = settings
    this.#stream = stream
    this.#training = config.data.training
    this.#layout = layoutWeights(config.graph)
    const { graph, optimiser, seed, statisticsMomentum, replicas } = config
    this.#pool = new ReplicaPool({ graph, optimiser, seed, statisticsMomentum, replicas, layout: this.#layout })
  }

  async toEnd(): Promise<TrainReport> {
    const began = performance.now()
    const { epochs, data, batchSize } = this.#config
    const validationLoader = data.validation.length > 0 ? this.#createLoader(data.validation, Math.max(batchSize, 64), false) : undefined
    let loader = this.#createLoader(this.#training, batchSize, true)
    try {
      let state = await this.#begin()
      while (state.epoch < epochs) {
        const plans = this.#plan(state.epoch)
        state = await this.#runEpoch(state, loader, plans, validationLoader)
        if (this.#stream?.spooled !== undefined && state.epoch === 1 && epochs > 1) {
          this.#training = await describeData([this.#stream.spooled], this.#objective)
          await loader.close()
          loader = this.#createLoader(this.#training, batchSize, true)
        }
      }
      const seconds = (performance.now() - began) / 1000
      return { epochs: state.epoch, steps: state.step, seconds, best: state.best }
    } finally {
      await Promise.all([this.#pool.close(), loader.close(), validationLoader?.close()])
    }
  }

  /** First weights, or those of the newest checkpoint. */
  async #begin(): Promise<RunState> {
    const { state, memory } = this.#pool
    const stored = await readCheckpoint(this.#folder, this.#layout, state, memory)
    await rewindLog(this.#folder, stored?.step ?? 0)
    if (stored) return stored
    initialiseWeights(this.#layout, state, this.#config.seed)
    return { epoch: 0, step: 0 }
  }

  #plan(epoch: number): Iterable<BatchPlan> | AsyncIterable<BatchPlan> {
    const { batchSize, seed } = this.#config
    if (this.#stream && epoch === 0) {
      const labelsOf = (record: StoredRecord): Float32Array => recordLabels(record, this.#objective, `the stream: record ${record.ordinal}`)
      return planStream(this.#stream.records, labelsOf, batchSize, this.#stream.bufferRecords, seed)
    }
    return planEpoch(this.#training.map(({ records }) => records), batchSize, seed, epoch)
  }

  async #runEpoch(before: RunState, loader: BatchLoader, plans: Iterable<BatchPlan> | AsyncIterable<BatchPlan>, validationLoader: BatchLoader | undefined): Promise<RunState> {
    const { epochs, learningRate, schedule, totalSteps } = this.#config
    const began = performance.now()
    const { steps, loss } = await runSteps({
      pool: this.#pool,
      loader,
      plans,
      firstStep: before.step,
      rateAt: (step) => learningRateAt(schedule, learningRate, step, totalSteps),
      signal: this.#settings.signal,
      onReport: async (report) => {
        const secondsLeft = totalSteps > 0 ? ((totalSteps - report.step) * this.#config.batchSize) / report.imagesPerSecond : undefined
        const progress = { kind: 'steps', epoch: before.epoch + 1, epochs, totalSteps, secondsLeft, ...report } as const
        this.#settings.onProgress?.(progress)
        if (report.isLogged) await logReport(this.#folder, { kind: 'steps', epoch: progress.epoch, step: report.step, loss: report.loss, learningRate: report.learningRate, imagesPerSecond: Math.round(report.imagesPerSecond), waitingShare: round(report.waitingShare) })
      },
    })
    if (steps === 0) throw new TrainError('TRAIN_TOO_FEW_RECORDS', `the stream ended before one batch of ${this.#config.batchSize} was full; pack more records or take a smaller --batch-size`)
    const metrics = validationLoader && (await validate(this.#pool, validationLoader, this.#config, this.#objective))
    const epoch = before.epoch + 1
    const isBest = metrics === undefined || before.best === undefined || metrics.accuracy > before.best.accuracy
    const state: RunState = {
      epoch,
      step: before.step + steps,
      ...(metrics && { metrics, best: isBest ? { epoch, accuracy: metrics.accuracy } : before.best! }),
    }
    await writeCheckpoint(this.#folder, this.#layout, this.#pool.state, this.#pool.memory, state, this.#settings.keepCheckpoints ?? 3)
    if (isBest) await writeBest(this.#folder, this.#layout, this.#pool.state, state)
    const seconds = (performance.now() - began) / 1000
    await logReport(this.#folder, { kind: 'epoch', epoch, step: state.step, loss, seconds: round(seconds), validation: metrics, isBest })
    this.#settings.onProgress?.({ kind: 'epoch', epoch, epochs, step: state.step, loss, seconds, validation: metrics, isBest })
    return state
  }

  #createLoader(files: readonly DataFile[], batchSize: number, isTraining: boolean): BatchLoader {
    const { graph, seed } = this.#config
    const imageSize = graph.input.shape.reduce((product, side) => product * side, 1)
    const { labelWidth, labelKind } = this.#objective
    return new BatchLoader({
      files: files.map(({ path }) => path),
      slots: allocateSlots({ slots: 4, batchSize, imageSize, labelWidth }),
      preprocessing: graph.preprocessing,
      labels: { labelWidth, labelKind },
      augmentationSeed: isTraining ? seed : undefined,
      workers: this.#settings.loaderWorkers ?? 1,
      cacheBytes: (this.#settings.cacheBytes ?? 512 * 2 ** 20) * (isTraining ? 0.9 : 0.1),
    })
  }
}

/** Counts and label kinds of record files. */
async function describeData(paths: readonly string[], objective: Objective): Promise<DataFile[]> {
  const files: DataFile[] = []
  for (const path of paths) {
    const records = await openRecords(path)
    try {
      const kind = records.meta?.header.labelKind
      if (kind !== undefined && kind !== objective.labelKind) {
        throw new TrainError('TRAIN_LABEL_KIND', `${path}: its labels are of kind "${kind}", the network learns "${objective.labelKind}"; choose records or a network to match`, { path })
      }
      if (records.count > 0) recordLabels(await records.read(0), objective, `${path}: record 0`)
      files.push({ path, records: records.count, bytes: (await stat(path)).size })
    } finally {
      await records.close()
    }
  }
  return files
}

function countRecords(files: readonly DataFile[]): number {
  return files.reduce((sum, { records }) => sum + records, 0)
}

function round(value: number): number {
  return Math.round(value * 1e4) / 1e4
}
