// Reads little-endian fields one after another from a run of bytes, and never past its end.

import type { FileBytes } from './file-bytes.js'

/** What HDF5 writes for "no address": all bits set. */
const undefinedHalf = 0xffffffff

export class Cursor {
  readonly file: FileBytes
  readonly bytes: Buffer
  /** Address of the first byte, for errors. */
  readonly address: number
  readonly #what: string
  #at = 0

  constructor(file: FileBytes, bytes: Buffer, address: number, what: string) {
    this.file = file
    this.bytes = bytes
    this.address = address
    this.#what = what
  }

  /** Address of the next byte. */
  get here(): number {
    return this.address + this.#at
  }

  get remaining(): number {
    return this.bytes.length - this.#at
  }

  u8(): number {
    return this.bytes.readUInt8(this.#advance(1))
  }

  u16(): number {
    return this.bytes.readUInt16LE(this.#advance(2))
  }

  u32(): number {
    return this.bytes.readUInt32LE(this.#advance(4))
  }

  /** A length or dimension of 8 bytes, which must be one that a file can have. */
  length(): number {
    const value = this.address64()
    if (value === undefined) throw this.damaged('a length', '0xffffffffffffffff')
    return value
  }

  /** An address of 8 bytes; undefined for HDF5's "no address". */
  address64(): number | undefined {
    const at = this.#advance(8)
    const low = this.bytes.readUInt32LE(at)
    const high = this.bytes.readUInt32LE(at + 4)
    if (low === undefinedHalf && high === undefinedHalf) return undefined
    const value = high * 2 ** 32 + low
    if (!Number.isSafeInteger(value)) throw this.damaged('an address or length below 2^53', `${value}`)
    return value
  }

  /** An address that must be there. */
  definedAddress(): number {
    const value = this.address64()
    if (value === undefined) throw this.damaged('an address', 'none')
    return value
  }

  skip(length: number): void {
    this.#advance(length)
  }

  take(length: number): Buffer {
    const at = this.#advance(length)
    return this.bytes.subarray(at, at + length)
  }

  /** A cursor over the next `length` bytes, which this one skips. */
  part(length: number, what: string): Cursor {
    const address = this.here
    return new Cursor(this.file, this.take(length), address, what)
  }

  /** Reads the four letters that every structure begins with. */
  signature(letters: string): void {
    const found = this.take(letters.length).toString('latin1')
    if (found !== letters) throw this.file.damaged(this.address, `${this.#what} beginning with "${letters}"`, JSON.stringify(found))
  }

  damaged(expected: string, found: string): Error {
    return this.file.damaged(this.here, `${expected} in ${this.#what}`, found)
  }

  #advance(length: number): number {
    const at = this.#at
    if (length > this.bytes.length - at) throw this.damaged(`${length} more bytes`, `${this.bytes.length - at}`)
    this.#at = at + length
    return at
  }
}
