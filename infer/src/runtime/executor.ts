// Computes a graph's outputs: compiled, or by the reference where an operation has no kernel.

import { compileGraph } from '../compiler/compile.js'
import { InferError } from '../errors.js'
import type { Graph } from '../graph.js'
import { runReference } from '../reference/run-reference.js'
import { countValues } from '../shapes.js'
import type { Weights } from '../weights.js'
import { openSession } from './session.js'

/** The outputs [batch, …] by name, for an input [batch, height, width, channels]. */
export type Executor = (input: Float32Array, batch: number) => Map<string, Float32Array>

/**
 * Compiles the network for batches of up to `batch` images; a larger batch runs in parts. Where a node cannot be
 * compiled the reference executor does the work, slowly.
 */
export function createExecutor(graph: Graph, weights: Weights, batch: number): Executor {
  const compiled = compiledRun(graph, weights, batch)
  const inputValues = countValues(graph.input.shape)
  return (input, count) => {
    if (!(Number.isSafeInteger(count) && count >= 0) || input.length !== count * inputValues) {
      throw new InferError('INFER_ARGUMENT', `graph ${graph.name}: expected ${count} · ${inputValues} input values, found ${input.length}`)
    }
    if (compiled === undefined) return runReference(graph, weights, input, count)
    return inParts(count, batch, (first, size) => compiled(input.subarray(first * inputValues, (first + size) * inputValues), size))
  }
}

function compiledRun(graph: Graph, weights: Weights, batch: number): Executor | undefined {
  try {
    return openSession(compileGraph(graph, weights, { batch })).run
  } catch (error) {
    if (error instanceof InferError && error.code === 'INFER_COMPILE') return undefined
    throw error
  }
}

/** Runs so many images at a time and lays the outputs end to end. */
function inParts(count: number, most: number, run: (first: number, size: number) => Map<string, Float32Array>): Map<string, Float32Array> {
  if (count <= most && count > 0) return run(0, count)
  const parts = Array.from({ length: Math.max(1, Math.ceil(count / most)) }, (_, part) => run(part * most, Math.min(most, count - part * most)))
  return new Map([...parts[0]!.keys()].map((name) => {
    const pieces = parts.map((part) => part.get(name)!)
    const whole = new Float32Array(pieces.reduce((sum, { length }) => sum + length, 0))
    let at = 0
    for (const piece of pieces) {
      whole.set(piece, at)
      at += piece.length
    }
    return [name, whole]
  }))
}
