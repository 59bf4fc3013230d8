// Reads a model folder (model-folder.ts) that nobody vouches for. Sizes are compared before anything is
// read into memory, the digest before anything is believed, and names and shapes with what the graph needs.

import { folderFiles } from '#read-folder'
import { inFile, InferError } from './errors.js'
import { parseGraph } from './graph-json.js'
import type { Graph } from './graph.js'
import { isObject } from './json-fields.js'
import { memoryFiles, unreadable, webFiles, type ModelFiles } from './model-files.js'
import { graphFileName, weightsFileName, type ModelParts, type Provenance } from './model-folder.js'
import { createModel, type Model, type ModelOptions } from './model.js'
import { decodeSafetensors } from './safetensors.js'
import { sha256 } from './sha256.js'
import { checkWeights, weightError, type Weights } from './weights.js'

/** Largest graph.json read. */
const maxGraphBytes = 64 * 2 ** 20
/** Largest weights file read: what Node reads in one piece. */
const maxWeightsBytes = 2 ** 31 - 1

/**
 * A model folder: its path (in a page, its address beside the page's), its address, or the bytes of its
 * files by name.
 */
export type ModelSource = string | URL | Readonly<Record<string, Uint8Array>>

/**
 * The network in a model folder, compiled and ready to run.
 * @throws InferError as {@link readModelFolder}.
 */
export async function loadModel(source: ModelSource, options: ModelOptions = {}): Promise<Model> {
  const { graph, weights } = await readModelFolder(source)
  return createModel(graph, weights, options)
}

/**
 * Graph, weights and provenance of a model folder.
 * @throws InferError INFER_MODEL_READ if a file is missing or unreadable; INFER_GRAPH_FORMAT or
 * INFER_GRAPH_INVALID for graph.json; INFER_MODEL_CHANGED if the weights file is not the one exported with it;
 * INFER_SAFETENSORS or INFER_WEIGHTS for what is in it.
 */
export async function readModelFolder(source: ModelSource): Promise<ModelParts> {
  const files = filesOf(source)
  const graphPath = `${files.name}/${graphFileName}`
  const document = parseJson(await readNeeded(files, graphFileName, maxGraphBytes), graphPath)
  const graph = parseGraph(document, graphPath)
  const { weights: expected, provenance } = document as { weights?: unknown; provenance?: unknown }
  const weightsPath = `${files.name}/${weightsFileName}`
  const bytes = await readNeeded(files, weightsFileName, maxWeightsBytes)
  await checkDigest(bytes, expected, graphPath, weightsPath)
  return { graph, weights: inFile(weightsPath, () => fittingWeights(graph, bytes, weightsPath)), provenance: isObject(provenance) ? (provenance as Provenance) : {} }
}

function filesOf(source: ModelSource): ModelFiles {
  if (typeof source === 'string') return folderFiles(source)
  if (!(source instanceof URL)) return memoryFiles(source)
  if (source.protocol !== 'file:') return webFiles(source)
  return folderFiles(decodeURIComponent(source.pathname).replace(/\/$/, ''))
}

async function readNeeded(files: ModelFiles, name: string, maxBytes: number): Promise<Uint8Array> {
  const bytes = await files.read(name, maxBytes)
  if (bytes === undefined) throw unreadable(`${files.name}/${name}`, 'there is no such file')
  return bytes
}

function parseJson(bytes: Uint8Array, path: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw new InferError('INFER_GRAPH_FORMAT', `${path}: expected JSON: ${(error as Error).message}; export the model again`, { path, cause: error })
  }
}

async function checkDigest(bytes: Uint8Array, expected: unknown, graphPath: string, path: string): Promise<void> {
  if (!isObject(expected) || typeof expected['sha256'] !== 'string' || typeof expected['byteLength'] !== 'number') {
    throw new InferError('INFER_GRAPH_FORMAT', `${graphPath}: expected weights to hold sha256 and byteLength of ${weightsFileName}; export the model again`, { path: graphPath })
  }
  const { sha256: digest, byteLength } = expected
  if (bytes.length !== byteLength) {
    throw new InferError('INFER_MODEL_CHANGED', `${path}: expected ${byteLength} bytes, found ${bytes.length}; copy the folder again or export the model again`, { path })
  }
  const found = await sha256(bytes)
  if (found !== digest) {
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
