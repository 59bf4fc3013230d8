// Writes a `.rec` with its `.idx` and `.meta`. All three are written beside their names and renamed
// once they are whole and on the disk, so a writer that dies leaves no file that looks finished.
//
// Order at the end (partial-records.ts): an old .meta and .idx step aside, the .rec gets its name, then its
// siblings. At every moment there is a whole .rec with siblings that belong to it, or with none, which is
// legal too; a .meta in place says that all is there.
//
// A writer with a token of the caller's can go on after a crash: `sync` tells how many bytes of the
// .rec the disk has, `resume` cuts the .rec to them, reads it, and makes the other two anew.

import { constants, createReadStream } from 'node:fs'
import { copyFile, rm, stat } from 'node:fs/promises'
import { Writable } from 'node:stream'
import { RecordError } from './errors.js'
import { encodeRecord, encodeRecordIn, type ImageRecord, type NewImageRecord } from './image-header.js'
import { formatIndexLine } from './index-file.js'
import { LabelCounter } from './label-statistics.js'
import type { MetaHeader, MetaSummary } from './meta-layout.js'
import { MetaWriter } from './meta-writer.js'
import { PartialFile, partialPath, randomToken } from './partial-file.js'
import { discardRecords, isUnpublished, publishRecords } from './partial-records.js'
import { readRecords } from './record-reader.js'
import { siblingPath } from './sibling-path.js'

export class RecordWriter {
  readonly path: string
  readonly #records: PartialFile
  readonly #index: PartialFile
  readonly #meta: MetaWriter
  readonly #labels: LabelCounter
  readonly #files: readonly PartialFile[]
  readonly #token: string
  readonly #room = (length: number): Buffer => this.#records.room(length)
  #indexLines = ''
  #count = 0
  #imageBytes = 0
  #notedBytes = 0 // of the .rec: what the siblings tell of
  #clonedBytes = 0 // of the .rec: what stood in it from the start
  #state: 'open' | 'finished' | 'closed' | 'aborted' | 'failed' = 'open'

  private constructor(path: string, files: WriterFiles, header: MetaHeader, token: string) {
    const { records, index, meta } = files
    this.path = path
    this.#token = token
    this.#records = records
    this.#index = index
    this.#meta = meta
    this.#files = [records, index, meta.file]
    this.#labels = new LabelCounter(header.labelKind)
  }

  /**
   * Begins `path` (`x.rec`) and beside it `x.idx` and `x.meta`. Files of these names stay as they
   * are until `close`.
   *
   * @param token part of the temporary names, unique among writers of the path; needed to `resume`
   * @throws RecordError REC_FILE, REC_BAD_VALUE (a header that cannot be stored)
   */
  static async create(path: string, meta: MetaHeader, token = randomToken()): Promise<RecordWriter> {
    await refuseFolder(path)
    try {
      return new RecordWriter(path, await openFiles(path, meta, token, () => PartialFile.create(path, token)), meta, token)
    } catch (error) {
      await discardRecords(path, token)
      throw error
    }
  }

  /**
   * Begins `path` with the bytes of the .rec `source`, on a file system that lets two files share them
   * (Btrfs, XFS, APFS); `undefined` on others. `copy` must be given each of its records, in their
   * order, before any new one: that writes nothing, but notes them in the siblings.
   *
   * @throws RecordError REC_FILE, REC_BAD_VALUE
   */
  static async clone(path: string, meta: MetaHeader, source: string, shareBytes = shareFile): Promise<RecordWriter | undefined> {
    const token = randomToken()
    const partial = partialPath(path, token)
    if (!(await shareBytes(source, partial))) return undefined
    try {
      const { size } = await stat(partial)
      const files = await openFiles(path, meta, token, () => PartialFile.reopen(path, token, size))
      const writer = new RecordWriter(path, files, meta, token)
      writer.#clonedBytes = size
      return writer
    } catch (error) {
      await discardRecords(path, token)
      throw error
    }
  }

  /**
   * Goes on where a writer with this token had `sync`ed: with the first `bytes` bytes of its .rec,
   * which are read through. Records written after them are dropped.
   *
   * @throws RecordError REC_FILE, and what reading records throws where they are damaged
   */
  static async resume(path: string, meta: MetaHeader, { token, bytes }: { readonly token: string; readonly bytes: number }): Promise<RecordWriter> {
    const files = await openFiles(path, meta, token, () => PartialFile.reopen(path, token, bytes))
    const writer = new RecordWriter(path, files, meta, token)
    try {
      if (bytes > 0) await writer.#readBack(partialPath(path, token), bytes)
      return writer
    } catch (error) {
      await writer.suspend()
      throw error
    }
  }

  /**
   * Appends a record; the image's memory is free again when it returns. Resolves when it is safe to
   * go on: a caller that waits keeps at most a few megabytes in memory.
   *
   * @throws RecordError REC_BAD_VALUE and REC_TOO_LARGE (the record is left out and the writer goes
   *   on), REC_FILE (the writer has failed: call `abort`), REC_WRITER_CLOSED
   */
  async write(record: NewImageRecord): Promise<void> {
    this.#requireOpen()
    await this.#append(record, encodeRecordIn(record, this.#room))
  }

  /**
   * Appends a record in the frames that it has in another file, byte for byte. They must not change
   * any more, and `record` must be what they hold.
   *
   * @throws RecordError as `write`
   */
  async copy(record: ImageRecord, frames: Uint8Array): Promise<void> {
    this.#requireOpen()
    await this.#append(record, frames)
  }

  async #append(record: NewImageRecord, frames: Uint8Array): Promise<void> {
    const offsetBytes = this.#notedBytes
    this.#note(record, frames, offsetBytes)
    if (offsetBytes >= this.#clonedBytes) this.#records.append(frames)
    try {
      for (const file of this.#files) if (file.isFull) await file.drain()
    } catch (error) {
      this.#state = 'failed'
      throw error
    }
  }

  /** Bytes of the .rec so far. */
  get bytes(): number {
    return this.#records.bytes
  }

  /**
   * Resolves when the disk has every record given so far; tells the bytes they take, for `resume`.
   *
   * @throws RecordError REC_FILE, REC_WRITER_CLOSED
   */
  async sync(): Promise<number> {
    this.#requireOpen()
    return this.#records.sync()
  }

  /**
   * Makes the three files durable and gives them their names. If that fails, older files stay as they
   * were and nothing of the new ones is left, unless the error says that the .rec has its name already.
   *
   * @param summary what only the caller knows (`rejected`, channel statistics); it wins over what
   *   the writer counted, except for `count`
   * @throws RecordError REC_FILE, REC_WRITER_CLOSED, REC_BAD_VALUE (a summary that cannot be stored)
   */
  async close(summary: Partial<MetaSummary> = {}): Promise<MetaSummary> {
    this.#requireOpen()
    try {
      const whole = await this.finish(summary)
      await publishRecords(this.path, this.#token)
      return whole
    } catch (error) {
      // Once the .rec has its name, the siblings under their temporary names are all that tell of its classes.
      if (await isUnpublished(this.path, this.#token).catch(() => false)) await this.#discard()
      throw error
    } finally {
      this.#state = 'closed'
    }
  }

  /**
   * Makes the three files durable, under their temporary names: `publishRecords` renames them, now or
   * after a crash.
   *
   * @throws RecordError as `close`
   */
  async finish(summary: Partial<MetaSummary> = {}): Promise<MetaSummary> {
    this.#requireOpen()
    const histogram = this.#labels.histogram()
    const whole: MetaSummary = {
      rejected: 0,
      imageBytes: this.#imageBytes,
      ...(histogram && { labelHistogram: histogram.labels }),
      ...summary,
      count: this.#count,
    }
    this.#state = 'failed'
    if (this.#notedBytes !== this.#records.bytes) throw new RecordError('REC_BAD_VALUE', `${this.path}: expected all ${this.#clonedBytes} bytes of the cloned file to be noted by copy, found ${this.#notedBytes}`)
    this.#appendIndexLines()
    await this.#records.finish()
    await this.#index.finish()
    await this.#meta.finish(whole, this.#records.bytes)
    this.#state = 'finished'
    return whole
  }

  /** Stops, and leaves the .rec as it is for `resume`. Never fails. */
  async suspend(): Promise<void> {
    if (this.#state === 'closed' || this.#state === 'finished') return
    this.#state = 'aborted'
    await this.#records.suspend()
    await this.#index.discard()
    await this.#meta.file.discard()
  }

  /** Removes everything written. After `close` it does nothing. */
  async abort(): Promise<void> {
    if (this.#state === 'closed') return
    this.#state = 'aborted'
    await this.#discard()
  }

  async #readBack(partial: string, bytes: number): Promise<void> {
    const stream = createReadStream(partial, { end: bytes - 1, highWaterMark: 2 ** 20 })
    for await (const record of readRecords(stream, { name: this.path })) {
      this.#note(record, encodeRecord(record), record.offsetBytes)
      await this.#index.drain()
      await this.#meta.file.drain()
    }
  }

  #note(record: NewImageRecord, frames: Uint8Array, offsetBytes: number): void {
    this.#meta.add({ id: record.id, offsetBytes, frames })
    this.#indexLines += formatIndexLine(record.id, offsetBytes)
    if (this.#indexLines.length > 2 ** 16) this.#appendIndexLines()
    this.#labels.add({ label: record.label ?? 0, labels: record.labels ?? noLabels })
    this.#imageBytes += record.image.length
    this.#notedBytes = offsetBytes + frames.length
    this.#count++
  }

  /** The .rec last: while it is there, nobody takes the others for those of a .rec in place. */
  async #discard(): Promise<void> {
    for (const file of [this.#meta.file, this.#index, this.#records]) await file.discard()
  }

  #appendIndexLines(): void {
    this.#index.append(Buffer.from(this.#indexLines, 'latin1'))
    this.#indexLines = ''
  }

  #requireOpen(): void {
    if (this.#state !== 'open') throw new RecordError('REC_WRITER_CLOSED', `${this.path}: the writer is ${this.#state}; create another`, { path: this.path })
  }
}

export interface RecordWriterOptions {
  /** Asked once, after the last record, for what the writer cannot count itself. Default: nothing. */
  readonly summary?: () => Partial<MetaSummary>
}

/**
 * A RecordWriter as a Writable of `NewImageRecord`, for `stream.pipeline`. The end of the stream
 * closes the writer; an error or `destroy()` aborts it, and no file appears.
 */
export function recordWriter(path: string, meta: MetaHeader, options: RecordWriterOptions = {}): Writable {
  let writer: RecordWriter | undefined
  const settle = (work: Promise<unknown>, callback: (error?: Error | null) => void): void => {
    work.then(() => callback(), callback)
  }
  return new Writable({
    objectMode: true,
    construct(callback) {
      settle(RecordWriter.create(path, meta).then((created) => (writer = created)), callback)
    },
    write(record: NewImageRecord, _encoding, callback) {
      settle(writer!.write(record), callback)
    },
    final(callback) {
      settle(writer!.close(options.summary?.()), callback)
    },
    destroy(error, callback) {
      settle(writer?.abort() ?? Promise.resolve(), () => callback(error))
    },
  })
}

const noLabels = new Float32Array(0)

interface WriterFiles {
  readonly records: PartialFile
  readonly index: PartialFile
  readonly meta: MetaWriter
}

async function openFiles(path: string, meta: MetaHeader, token: string, openRecords: () => Promise<PartialFile>): Promise<WriterFiles> {
  const records = await openRecords()
  const index = await PartialFile.create(siblingPath(path, '.idx'), token).catch(async (error: unknown) => {
    await records.suspend()
    throw error
  })
  try {
    return { records, index, meta: await MetaWriter.create(siblingPath(path, '.meta'), meta, token) }
  } catch (error) {
    await records.suspend()
    await index.discard()
    throw error
  }
}

/** Whether the file system could let both files have the same bytes on the disk. */
async function shareFile(source: string, target: string): Promise<boolean> {
  return copyFile(source, target, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL).then(() => true, async () => {
    await rm(target, { force: true })
    return false
  })
}

/** A folder in the way would be found only when the .rec is renamed, at the end of all the work. */
async function refuseFolder(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory()) throw new RecordError('REC_FILE', `${path}: expected the name of a file to write, found a folder; give a name such as ${path}/data.rec`, { path })
}
