// How far a compiled network is from the reference executor.

import { compileGraph, networkModule, openSession, plainSimd, relaxedSimd, type Variant, type WinogradUse } from '@millrace/infer/compiler'
import { runReference, type Graph } from '@millrace/infer'
import { randomNumbers, randomWeights } from '../networks.js'
import { blocks } from './blocks.js'

const bytesOf = (variant: Variant): Uint8Array<ArrayBuffer> => networkModule(compileGraph(blocks['plain']!, randomWeights(blocks['plain']!)), variant)

/** Those that this engine can run. */
export const variants = [plainSimd, relaxedSimd].filter((variant) => WebAssembly.validate(bytesOf(variant)))

/** Bounds of a single operation's difference, without and with Winograd's convolution. */
export const tolerance = { never: 2e-6, always: 6e-6 } as const

export function randomInput({ input }: Graph, batch: number, seed: number): Float32Array {
  const random = randomNumbers(seed)
  return Float32Array.from({ length: batch * input.shape[0] * input.shape[1] * input.shape[2] }, () => 2 * random() - 1)
}

export interface DifferenceOptions {
  readonly batch: number
  /** Default: the batch. */
  readonly capacity?: number
  /** Default 'never'. */
  readonly winograd?: WinogradUse
  /** Default: random numbers in −1 … 1. */
  readonly input?: Float32Array
}

/** The largest difference of any output in any variant, as a share of that output's largest value. */
export function difference(graph: Graph, { batch, capacity = batch, winograd = 'never', input = randomInput(graph, batch, 5) }: DifferenceOptions): number {
  const weights = randomWeights(graph)
  const expected = runReference(graph, weights, input, batch)
  const network = compileGraph(graph, weights, { batch: capacity, winograd })
  return Math.max(...variants.map((variant) => {
    const session = openSession(network, variant)
    session.run(randomInput(graph, capacity, 6).fill(1e6), capacity) // what is left behind must not matter
    const found = session.run(input, batch)
    return Math.max(...[...expected].map(([name, values]) => furthest(values, found.get(name)!)))
  }))
}

function furthest(expected: Float32Array, found: Float32Array): number {
  if (expected.length !== found.length) return Infinity
  const largest = expected.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-3)
  return expected.reduce((max, value, index) => Math.max(max, Math.abs(value - found[index]!) / largest), 0)
}
