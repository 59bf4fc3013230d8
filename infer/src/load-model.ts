// Reads a model folder (model-folder.ts) that nobody vouches for. Sizes are compared before anything is
// read into memory, the digest before anything is believed, and names and shapes with what the graph needs.

import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { inFile, InferError } from './errors.js'
import { parseGraph } from './graph-json.js'
import type { Graph } from './graph.js'
import { isObject } from './json-fields.js'
import { graphFileName, weightsFileName, type ModelParts, type Provenance } from './model-folder.js'
import { createModel, type Model } from './model.js'
import { decodeSafetensors } from './safetensors.js'
import { checkWeights, weightError, type Weights } from './weights.js'

/** Largest graph.json read. */
const maxGraphBytes = 64 * 2 ** 20
/** Largest weights file read: what Node reads in one piece. */
const maxWeightsBytes = 2 ** 31 - 1

/**
 * The network in a model folder, ready to run.
 * @throws InferError as {@link readModelFolder}.
 */
export async function loadModel(folder: string): Promise<Model> {
  const { graph, weights } = await readModelFolder(folder)
  return createModel(graph, weights)
}

/**
 * Graph, weights and provenance of a model folder.
 * @throws InferError INFER_MODEL_READ if a file is missing or unreadable; INFER_GRAPH_FORMAT or
 * INFER_GRAPH_INVALID for graph.json; INFER_MODEL_CHANGED if the weights file is not the one exported with it;
 * INFER_SAFETENSORS or INFER_WEIGHTS for what is in it.
 */
export async function readModelFolder(folder: string): Promise<ModelParts> {
  const graphPath = join(folder, graphFileName)
  const document = parseJson(await readWhole(graphPath, maxGraphBytes), graphPath)
  const graph = parseGraph(document, graphPath)
  const { weights: expected, provenance } = document as { weights?: unknown; provenance?: unknown }
  const weightsPath = join(folder, weightsFileName)
  const bytes = await readWhole(weightsPath, maxWeightsBytes)
  checkDigest(bytes, expected, graphPath, weightsPath)
  return { graph, weights: inFile(weightsPath, () => fittingWeights(graph, bytes, weightsPath)), provenance: isObject(provenance) ? (provenance as Provenance) : {} }
}

/** A file's bytes, after a look at its kind and size: a pipe would never end. */
async function readWhole(path: string, maxBytes: number): Promise<Uint8Array> {
  try {
    const found = await stat(path)
    if (!found.isFile()) throw new Error('it is not a plain file')
    if (found.size > maxBytes) throw new Error(`it has ${found.size} bytes, at most ${maxBytes} are read`)
    return await readFile(path)
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (error as Error).message
    throw new InferError('INFER_MODEL_READ', `${path}: ${reason}; a model folder holds ${graphFileName} and ${weightsFileName}, as "millrace export" writes them`, { path, cause: error })
  }
}

function parseJson(bytes: Uint8Array, path: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw new InferError('INFER_GRAPH_FORMAT', `${path}: expected JSON: ${(error as Error).message}; export the model again`, { path, cause: error })
  }
}

function checkDigest(bytes: Uint8Array, expected: unknown, graphPath: string, path: string): void {
  if (!isObject(expected) || typeof expected['sha256'] !== 'string' || typeof expected['byteLength'] !== 'number') {
    throw new InferError('INFER_GRAPH_FORMAT', `${graphPath}: expected weights to hold sha256 and byteLength of ${weightsFileName}; export the model again`, { path: graphPath })
  }
  const { sha256, byteLength } = expected
  if (bytes.length !== byteLength) {
    throw new InferError('INFER_MODEL_CHANGED', `${path}: expected ${byteLength} bytes, found ${bytes.length}; copy the folder again or export the model again`, { path })
  }
  const found = createHash('sha256').update(bytes).digest('hex')
  if (found !== sha256) {
    throw new InferError('INFER_MODEL_CHANGED', `${path}: its SHA-256 is ${found}, which is not the one in ${graphFileName}; copy the folder again or export the model again`, { path })
  }
}

function fittingWeights(graph: Graph, bytes: Uint8Array, path: string): Weights {
  const tensors = decodeSafetensors(bytes, path)
  const weights = new Map(Array.from(tensors, ([name, { data }]) => [name, data]))
  for (const { name, shape } of checkWeights(graph, weights)) {
    const found = tensors.get(name)!.shape
    if (found.join() !== shape.join()) throw weightError(graph, name, `expected shape [${shape.join(', ')}], found [${found.join(', ')}]`)
  }
  return weights
}
