// Brings a network into memory for the threads of a pool: one memory with an arena for each of them, or, where
// memory cannot be shared, its weights for them to copy.

import type { Graph } from '../graph.js'
import { findNetwork, type LoadOptions, type ModelSource } from '../load-model.js'
import type { ModelParts } from '../model-folder.js'
import { checkBatch, defaultBatch } from '../model.js'
import { checkWeights, type Weights } from '../weights.js'
import { checkMemory, defaultMaxMemoryBytes } from './network-memory.js'
import type { PoolNetwork } from './replica.js'
import { startSession, type LoadedNetwork } from './session.js'

/** A model folder, or a graph and its weights. */
export type PoolSource = ModelSource | Pick<ModelParts, 'graph' | 'weights'>

export interface PoolNetworkOptions extends Omit<LoadOptions, 'execute'> {
  /**
   * Whether threads share one copy of the weights. Default true, which a page has only if it is cross-origin
   * isolated, and a module that was handed over ready compiled never; else each has a copy.
   */
  readonly shareMemory?: boolean
}

export async function loadPoolNetwork(source: PoolSource, threads: number, options: PoolNetworkOptions): Promise<{ readonly graph: Graph; readonly network: PoolNetwork; readonly memoryBytes: number }> {
  const isShared = (options.shareMemory ?? true) && canShareMemory() && !hasReadyModule(source)
  const { graph, loaded } = await load(source, isShared ? threads : undefined, isShared ? options : { ...options, maxMemoryBytes: Math.floor((options.maxMemoryBytes ?? defaultMaxMemoryBytes) / (threads + 1)) })
  const { plan, memory, modules, path } = loaded
  const { variant } = startSession(loaded)
  const weights = new Uint8Array(memory.buffer, 0, plan.weightBytes)
  const memoryBytes = isShared ? memory.buffer.byteLength : weights.byteLength + threads * checkMemory(plan, Infinity)
  return { graph, memoryBytes, network: { plan, module: modules.get(variant)!, variant, path, memory: isShared ? memory : undefined, weights: isShared ? weights : weights.slice() } }
}

async function load(source: PoolSource, sharedArenas: number | undefined, options: PoolNetworkOptions): Promise<{ graph: Graph; loaded: LoadedNetwork }> {
  const { graph, part, weights } = isParts(source) ? { ...source, part: undefined } : await findNetwork(source, options)
  if (part !== undefined) return { graph, loaded: await part.load(sharedArenas) }
  return { graph, loaded: await compile(graph, weights, sharedArenas, options) }
}

async function compile(graph: Graph, weights: Weights, sharedArenas: number | undefined, options: PoolNetworkOptions): Promise<LoadedNetwork> {
  checkWeights(graph, weights)
  const { loadGraph } = await import('../compiler/open-session.js')
  return loadGraph(graph, weights, { ...options, batch: checkBatch(options.batch ?? defaultBatch), ...(sharedArenas !== undefined && { sharedArenas }) })
}

function isParts(source: PoolSource): source is Pick<ModelParts, 'graph' | 'weights'> {
  return typeof source === 'object' && !(source instanceof URL) && 'graph' in source && 'weights' in source
}

function canShareMemory(): boolean {
  return typeof SharedArrayBuffer === 'function' && globalThis.crossOriginIsolated !== false
}

/** A module is made for one kind of memory: those handed over ready compiled, for one that is not shared. */
function hasReadyModule(source: PoolSource): boolean {
  return typeof source === 'object' && Object.values(source).some((value) => value instanceof WebAssembly.Module)
}
