// What a network is on its way to kernels: operations on named values, weights in hand, small functions
// drawn into the operations before them.

import type { ArithmeticNode, Graph, LocalResponseNormNode, MaxoutNode, ResizeNode } from '../graph.js'
import type { Epilogue } from '../kernels/network/activation.js'
import type { Stage } from '../kernels/network/elementwise.js'
import type { EpilogueWeights } from '../kernels/network/panels.js'

/** An operation that can end in other things: a sum with another value, an activation, a scale and shift. */
interface Finished {
  epilogue: Epilogue
  leading: EpilogueWeights
  /** The value that the epilogue adds. */
  residual?: string
}

export interface ConvolutionOperation extends Finished {
  readonly kind: 'convolution'
  readonly input: string
  output: string
  /** [kh, kw, channels / groups, filters] */
  kernel: Float32Array
  readonly filters: number
  readonly kernelSize: readonly [height: number, width: number]
  readonly strides: readonly [vertical: number, horizontal: number]
  readonly dilations: readonly [vertical: number, horizontal: number]
  readonly padding: Border
  readonly groups: number
}

export interface DenseOperation extends Finished {
  readonly kind: 'dense'
  readonly input: string
  output: string
  /** [values, units] */
  kernel: Float32Array
  readonly units: number
}

/** A convolution's transpose; the compiler makes convolutions of it (transposed-phases.ts). */
export interface TransposedConvolutionOperation extends Finished {
  readonly kind: 'transposedConvolution'
  readonly input: string
  output: string
  /** [kh, kw, channels, filters] */
  kernel: Float32Array
  readonly filters: number
  readonly kernelSize: readonly [height: number, width: number]
  readonly strides: readonly [vertical: number, horizontal: number]
  /** Rows and columns of the full result that are cut off before it. */
  readonly cut: readonly [top: number, left: number]
}

/** A second value or a constant, then stages, or none of them: a copy. */
export interface ElementwiseOperation {
  readonly kind: 'elementwise'
  readonly input: string
  output: string
  readonly second?: { readonly value: string; readonly operation: ArithmeticNode['op'] }
  /** Multiplies all channels of each pixel [height, width] by a number of its own. */
  readonly pixelFactors?: Float32Array
  stages: readonly Stage[]
}

export interface PoolOperation {
  readonly kind: 'pool'
  readonly input: string
  output: string
  readonly pool: 'max' | 'average'
  readonly poolSize: readonly [height: number, width: number]
  readonly strides: readonly [vertical: number, horizontal: number]
  readonly padding: readonly [top: number, left: number]
  readonly countPadding: boolean
}

/** Operations that nothing is drawn into. */
export type PlainOperation =
  | { readonly kind: 'globalPool'; readonly input: string; output: string; readonly pool: 'max' | 'average' }
  | { readonly kind: 'softmax'; readonly input: string; output: string }
  /** A run of channels of its input, read in place. */
  | { readonly kind: 'slice'; readonly input: string; output: string; readonly begin: number }
  | { readonly kind: 'reshape'; readonly input: string; output: string }
  | { readonly kind: 'transpose'; readonly input: string; output: string; readonly axes: readonly number[]; /** Of the input. */ readonly shape: readonly number[] }
  /** Repeats axes of 1. */
  | { readonly kind: 'expand'; readonly input: string; output: string; readonly from: readonly number[]; readonly to: readonly number[] }
  | { readonly kind: 'pad'; readonly input: string; output: string; readonly margins: Border; readonly value: number }
  | { readonly kind: 'resize'; readonly input: string; output: string; readonly node: ResizeNode }
  | { readonly kind: 'maxout'; readonly input: string; output: string; readonly node: MaxoutNode }
  | { readonly kind: 'localResponseNorm'; readonly input: string; output: string; readonly node: LocalResponseNormNode }
  | { readonly kind: 'concat'; readonly inputs: readonly string[]; output: string }

export type Operation = ConvolutionOperation | TransposedConvolutionOperation | DenseOperation | ElementwiseOperation | PoolOperation | PlainOperation

/** What a kernel does: the others are places in memory, or convolutions by another name. */
export type KernelOperation = Exclude<Operation, { readonly kind: 'concat' | 'transposedConvolution' }>

/** Rows and columns that an operation wants round its input, as zeros. */
export interface Border {
  readonly top: number
  readonly bottom: number
  readonly left: number
  readonly right: number
}

/** Every few rows and columns of a value, from a place on: a value by itself. */
export interface View {
  readonly of: string
  readonly begin: readonly [row: number, column: number]
  readonly strides: readonly [vertical: number, horizontal: number]
}

/** A network as operations. Values are named for nodes (or the input); those that stand between have names of their own. */
export interface Program {
  readonly graph: Graph
  readonly operations: readonly Operation[]
  readonly shapes: ReadonlyMap<string, readonly number[]>
  /** Values that are parts of others. */
  readonly views: ReadonlyMap<string, View>
  /** The values of the graph's outputs, by output name: a dropout at the end is the value before it. */
  readonly outputs: ReadonlyMap<string, string>
}

/** The values that an operation reads. */
export function inputsOf(operation: Operation): readonly string[] {
  if (operation.kind === 'concat') return operation.inputs
  if (operation.kind === 'elementwise') return operation.second ? [operation.input, operation.second.value] : [operation.input]
  return 'residual' in operation && operation.residual !== undefined ? [operation.input, operation.residual] : [operation.input]
}
