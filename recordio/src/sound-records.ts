// The records of a file that is expected to be sound, with their frames, to be copied elsewhere. Each is
// compared with the file's .meta, where there is one; the first fault ends the reading.

import { stat } from 'node:fs/promises'
import { fileError, RecordError } from './errors.js'
import { scanFrames, type DamagedBytes } from './frame-scanner.js'
import { decodeImageRecord } from './image-header.js'
import { openMeta, type MetaIndex } from './meta-file.js'
import type { StoredRecord } from './record-reader.js'
import { siblingPath } from './sibling-path.js'

export interface SoundRecord extends StoredRecord {
  /** All frames, heads and padding included. */
  readonly frames: Uint8Array
}

export interface SoundRecordsOptions {
  readonly signal?: AbortSignal | undefined
  /** Default true: compare with the .meta, if there is one. */
  readonly useMeta?: boolean
}

/** How far a walk over record files has come. */
export interface RecordsProgress {
  readonly records: number
  readonly bytes: number
  /** Of all files to be read. */
  readonly totalBytes: number
}

/**
 * @throws RecordError REC_BAD_FRAME (damage of any kind, with its place), REC_BAD_CHECKSUM,
 *   REC_BAD_HEADER, REC_BAD_META, REC_META_MISMATCH, REC_FILE, REC_ABORTED
 */
export async function* readSoundRecords(path: string, { signal, useMeta = true }: SoundRecordsOptions = {}): AsyncGenerator<SoundRecord> {
  const meta = useMeta ? await openMeta(siblingPath(path, '.meta')) : undefined
  try {
    if (meta) checkBytes(path, meta, await sizeOf(path))
    let count = 0
    for await (const piece of scanFrames(path, { signal, meta })) {
      if (piece.kind === 'damage') throw damageError(path, count, piece)
      const { ordinal, offsetBytes, frames, payload, entry } = piece
      const { id, id2, label, labels, image } = decodeImageRecord(payload, { name: path, ordinal, offsetBytes })
      if (meta && entry?.id !== id) {
        const fact = entry ? `expected id ${entry.id} as the .meta says, found ${id}` : 'the .meta does not list it'
        throw new RecordError('REC_META_MISMATCH', `${path}: record ${ordinal} at byte ${offsetBytes}: ${fact}; ${rebuild(path)}`, { path, record: ordinal, offsetBytes })
      }
      yield { ordinal, offsetBytes, id, id2, label, labels, image, frames }
      count++
    }
  } finally {
    await meta?.close()
  }
}

/** The size of a file in bytes. */
export async function sizeOf(path: string): Promise<number> {
  const { size } = await stat(path).catch((cause: unknown) => {
    throw fileError(path, 'open it', cause)
  })
  return size
}

function checkBytes(path: string, meta: MetaIndex, size: number): void {
  if (meta.recordsBytes === size) return
  throw new RecordError('REC_META_MISMATCH', `${path}: expected ${meta.recordsBytes} bytes as its .meta says, found ${size}; ${rebuild(path)}`, { path })
}

function damageError(path: string, ordinal: number, { offsetBytes, reason, isChecksum }: DamagedBytes): RecordError {
  const next = `see all faults with "millrace verify ${path}"; keep the intact records with "millrace repair"`
  return new RecordError(isChecksum ? 'REC_BAD_CHECKSUM' : 'REC_BAD_FRAME', `${path}: record ${ordinal} at byte ${offsetBytes}: ${reason}; ${next}`, { path, record: ordinal, offsetBytes })
}

function rebuild(path: string): string {
  return `if the .rec is right, make its .meta anew with "millrace index ${path}"`
}
