// The filters that a chunk went through when it was written, undone in reverse order: deflate
// (node:zlib) and shuffle. HDF5 File Format Specification 3.0, IV.A.2.l.
//
//   version 1                                  version 2
//   1  version, 1 number, 6 reserved           1  version, 1 number
//   each filter:                               each filter:
//   2  id, 2 length of the name                2  id; 2 length of the name, if id ≥ 256
//   2  flags, 2 number of values               2  flags, 2 number of values
//   …  name padded to 8, values of 4 bytes,    …  name, values of 4 bytes
//      4 more if their number is odd

import { inflateSync } from 'node:zlib'
import type { Cursor } from './cursor.js'

const deflate = 1
const shuffle = 2
/** What deflate can gain at most: 1032 to 1. A chunk that claims more is damaged. */
const maxDeflateGain = 1032

/** The ids of the filters in the order of writing. */
export type Filters = readonly number[]

/** @throws PipelineError PIPE_HDF5_UNSUPPORTED for any filter but deflate and shuffle */
export function readFilters(body: Cursor | undefined): Filters {
  if (body === undefined) return []
  const version = body.u8()
  const count = body.u8()
  if (version !== 1 && version !== 2) throw body.file.unsupported(body.address, `filter pipeline version ${version}`)
  if (version === 1) body.skip(6)
  return Array.from({ length: count }, () => {
    const id = body.u16()
    const nameLength = version === 1 || id >= 256 ? body.u16() : 0
    body.skip(2)
    const valueCount = body.u16()
    const padding = version === 1 && valueCount % 2 === 1 ? 4 : 0
    body.skip((version === 1 ? Math.ceil(nameLength / 8) * 8 : nameLength) + valueCount * 4 + padding)
    if (id !== deflate && id !== shuffle) throw body.file.unsupported(body.address, `filter ${id} (deflate and shuffle are read)`)
    return id
  })
}

/**
 * The chunk as it was before the filters, exactly `length` bytes. A set bit of `skipMask` means that
 * the filter of that place was left out for this chunk.
 * @throws Error where the bytes do not inflate to that length; the caller names the place
 */
export function undoFilters(stored: Buffer, filters: Filters, skipMask: number, elementBytes: number, length: number): Buffer {
  let bytes = stored
  for (let place = filters.length - 1; place >= 0; place--) {
    if ((skipMask >>> place) & 1) continue
    if (filters[place] === shuffle) bytes = unshuffle(bytes, elementBytes)
    else if (length > stored.length * maxDeflateGain) throw new Error(`${stored.length} bytes cannot inflate to ${length}`)
    else bytes = inflateSync(bytes, { maxOutputLength: Math.max(1, length) })
  }
  if (bytes.length !== length) throw new Error(`${bytes.length} bytes instead of ${length}`)
  return bytes
}

/** Shuffle keeps all first bytes of the elements, then all second bytes, and so on; what is left over stays. */
function unshuffle(shuffled: Buffer, elementBytes: number): Buffer {
  const count = Math.floor(shuffled.length / elementBytes)
  const bytes = Buffer.from(shuffled)
  for (let place = 0; place < elementBytes; place++) {
    for (let index = 0; index < count; index++) bytes[index * elementBytes + place] = shuffled[place * count + index]!
  }
  return bytes
}
