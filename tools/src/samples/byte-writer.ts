// A growing buffer of little-endian numbers, in which earlier bytes can be filled in later.

/** Bytes written one after another; `patch` goes back for a moment. */
export class ByteWriter {
  private buffer = Buffer.alloc(1 << 20)
  private place = 0

  /** Where the next byte goes, from the start. */
  get length(): number {
    return this.place
  }

  u8(value: number): void {
    const at = this.advance(1)
    this.buffer.writeUInt8(value, at)
  }

  u16(value: number): void {
    const at = this.advance(2)
    this.buffer.writeUInt16LE(value, at)
  }

  u32(value: number): void {
    const at = this.advance(4)
    this.buffer.writeUInt32LE(value, at)
  }

  /** Exact up to 2^53; -1 is written as all ones, which formats use for "undefined". */
  u64(value: number): void {
    const at = this.advance(8)
    this.buffer.writeInt32LE(value | 0, at)
    this.buffer.writeInt32LE(Math.floor(value / 4294967296) | 0, at + 4)
  }

  f64(value: number): void {
    const at = this.advance(8)
    this.buffer.writeDoubleLE(value, at)
  }

  /** One byte a character. */
  text(value: string): void {
    const at = this.advance(value.length)
    this.buffer.write(value, at, 'latin1')
  }

  raw(value: Uint8Array): void {
    const at = this.advance(value.length)
    this.buffer.set(value, at)
  }

  zeros(count: number): void {
    this.advance(count) // the buffer is filled with zeros
  }

  /** Zeros up to the next multiple of 8. */
  align(): void {
    this.zeros(-this.place & 7)
  }

  /** Lets `write` overwrite the bytes from `offset`, then goes on at the end. */
  patch(offset: number, write: () => void): void {
    const end = this.place
    this.place = offset
    write()
    this.place = end
  }

  /** All that was written, without a copy. */
  bytes(): Uint8Array {
    return this.buffer.subarray(0, this.place)
  }

  /** Makes room for `count` bytes, which may replace the buffer, and returns where they start. */
  private advance(count: number): number {
    const at = this.place
    this.place += count
    if (this.place > this.buffer.length) {
      const larger = Buffer.alloc(Math.max(2 * this.buffer.length, this.place))
      this.buffer.copy(larger)
      this.buffer = larger
    }
    return at
  }
}
