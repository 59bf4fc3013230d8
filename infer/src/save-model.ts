// Writes a model folder (model-folder.ts) so that it is there whole or not at all: into a temporary folder
// beside its place, synced, then renamed. A model that is there already gives way in the same manner;
// anything else is left alone.

import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readFile, readdir, realpath, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { InferError } from './errors.js'
import { parseGraph } from './graph-json.js'
import type { Graph } from './graph.js'
import { compiledFolderName, graphFileName, weightsFileName, type Provenance } from './model-folder.js'
import { encodeSafetensors } from './safetensors.js'
import { checkWeights, type Weights } from './weights.js'

/**
 * Writes the network into `folder`, whose parents are made where needed. The same arguments give the same bytes.
 * @param provenance goes into graph.json as it is; anything that JSON can hold.
 * @throws InferError INFER_WEIGHTS if a weight is missing, unknown or of another size; INFER_NOT_FINITE if one
 * holds NaN or infinity; INFER_GRAPH_INVALID or INFER_GRAPH_FORMAT for a graph that could not be loaded again;
 * INFER_MODEL_WRITE if `folder` holds something that is not a model, or writing fails. None of them leaves a trace.
 */
export async function saveModel(folder: string, graph: Graph, weights: Weights, provenance: Provenance): Promise<void> {
  const weightBytes = encodeWeights(graph, weights)
  const digest = { sha256: createHash('sha256').update(weightBytes).digest('hex'), byteLength: weightBytes.length }
  const graphText = `${JSON.stringify({ ...graph, weights: digest, provenance }, null, 2)}\n`
  parseGraph(JSON.parse(graphText), graphFileName)
  await asWriteError(folder, async () => {
    // Through a link to the folder itself: what gives way below must be the folder, not the link.
    const target = await realpath(folder).catch(() => resolve(folder))
    const isThere = await checkReplaceable(target)
    const temporary = join(dirname(target), `.${basename(target)}.${randomUUID()}`)
    try {
      await mkdir(temporary, { recursive: true })
      await writeSynced(join(temporary, weightsFileName), weightBytes)
      await writeSynced(join(temporary, graphFileName), graphText)
      await moveInto(temporary, target, isThere)
    } catch (error) {
      await rm(temporary, { recursive: true, force: true })
      throw error
    }
  })
}

function encodeWeights(graph: Graph, weights: Weights): Uint8Array {
  const tensors = checkWeights(graph, weights).map(({ name, shape }) => ({ name, shape, data: weights.get(name)! }))
  for (const { name, data } of tensors) {
    const place = data.findIndex((value) => !Number.isFinite(value))
    if (place >= 0) {
      throw new InferError('INFER_NOT_FINITE', `graph ${graph.name}: weight ${name}: value ${place} is ${data[place]}; the training went astray, export an earlier checkpoint`, { node: name })
    }
  }
  return encodeSafetensors(tensors)
}

/** Whether there is a folder to replace; an error if it holds anything but a model. */
async function checkReplaceable(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (names === undefined) return false
  const own = [graphFileName, weightsFileName, compiledFolderName]
  const foreign = names.find((name) => !own.includes(name))
  const isModel = names.length === 0 || (foreign === undefined && (await readFile(join(folder, graphFileName), 'utf8')).includes('"millrace-graph"'))
  if (!isModel) {
    throw new InferError('INFER_MODEL_WRITE', `${folder}: expected a new, empty or model folder, found one with ${JSON.stringify(foreign ?? graphFileName)} in it; choose another folder`, { path: folder })
  }
  return true
}

/** Renames a folder into its place; the old one is removed only when the new one is there. */
async function moveInto(temporary: string, target: string, isThere: boolean): Promise<void> {
  if (!isThere) return rename(temporary, target)
  const old = `${temporary}.old`
  await rename(target, old)
  try {
    await rename(temporary, target)
  } catch (error) {
    await rename(old, target)
    throw error
  }
  await rm(old, { recursive: true })
}

async function writeSynced(path: string, content: Uint8Array | string): Promise<void> {
  const file = await open(path, 'wx')
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function asWriteError(folder: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (error instanceof InferError) throw error
    throw new InferError('INFER_MODEL_WRITE', `${folder}: the model cannot be written: ${(error as Error).message}`, { path: folder, cause: error })
  }
}
