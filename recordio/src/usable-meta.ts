// Can the .meta of a .rec that may be damaged be trusted to tell which of its records are intact?

import { crc32c } from '@node-rs/crc32'
import { open, type FileHandle } from 'node:fs/promises'
import { fileError } from './errors.js'
import { openMeta, type MetaIndex } from './meta-file.js'
import { siblingPath } from './sibling-path.js'

/** unusable: damaged itself, or of another file. */
export type MetaState = 'used' | 'none' | 'unusable'

export interface UsableMeta {
  /** Open, if it can be used. */
  readonly meta: MetaIndex | undefined
  readonly state: MetaState
  /** Why it cannot be used. */
  readonly fault: string | undefined
}

/**
 * Opens the .meta of `path` and reads all of it. It is of another file if of up to 64 entries spread
 * over it none has the checksum of the bytes that it points at; an entry of another file has it once in 2^32.
 *
 * @throws RecordError REC_FILE
 */
export async function openUsableMeta(path: string): Promise<UsableMeta> {
  let meta: MetaIndex | undefined
  try {
    meta = await openMeta(siblingPath(path, '.meta'))
    if (!meta) return { meta, state: 'none', fault: undefined }
    for (let ordinal = 0; ordinal < meta.count; ordinal += (await meta.entriesFrom(ordinal)).length) continue
    for (let position = 0; position < meta.count; position++) await meta.ordinalAt(position)
    const handle = await open(path)
    const isOfThisFile = await describesFile(meta, handle).finally(() => handle.close())
    if (isOfThisFile) return { meta, state: 'used', fault: undefined }
    await meta.close()
    return { meta: undefined, state: 'unusable', fault: 'expected the .meta of this .rec, found none of the checksums it lists in the .rec' }
  } catch (cause) {
    await meta?.close()
    const error = fileError(path, 'read it', cause)
    if (error.code === 'REC_BAD_META') return { meta: undefined, state: 'unusable', fault: error.message }
    throw error
  }
}

const samples = 64

/** Whether the .rec has one of the checksums that a .meta lists. */
export async function describesFile(meta: MetaIndex, handle: FileHandle): Promise<boolean> {
  const { size } = await handle.stat()
  if (meta.count === 0 || size === 0) return meta.recordsBytes === size
  const step = Math.max(1, Math.floor(meta.count / samples))
  for (let ordinal = 0; ordinal < meta.count; ordinal += step) {
    const { offsetBytes, stored } = await meta.entry(ordinal)
    if (offsetBytes + stored.lengthBytes > size) continue
    const frames = Buffer.allocUnsafeSlow(stored.lengthBytes)
    const { bytesRead } = await handle.read(frames, 0, frames.length, offsetBytes)
    if (crc32c(frames.subarray(0, bytesRead)) === stored.checksum) return true
  }
  return false
}
