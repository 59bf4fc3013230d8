// Random access to a `.rec`: by ordinal and by id. Where the records stand is known from the .meta
// (checksums are compared), else from the .idx, else from one pass over the file.

import { crc32c } from '@node-rs/crc32'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { fileError, RecordError } from './errors.js'
import { FrameDecoder, type FramedPayload } from './frame-reader.js'
import { decodeImageRecord, type ImageRecord } from './image-header.js'
import { readIndexFile } from './index-file.js'
import { openMeta, type MetaIndex } from './meta-file.js'
import type { MetaHeader, MetaSummary } from './meta-layout.js'
import { IndexTable, MemoryIndex, type IndexEntry, type RecordIndex } from './record-index.js'
import { readRecords } from './record-reader.js'
import { siblingPath } from './sibling-path.js'

export interface RecordFile {
  readonly path: string
  readonly count: number
  /** `undefined` when there is no .meta. */
  readonly meta: { readonly header: MetaHeader; readonly summary: MetaSummary } | undefined
  /**
   * The record at a place in the file, from 0.
   *
   * @throws RecordError REC_NOT_FOUND, REC_BAD_CHECKSUM, and what `readRecords` throws
   */
  read(ordinal: number): Promise<ImageRecord>
  /**
   * The record with that id in its header; of several, the last in the file, as MXIndexedRecordIO does.
   *
   * @throws RecordError REC_NOT_FOUND, REC_INDEX_MISMATCH (the .idx gives the id to another record),
   *   and what `read` throws
   */
  readById(id: bigint): Promise<ImageRecord>
  close(): Promise<void>
}

/**
 * Opens a `.rec` for random access. Reads may run at the same time. With a .meta, opening costs the
 * same for any number of records; with a .idx it costs reading that file and 16 bytes of memory a
 * record (24 once an id is looked up, unless ids ascend); without either, reading the whole .rec.
 *
 * @throws RecordError REC_FILE, REC_BAD_META, REC_META_MISMATCH, REC_BAD_INDEX, REC_INDEX_MISMATCH;
 *   without siblings also what `readRecords` throws
 */
export async function openRecords(path: string): Promise<RecordFile> {
  const handle = await open(path).catch((cause: unknown) => {
    throw fileError(path, 'open it', cause)
  })
  let index: RecordIndex | undefined
  try {
    const { size } = await handle.stat()
    const meta = await openMeta(siblingPath(path, '.meta'))
    index = meta ?? (await openIndex(path))
    if (meta) checkMetaBelongs(path, meta, size)
    else if (index) await checkIndexBelongs(path, handle, index, size)
    index ??= await scanRecords(path)
    return new IndexedRecords(path, handle, index, meta && { header: meta.header, summary: meta.summary })
  } catch (cause) {
    await index?.close()
    await handle.close()
    throw fileError(path, 'read it', cause)
  }
}

class IndexedRecords implements RecordFile {
  constructor(
    readonly path: string,
    readonly handle: FileHandle,
    readonly index: RecordIndex,
    readonly meta: RecordFile['meta'],
  ) {}

  get count(): number {
    return this.index.count
  }

  async read(ordinal: number): Promise<ImageRecord> {
    if (!Number.isInteger(ordinal) || ordinal < 0 || ordinal >= this.count) {
      throw new RecordError('REC_NOT_FOUND', `${this.path}: expected an ordinal from 0 to ${this.count - 1}, found ${ordinal}`, { path: this.path })
    }
    return this.#readEntry(ordinal, await this.index.entry(ordinal))
  }

  async readById(id: bigint): Promise<ImageRecord> {
    const ordinal = await this.index.find(id)
    if (ordinal < 0) throw new RecordError('REC_NOT_FOUND', `${this.path}: none of its ${this.count} records has id ${id}`, { path: this.path })
    const entry = await this.index.entry(ordinal)
    const record = await this.#readEntry(ordinal, entry)
    if (record.id !== id) {
      const fact = `expected id ${id} as the index says, found ${record.id} in the record's header; delete the .idx to look up the ids of the headers`
      throw new RecordError('REC_INDEX_MISMATCH', `${this.path}: record ${ordinal} at byte ${entry.offsetBytes}: ${fact}`, { path: this.path, record: ordinal, offsetBytes: entry.offsetBytes })
    }
    return record
  }

  async close(): Promise<void> {
    await this.index.close()
    await this.handle.close()
  }

  async #readEntry(ordinal: number, { offsetBytes, stored }: IndexEntry): Promise<ImageRecord> {
    const place = { name: this.path, ordinal, offsetBytes }
    try {
      const { payload } = stored
        ? await readStored(this.handle, place, stored.lengthBytes, stored.checksum)
        : await readFramesAt(this.handle, place)
      return decodeImageRecord(payload, place)
    } catch (cause) {
      throw fileError(this.path, 'read it', cause)
    }
  }
}

/**
 * The image record that begins at a place in an open .rec.
 *
 * @throws RecordError as `readRecords`; REC_INDEX_MISMATCH when the file ends there
 */
export async function readRecordAt(handle: FileHandle, place: Place): Promise<ImageRecord> {
  const { payload } = await readFramesAt(handle, place)
  return decodeImageRecord(payload, place)
}

interface Place {
  readonly name: string
  readonly ordinal: number
  readonly offsetBytes: number
}

/** Length and checksum are known: one read, compared before it is decoded. */
async function readStored(handle: FileHandle, place: Place, lengthBytes: number, checksum: number): Promise<FramedPayload> {
  const frames = Buffer.allocUnsafeSlow(lengthBytes)
  const { bytesRead } = await handle.read(frames, 0, lengthBytes, place.offsetBytes)
  const found = crc32c(frames.subarray(0, bytesRead))
  const { name, ordinal, offsetBytes } = place
  if (found !== checksum) {
    const fact = `expected ${lengthBytes} bytes with checksum ${checksum.toString(16)}, found ${found.toString(16)}`
    const next = 'the .rec was damaged or replaced: copy it again with its .meta, or keep the other records with "millrace repair"'
    throw new RecordError('REC_BAD_CHECKSUM', `${name}: record ${ordinal} at byte ${offsetBytes}: ${fact}; ${next}`, { path: name, record: ordinal, offsetBytes })
  }
  const decoder = new FrameDecoder(name, { ordinal, offsetBytes, borrow: true })
  for (const framed of decoder.decode(frames)) return framed
  decoder.finish()
  throw new RecordError('REC_META_MISMATCH', `${name}: record ${ordinal} at byte ${offsetBytes}: the .meta gives it no bytes`, { path: name, record: ordinal, offsetBytes })
}

/** Only the place is known: reads on until the record is complete. */
async function readFramesAt(handle: FileHandle, place: Place): Promise<FramedPayload> {
  const { name, ordinal, offsetBytes } = place
  const decoder = new FrameDecoder(name, { ordinal, offsetBytes, borrow: true })
  for (let chunkBytes = 2 ** 16; ; chunkBytes = 2 ** 20) {
    const chunk = Buffer.allocUnsafeSlow(chunkBytes)
    const { bytesRead } = await handle.read(chunk, 0, chunkBytes, decoder.position)
    for (const framed of decoder.decode(chunk.subarray(0, bytesRead))) return framed
    if (bytesRead === 0) break
  }
  decoder.finish()
  throw new RecordError('REC_INDEX_MISMATCH', `${name}: expected record ${ordinal} at byte ${offsetBytes}, found the end of the file; delete the .idx: the .rec can be read without it`, { path: name, record: ordinal, offsetBytes })
}

async function openIndex(path: string): Promise<RecordIndex | undefined> {
  const indexPath = siblingPath(path, '.idx')
  const isThere = await stat(indexPath).then(() => true, () => false)
  return isThere ? new MemoryIndex(await readIndexFile(indexPath)) : undefined
}

async function scanRecords(path: string): Promise<RecordIndex> {
  const table = new IndexTable()
  for await (const { id, offsetBytes } of readRecords(path)) table.add(id, offsetBytes)
  return new MemoryIndex(table)
}

function checkMetaBelongs(path: string, meta: MetaIndex, size: number): void {
  if (meta.recordsBytes === size) return
  const fact = `expected ${meta.recordsBytes} bytes as its .meta says, found ${size}; see what is wrong with "millrace verify ${path}"; if the .rec is right, make its .meta anew with "millrace index ${path}"`
  throw new RecordError('REC_META_MISMATCH', `${path}: ${fact}`, { path })
}

/** The first record listed must stand at byte 0, and the last must end where the file ends. */
async function checkIndexBelongs(path: string, handle: FileHandle, index: RecordIndex, size: number): Promise<void> {
  const first = index.count === 0 ? 0 : (await index.entry(0)).offsetBytes
  const end = index.count === 0 ? 0 : await endOfLast(path, handle, index)
  if (first === 0 && end === size) return
  const fact = `expected the .idx to list all of its ${size} bytes, found bytes ${first} to ${end}; delete the .idx: the .rec can be read without it`
  throw new RecordError('REC_INDEX_MISMATCH', `${path}: ${fact}`, { path })
}

async function endOfLast(path: string, handle: FileHandle, index: RecordIndex): Promise<number> {
  const ordinal = index.count - 1
  const { offsetBytes } = await index.entry(ordinal)
  const { lengthBytes } = await readFramesAt(handle, { name: path, ordinal, offsetBytes })
  return offsetBytes + lengthBytes
}
