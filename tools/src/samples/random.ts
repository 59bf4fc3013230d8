// Draws for the sample's photos. A generator belongs to one (seed, split, index), so any photo can be
// drawn alone, in any order and in any thread.

import type { Random } from '@millrace/train/random'

export { createRandom, type Random } from '@millrace/train/random'

/** Uniform in [low, high). */
export function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random()
}

/** True with probability `share`. */
export function chance(random: Random, share: number): boolean {
  return random() < share
}

/** One of `items`, each equally likely. */
export function pick<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)]!
}

/** An index into `weights`, drawn in proportion to them. */
export function pickWeighted(random: Random, weights: readonly number[]): number {
  let rest = random() * weights.reduce((sum, weight) => sum + weight, 0)
  for (let index = 0; index < weights.length - 1; index++) {
    rest -= weights[index]!
    if (rest < 0) return index
  }
  return weights.length - 1
}
