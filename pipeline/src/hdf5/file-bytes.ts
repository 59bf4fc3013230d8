// The bytes of an HDF5 file by address, bounds-checked, through a bounded cache of pages.
//
// Reading is synchronous on purpose: a digitStruct.mat of 33,402 entries takes a million reads of a
// few bytes each, nearly all of which are answered from the cache, and awaiting each would cost more
// than the reading. A page that is not in the cache costs one read of 64 KiB.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { PipelineError } from '../errors.js'
import { Cursor } from './cursor.js'

const pageBytes = 65536
/** 16 MiB in all. MATLAB writes what belongs together side by side, so more brings nothing. */
const maxPages = 256

/** An open file. Addresses count from `base`, as HDF5's do (the bytes before it are the user block). */
export class FileBytes {
  readonly path: string
  readonly sizeBytes: number
  /** Byte offset of address 0. */
  base = 0
  readonly #descriptor: number
  readonly #pages = new Map<number, Buffer>() // oldest first

  /**
   * `shownPath` stands in messages.
   * @throws PipelineError PIPE_SOURCE_MISSING
   */
  constructor(path: string, shownPath = path) {
    this.path = shownPath
    this.#descriptor = openFile(path)
    this.sizeBytes = fstatSync(this.#descriptor).size
  }

  /**
   * The `length` bytes at `address`; `what` names the structure in the error. The buffer is shared:
   * do not write into it.
   * @throws PipelineError PIPE_HDF5_DAMAGED if they do not lie within the file
   */
  view(address: number, length: number, what: string): Buffer {
    const start = this.base + address
    if (!(address >= 0 && length >= 0 && start + length <= this.sizeBytes)) {
      throw this.damaged(address, `${what} of ${length} bytes ends within the file's ${this.sizeBytes} bytes`, 'an address or length past the end')
    }
    const page = Math.floor(start / pageBytes)
    const within = start - page * pageBytes
    if (within + length <= pageBytes) return this.#page(page).subarray(within, within + length)
    return this.#read(start, length)
  }

  /** A cursor over the `length` bytes at `address`. */
  cursor(address: number, length: number, what: string): Cursor {
    return new Cursor(this, this.view(address, length, what), address, what)
  }

  /** The error for bytes that cannot be right. */
  damaged(address: number, expected: string, found: string): PipelineError {
    return new PipelineError(
      'PIPE_HDF5_DAMAGED',
      `${this.path}: at byte ${this.base + address}: expected ${expected}, found ${found}; the file is cut short or damaged, fetch it again`,
      { path: this.path },
    )
  }

  /** The error for a feature that this reader leaves out. */
  unsupported(address: number, feature: string): PipelineError {
    return new PipelineError(
      'PIPE_HDF5_UNSUPPORTED',
      `${this.path}: at byte ${this.base + address}: ${feature} is not read here; save the file again from MATLAB with -v7.3, or rewrite it with "h5repack --low=0 --high=0"`,
      { path: this.path },
    )
  }

  close(): void {
    this.#pages.clear()
    closeSync(this.#descriptor)
  }

  #page(number: number): Buffer {
    const cached = this.#pages.get(number)
    if (cached !== undefined) return cached
    const start = number * pageBytes
    const page = this.#read(start, Math.min(pageBytes, this.sizeBytes - start))
    if (this.#pages.size >= maxPages) this.#pages.delete(this.#pages.keys().next().value!)
    this.#pages.set(number, page)
    return page
  }

  #read(start: number, length: number): Buffer {
    const buffer = Buffer.allocUnsafe(length)
    let filled = 0
    while (filled < length) {
      const count = readSync(this.#descriptor, buffer, filled, length - filled, start + filled)
      if (count === 0) throw this.damaged(start + filled - this.base, `${length - filled} more bytes`, 'the end of a file that shrank while it was read')
      filled += count
    }
    return buffer
  }
}

function openFile(path: string): number {
  try {
    const descriptor = openSync(path, 'r')
    if (fstatSync(descriptor).isFile()) return descriptor
    closeSync(descriptor)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new PipelineError('PIPE_SOURCE_MISSING', `${path}: cannot be read (${code ?? String(cause)}); check the path`, { path, cause })
  }
  throw new PipelineError('PIPE_SOURCE_MISSING', `${path}: expected a file, found something else; check the path`, { path })
}
