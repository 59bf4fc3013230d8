// Random numbers that are the same on every machine: sfc32 ("small fast chaotic", Chris Doty-Humphrey,
// PractRand 0.95), 128 bits of state, about 2 ns a number. A generator belongs to one (seed, stream,
// index), so any photo can be drawn alone, in any order and in any thread.

/** The draws that the sample's files need. */
export interface Random {
  /** Uniform in [0, 1), 32 bits fine. */
  (): number
}

/** The generator of item `index` in `stream` (a split's number) under `seed`; each a 32-bit integer. */
export function createRandom(seed: number, stream: number, index: number): Random {
  let a = seed | 0
  let b = stream | 0
  let c = index | 0
  let counter = 1
  const next = (): number => {
    const result = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + result) | 0
    return (result >>> 0) / 4294967296
  }
  for (let round = 0; round < 15; round++) next() // PractRand's warm-up for a seed of three words
  return next
}

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
