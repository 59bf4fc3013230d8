// Reads a .meta file (meta-layout.ts) in place: opening takes three small reads, however many records
// there are; an entry takes one block of 6 KiB. Finding an id among n records takes about log2(n)
// steps; each reads one entry block, or with an order one order block and one entry block, unless
// the block is among the last that were used. 100 million records: at most 27 steps.

import { crc32c } from '@node-rs/crc32'
import { open, type FileHandle } from 'node:fs/promises'
import { fileError } from './errors.js'
import { findLast } from './id-order.js'
import {
  badMeta, blocksBytes, checksumBytes, decodeFooter, decodeMetaHead, decodeSummary, entryBlocks, maximumMessageBytes, metaFooterBytes,
  metaHeadBytes, orderBlocks, type BlockLayout, type MetaFooter, type MetaHeader, type MetaSummary,
} from './meta-layout.js'
import type { IndexEntry, RecordIndex } from './record-index.js'

/** An entry of a .meta. */
export interface ListedEntry extends IndexEntry {
  readonly ordinal: number
  readonly stored: { readonly lengthBytes: number; readonly checksum: number }
}

/** A .meta file as an index. */
export interface MetaIndex extends RecordIndex {
  entry(ordinal: number): Promise<ListedEntry>
  readonly header: MetaHeader
  readonly summary: MetaSummary
  /** What the size of the .rec must be. */
  readonly recordsBytes: number
  /** The entry of a record and those behind it in its block, for a walk through all. */
  entriesFrom(ordinal: number): Promise<readonly ListedEntry[]>
  /** The ordinal of the record at a position of the order by id. */
  ordinalAt(position: number): Promise<number>
}

/**
 * Opens a .meta file; `undefined` if there is none.
 *
 * @throws RecordError REC_BAD_META, REC_FILE
 */
export async function openMeta(path: string): Promise<MetaIndex | undefined> {
  let handle: FileHandle
  try {
    handle = await open(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw fileError(path, 'open it', cause)
  }
  try {
    const { size } = await handle.stat()
    if (size < metaHeadBytes + metaFooterBytes) throw badMeta(path, `expected at least ${metaHeadBytes + metaFooterBytes} bytes, found ${size}`)
    const footer = decodeFooter(path, await readAt(handle, path, size - metaFooterBytes, metaFooterBytes), size)
    const summaryBytes = size - metaFooterBytes - footer.summaryOffset
    if (Math.max(footer.entriesOffset, summaryBytes) > maximumMessageBytes) throw badMeta(path, `expected a header and summary of at most ${maximumMessageBytes} bytes`)
    const header = decodeMetaHead(path, await readAt(handle, path, 0, footer.entriesOffset), footer.headerChecksum)
    const summary = decodeSummary(path, await readAt(handle, path, footer.summaryOffset, summaryBytes), footer)
    return new BlockIndex(path, handle, footer, header, summary)
  } catch (cause) {
    await handle.close()
    throw fileError(path, 'read it', cause)
  }
}

/** Blocks kept in memory: about 400 KB, enough for the upper steps of a search. */
const cachedBlocks = 64

class BlockIndex implements MetaIndex {
  readonly count: number
  readonly recordsBytes: number
  readonly #blocks = new Map<number, Promise<Buffer>>() // by offset, least recently used first

  constructor(
    readonly path: string,
    readonly handle: FileHandle,
    readonly footer: MetaFooter,
    readonly header: MetaHeader,
    readonly summary: MetaSummary,
  ) {
    this.count = footer.count
    this.recordsBytes = footer.recordsBytes
  }

  async entry(ordinal: number): Promise<ListedEntry> {
    const { block, at } = await this.#item(this.footer.entriesOffset, entryBlocks, ordinal)
    return this.#decodeEntry(block, at, ordinal)
  }

  async entriesFrom(ordinal: number): Promise<readonly ListedEntry[]> {
    const { block, at } = await this.#item(this.footer.entriesOffset, entryBlocks, ordinal)
    const length = (block.length - checksumBytes - at) / entryBlocks.itemBytes
    return Array.from({ length }, (_, index) => this.#decodeEntry(block, at + index * entryBlocks.itemBytes, ordinal + index))
  }

  #decodeEntry(block: Buffer, at: number, ordinal: number): ListedEntry {
    const offsetBytes = Number(block.readBigUInt64LE(at + 8))
    const lengthBytes = block.readUInt32LE(at + 16)
    if (!(offsetBytes + lengthBytes <= this.recordsBytes)) {
      throw badMeta(this.path, `the entry of record ${ordinal} points at bytes ${offsetBytes} to ${offsetBytes + lengthBytes} of ${this.recordsBytes}`)
    }
    return { ordinal, id: block.readBigUInt64LE(at), offsetBytes, stored: { lengthBytes, checksum: block.readUInt32LE(at + 20) } }
  }

  async find(id: bigint): Promise<number> {
    const position = await findLast(this.count, async (at) => (await this.entry(await this.ordinalAt(at))).id, id)
    return position < 0 ? position : this.ordinalAt(position)
  }

  async close(): Promise<void> {
    this.#blocks.clear()
    await this.handle.close()
  }

  async ordinalAt(position: number): Promise<number> {
    if (this.footer.orderOffset === 0) return position
    const { block, at } = await this.#item(this.footer.orderOffset, orderBlocks, position)
    const ordinal = block.readUInt32LE(at)
    if (ordinal >= this.count) throw badMeta(this.path, `the order by id names record ${ordinal} of ${this.count}`)
    return ordinal
  }

  async #item(offset: number, layout: BlockLayout, index: number): Promise<{ block: Buffer; at: number }> {
    const first = index - (index % layout.itemsPerBlock)
    const items = Math.min(layout.itemsPerBlock, this.count - first)
    const block = await this.#block(offset + blocksBytes(layout, first), items * layout.itemBytes)
    return { block, at: (index - first) * layout.itemBytes }
  }

  #block(offset: number, itemsBytes: number): Promise<Buffer> {
    const block = this.#blocks.get(offset) ?? this.#readBlock(offset, itemsBytes)
    this.#blocks.delete(offset)
    this.#blocks.set(offset, block)
    if (this.#blocks.size > cachedBlocks) this.#blocks.delete(this.#blocks.keys().next().value!)
    return block
  }

  async #readBlock(offset: number, itemsBytes: number): Promise<Buffer> {
    const block = await readAt(this.handle, this.path, offset, itemsBytes + checksumBytes)
    if (crc32c(block.subarray(0, itemsBytes)) !== block.readUInt32LE(itemsBytes)) {
      throw badMeta(this.path, `the checksum of the block at byte ${offset} does not match`)
    }
    return block
  }
}

async function readAt(handle: FileHandle, path: string, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length)
  const { bytesRead } = await handle.read(buffer, 0, length, offset)
  if (bytesRead !== length) throw badMeta(path, `expected ${length} bytes at byte ${offset}, found ${bytesRead}`)
  return buffer
}
