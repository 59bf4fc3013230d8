// A list of numbers that may become long: blocks of 65,536, so that growing copies nothing.

const blockBits = 16
const blockLength = 2 ** blockBits

const blockTypes = { u32: Uint32Array, f32: Float32Array, f64: Float64Array }

/** Numbers by position from 0. Memory: theirs, and at most one block more. */
export class NumberColumn {
  length = 0
  readonly #blocks: (Uint32Array | Float32Array | Float64Array)[] = []
  readonly #type: keyof typeof blockTypes

  /** Whole numbers below 2^32, or rounded to float32: 4 bytes each. Any number: 8 bytes. */
  constructor(type: 'u32' | 'f32' | 'f64') {
    this.#type = type
  }

  push(value: number): void {
    if (this.length % blockLength === 0) this.#blocks.push(new blockTypes[this.#type](blockLength))
    this.set(this.length++, value)
  }

  /** `position`: below the length. */
  set(position: number, value: number): void {
    this.#blocks[position >>> blockBits]![position % blockLength] = value
  }

  at(position: number): number {
    return this.#blocks[position >>> blockBits]![position % blockLength]!
  }
}
