// Opens a network as it was compiled, without a folder between.

import { InferError } from '../errors.js'
import type { Graph } from '../graph.js'
import { plainSimd, relaxedSimd, type Variant } from '../kernels/network/kernel.js'
import { sessionRunner, type Runner } from '../runtime/executor.js'
import { createMemory } from '../runtime/network-memory.js'
import type { WinogradUse } from '../runtime/plan.js'
import { startSession, type Session, type SessionOptions } from '../runtime/session.js'
import { wantedVariants, type VariantChoice } from '../runtime/variants.js'
import type { Weights } from '../weights.js'
import { compileGraph, networkModule, planOf, type CompiledNetwork } from './compile.js'

export const variants = { simd: plainSimd, relaxed: relaxedSimd } as const

/**
 * A session of one variant, or of the fastest of several.
 * @throws InferError INFER_MEMORY; INFER_COMPILED if this engine does not know the variant's instructions
 */
export function openSession(network: CompiledNetwork, variant: Variant | readonly Variant[] = plainSimd, options: SessionOptions = {}): Session {
  const path = `graph ${network.graph.name}`
  const modules = [variant].flat().map((each) => [each.name, compileModule(networkModule(network, each), path)] as const)
  const plan = planOf(network)
  const memory = createMemory(plan, options.maxMemoryBytes)
  new Float32Array(memory.buffer).set(network.weights)
  return startSession(plan, memory, new Map(modules), path)
}

/**
 * Compiles the network for batches of up to `batch` images.
 * @throws InferError INFER_MEMORY
 */
export function compileRunner(graph: Graph, weights: Weights, options: SessionOptions & { readonly batch: number; readonly variant?: VariantChoice; readonly winograd?: WinogradUse }): Runner {
  const { batch, variant = 'auto', winograd = 'auto' } = options
  return sessionRunner(graph, openSession(compileGraph(graph, weights, { batch, winograd }), wantedVariants(variant).map((name) => variants[name]), options))
}

function compileModule(bytes: Uint8Array<ArrayBuffer>, path: string): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes)
  } catch (error) {
    throw new InferError('INFER_COMPILED', `${path}: this engine does not run its module: ${(error as Error).message}; choose the variant "simd", or an engine with WebAssembly SIMD`, { cause: error })
  }
}
