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
import { decodeSafetensors, encodeSafetensors } from '@millrace/infer'
import { TrainError } from './errors.js'
import { viewWeight, type NetworkState, type WeightLayout } from './engine/parameters.js'
import type { Metrics } from './metrics.js'
import type { OptimiserMemory } from './optimiser.js'
import { configName, isDataFile, isWhole, readJson, readRunConfig, type DataFile, type RunConfig } from './run-config.js'

/** Where a run stands after an epoch. */
export interface RunState {
  /** Epochs completed. */
  readonly epoch: number
  /** Steps completed. */
  readonly step: number
  readonly metrics?: Metrics
  /** The best validation accuracy so far and its epoch. */
  readonly best?: { readonly epoch: number; readonly accuracy: number }
  /** The file that kept the stream which the run began with. */
  readonly spooled?: DataFile
}

/** The folder of the best weights inside a run. */
export const bestFolder = 'best'
const checkpointsName = 'checkpoints'
const logName = 'log.jsonl'
const weightsName = 'weights.safetensors'
const optimiserName = 'optimiser.safetensors'
const stateName = 'state.json'
const damageAdvice = 'another checkpoint may be whole'

/** Begins a run. @throws TrainError TRAIN_RUN_EXISTS if the folder holds anything, TRAIN_RUN_WRITE. */
export async function createRun(folder: string, config: RunConfig): Promise<void> {
  const present = await readdir(folder).catch((): string[] => [])
  if (present.length > 0 && !(await isAbandonedStream(folder))) {
    const advice = present.includes(configName) ? `go on with it by "millrace train --resume ${folder}", or choose another folder` : 'choose another folder'
    throw new TrainError('TRAIN_RUN_EXISTS', `${folder}: expected a new or empty folder, found ${present[0]} in it; ${advice}`, { path: folder })
  }
  await writing(folder, async () => {
    await mkdir(join(folder, checkpointsName), { recursive: true })
    await rm(join(folder, logName), { force: true })
    await replaceFile(join(folder, configName), `${JSON.stringify(config, null, 2)}\n`)
  })
}

/** A run from a stream that ended before its first checkpoint: nothing of it can be resumed, so its folder is free. */
async function isAbandonedStream(folder: string): Promise<boolean> {
  try {
    const { data } = await readRunConfig(folder)
    return data.training.length === 0 && (await listCheckpoints(folder)).length === 0
  } catch {
    return false
  }
}

/** Appends one line to the log. */
export async function logReport(folder: string, report: Readonly<Record<string, unknown>>): Promise<void> {
  const path = join(folder, logName)
  await writing(path, () => writeFile(path, `${JSON.stringify(report)}\n`, { flag: 'a' }))
}

/** Drops log lines of steps after `step`: they will be run, and logged, again. */
export async function rewindLog(folder: string, step: number): Promise<void> {
  const path = join(folder, logName)
  const lines = (await unlessMissing(path, readFile(path, 'utf8'), '')).split('\n')
  const kept = lines.filter((line) => {
    try {
      return (JSON.parse(line) as { step: number }).step <= step
    } catch {
      return false // the empty end, or a line that a crash cut
    }
  })
  await writing(path, () => replaceFile(path, kept.map((line) => `${line}\n`).join('')))
}

/** Stores the run after an epoch, and drops all but the newest `keep` checkpoints. @throws TrainError TRAIN_RUN_WRITE. */
export async function writeCheckpoint(
  folder: string, layout: WeightLayout, state: NetworkState, memory: OptimiserMemory, runState: RunState, keep: number,
): Promise<void> {
  await writeWhole(checkpointFolder(folder, runState.epoch), {
    [weightsName]: encodeWeights(layout, state),
    [optimiserName]: encodeSafetensors(memory.map((data, index) => ({ name: `memory${index}`, shape: [data.length], data }))),
    [stateName]: `${JSON.stringify(runState, null, 2)}\n`,
  })
  for (const epoch of (await listCheckpoints(folder)).slice(0, -keep)) {
    const old = checkpointFolder(folder, epoch)
    await writing(old, () => rm(old, { recursive: true }))
  }
}

/** Stores the weights as the best so far. @throws TrainError TRAIN_RUN_WRITE. */
export async function writeBest(folder: string, layout: WeightLayout, state: NetworkState, runState: RunState): Promise<void> {
  await writeWhole(join(folder, bestFolder), {
    [weightsName]: encodeWeights(layout, state),
    [stateName]: `${JSON.stringify(runState, null, 2)}\n`,
  })
}

/** Epochs that have a checkpoint, ascending. @throws TrainError TRAIN_RUN_DAMAGED if that cannot be known. */
export async function listCheckpoints(folder: string): Promise<number[]> {
  const path = join(folder, checkpointsName)
  const names = await unlessMissing(path, readdir(path), [])
  return names.flatMap((name) => /^epoch-(\d+)$/.exec(name)?.[1] ?? []).map(Number).sort((a, b) => a - b)
}

/**
 * Loads the newest checkpoint that can be read into `state` and `memory`; undefined if the run has none yet.
 * `damaged` says of each newer one why it cannot: the run does those epochs again and writes them anew.
 * @throws TrainError TRAIN_RUN_DAMAGED if none of the checkpoints can be read, TRAIN_RUN_MISMATCH.
 */
export async function readNewestCheckpoint(folder: string, layout: WeightLayout, state: NetworkState, memory: OptimiserMemory): Promise<{ stored: RunState | undefined; damaged: TrainError[] }> {
  const damaged: TrainError[] = []
  for (const epoch of (await listCheckpoints(folder)).reverse()) {
    try {
      return { stored: await readCheckpoint(checkpointFolder(folder, epoch), layout, state, memory), damaged }
    } catch (error) {
      if (!(error instanceof TrainError && error.code === 'TRAIN_RUN_DAMAGED')) throw error
      damaged.push(error)
    }
  }
  const [newest] = damaged
  if (newest === undefined) return { stored: undefined, damaged }
  throw new TrainError('TRAIN_RUN_DAMAGED', `${newest.message}; no other checkpoint can be read: start a new run`, newest.details)
}

/** Loads the weights of a checkpoint or of `best`. @throws TrainError TRAIN_RUN_MISMATCH if they are another network's. */
export async function readWeights(checkpoint: string, layout: WeightLayout, state: NetworkState): Promise<void> {
  const stored = await readTensors(join(checkpoint, weightsName))
  for (const place of layout.weights) copyInto(viewWeight(place, state), stored.get(place.name)?.data, `${checkpoint}/${weightsName}: ${place.name}`)
}

/** Loads the state beside the weights. */
export async function readRunState(checkpoint: string): Promise<RunState> {
  const path = join(checkpoint, stateName)
  const state = await readJson(path, damageAdvice)
  if (isWhole(state['epoch']) && isWhole(state['step']) && (state['spooled'] === undefined || isDataFile(state['spooled']))) return state as unknown as RunState
  throw new TrainError('TRAIN_RUN_DAMAGED', `${path}: expected the epoch and step of a run, found ${JSON.stringify(state).slice(0, 80)}; ${damageAdvice}`, { path })
}

/** The folder of an epoch's checkpoint: `checkpoints/epoch-0005`. */
export function checkpointFolder(folder: string, epoch: number): string {
  return join(folder, checkpointsName, `epoch-${String(epoch).padStart(4, '0')}`)
}

async function readCheckpoint(checkpoint: string, layout: WeightLayout, state: NetworkState, memory: OptimiserMemory): Promise<RunState> {
  const stored = await readRunState(checkpoint)
  await readWeights(checkpoint, layout, state)
  const tensors = await readTensors(join(checkpoint, optimiserName))
  for (const [index, values] of memory.entries()) copyInto(values, tensors.get(`memory${index}`)?.data, `${checkpoint}/${optimiserName}: memory${index}`)
  return stored
}

function encodeWeights(layout: WeightLayout, state: NetworkState): Uint8Array {
  return encodeSafetensors(layout.weights.map((place) => ({ name: place.name, shape: place.shape, data: viewWeight(place, state) })))
}

async function readTensors(path: string): Promise<ReadonlyMap<string, { data: Float32Array }>> {
  try {
    return decodeSafetensors(await readFile(path), path)
  } catch (cause) {
    throw new TrainError('TRAIN_RUN_DAMAGED', `${path}: cannot be read (${(cause as Error).message}); ${damageAdvice}`, { path, cause })
  }
}

function copyInto(values: Float32Array, stored: Float32Array | undefined, place: string): void {
  if (stored?.length !== values.length) {
    throw new TrainError('TRAIN_RUN_MISMATCH', `${place}: expected ${values.length} values, found ${stored?.length ?? 'none'}; this run folder belongs to another network`)
  }
  values.set(stored)
}

/** A folder with these files, there whole or not at all; one of that name gives way. */
async function writeWhole(folder: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  const temporary = `${folder}.partial`
  await writing(folder, async () => {
    await rm(temporary, { recursive: true, force: true })
    await mkdir(temporary, { recursive: true })
    for (const [name, contents] of Object.entries(files)) await writeSynced(join(temporary, name), contents)
    await rm(folder, { recursive: true, force: true })
    await rename(temporary, folder)
  })
}

/** A file that has its former contents or all of the new. */
async function replaceFile(path: string, contents: string): Promise<void> {
  await writeSynced(`${path}.partial`, contents)
  await rename(`${path}.partial`, path)
}

async function writeSynced(path: string, contents: string | Uint8Array): Promise<void> {
  const file = await open(path, 'w')
  try {
    await file.writeFile(contents)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** What was read; `otherwise` where there is nothing. Taking an unreadable file for none would lose what is in it. */
async function unlessMissing<T>(path: string, reading: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await reading
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return otherwise
    throw new TrainError('TRAIN_RUN_DAMAGED', `${path}: cannot be read (${message}); check its rights`, { path, cause })
  }
}

/** What the operating system refuses becomes an error of ours. */
async function writing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw new TrainError('TRAIN_RUN_WRITE', `${path}: cannot be written (${(cause as Error).message}); check the path, its rights and the space on the disk`, { path, cause })
  }
}
