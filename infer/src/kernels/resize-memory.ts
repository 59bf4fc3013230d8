// The memory that the vector kernels of resizing share: one for each thread, reused by every resize.
// A resize lays its tables and buffers from the start of it and moves the pixels through in bands of
// rows, so that the memory stays at about a megabyte whatever the size of the images.

import type { PixelImage } from './resize-method.js'

const pageBytes = 65536

/** Pixels that are moved in at once, and out: they stay within a core's second-level cache. */
const bandBytes = 384 * 1024

export const resizeMemory = new WebAssembly.Memory({ initial: 1 })

/** How many rows of this many bytes make a band. */
export function bandRows(rowBytes: number): number {
  return Math.max(2, Math.floor(bandBytes / rowBytes))
}

/**
 * Lays regions of these byte counts one after the other, each aligned to 16 bytes and followed by at
 * least 16 more, since vectors reach past the end of what they work on. Grows the memory to hold them.
 */
export function layRegions<Name extends string>(byteCounts: Readonly<Record<Name, number>>): Record<Name, number> {
  let end = 0
  const addresses = {} as Record<Name, number>
  for (const [name, byteCount] of Object.entries<number>(byteCounts) as [Name, number][]) {
    addresses[name] = end
    end += Math.ceil(byteCount / 16) * 16 + 16
  }
  const missing = end - resizeMemory.buffer.byteLength
  if (missing > 0) resizeMemory.grow(Math.ceil(missing / pageBytes))
  return addresses
}

/** The rows of an image that the next run of a kernel reads, in the memory from `address` on. */
export class SourceBand {
  readonly #image: PixelImage
  readonly #rowBytes: number
  readonly #capacity: number
  readonly #address: number
  readonly #memory = new Uint8Array(resizeMemory.buffer)
  #placed = 0
  /** Rows of the image that follow each other are moved together. */
  #runStart = 0
  #runEnd = 0

  constructor(image: PixelImage, address: number, capacity: number) {
    this.#image = image
    this.#rowBytes = image.width * image.channels
    this.#address = address
    this.#capacity = capacity
  }

  /** How many more rows fit. */
  get room(): number {
    return this.#capacity - this.#placed
  }

  /** Gives a row its place; the row placed last has it already. It is there after `move`. */
  place(row: number): number {
    const isThere = this.#runEnd > this.#runStart && row === this.#runEnd - 1
    if (!isThere) {
      if (row !== this.#runEnd) this.move()
      if (this.#runEnd === this.#runStart) this.#runStart = row
      this.#runEnd = row + 1
      this.#placed++
    }
    return this.#address + (this.#placed - 1) * this.#rowBytes
  }

  /** Moves the placed rows into the memory. */
  move(): void {
    const rows = this.#runEnd - this.#runStart
    if (rows > 0) {
      const pixels = this.#image.data.subarray(this.#runStart * this.#rowBytes, this.#runEnd * this.#rowBytes)
      this.#memory.set(pixels, this.#address + (this.#placed - rows) * this.#rowBytes)
    }
    this.#runStart = this.#runEnd = 0
  }

  clear(): void {
    this.#placed = this.#runStart = this.#runEnd = 0
  }
}
