// Starts a training run from records, or goes on with one that was stopped. What happens in between is
// training-run.ts.

import { inferShapes, type Graph } from '@millrace/infer'
import type { StoredRecord } from '@millrace/recordio'
import { countRecords, describeFiles, requireUnchanged } from './data-files.js'
import { objectiveOf } from './engine/objective.js'
import { TrainError } from './errors.js'
import { defaultAdam, type OptimiserConfig } from './optimiser.js'
import type { TrainReport } from './progress.js'
import { isOptimiser, isSchedule, readRunConfig, type DataFile, type RunConfig } from './run-config.js'
import { createRun } from './run-folder.js'
import { defaultSchedule, type ScheduleConfig } from './schedule.js'
import { TrainingRun, type RunSettings } from './training-run.js'

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

/**
 * Starts a run and sees it to its end.
 * @throws TrainError: TRAIN_OPTION, TRAIN_RUN_EXISTS, TRAIN_RUN_WRITE, TRAIN_TOO_FEW_RECORDS,
 * TRAIN_STREAM_ONCE, TRAIN_LABEL_KIND, TRAIN_LABEL_RANGE, TRAIN_IMAGE_DAMAGED, TRAIN_LOSS_NOT_FINITE,
 * TRAIN_ABORTED; RecordError for damaged records; InferError for a graph that cannot be run.
 */
export async function trainNetwork(options: TrainOptions): Promise<TrainReport> {
  checkOptions(options)
  const { graph, run, records } = options
  const objective = objectiveOf(graph, inferShapes(graph))
  const stream = isFileList(records) ? undefined : { records, bufferRecords: options.shuffleRecords ?? 2048, spooled: options.spooled }
  const training = isFileList(records) ? await describeFiles(records, objective) : []
  const validation = await describeFiles(options.validation ?? [], objective)
  const config = configOf(options, training, validation)
  if (stream) requireOnePass(config, stream.spooled)
  else requireBatch(config)
  for (const file of validation) requireRecords(file)
  await createRun(run, config)
  return await new TrainingRun({ folder: run, config, objective, settings: options, stream }).toEnd()
}

/**
 * Goes on with a run that was stopped, from its newest checkpoint. The same machine or another, with any
 * number of loader threads: the weights at the end are those of a run that never stopped. A checkpoint
 * that cannot be read is passed over for the one before it; the report says so.
 * @throws TrainError TRAIN_RUN_DAMAGED, TRAIN_RUN_MISMATCH, TRAIN_DATA_CHANGED, and as {@link trainNetwork}.
 */
export async function resumeTraining(run: string, settings: RunSettings = {}): Promise<TrainReport> {
  checkOptions(settings)
  const config = await readRunConfig(run)
  const objective = objectiveOf(config.graph, inferShapes(config.graph))
  await requireUnchanged([...config.data.training, ...config.data.validation], objective)
  return await new TrainingRun({ folder: run, config, objective, settings, stream: undefined }).toEnd()
}

function configOf(options: TrainOptions, training: readonly DataFile[], validation: readonly DataFile[]): RunConfig {
  const { graph, epochs = 10, batchSize = 32 } = options
  return {
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
    schedule: isFileList(options.records) ? options.schedule ?? defaultSchedule : { kind: 'constant' },
    statisticsMomentum: 0.99,
    totalSteps: Math.floor(countRecords(training) / batchSize) * epochs,
  }
}

function isFileList(records: TrainOptions['records']): records is readonly string[] {
  return Array.isArray(records)
}

function requireOnePass({ epochs }: RunConfig, spooled: string | undefined): void {
  if (epochs === 1 || spooled !== undefined) return
  throw new TrainError('TRAIN_STREAM_ONCE', `a stream is read once, found ${epochs} epochs to run; take one, or keep the stream in a file (--spool FILE)`)
}

function requireBatch({ data: { training }, batchSize, totalSteps }: RunConfig): void {
  if (totalSteps > 0) return
  const names = training.map(({ path }) => path).join(', ')
  throw new TrainError('TRAIN_TOO_FEW_RECORDS', `${names || 'no record file'}: ${countRecords(training)} records do not fill one batch of ${batchSize}; give more records or a smaller --batch-size`)
}

function requireRecords({ path, records }: DataFile): void {
  if (records > 0) return
  throw new TrainError('TRAIN_TOO_FEW_RECORDS', `${path}: expected records to validate on, found none; pack some, or leave the file out`, { path })
}

/** A slip here would else show as a thread that hangs or a run that does nothing. */
function checkOptions(options: Partial<TrainOptions>): void {
  for (const name of ['epochs', 'batchSize', 'replicas', 'shuffleRecords', 'loaderWorkers', 'keepCheckpoints'] as const) {
    const value = options[name]
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0)) throw wrongOption(name, 'a whole number above 0', value)
  }
  const { learningRate = 1, cacheBytes = 0, seed = 0 } = options
  if (!(learningRate > 0 && Number.isFinite(learningRate))) throw wrongOption('learningRate', 'a number above 0', learningRate)
  if (!(cacheBytes >= 0)) throw wrongOption('cacheBytes', 'a number from 0', cacheBytes)
  if (!Number.isSafeInteger(seed)) throw wrongOption('seed', 'a whole number', seed)
  const { optimiser = defaultAdam, schedule = defaultSchedule } = options
  if (!isOptimiser(optimiser)) throw wrongOption('optimiser', 'adam with beta1 and beta2 in [0, 1) and an epsilon above 0, or sgd with a momentum in [0, 1)', optimiser)
  if (!isSchedule(schedule)) throw wrongOption('schedule', 'constant, or cosine with a whole number of warmUpSteps and with flatShare and endShare from 0 to 1', schedule)
}

function wrongOption(name: string, expected: string, found: unknown): TrainError {
  return new TrainError('TRAIN_OPTION', `${name}: expected ${expected}, found ${typeof found === 'number' ? found : JSON.stringify(found)}`)
}
