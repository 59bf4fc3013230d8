// The run folder: everything about one training run, enough to resume it to the same bits.
//
//   config.json                 network, data, seed and options, never changed
//   log.jsonl                   one line a report (kind "steps") and one an epoch (kind "epoch")
//   checkpoints/epoch-0005/     weights.safetensors, optimiser.safetensors, state.json
//   best/                       weights and state of the epoch that validated best
//
// A checkpoint is written under another name, synced and renamed, so a broken write leaves the former one.

import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeSafetensors, encodeSafetensors, type Graph } from '@millrace/infer'
import { TrainError } from './errors.js'
import { viewWeight, type NetworkState, type WeightLayout } from './engine/parameters.js'
import type { Metrics } from './metrics.js'
import type { OptimiserConfig, OptimiserMemory } from './optimiser.js'
import type { ScheduleConfig } from './schedule.js'

/** What a run was started with. Two runs of equal configuration on equal data end with equal weights. */
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
  /** Empty for a run from a stream without a spool file. */
  readonly training: readonly DataFile[]
  readonly validation: readonly DataFile[]
}

/** A record file as it was when the run began. */
export interface DataFile {
  readonly path: string
  readonly records: number
  readonly bytes: number
}

/** Where a run stands after an epoch. */
export interface RunState {
  /** Epochs completed. */
  readonly epoch: number
  /** Steps completed. */
  readonly step: number
  readonly metrics?: Metrics
  /** The best validation accuracy so far and its epoch. */
  readonly best?: { readonly epoch: number; readonly accuracy: number }
}

/** The folder of the best weights inside a run. */
export const bestFolder = 'best'
const weightsName = 'weights.safetensors'
const optimiserName = 'optimiser.safetensors'
const stateName = 'state.json'

/** Begins a run. @throws TrainError TRAIN_RUN_EXISTS if the folder holds anything. */
export async function createRun(folder: string, config: RunConfig): Promise<void> {
  await mkdir(join(folder, 'checkpoints'), { recursive: true })
  const present = (await readdir(folder)).filter((name) => name !== 'checkpoints')
  const checkpoints = await readdir(join(folder, 'checkpoints'))
  if (present.length > 0 || checkpoints.length > 0) {
    throw new TrainError('TRAIN_RUN_EXISTS', `${folder}: holds ${present[0] ?? 'checkpoints'} already; go on with it by "millrace train --resume ${folder}", or choose another folder`, { path: folder })
  }
  await writeFile(join(folder, 'config.json'), `${JSON.stringify(config, null, 2)}\n`)
}

/** @throws TrainError TRAIN_RUN_DAMAGED if there is no readable configuration. */
export async function readRunConfig(folder: string): Promise<RunConfig> {
  const config = await readJson<RunConfig>(join(folder, 'config.json'), 'give the folder that "millrace train" wrote')
  if (config.format !== 'millrace-run' || config.version !== 1) {
    throw new TrainError('TRAIN_RUN_DAMAGED', `${folder}/config.json: expected format "millrace-run" version 1, found ${JSON.stringify(config.format)} version ${JSON.stringify(config.version)}`, { path: folder })
  }
  return config
}

/** Appends one line to the log. */
export async function logReport(folder: string, report: Readonly<Record<string, unknown>>): Promise<void> {
  await writeFile(join(folder, 'log.jsonl'), `${JSON.stringify(report)}\n`, { flag: 'a' })
}

/** Drops log lines of steps after `step`: they will be run, and logged, again. */
export async function rewindLog(folder: string, step: number): Promise<void> {
  const path = join(folder, 'log.jsonl')
  const lines = (await readFile(path, 'utf8').catch(() => '')).split('\n')
  const kept = lines.filter((line) => {
    try {
      return (JSON.parse(line) as { step: number }).step <= step
    } catch {
      return false // the empty end, or a line that a crash cut
    }
  })
  await writeFile(path, kept.map((line) => `${line}\n`).join(''))
}

/** Stores the run after an epoch, and drops all but the newest `keep` checkpoints. */
export async function writeCheckpoint(
  folder: string, layout: WeightLayout, state: NetworkState, memory: OptimiserMemory, runState: RunState, keep: number,
): Promise<void> {
  const checkpoints = join(folder, 'checkpoints')
  await writeWhole(join(checkpoints, epochName(runState.epoch)), {
    [weightsName]: encodeWeights(layout, state),
    [optimiserName]: encodeSafetensors(memory.map((data, index) => ({ name: `memory${index}`, shape: [data.length], data }))),
    [stateName]: `${JSON.stringify(runState, null, 2)}\n`,
  })
  for (const epoch of (await listCheckpoints(folder)).slice(0, -keep)) await rm(join(checkpoints, epochName(epoch)), { recursive: true })
}

/** Stores the weights as the best so far. */
export async function writeBest(folder: string, layout: WeightLayout, state: NetworkState, runState: RunState): Promise<void> {
  await writeWhole(join(folder, bestFolder), {
    [weightsName]: encodeWeights(layout, state),
    [stateName]: `${JSON.stringify(runState, null, 2)}\n`,
  })
}

/** Epochs that have a checkpoint, ascending. */
export async function listCheckpoints(folder: string): Promise<number[]> {
  const names = await readdir(join(folder, 'checkpoints')).catch(() => [])
  return names.flatMap((name) => /^epoch-(\d+)$/.exec(name)?.[1] ?? []).map(Number).sort((a, b) => a - b)
}

/** Loads the newest checkpoint into `state` and `memory`; undefined if there is none. */
export async function readCheckpoint(folder: string, layout: WeightLayout, state: NetworkState, memory: OptimiserMemory): Promise<RunState | undefined> {
  const epoch = (await listCheckpoints(folder)).at(-1)
  if (epoch === undefined) return undefined
  const checkpoint = join(folder, 'checkpoints', epochName(epoch))
  await readWeights(checkpoint, layout, state)
  const stored = await readTensors(join(checkpoint, optimiserName))
  for (const [index, values] of memory.entries()) copyInto(values, stored.get(`memory${index}`)?.data, `${checkpoint}/${optimiserName}: memory${index}`)
  return await readJson<RunState>(join(checkpoint, stateName), 'remove this checkpoint; the one before it serves')
}

/** Loads the weights of a checkpoint or of `best`. @throws TrainError TRAIN_RUN_MISMATCH if they are another network's. */
export async function readWeights(checkpoint: string, layout: WeightLayout, state: NetworkState): Promise<void> {
  const stored = await readTensors(join(checkpoint, weightsName))
  for (const place of layout.weights) copyInto(viewWeight(place, state), stored.get(place.name)?.data, `${checkpoint}/${weightsName}: ${place.name}`)
}

/** Loads the state beside the weights. */
export function readRunState(checkpoint: string): Promise<RunState> {
  return readJson<RunState>(join(checkpoint, stateName), 'choose another checkpoint')
}

/** `epoch-0005` */
export function epochName(epoch: number): string {
  return `epoch-${String(epoch).padStart(4, '0')}`
}

function encodeWeights(layout: WeightLayout, state: NetworkState): Uint8Array {
  return encodeSafetensors(layout.weights.map((place) => ({ name: place.name, shape: place.shape, data: viewWeight(place, state) })))
}

async function readTensors(path: string): Promise<ReadonlyMap<string, { data: Float32Array }>> {
  try {
    return decodeSafetensors(await readFile(path), path)
  } catch (cause) {
    throw new TrainError('TRAIN_RUN_DAMAGED', `${path}: ${(cause as Error).message}; remove this checkpoint, the one before it serves`, { path, cause })
  }
}

function copyInto(values: Float32Array, stored: Float32Array | undefined, place: string): void {
  if (stored?.length !== values.length) {
    throw new TrainError('TRAIN_RUN_MISMATCH', `${place}: expected ${values.length} values, found ${stored?.length ?? 'none'}; this run folder belongs to another network`)
  }
  values.set(stored)
}

async function readJson<T>(path: string, advice: string): Promise<T> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T
  } catch (cause) {
    throw new TrainError('TRAIN_RUN_DAMAGED', `${path}: cannot be read (${(cause as Error).message}); ${advice}`, { path, cause })
  }
}

/** A folder with these files, there whole or not at all; one of that name gives way. */
async function writeWhole(folder: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  const temporary = `${folder}.partial`
  await rm(temporary, { recursive: true, force: true })
  await mkdir(temporary, { recursive: true })
  for (const [name, contents] of Object.entries(files)) {
    const file = await open(join(temporary, name), 'w')
    try {
      await file.writeFile(contents)
      await file.sync()
    } finally {
      await file.close()
    }
  }
  await rm(folder, { recursive: true, force: true })
  await rename(temporary, folder)
}
