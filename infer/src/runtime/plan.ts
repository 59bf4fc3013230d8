// What a session needs to know of a compiled network: how much memory it takes, where its input and its
// outputs lie, and what its steps are called. It is plain data: the compiler makes it, plan.json holds it.
//
//   memory:   [weights, up to a multiple of 64][arena]

import type { Layout } from '../kernels/network/kernel.js'

/** Where a value lies in the arena. */
export interface TensorPlace {
  readonly name: string
  /** Without the batch. */
  readonly shape: readonly number[]
  readonly offsetBytes: number
  readonly layout: Layout
}

/** What is told of a step: everything here is for people. */
export interface PlannedStep {
  /** The value that it makes, named for a node of the graph. */
  readonly node: string
  /** What computes it: "direct 3x3". */
  readonly kernel: string
  /** Pixels x filters held in registers, by variant; where the kernel works in tiles. */
  readonly tiles?: Readonly<Record<VariantName, string>>
  /** Multiplications with an addition, an image, as the definition has them. */
  readonly multiplyAdds: number
  /** Of its weights as they are read, once a call. */
  readonly weightBytes: number
  /** Of the values that it reads and writes, an image. */
  readonly valueBytes: number
}

export interface NetworkPlan {
  /** Most images a run takes. */
  readonly batch: number
  readonly winograd: WinogradUse
  readonly input: TensorPlace
  readonly outputs: readonly TensorPlace[]
  readonly weightBytes: number
  readonly arenaBytes: number
  readonly steps: readonly PlannedStep[]
}

/**
 * Where Winograd's convolution is used, which is quicker and rounds about twice as coarsely: where it is expected
 * to be quicker ('auto'), nowhere ('never': results then differ from the definition's by the order of its sums
 * only, and a NaN reaches only those outputs whose windows hold it), or wherever it is possible ('always', for
 * tests and measurements).
 */
export type WinogradUse = 'auto' | 'never' | 'always'

/** Instructions that a module uses: those that every engine has, or relaxed SIMD too. */
export type VariantName = 'simd' | 'relaxed'

/** The imports of a module besides its memory: where weights and arena begin. */
export const moduleConstants = ['weights', 'arena'] as const

/** The exports of a module: `run` and each step by itself, all of one parameter, the number of images. */
export const moduleExports = (steps: number): string[] => ['run', ...Array.from({ length: steps }, (_, step) => stepName(step))]

export const stepName = (step: number): string => `step${step}`

/** Where the arena begins. */
export const arenaOffset = ({ weightBytes }: NetworkPlan): number => Math.ceil(weightBytes / 64) * 64
