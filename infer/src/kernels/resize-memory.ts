// The memory that the vector kernels of resizing share: one for each thread, reused by every resize.
// A resize lays its tables and buffers from the start of it and moves the pixels through in bands of
// rows, so that the memory stays at about a megabyte whatever the size of the images. Above them pixels
// may be lent out: an image that was decoded there is read where it lies.
//
//   0            tables and buffers of the resize at hand
//   workBytes    the loan

import type { PixelImage, PixelSize } from './resize-method.js'

const pageBytes = 65536

/** Pixels that are moved in at once, and out: they stay within a core's second-level cache. */
const bandBytes = 384 * 1024

export const resizeMemory = new WebAssembly.Memory({ initial: 1 })

/** Enough for any resize between sides of up to {@link largestSide}. */
const workBytes = 2 ** 24
const largestSide = 65535
const largestLoan = 2 ** 26

/**
 * A place for the pixels of one image, or of two after each other, in the memory of the kernels: what is
 * resized from there need not be copied. It is the borrower's until this thread borrows again. `undefined`
 * beyond 64 MiB.
 */
export function borrowPixels(byteCount: number): Uint8Array | undefined {
  if (byteCount > largestLoan) return undefined
  growTo(workBytes + byteCount + 16)
  return new Uint8Array(resizeMemory.buffer, workBytes, byteCount)
}

/**
 * A place for what is made of an image, beyond it where it is lent too; `undefined` where there is no more to
 * lend. Growing moves the memory: the image is to be taken from here.
 */
export function borrowBeyond(image: PixelImage, byteCount: number): { readonly image: PixelImage; readonly place: Uint8Array } | undefined {
  const { data } = image
  const [isLent, begin, length] = [areLent(data), data.byteOffset, data.length]
  const end = isLent ? Math.ceil((begin + length) / 16) * 16 + 16 : workBytes
  if (end + byteCount > workBytes + largestLoan) return undefined
  growTo(end + byteCount + 16)
  const place = new Uint8Array(resizeMemory.buffer, end, byteCount)
  return { image: isLent ? { ...image, data: new Uint8Array(resizeMemory.buffer, begin, length) } : image, place }
}

/** Whether the pixels lie in the memory of the kernels. */
export function areLent(data: Uint8Array): boolean {
  return data.buffer === resizeMemory.buffer && data.byteOffset >= workBytes
}

/** The image itself, or a copy where the resize might want the room that its pixels were lent. */
export function clearOfWork(image: PixelImage, to: PixelSize): PixelImage {
  const isLarge = Math.max(image.width, image.height, to.width, to.height) > largestSide
  return isLarge && areLent(image.data) ? { ...image, data: image.data.slice() } : image
}

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
  growTo(end)
  return addresses
}

function growTo(byteCount: number): void {
  const missing = byteCount - resizeMemory.buffer.byteLength
  if (missing > 0) resizeMemory.grow(Math.ceil(missing / pageBytes))
}

/** How many bytes a {@link SourceBand} of so many rows takes: none if the pixels are in the memory already. */
export function bandSize(image: PixelImage, rows: number): number {
  return areLent(image.data) ? 0 : rows * image.width * image.channels
}

/** The rows of an image that the next run of a kernel reads, in the memory from `address` on. */
export class SourceBand {
  readonly #image: PixelImage
  readonly #rowBytes: number
  readonly #capacity: number
  readonly #address: number
  readonly #isLent: boolean
  readonly #memory = new Uint8Array(resizeMemory.buffer)
  #placed = 0
  /** Rows of the image that follow each other are moved together. */
  #runStart = 0
  #runEnd = 0

  constructor(image: PixelImage, address: number, capacity: number) {
    this.#image = image
    this.#rowBytes = image.width * image.channels
    this.#isLent = areLent(image.data)
    this.#address = this.#isLent ? image.data.byteOffset : address
    this.#capacity = this.#isLent ? Infinity : capacity
  }

  /** How many more rows fit. */
  get room(): number {
    return this.#capacity - this.#placed
  }

  /** Gives a row its place; the row placed last has it already. It is there after `move`. */
  place(row: number): number {
    if (this.#isLent) return this.#address + row * this.#rowBytes
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
