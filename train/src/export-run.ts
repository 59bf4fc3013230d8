// From a run folder to the model folder that `infer` loads.

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { saveModel } from '@millrace/infer'
import { layoutWeights, weightsByName, type NetworkState } from './engine/parameters.js'
import { TrainError } from './errors.js'
import { readRunConfig } from './run-config.js'
import { bestFolder, checkpointFolder, listCheckpoints, readRunState, readWeights, type RunState } from './run-folder.js'

export interface ExportOptions {
  /** `best` (default), `last`, or an epoch's number. */
  readonly checkpoint?: 'best' | 'last' | number
}

/**
 * Writes the model folder.
 * @returns the state of the checkpoint that was exported.
 * @throws TrainError TRAIN_NO_CHECKPOINT, TRAIN_RUN_DAMAGED, TRAIN_RUN_MISMATCH; InferError where the model cannot be written.
 */
export async function exportRun(run: string, model: string, { checkpoint = 'best' }: ExportOptions = {}): Promise<RunState> {
  const config = await readRunConfig(run)
  const folder = await chosenFolder(run, checkpoint)
  const layout = layoutWeights(config.graph)
  const state: NetworkState = { trained: new Float32Array(layout.trainedSize), statistics: new Float32Array(layout.statisticsSize) }
  await readWeights(folder, layout, state)
  const runState = await readRunState(folder)
  await saveModel(model, config.graph, weightsByName(layout, state), {
    trainedBy: 'millrace',
    epoch: runState.epoch,
    steps: runState.step,
    seed: config.seed,
    trainingRecords: config.data.training.reduce((sum, { records }) => sum + records, 0),
    ...(runState.metrics && { validation: runState.metrics }),
  })
  return runState
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
