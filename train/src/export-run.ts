// From a run folder to the model folder that `infer` loads.

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { saveModel, type Graph, type Provenance, type Weights } from '@millrace/infer'
import { layoutWeights, weightsByName, type NetworkState } from './engine/parameters.js'
import { TrainError } from './errors.js'
import { readRunConfig } from './run-config.js'
import { bestFolder, checkpointFolder, listCheckpoints, readRunState, readWeights, type RunState } from './run-folder.js'

export interface ExportOptions {
  /** `best` (default), `last`, or an epoch's number. */
  readonly checkpoint?: 'best' | 'last' | number
}

/** A run's network as it was at a checkpoint. */
export interface RunNetwork {
  readonly graph: Graph
  readonly weights: Weights
  /** The state of the checkpoint. */
  readonly state: RunState
  readonly provenance: Provenance
}

/**
 * Writes the model folder.
 * @returns the state of the checkpoint that was exported.
 * @throws TrainError as {@link readRunNetwork}; InferError where the model cannot be written.
 */
export async function exportRun(run: string, model: string, options: ExportOptions = {}): Promise<RunState> {
  const { graph, weights, state, provenance } = await readRunNetwork(run, options)
  await saveModel(model, graph, weights, provenance)
  return state
}

/**
 * The network of a run folder.
 * @throws TrainError TRAIN_NO_CHECKPOINT, TRAIN_RUN_DAMAGED, TRAIN_RUN_MISMATCH
 */
export async function readRunNetwork(run: string, { checkpoint = 'best' }: ExportOptions = {}): Promise<RunNetwork> {
  const config = await readRunConfig(run)
  const folder = await chosenFolder(run, checkpoint)
  const layout = layoutWeights(config.graph)
  const values: NetworkState = { trained: new Float32Array(layout.trainedSize), statistics: new Float32Array(layout.statisticsSize) }
  await readWeights(folder, layout, values)
  const state = await readRunState(folder)
  const provenance = {
    trainedBy: 'millrace',
    epoch: state.epoch,
    steps: state.step,
    seed: config.seed,
    trainingRecords: config.data.training.reduce((sum, { records }) => sum + records, 0),
    ...(state.metrics && { validation: state.metrics }),
  }
  return { graph: config.graph, weights: weightsByName(layout, values), state, provenance }
}

async function chosenFolder(run: string, checkpoint: 'best' | 'last' | number): Promise<string> {
  const epochs = await listCheckpoints(run)
  if (checkpoint === 'best') {
    if ((await readdir(run)).includes(bestFolder)) return join(run, bestFolder)
  } else {
    const epoch = checkpoint === 'last' ? epochs.at(-1) : epochs.find((number) => number === checkpoint)
    if (epoch !== undefined) return checkpointFolder(run, epoch)
  }
  throw new TrainError('TRAIN_NO_CHECKPOINT', `${run}: has no checkpoint "${checkpoint}"; there are ${epochs.length > 0 ? `epochs ${epochs.join(', ')}` : 'none yet'}`, { path: run })
}
