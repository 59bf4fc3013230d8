// Writes a `.rec` with its `.idx` and `.meta`. All three are written beside their names and renamed
// once they are whole and on the disk, so a writer that dies leaves no file that looks finished.
//
// Order at the end: remove an old .meta and .idx, rename the .rec, the .idx, last the .meta. At every
// moment there is a whole .rec with siblings that belong to it, or with none, which is legal too; a
// .meta in place says that all is there.

import { rm, stat } from 'node:fs/promises'
import { Writable } from 'node:stream'
import { fileError, RecordError } from './errors.js'
import { encodeRecord, type NewImageRecord } from './image-header.js'
import { formatIndexLine } from './index-file.js'
import { LabelCounter } from './label-statistics.js'
import type { MetaHeader, MetaSummary } from './meta-layout.js'
import { MetaWriter } from './meta-writer.js'
import { PartialFile, syncFolder } from './partial-file.js'
import { siblingPath } from './sibling-path.js'

export class RecordWriter {
  readonly path: string
  readonly #records: PartialFile
  readonly #index: PartialFile
  readonly #meta: MetaWriter
  readonly #labels: LabelCounter
  #indexLines = ''
  #count = 0
  #imageBytes = 0
  #state: 'open' | 'closed' | 'aborted' | 'failed' = 'open'

  private constructor(path: string, records: PartialFile, index: PartialFile, meta: MetaWriter, header: MetaHeader) {
    this.path = path
    this.#records = records
    this.#index = index
    this.#meta = meta
    this.#labels = new LabelCounter(header.labelKind)
  }

  /**
   * Begins `path` (`x.rec`) and beside it `x.idx` and `x.meta`. Files of these names stay as they
   * are until `close`.
   *
   * @throws RecordError REC_FILE, REC_BAD_VALUE (a header that cannot be stored)
   */
  static async create(path: string, meta: MetaHeader): Promise<RecordWriter> {
    await refuseFolder(path)
    const begun: PartialFile[] = []
    try {
      const records = await PartialFile.create(path)
      begun.push(records)
      const index = await PartialFile.create(siblingPath(path, '.idx'))
      begun.push(index)
      return new RecordWriter(path, records, index, await MetaWriter.create(siblingPath(path, '.meta'), meta), meta)
    } catch (error) {
      for (const file of begun) await file.discard()
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
    const frames = encodeRecord(record)
    this.#meta.add({ id: record.id, offsetBytes: this.#records.bytes, frames })
    this.#indexLines += formatIndexLine(record.id, this.#records.bytes)
    if (this.#indexLines.length > 2 ** 16) this.#appendIndexLines()
    this.#records.append(frames)
    this.#labels.add({ label: record.label ?? 0, labels: record.labels ?? noLabels })
    this.#imageBytes += record.image.length
    this.#count++
    try {
      for (const file of this.#files()) await file.drain()
    } catch (error) {
      this.#state = 'failed'
      throw error
    }
  }

  /**
   * Makes the three files durable and gives them their names. If that fails, removes what is not
   * yet in place.
   *
   * @param summary what only the caller knows (`rejected`, channel statistics); it wins over what
   *   the writer counted, except for `count`
   * @throws RecordError REC_FILE, REC_WRITER_CLOSED, REC_BAD_VALUE (a summary that cannot be stored)
   */
  async close(summary: Partial<MetaSummary> = {}): Promise<MetaSummary> {
    this.#requireOpen()
    this.#state = 'closed'
    const histogram = this.#labels.histogram()
    const whole: MetaSummary = {
      rejected: 0,
      imageBytes: this.#imageBytes,
      ...(histogram && { labelHistogram: histogram.labels }),
      ...summary,
      count: this.#count,
    }
    try {
      this.#appendIndexLines()
      await this.#records.finish()
      await this.#index.finish()
      await this.#meta.finish(whole, this.#records.bytes)
      await this.#publish()
    } catch (error) {
      await this.#discard()
      throw error
    }
    return whole
  }

  /** Removes everything written. After `close` it does nothing. */
  async abort(): Promise<void> {
    if (this.#state === 'closed') return
    this.#state = 'aborted'
    await this.#discard()
  }

  async #publish(): Promise<void> {
    for (const { path } of [this.#meta.file, this.#index]) {
      await rm(path, { force: true }).catch((cause: unknown) => {
        throw fileError(path, 'replace it', cause)
      })
    }
    for (const file of this.#files()) await file.publish()
    await syncFolder(this.path)
  }

  async #discard(): Promise<void> {
    for (const file of this.#files()) await file.discard()
  }

  #files(): readonly PartialFile[] {
    return [this.#records, this.#index, this.#meta.file]
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

/** A folder in the way would be found only when the .rec is renamed, at the end of all the work. */
async function refuseFolder(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory()) throw new RecordError('REC_FILE', `${path}: expected the name of a file to write, found a folder; give a name such as ${path}/data.rec`, { path })
}
