// A compiled network in memory of its own: copies the input in, runs, copies the outputs out.

import { InferError } from '../errors.js'
import { countValues } from '../shapes.js'
import { arenaOffset, stepName, type NetworkPlan, type TensorPlace, type VariantName } from './plan.js'
import { fasterVariant } from './variants.js'

export interface Session {
  readonly plan: NetworkPlan
  readonly variant: VariantName
  /**
   * The outputs [batch, …] by name, for an input [batch, height, width, channels] of at most the compiled batch.
   * @throws InferError INFER_ARGUMENT for another size, or once the session is disposed of; INFER_COMPILED if the
   * module fails, which only a damaged one does
   */
  run(input: Float32Array, batch: number): Map<string, Float32Array>
  /** Runs the network step by step and gives the milliseconds that each took. */
  timeSteps(input: Float32Array, batch: number): number[]
  /** Lets go of the memory. */
  dispose(): void
}

export interface SessionOptions {
  /** Most bytes of memory that it may take. Default 2 GiB. */
  readonly maxMemoryBytes?: number
}

/** A module's functions by name, each of the number of images. */
export type NetworkFunctions = Readonly<Record<string, (batch: number) => void>>

/**
 * Of several variants the faster one stays.
 * @param memory of `createMemory`; the weights as the kernels read them lie at its begin
 * @param path what errors call the modules
 * @throws InferError INFER_COMPILED for a module that does not fit the plan
 */
export function startSession(plan: NetworkPlan, memory: WebAssembly.Memory, modules: ReadonlyMap<VariantName, WebAssembly.Module>, path: string): Session {
  const arena = arenaOffset(plan)
  const candidates = asCompiledError(path, () => new Map(Array.from(modules, ([name, module]) => {
    const { exports } = new WebAssembly.Instance(module, { env: { memory, weights: 0, arena } })
    return [name, exports as NetworkFunctions]
  })))
  const variant = asCompiledError(path, () => fasterVariant(candidates, plan))
  return new NetworkSession(plan, variant, candidates.get(variant)!, memory, path)
}

/** What is let go of in the end. */
interface Held {
  readonly functions: NetworkFunctions
  readonly arena: Float32Array
}

class NetworkSession implements Session {
  readonly plan: NetworkPlan
  readonly variant: VariantName
  readonly #path: string
  #held: Held | undefined

  constructor(plan: NetworkPlan, variant: VariantName, functions: NetworkFunctions, memory: WebAssembly.Memory, path: string) {
    this.plan = plan
    this.variant = variant
    this.#path = path
    this.#held = { functions, arena: new Float32Array(memory.buffer, arenaOffset(plan), plan.arenaBytes / 4) }
  }

  run(input: Float32Array, batch: number): Map<string, Float32Array> {
    const { functions, arena } = this.#start(input, batch)
    asCompiledError(this.#path, () => functions['run']!(batch))
    return new Map(this.plan.outputs.map((output) => [output.name, readTensor(arena, output, batch)]))
  }

  timeSteps(input: Float32Array, batch: number): number[] {
    const { functions } = this.#start(input, batch)
    return asCompiledError(this.#path, () => this.plan.steps.map((_, step) => {
      const begin = performance.now()
      functions[stepName(step)]!(batch)
      return performance.now() - begin
    }))
  }

  dispose(): void {
    this.#held = undefined
  }

  /** Puts the input into its place. */
  #start(input: Float32Array, batch: number): Held {
    const { plan } = this
    if (this.#held === undefined) throw new InferError('INFER_ARGUMENT', 'the model was disposed of; load it again')
    if (!(Number.isSafeInteger(batch) && batch >= 1 && batch <= plan.batch)) throw new InferError('INFER_ARGUMENT', `batch: expected a whole number from 1 to ${plan.batch}, found ${batch}`)
    const values = batch * countValues(plan.input.shape)
    if (input.length !== values) throw new InferError('INFER_ARGUMENT', `input: expected ${values} values for ${batch} images, found ${input.length}`)
    writeTensor(this.#held.arena, plan.input, input, batch)
    return this.#held
  }
}

/** What a module throws is an error of its folder. */
function asCompiledError<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof InferError) throw error
    throw new InferError('INFER_COMPILED', `${path}: the module failed: ${(error as Error).message}; compile the model again`, { path, cause: error })
  }
}

/** Copies [batch, …] into its place, row by row where its rows lie together. */
function writeTensor(arena: Float32Array, { offsetBytes, layout }: TensorPlace, values: Float32Array, batch: number): void {
  const begin = offsetBytes / 4
  if (layout.pixelBytes !== 4 * layout.channels) arena.fill(0, begin, begin + (batch * layout.imageBytes) / 4) // the spare lanes of each pixel
  eachRun(layout, batch, (at, from, length) => arena.set(values.subarray(from, from + length), begin + at))
}

function readTensor(arena: Float32Array, { offsetBytes, layout }: TensorPlace, batch: number): Float32Array {
  const values = new Float32Array(batch * layout.height * layout.width * layout.channels)
  eachRun(layout, batch, (at, from, length) => values.set(arena.subarray(offsetBytes / 4 + at, offsetBytes / 4 + at + length), from))
  return values
}

/** The runs of a tensor that lie together: (place in the layout, place in the dense tensor, length), in floats. */
function eachRun({ height, width, channels, pixelBytes, rowBytes, imageBytes }: TensorPlace['layout'], batch: number, copy: (at: number, from: number, length: number) => void): void {
  const isRow = pixelBytes === 4 * channels
  let from = 0
  for (let image = 0; image < batch; image++) {
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < (isRow ? 1 : width); column++) {
        const length = isRow ? width * channels : channels
        copy((image * imageBytes + row * rowBytes + column * pixelBytes) / 4, from, length)
        from += length
      }
    }
  }
}
