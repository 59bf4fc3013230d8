// The memory of a network: its weights, then its arena. It has its final size from the start.

import { InferError } from '../errors.js'
import { arenaOffset, type NetworkPlan } from './plan.js'

const pageBytes = 65536

/** What a network may take if nothing else is said: beyond it a plan is more likely hostile than large. */
export const defaultMaxMemoryBytes = 2 ** 31

/**
 * Memory for a network, whose weights are yet to be put at its begin.
 * @throws InferError INFER_MEMORY
 */
export function createMemory(plan: NetworkPlan, maxMemoryBytes?: number): WebAssembly.Memory {
  return allocate(checkMemory(plan, maxMemoryBytes))
}

/**
 * What the network takes, which is no more than it may.
 * @throws InferError INFER_MEMORY
 */
export function checkMemory(plan: NetworkPlan, maxMemoryBytes = defaultMaxMemoryBytes): number {
  const bytes = Math.ceil((arenaOffset(plan) + plan.arenaBytes) / pageBytes) * pageBytes
  if (bytes > maxMemoryBytes) {
    throw new InferError('INFER_MEMORY', `the network: expected at most ${maxMemoryBytes} bytes of memory, found that it takes ${bytes} for batches of ${plan.batch}; compile it for a smaller batch, or raise maxMemoryBytes`)
  }
  return bytes
}

function allocate(bytes: number): WebAssembly.Memory {
  const pages = bytes / pageBytes
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages })
  } catch (error) {
    throw new InferError('INFER_MEMORY', `the network: its ${bytes} bytes of memory cannot be had: ${(error as Error).message}; compile it for a smaller batch, or dispose of other models`, { cause: error })
  }
}
