// What the threads of a training run share, as one SharedArrayBuffer a part:
//
//   state       trained weights, statistics, optimiser memory    written by replicas, each its share
//   gradients   one row a replica of trained, one of statistics   written by that replica
//   slots       images [B, h, w, c] and labels [B, width]         written by loaders, read by replicas
//   control     the barrier and the failure flag

import { TrainError } from '../errors.js'
import type { NetworkState } from '../engine/parameters.js'
import type { OptimiserMemory } from '../optimiser.js'
import { barrierWords } from './barrier.js'

/** The sizes from which every thread builds the same views. */
export interface SharedSizes {
  readonly trained: number
  readonly statistics: number
  readonly memoryArrays: number
  readonly replicas: number
}

export interface SharedState extends SharedSizes {
  readonly state: SharedArrayBuffer
  readonly gradients: SharedArrayBuffer
  readonly control: SharedArrayBuffer
}

const floatBytes = 4

export function allocateSharedState(sizes: SharedSizes): SharedState {
  const { trained, statistics, memoryArrays, replicas } = sizes
  return {
    ...sizes,
    state: allocate(floatBytes * (trained * (1 + memoryArrays) + statistics), 'the weights'),
    gradients: allocate(floatBytes * replicas * (trained + statistics), `the gradients of ${replicas} replicas`),
    control: allocate(4 * (barrierWords + 1), 'the barrier'),
  }
}

export function viewState({ state, trained, statistics }: SharedState): NetworkState {
  return { trained: new Float32Array(state, 0, trained), statistics: new Float32Array(state, floatBytes * trained, statistics) }
}

export function viewMemory({ state, trained, statistics, memoryArrays }: SharedState): OptimiserMemory {
  return Array.from({ length: memoryArrays }, (_, index) => new Float32Array(state, floatBytes * (trained * (1 + index) + statistics), trained))
}

/** The gradients of one replica. */
export function viewGradients({ gradients, trained, statistics }: SharedState, replica: number): NetworkState {
  const begin = floatBytes * replica * (trained + statistics)
  return { trained: new Float32Array(gradients, begin, trained), statistics: new Float32Array(gradients, begin + floatBytes * trained, statistics) }
}

export function viewBarrier({ control }: SharedState): Int32Array {
  return new Int32Array(control, 0, barrierWords)
}

/** One word: 1 once a replica has met a loss or gradient that is no finite number, or an error; nobody updates from then on. */
export function viewFailure({ control }: SharedState): Int32Array {
  return new Int32Array(control, 4 * barrierWords, 1)
}

/** Batches on their way from the loaders to the replicas. */
export interface SharedSlots {
  readonly buffer: SharedArrayBuffer
  readonly slots: number
  readonly batchSize: number
  /** Values of one image and of one label row. */
  readonly imageSize: number
  readonly labelWidth: number
}

export function allocateSlots(sizes: Omit<SharedSlots, 'buffer'>): SharedSlots {
  const { slots, batchSize, imageSize, labelWidth } = sizes
  return { ...sizes, buffer: allocate(floatBytes * slots * batchSize * (imageSize + labelWidth), `${slots} batches of ${batchSize} images`) }
}

/** Images and labels of `count` rows of a slot, from row `begin`. */
export function viewSlot({ buffer, batchSize, imageSize, labelWidth }: SharedSlots, slot: number, begin = 0, count = batchSize): { images: Float32Array; labels: Float32Array } {
  const slotBegin = slot * batchSize * (imageSize + labelWidth)
  return {
    images: new Float32Array(buffer, floatBytes * (slotBegin + begin * imageSize), count * imageSize),
    labels: new Float32Array(buffer, floatBytes * (slotBegin + batchSize * imageSize + begin * labelWidth), count * labelWidth),
  }
}

function allocate(bytes: number, purpose: string): SharedArrayBuffer {
  try {
    return new SharedArrayBuffer(bytes)
  } catch (cause) {
    throw new TrainError('TRAIN_OPTION', `${bytes} bytes for ${purpose} are more than there is memory for; lower --batch-size or --replicas`, { cause })
  }
}
