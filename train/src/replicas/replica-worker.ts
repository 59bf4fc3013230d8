// One replica: a thread with its own engine. A step of synchronous data parallelism:
//
//   own share of the batch → own gradients → wait for all → mean gradient and update of an own share
//   of the weights → wait for all
//
// The mean is summed in the order of the replicas, so the result does not depend on who was first.

import { workerData } from 'node:worker_threads'
import type { Graph } from '@millrace/infer'
import type { Program } from '../engine/engine.js'
import { openWasmEngine } from '../engine/wasm/wasm-engine.js'
import { updateWeights, type OptimiserConfig, type Share } from '../optimiser.js'
import { answerQuestions } from '../worker-thread.js'
import { waitForAll } from './barrier.js'
import { viewBarrier, viewFailure, viewGradients, viewMemory, viewSlot, viewState, type SharedSlots, type SharedState } from './shared-memory.js'

export interface ReplicaSetup {
  readonly graph: Graph
  readonly optimiser: OptimiserConfig
  readonly seed: number
  readonly replica: number
  /** Weight of the past in batch norm's moving statistics. */
  readonly statisticsMomentum: number
  readonly shared: SharedState
}

/** From the main thread. `slots` comes with each request: training and validation have their own. */
export type ReplicaRequest =
  | { readonly kind: 'step'; readonly slots: SharedSlots; readonly slot: number; readonly step: number; readonly learningRate: number }
  | { readonly kind: 'run'; readonly slots: SharedSlots; readonly slot: number; readonly count: number }

export type ReplicaReply =
  | { readonly kind: 'losses'; readonly losses: Float64Array; readonly count: number }
  | { readonly kind: 'outputs'; readonly outputs: Map<string, Float32Array> }

const setup = workerData as ReplicaSetup
const { shared, replica } = setup
const state = viewState(shared)
const memory = viewMemory(shared)
const barrier = viewBarrier(shared)
const failure = viewFailure(shared)
const allGradients = Array.from({ length: shared.replicas }, (_, index) => viewGradients(shared, index))
const share = shareOf(shared.trained)

const program = (await openWasmEngine()).compile(setup.graph)
answerQuestions<ReplicaRequest, ReplicaReply>((request) => {
  if (request.kind === 'step') return step(program, request)
  const { images } = viewSlot(request.slots, request.slot, 0, request.count)
  return { kind: 'outputs', outputs: program.run(state, images, request.count) }
})

function step(program: Program, { slots, slot, step, learningRate }: ReplicaRequest & { kind: 'step' }): ReplicaReply {
  const rows = shareOf(slots.batchSize)
  const count = rows.end - rows.begin
  let losses: Float64Array | undefined
  let error: unknown
  try {
    const batch = { count, ...viewSlot(slots, slot, rows.begin, count) }
    const gradients = allGradients[replica]!
    losses = program.step(state, batch, { seed: setup.seed, step, replica }, gradients)
    if (![losses, gradients.trained, gradients.statistics].every(areFinite)) Atomics.store(failure, 0, 1)
  } catch (thrown) {
    Atomics.store(failure, 0, 1)
    error = thrown
  }
  // Even a replica that failed goes to the barrier, where the others wait.
  waitForAll(barrier, shared.replicas)
  if (Atomics.load(failure, 0) === 0) update(slots.batchSize, step, learningRate)
  waitForAll(barrier, shared.replicas)
  if (losses === undefined) throw error
  return { kind: 'losses', losses, count }
}

/** Averages the own share of the gradients into the first replica's row, and updates the weights there. */
function update(batchSize: number, step: number, learningRate: number): void {
  const portions = allGradients.map((_, index) => {
    const { begin, end } = shareOf(batchSize, index)
    return (end - begin) / batchSize
  })
  average(allGradients.map(({ trained }) => trained), portions, share)
  updateWeights(setup.optimiser, state.trained, allGradients[0]!.trained, memory, share, step, learningRate)
  if (replica === 0) {
    const whole = { begin: 0, end: shared.statistics }
    average(allGradients.map(({ statistics }) => statistics), portions, whole)
    const batchStatistics = allGradients[0]!.statistics
    const momentum = setup.statisticsMomentum
    for (let i = 0; i < shared.statistics; i++) state.statistics[i] = momentum * state.statistics[i]! + (1 - momentum) * batchStatistics[i]!
  }
}

/** NaN and the infinities are the numbers whose product with 0 is not 0. Without branches: it looks at every gradient. */
function areFinite(values: Float32Array | Float64Array): boolean {
  let zeros = 0
  for (let i = 0; i < values.length; i++) zeros += values[i]! * 0
  return zeros === 0
}

function average(rows: readonly Float32Array[], portions: readonly number[], { begin, end }: Share): void {
  const [first, ...others] = rows
  if (others.length === 0) return
  for (let i = begin; i < end; i++) {
    let sum = portions[0]! * first![i]!
    for (let row = 0; row < others.length; row++) sum += portions[row + 1]! * others[row]![i]!
    first![i] = sum
  }
}

function shareOf(size: number, index = replica): Share {
  return { begin: Math.floor((size * index) / shared.replicas), end: Math.floor((size * (index + 1)) / shared.replicas) }
}
