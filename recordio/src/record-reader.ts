// Image records from a file or stream, one after another: frames (frame-reader.ts) whose payloads
// are image records (image-header.ts).

import type { ByteSource } from './byte-source.js'
import { readFrames, sourceName, type ReadOptions } from './frame-reader.js'
import { decodeImageRecord, type ImageRecord } from './image-header.js'

/** A record and its place. */
export interface StoredRecord extends ImageRecord {
  /** Place among the records, from 0. */
  readonly ordinal: number
  /** Where the record's first frame starts. */
  readonly offsetBytes: number
}

/**
 * The image records of a `.rec` file (a path) or stream, in order. Needs no `.idx` or `.meta` and
 * looks at none, so checksums are not compared: `openRecords` does that. Memory: one record.
 *
 * @throws RecordError REC_BAD_MAGIC, REC_BAD_FRAME, REC_CUT, REC_TOO_LARGE, REC_BAD_HEADER, REC_FILE, REC_ABORTED
 */
export async function* readRecords(source: ByteSource, options: ReadOptions = {}): AsyncGenerator<StoredRecord> {
  const name = sourceName(source, options)
  for await (const { ordinal, offsetBytes, payload } of readFrames(source, options)) {
    const { id, id2, label, labels, image } = decodeImageRecord(payload, { name, ordinal, offsetBytes })
    yield { ordinal, offsetBytes, id, id2, label, labels, image } // a spread costs 2 µs a record
  }
}
