// Compiles a network: graph and weights → operations → places in memory → kernels → one WebAssembly module
// whose `run(batch)` calls them in their order, and one block of weights that every variant reads.
//
//   memory at run time:   [weights][arena]      both begin where the imported constants say

import type { Graph } from '../graph.js'
import { buildModule, call, globalGet, i32Add, i32Const, localGet, type Code, type FunctionSpec } from '../kernels/assembler.js'
import { clearKernel } from '../kernels/network/clear.js'
import { plainSimd, relaxedSimd, type Kernel, type Layout, type Variant } from '../kernels/network/kernel.js'
import { moduleConstants, stepName, type NetworkPlan, type TensorPlace, type WinogradUse } from '../runtime/plan.js'
import type { Weights } from '../weights.js'
import { chooseKernel } from './choose-kernel.js'
import { layOut, type Buffer, type LayoutPlan, type Place } from './layout.js'
import { placeBuffers, type Lifetime } from './memory.js'
import { inputsOf, type Program } from './operation.js'
import { simplify } from './simplify.js'

export interface CompileOptions {
  /** Most images a run takes. Default 1. */
  readonly batch?: number
  /** Default 'auto'. See WinogradUse. */
  readonly winograd?: WinogradUse
}

/** One call of a kernel. */
export interface Step {
  /** The value that it makes, named for a node of the graph. */
  readonly node: string
  readonly kernel: Kernel
  /** Offsets in the arena, or in the weights, in bytes. */
  readonly input: number
  readonly second: number
  readonly weights: number
  readonly output: number
  readonly workspace: number
  /** Of the values that it reads and writes, an image. */
  readonly valueBytes: number
}

export interface CompiledNetwork {
  readonly graph: Graph
  readonly batch: number
  readonly winograd: WinogradUse
  readonly input: TensorPlace
  readonly outputs: readonly TensorPlace[]
  readonly steps: readonly Step[]
  /** Zeros before the first run. */
  readonly arenaBytes: number
  /** All kernels' weights, as they are read. */
  readonly weights: Float32Array
}

/**
 * The plan of a network. Time and memory grow with its weights, which are copied once.
 * @throws InferError INFER_GRAPH_INVALID
 */
export function compileGraph(graph: Graph, weights: Weights, { batch = 1, winograd = 'auto' }: CompileOptions = {}): CompiledNetwork {
  const program = simplify(graph, weights)
  const layout = layOut(program)
  const placeOf = (value: string): Place => layout.places.get(value)!
  const calls = layout.operations.map((operation) => ({ operation, kernel: chooseKernel(operation, placeOf, { batch, winograd }) }))
  const { offsets, bytes, shared } = placeBuffers(lifetimesOf(program, layout, calls.map(({ kernel }) => kernel), batch))
  const addressOf = (value: string): number => offsets.get(placeOf(value).buffer.name)! + placeOf(value).offsetBytes
  const packed = new WeightPacker()
  const cleared = new Set<string>()
  const clear = (buffer: Buffer): Step[] => {
    // The arena is zeros before the first run, and what no other buffer writes to stays so.
    if (buffer.cleared === 'nothing' || !shared.has(buffer.name) || cleared.has(buffer.name)) return []
    cleared.add(buffer.name)
    const kernel = clearKernel(buffer.inner, buffer.cleared === 'all' ? undefined : buffer.originBytes)
    return [{ node: buffer.name, kernel, input: 0, second: 0, weights: 0, output: offsets.get(buffer.name)!, workspace: 0, valueBytes: buffer.imageBytes - (buffer.cleared === 'all' ? 0 : valueBytes(buffer.inner)) }]
  }
  const steps = [
    ...clear(placeOf(graph.input.name).buffer),
    ...calls.flatMap(({ operation, kernel }, index): Step[] => {
      const [first = '', second] = inputsOf(operation)
      return [...clear(placeOf(operation.output).buffer), {
        node: program.views.get(operation.output)?.of ?? operation.output, kernel, input: addressOf(first), second: second === undefined ? 0 : addressOf(second),
        weights: packed.add(kernel.weights), output: addressOf(operation.output), workspace: offsets.get(workspaceName(index)) ?? 0,
        valueBytes: [...inputsOf(operation), operation.output].reduce((sum, value) => sum + valueBytes(placeOf(value).layout), 0),
      }]
    }),
  ]
  const tensor = (name: string, value: string): TensorPlace => ({ name, shape: program.shapes.get(value)!, offsetBytes: addressOf(value), layout: placeOf(value).layout })
  return {
    graph,
    batch,
    winograd,
    input: tensor(graph.input.name, graph.input.name),
    outputs: graph.outputs.map((name) => tensor(name, program.outputs.get(name)!)),
    steps,
    arenaBytes: bytes,
    weights: packed.finish(),
  }
}

const workspaceName = (operation: number): string => `workspace ${operation}`

const valueBytes = ({ height, width, channels }: Layout): number => 4 * height * width * channels

/** When each buffer is in use. Step i is operation i; the input is there before, outputs after all of them. */
function lifetimesOf({ graph, outputs }: Program, { places, operations }: LayoutPlan, kernels: readonly Kernel[], batch: number): Lifetime[] {
  const spans = new Map<string, { buffer: Buffer; first: number; last: number }>()
  const use = (value: string, step: number): void => {
    const { buffer } = places.get(value)!
    const span = spans.get(buffer.name)
    spans.set(buffer.name, { buffer, first: Math.min(span?.first ?? step, step), last: Math.max(span?.last ?? step, step) })
  }
  use(graph.input.name, -1)
  for (const [step, operation] of operations.entries()) for (const value of [...inputsOf(operation), operation.output]) use(value, step)
  for (const value of outputs.values()) use(value, operations.length)
  const buffers = [...spans.values()].map(({ buffer, first, last }) => ({ name: buffer.name, bytes: buffer.imageBytes * batch, first, last }))
  const workspaces = kernels.flatMap((kernel, step) => (kernel.workspaceBytes ? [{ name: workspaceName(step), bytes: kernel.workspaceBytes(batch), first: step, last: step }] : []))
  return [...buffers, ...workspaces]
}

/** Lays the kernels' weights one after the other. */
class WeightPacker {
  readonly #blocks: { readonly weights: Float32Array; readonly offset: number }[] = []
  #bytes = 0

  /** Where the weights will lie. */
  add(weights: Float32Array): number {
    const offset = this.#bytes
    this.#blocks.push({ weights, offset })
    this.#bytes = Math.ceil((offset + weights.byteLength) / 64) * 64
    return offset
  }

  finish(): Float32Array {
    const all = new Float32Array(this.#bytes / 4)
    for (const { weights, offset } of this.#blocks) all.set(weights, offset / 4)
    return all
  }
}

/**
 * The module of a network for a variant: `run(batch)`, and `step0`, `step1`, … of the same parameter, which do its
 * parts.
 */
export function networkModule({ steps }: CompiledNetwork, variant: Variant, options: { readonly sharedPages?: number } = {}): Uint8Array<ArrayBuffer> {
  const functions: FunctionSpec[] = []
  const indices = new Map<string, number>()
  const calls = steps.map((step): Code => {
    const { key } = step.kernel
    const index = indices.get(key) ?? functions.push(step.kernel.emit(variant)) - 1
    indices.set(key, index)
    return callKernel(step, index)
  })
  const exported = (name: string, body: Code): FunctionSpec => ({ name, parameters: ['i32'], locals: [], body, exported: true })
  functions.push(exported('run', calls.flatMap((_, step) => [...localGet(0), ...call(functions.length + 1 + step)])))
  functions.push(...calls.map((code, step) => exported(stepName(step), code)))
  return buildModule(functions, { constants: moduleConstants, ...(options.sharedPages !== undefined && { sharedPages: options.sharedPages }) })
}

/** What a session needs of a network besides its weights and modules. */
export function planOf({ batch, winograd, input, outputs, weights, arenaBytes, steps }: CompiledNetwork): NetworkPlan {
  return {
    batch, winograd, input, outputs, arenaBytes, weightBytes: weights.byteLength,
    steps: steps.map(({ node, kernel, valueBytes }) => ({
      node, kernel: kernel.name, multiplyAdds: kernel.multiplyAdds, weightBytes: kernel.weights.byteLength, valueBytes,
      ...(kernel.tile && { tiles: { simd: kernel.tile(plainSimd), relaxed: kernel.tile(relaxedSimd) } }),
    })),
  }
}

function callKernel({ input, second, weights, output, workspace }: Step, index: number): Code {
  const at = (base: 0 | 1, offset: number): Code => [...globalGet(base), ...i32Const(offset), ...i32Add]
  const [weightsBase, arenaBase] = [0, 1] as const
  return [...at(arenaBase, input), ...at(arenaBase, second), ...at(weightsBase, weights), ...at(arenaBase, output), ...at(arenaBase, workspace), ...localGet(0), ...call(index)]
}
