// Image records from a file or stream, one after another: frames (frame-reader.ts) whose payloads
// are image records (image-header.ts).

import type { ByteSource } from './byte-source.js'
import { RecordError } from './errors.js'
import { readFrames, sourceName, type ReadOptions } from './frame-reader.js'
import { decodeImageRecord, type ImageRecord } from './image-header.js'
import { openMeta } from './meta-file.js'
import { siblingPath } from './sibling-path.js'

/** A record and its place. */
export interface StoredRecord extends ImageRecord {
  /** Place among the records, from 0. */
  readonly ordinal: number
  /** Where the record's first frame starts. */
  readonly offsetBytes: number
}

/**
 * The image records of a `.rec` file (a path) or stream, in order. A file's `.meta`, where there is
 * one, tells at the end whether records are missing (a file cut between two records looks whole);
 * checksums are not compared: `openRecords` does that. Memory: one record.
 *
 * @throws RecordError REC_BAD_MAGIC, REC_BAD_FRAME, REC_CUT, REC_TOO_LARGE, REC_BAD_HEADER, REC_FILE,
 *   REC_BAD_META, REC_META_MISMATCH, REC_ABORTED
 */
export async function* readRecords(source: ByteSource, options: ReadOptions = {}): AsyncGenerator<StoredRecord> {
  const name = sourceName(source, options)
  const meta = typeof source === 'string' ? await openMeta(siblingPath(source, '.meta')) : undefined
  await meta?.close()
  let count = 0
  for await (const { ordinal, offsetBytes, payload } of readFrames(source, options)) {
    const { id, id2, label, labels, image } = decodeImageRecord(payload, { name, ordinal, offsetBytes })
    count++
    yield { ordinal, offsetBytes, id, id2, label, labels, image } // a spread costs 2 µs a record
  }
  if (meta && meta.summary.count !== count) {
    const message = `${name}: expected ${meta.summary.count} records as its .meta says, found ${count}; copy or pack it again, or delete the .meta and .idx to read what is there`
    throw new RecordError('REC_META_MISMATCH', message, { path: name, record: count })
  }
}
