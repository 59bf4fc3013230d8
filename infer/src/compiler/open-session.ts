// Opens a network as it was compiled, without a folder between.

import { InferError } from '../errors.js'
import type { Graph } from '../graph.js'
import { plainSimd, relaxedSimd, type Variant } from '../kernels/network/kernel.js'
import { sessionRunner, type Runner } from '../runtime/executor.js'
import { createMemory, type MemoryOptions } from '../runtime/network-memory.js'
import type { WinogradUse } from '../runtime/plan.js'
import { startSession, type LoadedNetwork, type Session, type SessionOptions } from '../runtime/session.js'
import { mostPages } from '../runtime/shared-memory-import.js'
import { wantedVariants, type VariantChoice } from '../runtime/variants.js'
import type { Weights } from '../weights.js'
import { compileGraph, networkModule, planOf, type CompiledNetwork } from './compile.js'

export const variants = { simd: plainSimd, relaxed: relaxedSimd } as const

/**
 * A session of one variant, or of the fastest of several.
 * @throws InferError INFER_MEMORY; INFER_COMPILED if this engine does not know the variant's instructions
 */
export function openSession(network: CompiledNetwork, variant: Variant | readonly Variant[] = plainSimd, options: SessionOptions = {}): Session {
  return startSession(loadNetwork(network, [variant].flat(), options))
}

/** What a network is compiled for. */
export interface NetworkOptions extends MemoryOptions {
  readonly batch: number
  readonly variant?: VariantChoice
  readonly winograd?: WinogradUse
}

/**
 * Compiles the network and brings it into memory.
 * @throws InferError INFER_GRAPH_INVALID; INFER_MEMORY
 */
export function loadGraph(graph: Graph, weights: Weights, { batch, variant = 'auto', winograd = 'auto', ...options }: NetworkOptions): LoadedNetwork {
  return loadNetwork(compileGraph(graph, weights, { batch, winograd }), wantedVariants(variant).map((name) => variants[name]), options)
}

function loadNetwork(network: CompiledNetwork, wanted: readonly Variant[], options: MemoryOptions): LoadedNetwork {
  const path = `graph ${network.graph.name}`
  const sharing = options.sharedArenas === undefined ? {} : { sharedPages: mostPages }
  const modules = new Map(wanted.map((variant) => [variant.name, compileModule(networkModule(network, variant, sharing), path)]))
  const plan = planOf(network)
  const memory = createMemory(plan, options)
  new Float32Array(memory.buffer).set(network.weights)
  return { plan, memory, modules, path }
}

/**
 * Compiles the network for batches of up to `batch` images.
 * @throws InferError INFER_MEMORY
 */
export function compileRunner(graph: Graph, weights: Weights, options: NetworkOptions): Runner {
  return sessionRunner(graph, startSession(loadGraph(graph, weights, options)))
}

function compileModule(bytes: Uint8Array<ArrayBuffer>, path: string): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes)
  } catch (error) {
    throw new InferError('INFER_COMPILED', `${path}: this engine does not run its module: ${(error as Error).message}; choose the variant "simd", or an engine with WebAssembly SIMD`, { cause: error })
  }
}
