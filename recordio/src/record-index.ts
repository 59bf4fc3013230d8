// Where the records of a file stand, by ordinal and by id. Two ways to know: a table in memory, made
// from a .idx file or from a scan (this file), or the blocks of a .meta file (meta-file.ts).

import { findLast, orderByKey } from './id-order.js'

/** What is known of one record without reading it. */
export interface IndexEntry {
  readonly id: bigint
  readonly offsetBytes: number
  /** Bytes of all its frames, and their CRC-32C: known from a .meta only. */
  readonly stored?: { readonly lengthBytes: number; readonly checksum: number }
}

export interface RecordIndex {
  readonly count: number
  /** `ordinal` must be below `count`. */
  entry(ordinal: number): Promise<IndexEntry>
  /** The ordinal of the last record with that id, -1 if there is none. */
  find(id: bigint): Promise<number>
  close(): Promise<void>
}

/** The table in memory: 16 bytes a record, 24 when the ids do not ascend. */
export class MemoryIndex implements RecordIndex {
  readonly count: number
  readonly #table: IndexTable
  #order: Uint32Array | undefined | null = null // null: not yet known

  constructor(table: IndexTable) {
    this.#table = table
    this.count = table.count
  }

  async entry(ordinal: number): Promise<IndexEntry> {
    return { id: this.#table.id(ordinal), offsetBytes: this.#table.offsetBytes(ordinal) }
  }

  async find(id: bigint): Promise<number> {
    if (this.#order === null) this.#order = orderByKey(this.#table.ids())
    const order = this.#order
    const position = await findLast(this.count, async (at) => this.#table.id(order ? order[at]! : at), id)
    return order && position >= 0 ? order[position]! : position
  }

  async close(): Promise<void> {}
}

/** Ids and offsets in columns that grow by doubling. */
export class IndexTable {
  count = 0
  #low = new Uint32Array(256)
  #high = new Uint32Array(256)
  #offsets = new Float64Array(256)

  add(id: bigint, offsetBytes: number): void {
    if (this.count === this.#offsets.length) this.#resize(2 * this.count)
    this.#low[this.count] = Number(id & 0xffffffffn)
    this.#high[this.count] = Number(id >> 32n)
    this.#offsets[this.count++] = offsetBytes
  }

  /** The same for an id below 2^53. */
  addNumber(id: number, offsetBytes: number): void {
    if (this.count === this.#offsets.length) this.#resize(2 * this.count)
    this.#low[this.count] = id // modulo 2^32
    this.#high[this.count] = Math.floor(id / 2 ** 32)
    this.#offsets[this.count++] = offsetBytes
  }

  id(ordinal: number): bigint {
    return (BigInt(this.#high[ordinal]!) << 32n) | BigInt(this.#low[ordinal]!)
  }

  offsetBytes(ordinal: number): number {
    return this.#offsets[ordinal]!
  }

  ids(): { low: Uint32Array; high: Uint32Array } {
    return { low: this.#low.subarray(0, this.count), high: this.#high.subarray(0, this.count) }
  }

  /** The same entries by ascending offset, which is the order of the records in the file. */
  byOffset(): IndexTable {
    const offsets = this.#offsets.subarray(0, this.count)
    if (offsets.every((offset, ordinal) => ordinal === 0 || offset >= offsets[ordinal - 1]!)) return this
    const order = orderByKey({ low: Uint32Array.from(offsets, (offset) => offset % 2 ** 32), high: Uint32Array.from(offsets, (offset) => offset / 2 ** 32) })
    if (!order) return this
    const sorted = new IndexTable()
    for (const ordinal of order) sorted.add(this.id(ordinal), this.offsetBytes(ordinal))
    return sorted
  }

  #resize(capacity: number): void {
    const { low, high } = this.ids()
    const offsets = this.#offsets
    this.#low = new Uint32Array(capacity)
    this.#high = new Uint32Array(capacity)
    this.#offsets = new Float64Array(capacity)
    this.#low.set(low)
    this.#high.set(high)
    this.#offsets.set(offsets)
  }
}
