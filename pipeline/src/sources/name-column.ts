// A list of names that may become long, as bytes in blocks of a megabyte: as strings, a hundred thousand of
// them would take more room, and make the heap that they survive in grow.

import { NumberColumn } from './number-column.js'

const blockBytes = 2 ** 20

/** Names by position from 0, of at most 65,536 bytes of UTF-8 each. Memory: their bytes, and 12 for each. */
export class NameColumn {
  readonly #blocks: Buffer[] = []
  readonly #starts = new NumberColumn('f64')
  readonly #lengths = new NumberColumn('u32')
  #end = 0

  /** Empty until it is set. */
  push(): void {
    this.#starts.push(0)
    this.#lengths.push(0)
  }

  set(position: number, name: string): void {
    const length = Buffer.byteLength(name)
    if ((this.#end % blockBytes) + length > blockBytes || this.#blocks.length === 0) {
      this.#end = this.#blocks.length * blockBytes
      this.#blocks.push(Buffer.allocUnsafeSlow(blockBytes))
    }
    this.#blocks.at(-1)!.write(name, this.#end % blockBytes)
    this.#starts.set(position, this.#end)
    this.#lengths.set(position, length)
    this.#end += length
  }

  at(position: number): string {
    const start = this.#starts.at(position)
    const offset = start % blockBytes
    return this.#blocks[Math.floor(start / blockBytes)]?.toString('utf8', offset, offset + this.#lengths.at(position)) ?? ''
  }
}
