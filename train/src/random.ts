// Random numbers that are a pure function of their key: (seed, epoch, shard, ordinal) for an image,
// (seed, step, layer) for dropout. Any number of workers, any point of resume, any machine draws the same.

/** Draws uniform numbers in [0, 1). */
export type Random = () => number

/**
 * A generator for a key of integers. The key is mixed by MurmurHash3's 32-bit finaliser (Appleby,
 * 2011) into the state of sfc32 (Doty-Humphrey's Small Fast Counting generator, PractRand).
 */
export function createRandom(...key: readonly number[]): Random {
  let a = 0x9e3779b9
  let b = 0x243f6a88
  let c = 0xb7e15162
  for (const part of key) {
    // Both halves of a number above 2^32 count.
    for (const word of [part | 0, Math.floor(part / 2 ** 32) | 0]) {
      a = mix(a ^ word)
      b = mix((b + a) | 0)
      c = mix(c ^ b)
    }
  }
  let counter = 1
  const random = (): number => {
    const result = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + result | 0
    return (result >>> 0) / 2 ** 32
  }
  for (let warmUp = 0; warmUp < 4; warmUp++) random()
  return random
}

/** A standard normal number: Box and Muller, 1958. */
export function drawNormal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

/** An integer in [0, bound). */
export function drawInteger(random: Random, bound: number): number {
  return Math.floor(random() * bound)
}

/** The numbers 0 … count - 1 in random order: Fisher and Yates. */
export function permutation(count: number, random: Random): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index)
  for (let index = count - 1; index > 0; index--) {
    const other = drawInteger(random, index + 1)
    const held = order[index]!
    order[index] = order[other]!
    order[other] = held
  }
  return order
}

function mix(value: number): number {
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return value ^ (value >>> 16)
}
