// Image records from a file or stream, one after another: frames (frame-reader.ts) whose payloads
// are image records (image-header.ts).

import { readChunks, type ByteSource } from './byte-source.js'
import { RecordError } from './errors.js'
import { FrameDecoder, sourceName, type FramedPayload, type ReadOptions } from './frame-reader.js'
import { decodeImageRecord, type ImageRecord } from './image-header.js'
import { openMeta, type ListedEntry } from './meta-file.js'
import { siblingPath } from './sibling-path.js'

/** A record and its place. */
export interface StoredRecord extends ImageRecord {
  /** Place among the records, from 0. */
  readonly ordinal: number
  /** Where the record's first frame starts. */
  readonly offsetBytes: number
}

export interface ReadRecordsOptions extends ReadOptions {
  /** Compare each record's bytes with the checksum in the .meta, which must be there. Default false. */
  readonly verify?: boolean
}

/**
 * The image records of a `.rec` file (a path) or stream, in order. A file's `.meta`, where there is
 * one, tells at the end whether records are missing (a file cut between two records looks whole).
 * Memory: one record, and 4 MiB.
 *
 * @throws RecordError REC_BAD_MAGIC, REC_BAD_FRAME, REC_CUT, REC_TOO_LARGE, REC_BAD_HEADER, REC_FILE,
 *   REC_BAD_META, REC_META_MISMATCH, REC_ABORTED; with `verify` also REC_BAD_CHECKSUM
 */
export async function* readRecords(source: ByteSource, options: ReadRecordsOptions = {}): AsyncGenerator<StoredRecord> {
  const { verify = false, borrow = false, signal } = options
  const name = sourceName(source, options)
  const meta = typeof source === 'string' ? await openMeta(siblingPath(source, '.meta')) : undefined
  try {
    if (verify && !meta) throw noMeta(name, typeof source === 'string')
    const decoder = new FrameDecoder(name, { borrow, isChecked: verify })
    let entries: readonly ListedEntry[] = []
    let count = 0
    for await (const chunk of readChunks(source, name, signal)) {
      for (const framed of decoder.decode(chunk)) {
        const { ordinal, offsetBytes, payload } = framed
        if (verify) {
          if (ordinal > (entries.at(-1)?.ordinal ?? -1) && ordinal < meta!.count) entries = await meta!.entriesFrom(ordinal)
          compare(name, meta!.count, entries[ordinal - (entries[0]?.ordinal ?? 0)], framed, decoder.checksum)
        }
        const { id, id2, label, labels, image } = decodeImageRecord(payload, { name, ordinal, offsetBytes })
        count++
        yield { ordinal, offsetBytes, id, id2, label, labels, image } // a spread costs 2 µs a record
      }
    }
    decoder.finish()
    if (meta && meta.summary.count !== count) throw wrongCount(name, meta.summary.count, count)
  } finally {
    await meta?.close()
  }
}

function compare(name: string, count: number, entry: ListedEntry | undefined, { ordinal, offsetBytes, lengthBytes }: FramedPayload, checksum: number): void {
  const stored = entry?.stored
  if (stored?.checksum === checksum && stored.lengthBytes === lengthBytes) return
  const fact = stored
    ? `expected ${stored.lengthBytes} bytes with checksum ${stored.checksum.toString(16)} as the .meta says, found ${lengthBytes} with ${checksum.toString(16)}`
    : `expected ${count} records as the .meta says, found more`
  const next = `see all faults with "millrace verify ${name}"`
  throw new RecordError(stored ? 'REC_BAD_CHECKSUM' : 'REC_META_MISMATCH', `${name}: record ${ordinal} at byte ${offsetBytes}: ${fact}; ${next}`, { path: name, record: ordinal, offsetBytes })
}

function noMeta(name: string, isFile: boolean): RecordError {
  const next = isFile ? `make one with "millrace index ${name}", or read without verify` : 'read the file by its path, or without verify'
  return new RecordError('REC_BAD_META', `${name}: expected a .meta to verify the records by, found none; ${next}`, { path: name })
}

function wrongCount(name: string, expected: number, found: number): RecordError {
  const next = 'copy or pack it again, or delete the .meta and .idx to read what is there'
  return new RecordError('REC_META_MISMATCH', `${name}: expected ${expected} records as its .meta says, found ${found}; ${next}`, { path: name, record: found })
}
