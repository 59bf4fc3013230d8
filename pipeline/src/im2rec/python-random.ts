// Python 3's random.seed(n) and random.shuffle, number for number: im2rec.py shuffles its lists so, with
// seed 100, and a list made again must come out the same.
//
// The generator is MT19937: Matsumoto and Nishimura, "Mersenne Twister: A 623-Dimensionally
// Equidistributed Uniform Pseudo-Random Number Generator", 1998, seeded by its init_by_array. Python
// draws a number below n by taking as many high bits of one output as n has, until it is below n.

const size = 624
const shift = 397

export class PythonRandom {
  readonly #state = new Uint32Array(size)
  #next = size

  /** @param seed a whole number from 0 to 2^32 - 1 */
  constructor(seed: number) {
    this.#initialise([seed])
  }

  /** The next 32 bits. */
  uint32(): number {
    if (this.#next === size) this.#twist()
    let bits = this.#state[this.#next++]!
    bits ^= bits >>> 11
    bits ^= (bits << 7) & 0x9d2c5680
    bits ^= (bits << 15) & 0xefc60000
    return (bits ^ (bits >>> 18)) >>> 0
  }

  /** random.randrange(limit), for limits from 1 to 2^31. */
  below(limit: number): number {
    const unusedBits = Math.clz32(limit)
    let value = this.uint32() >>> unusedBits
    while (value >= limit) value = this.uint32() >>> unusedBits
    return value
  }

  /** random.shuffle(list): in place, from the end. */
  shuffle(list: unknown[]): void {
    for (let last = list.length - 1; last > 0; last--) {
      const other = this.below(last + 1)
      const kept = list[last]
      list[last] = list[other]
      list[other] = kept
    }
  }

  #initialise(key: readonly number[]): void {
    const state = this.#state
    state[0] = 19650218
    for (let i = 1; i < size; i++) state[i] = Math.imul(1812433253, state[i - 1]! ^ (state[i - 1]! >>> 30)) + i
    let i = 1
    const advance = (): void => {
      if (++i < size) return
      state[0] = state[size - 1]!
      i = 1
    }
    for (let step = 0; step < Math.max(size, key.length); step++) {
      const j = step % key.length
      state[i] = (state[i]! ^ Math.imul(state[i - 1]! ^ (state[i - 1]! >>> 30), 1664525)) + key[j]! + j
      advance()
    }
    for (let step = 1; step < size; step++) {
      state[i] = (state[i]! ^ Math.imul(state[i - 1]! ^ (state[i - 1]! >>> 30), 1566083941)) - i
      advance()
    }
    state[0] = 0x80000000
  }

  #twist(): void {
    const state = this.#state
    for (let i = 0; i < size; i++) {
      const bits = (state[i]! & 0x80000000) | (state[(i + 1) % size]! & 0x7fffffff)
      state[i] = state[(i + shift) % size]! ^ (bits >>> 1) ^ (bits & 1 ? 0x9908b0df : 0)
    }
    this.#next = 0
  }
}
