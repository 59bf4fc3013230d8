// What a run was started with, as `config.json` in its folder: written once, read by resume and export,
// and checked then, because a person may have edited it.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseGraph, type Graph } from '@millrace/infer'
import { TrainError } from './errors.js'
import type { OptimiserConfig } from './optimiser.js'
import type { ScheduleConfig } from './schedule.js'

/** Two runs of equal configuration on equal data end with equal weights. */
export interface RunConfig {
  readonly format: 'millrace-run'
  readonly version: 1
  readonly graph: Graph
  readonly data: RunData
  readonly seed: number
  readonly epochs: number
  readonly batchSize: number
  /** Part of the result: batch norm's statistics are those of a replica's share of the batch. */
  readonly replicas: number
  readonly optimiser: OptimiserConfig
  readonly learningRate: number
  readonly schedule: ScheduleConfig
  readonly statisticsMomentum: number
  /** Steps of the whole schedule; 0 for a stream of unknown length. */
  readonly totalSteps: number
}

export interface RunData {
  /** Empty for a run that began with a stream; the file that kept the stream stands in the run's state. */
  readonly training: readonly DataFile[]
  readonly validation: readonly DataFile[]
}

/** A record file as it was when the run began. */
export interface DataFile {
  /** Absolute, so that a run can be resumed from any folder. */
  readonly path: string
  readonly records: number
  readonly bytes: number
  /** SHA-256 of its `.meta`, in hex, where it has one: that holds a checksum of every record. */
  readonly metaDigest?: string
}

/** The name of the configuration in a run folder. */
export const configName = 'config.json'

/**
 * @throws TrainError TRAIN_RUN_DAMAGED if there is no readable configuration, or a field is not what it should be;
 *   InferError for a graph that cannot be run.
 */
export async function readRunConfig(folder: string): Promise<RunConfig> {
  const path = join(folder, configName)
  const config = await readJson(path, 'give the folder that "millrace train" wrote')
  for (const [field, { expected, isValid }] of Object.entries(fields)) {
    if (isValid(config[field])) continue
    throw new TrainError('TRAIN_RUN_DAMAGED', `${path}: expected ${field} to be ${expected}, found ${JSON.stringify(config[field])?.slice(0, 80)}; restore the file or start a new run`, { path })
  }
  return { ...(config as unknown as RunConfig), graph: parseGraph(config['graph'], `${path}: graph`) }
}

/** An object from a JSON file. @throws TrainError TRAIN_RUN_DAMAGED, ending with `advice`. */
export async function readJson(path: string, advice: string): Promise<Record<string, unknown>> {
  try {
    const value = JSON.parse(await readFile(path, 'utf8')) as unknown
    if (isObject(value)) return value
    throw new Error(`expected an object, found ${JSON.stringify(value).slice(0, 80)}`)
  } catch (cause) {
    throw new TrainError('TRAIN_RUN_DAMAGED', `${path}: cannot be read (${(cause as Error).message}); ${advice}`, { path, cause })
  }
}

/** Whether a value from JSON describes a record file. */
export function isDataFile(value: unknown): value is DataFile {
  return isObject(value) && typeof value['path'] === 'string' && isWhole(value['records']) && isWhole(value['bytes'])
    && ['string', 'undefined'].includes(typeof value['metaDigest'])
}

/** Whether a value from JSON is a whole number from 0. */
export function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

type FieldRule = { readonly expected: string; readonly isValid: (value: unknown) => boolean }

const count: FieldRule = { expected: 'a whole number above 0', isValid: (value) => isWhole(value) && value > 0 }
const share: FieldRule = { expected: 'a number from 0 to 1', isValid: (value) => isNumber(value) && value >= 0 && value <= 1 }

const fields: Readonly<Record<Exclude<keyof RunConfig, 'graph'>, FieldRule>> = {
  format: { expected: '"millrace-run"', isValid: (value) => value === 'millrace-run' },
  version: { expected: '1 (a newer Millrace wrote others)', isValid: (value) => value === 1 },
  data: { expected: 'lists of record files', isValid: (value) => isObject(value) && [value['training'], value['validation']].every((files) => Array.isArray(files) && files.every(isDataFile)) },
  seed: { expected: 'a whole number', isValid: Number.isSafeInteger },
  epochs: count,
  batchSize: count,
  replicas: count,
  optimiser: { expected: 'the options of adam or sgd', isValid: isOptimiser },
  learningRate: { expected: 'a number above 0', isValid: (value) => isNumber(value) && value > 0 },
  schedule: { expected: 'the options of a constant or cosine schedule', isValid: isSchedule },
  statisticsMomentum: share,
  totalSteps: { expected: 'a whole number', isValid: isWhole },
}

/** Whether a value is a complete {@link OptimiserConfig}. */
export function isOptimiser(value: unknown): value is OptimiserConfig {
  if (!isObject(value)) return false
  if (value['kind'] === 'adam') return isDecay(value['beta1']) && isDecay(value['beta2']) && isNumber(value['epsilon']) && value['epsilon'] > 0
  return value['kind'] === 'sgd' && isDecay(value['momentum']) && typeof value['nesterov'] === 'boolean'
}

/** Whether a value is a complete {@link ScheduleConfig}. */
export function isSchedule(value: unknown): value is ScheduleConfig {
  if (!isObject(value)) return false
  return value['kind'] === 'constant' || (value['kind'] === 'cosine' && isWhole(value['warmUpSteps']) && share.isValid(value['flatShare']) && share.isValid(value['endShare']))
}

/** How much of the past is kept: with 1 and more it would never fade. */
function isDecay(value: unknown): boolean {
  return isNumber(value) && value >= 0 && value < 1
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
