// Optimisers as pure functions on flat arrays: every weight is updated from its own gradient and
// memory alone, so replicas may each update a share of the weights and agree to the last bit.

/** Adam: Kingma and Ba, 2015, algorithm 1. SGD: momentum as in Sutskever et al., 2013; 0 is plain SGD. */
export type OptimiserConfig =
  | { readonly kind: 'adam'; readonly beta1: number; readonly beta2: number; readonly epsilon: number }
  | { readonly kind: 'sgd'; readonly momentum: number; readonly nesterov: boolean }

/** Adam's memory is the two moments; SGD's the velocity. Each is as long as the weights. */
export type OptimiserMemory = readonly Float32Array[]

/** A run of the flat arrays: [begin, end). */
export interface Share {
  readonly begin: number
  readonly end: number
}

export const defaultAdam: OptimiserConfig = { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-7 }
export const defaultSgd: OptimiserConfig = { kind: 'sgd', momentum: 0.9, nesterov: false }

/** How many arrays the optimiser remembers. */
export function memoryArrays({ kind }: OptimiserConfig): number {
  return kind === 'adam' ? 2 : 1
}

/** Updates a share of `weights` in place. `step` counts from 0. */
export function updateWeights(
  config: OptimiserConfig, weights: Float32Array, gradient: Float32Array, memory: OptimiserMemory, { begin, end }: Share, step: number, learningRate: number,
): void {
  if (config.kind === 'adam') updateAdam(config, weights, gradient, memory, begin, end, step, learningRate)
  else updateSgd(config, weights, gradient, memory, begin, end, learningRate)
}

function updateAdam(
  { beta1, beta2, epsilon }: OptimiserConfig & { kind: 'adam' }, weights: Float32Array, gradient: Float32Array, memory: OptimiserMemory,
  begin: number, end: number, step: number, learningRate: number,
): void {
  const [first, second] = memory as [Float32Array, Float32Array]
  // The paper's closing remark of section 2: the corrections of both moments in the step size.
  const correction2 = Math.sqrt(1 - beta2 ** (step + 1))
  const rate = (learningRate * correction2) / (1 - beta1 ** (step + 1))
  const floor = epsilon * correction2
  for (let i = begin; i < end; i++) {
    const value = gradient[i]!
    const mean = beta1 * first[i]! + (1 - beta1) * value
    const square = beta2 * second[i]! + (1 - beta2) * value * value
    first[i] = mean
    second[i] = square
    weights[i]! -= (rate * mean) / (Math.sqrt(square) + floor)
  }
}

function updateSgd(
  { momentum, nesterov }: OptimiserConfig & { kind: 'sgd' }, weights: Float32Array, gradient: Float32Array, memory: OptimiserMemory,
  begin: number, end: number, learningRate: number,
): void {
  const velocity = memory[0]!
  for (let i = begin; i < end; i++) {
    const value = learningRate * gradient[i]!
    const speed = momentum * velocity[i]! - value
    velocity[i] = speed
    weights[i]! += nesterov ? momentum * speed - value : speed
  }
}
