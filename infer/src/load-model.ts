// Reads a model folder (model-folder.ts) that nobody vouches for. Sizes are compared before anything is
// read into memory, the digest before anything is believed, and names and shapes with what the graph needs.

import { folderFiles } from '#read-folder'
import { inFile, InferError } from './errors.js'
import { checkDigest, fileDigest } from './file-digest.js'
import { parseGraph } from './graph-json.js'
import type { Graph } from './graph.js'
import { isObject } from './json-fields.js'
import { memoryFiles, readNeeded, webFiles, type FilesInMemory, type ModelFiles } from './model-files.js'
import { graphFileName, weightsFileName, type ModelParts, type Provenance } from './model-folder.js'
import { checkBatch, runnerModel, type Model, type ModelOptions } from './model.js'
import { sessionRunner } from './runtime/executor.js'
import type { NetworkPlan } from './runtime/plan.js'
import { findCompiled, type GraphSource } from './runtime/read-compiled.js'
import { decodeSafetensors } from './safetensors.js'
import { checkWeights, weightError, type Weights } from './weights.js'

/** Largest graph.json read. */
const maxGraphBytes = 64 * 2 ** 20
/** Largest weights file read: what Node reads in one piece. */
const maxWeightsBytes = 2 ** 31 - 1

/**
 * A model folder: its path (in a page, its address beside the page's), its address, or what its files hold by
 * their path within it, modules ready compiled where a platform compiles none at run time.
 */
export type ModelSource = string | URL | FilesInMemory

export interface LoadOptions extends ModelOptions {
  /**
   * Default `auto`: takes the compiled part if there is one for so large a batch and that use of Winograd, else compiles the network now. `never`
   * wants it, `always` takes graph and weights alone.
   */
  readonly compile?: 'auto' | 'never' | 'always'
  /** Which compiled part: the folder within `compiled/`. Default `cpu`. */
  readonly target?: string
}

/**
 * The network in a model folder, ready to run. A compiled part brings its batch; the weights are then not read.
 * @throws InferError as {@link readModelFolder}; INFER_COMPILED for a compiled part that is damaged, or missing where
 * one is needed; INFER_MODEL_CHANGED if it was made of another graph or weights; INFER_MEMORY; INFER_ARGUMENT
 */
export async function loadModel(source: ModelSource, options: LoadOptions = {}): Promise<Model> {
  const { compile = 'auto', batch } = options
  if (batch !== undefined) checkBatch(batch)
  const files = filesOf(source)
  const described = await readGraph(files)
  if (compile !== 'always' && options.execute === undefined) {
    const part = await findCompiled(files, described, options)
    const problem = misfit(part?.plan, options)
    if (problem === undefined) return runnerModel(described.graph, sessionRunner(described.graph, await part!.open()))
    if (compile === 'never') throw new InferError('INFER_COMPILED', `${files.name}: ${problem}; run "millrace compile" on the model`, { path: files.name })
  }
  const weights = await readWeights(files, described)
  const { createModel } = await import('./create-model.js')
  return createModel(described.graph, weights, options)
}

/** Why a compiled part does not serve what is asked for. */
function misfit(plan: NetworkPlan | undefined, { batch = 1, winograd }: LoadOptions): string | undefined {
  if (plan === undefined) return 'expected a compiled part, found none'
  if (plan.batch < batch) return `expected a compiled part for batches of ${batch}, found one for batches of ${plan.batch}`
  return winograd === undefined || winograd === plan.winograd ? undefined : `expected a compiled part with winograd "${winograd}", found "${plan.winograd}"`
}

/**
 * Graph, weights and provenance of a model folder.
 * @throws InferError INFER_MODEL_READ if a file is missing or unreadable; INFER_GRAPH_FORMAT or
 * INFER_GRAPH_INVALID for graph.json; INFER_MODEL_CHANGED if the weights file is not the one exported with it;
 * INFER_SAFETENSORS or INFER_WEIGHTS for what is in it.
 */
export async function readModelFolder(source: ModelSource): Promise<ModelParts> {
  const files = filesOf(source)
  const described = await readGraph(files)
  const { graph, provenance } = described
  return { graph, weights: await readWeights(files, described), provenance }
}

/** What graph.json says. */
export interface GraphFile extends GraphSource {
  readonly provenance: Provenance
}

/** Reads graph.json, and nothing else. */
export async function readGraph(files: ModelFiles): Promise<GraphFile> {
  const path = `${files.name}/${graphFileName}`
  const bytes = await readNeeded(files, graphFileName, maxGraphBytes)
  const document = parseJson(bytes, path)
  const graph = parseGraph(document, path)
  const { weights, provenance } = document as { weights?: unknown; provenance?: unknown }
  if (!isObject(weights) || typeof weights['sha256'] !== 'string' || typeof weights['byteLength'] !== 'number') {
    throw new InferError('INFER_GRAPH_FORMAT', `${path}: expected weights to hold sha256 and byteLength of ${weightsFileName}; export the model again`, { path })
  }
  const digests = { graph: await fileDigest(bytes), weights: { sha256: weights['sha256'], byteLength: weights['byteLength'] } }
  return { graph, digests, provenance: isObject(provenance) ? provenance : {} }
}

/** The weights that a graph's digest names. */
export async function readWeights(files: ModelFiles, { graph, digests }: GraphSource): Promise<Weights> {
  const path = `${files.name}/${weightsFileName}`
  const bytes = await readNeeded(files, weightsFileName, maxWeightsBytes)
  await checkDigest(bytes, digests.weights, graphFileName, path)
  return inFile(path, () => fittingWeights(graph, bytes, path))
}

/** The files of a model folder. */
export function filesOf(source: ModelSource): ModelFiles {
  if (typeof source === 'string') return folderFiles(source)
  if (!(source instanceof URL)) return memoryFiles(source)
  if (source.protocol !== 'file:') return webFiles(source)
  return folderFiles(decodeURIComponent(source.pathname).replace(/\/$/, ''))
}

function parseJson(bytes: Uint8Array, path: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw new InferError('INFER_GRAPH_FORMAT', `${path}: expected JSON: ${(error as Error).message}; export the model again`, { path, cause: error })
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
