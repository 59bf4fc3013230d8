// What computes a model's outputs, for batches of any size.

import { InferError } from '../errors.js'
import type { Graph } from '../graph.js'
import { countValues } from '../shapes.js'
import type { Session } from './session.js'
import type { VariantName } from './plan.js'

/** The outputs [batch, …] by name, for an input [batch, height, width, channels]. */
export type Executor = (input: Float32Array, batch: number) => Map<string, Float32Array>

/** An executor with the memory that it holds. */
export interface Runner {
  readonly execute: Executor
  /** Images that it takes at once; a larger batch runs in parts. */
  readonly batch: number
  readonly runsOn: RunsOn
  dispose(): void
}

/** What runs the network: a variant of its compiled form, or the caller's own. */
export type RunsOn = VariantName | 'own'

/** @throws InferError INFER_ARGUMENT, from `execute`, for an input of another size */
export function sessionRunner(graph: Graph, session: Session): Runner {
  const { batch } = session.plan
  const inputValues = countValues(graph.input.shape)
  return {
    batch,
    runsOn: session.variant,
    execute(input, count) {
      checkInput(graph, input, count)
      return inParts(graph, count, batch, (first, size) => session.run(input.subarray(first * inputValues, (first + size) * inputValues), size))
    },
    dispose: () => session.dispose(),
  }
}

/** @throws InferError INFER_ARGUMENT unless the input has the values of so many images */
export function checkInput(graph: Graph, input: Float32Array, count: number): void {
  const inputValues = countValues(graph.input.shape)
  if (!(Number.isSafeInteger(count) && count >= 0) || input.length !== count * inputValues) {
    throw new InferError('INFER_ARGUMENT', `graph ${graph.name}: expected ${count} · ${inputValues} input values, found ${input.length}`)
  }
}

/** Runs so many images at a time and lays the outputs end to end. */
function inParts(graph: Graph, count: number, most: number, run: (first: number, size: number) => Map<string, Float32Array>): Map<string, Float32Array> {
  if (count === 0) return new Map(graph.outputs.map((name) => [name, new Float32Array(0)]))
  if (count <= most) return run(0, count)
  const parts = Array.from({ length: Math.ceil(count / most) }, (_, part) => run(part * most, Math.min(most, count - part * most)))
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
