// What stands in the payload of an image record: MXNet's IRHeader (Python struct `IfQQ`), extra
// labels, the encoded image. Little endian:
//
//   offset      bytes      field
//   0           4          flag: how many labels follow the header, u32
//   4           4          label, f32
//   8           8          id, u64
//   16          8          id2, u64 (always 0 in im2rec's files)
//   24          4 · flag   labels, f32
//   24+4·flag   the rest   the image: JPEG, PNG, or anything
//
// A single label stands in the header (flag 0). With several, im2rec.py writes 0 there and im2rec.cc
// repeats the first; both are read, and the caller of the writer chooses.

import { RecordError } from './errors.js'
import { composeFrames, type Allocate } from './frame.js'
import { hasImageEnd } from './image-size.js'

/** One record, as stored. */
export interface ImageRecord {
  /** u64 */
  readonly id: bigint
  /** u64 */
  readonly id2: bigint
  /** The float32 in the header. */
  readonly label: number
  /** The extra labels after the header; empty when the header's flag is 0. */
  readonly labels: Float32Array
  /** The encoded image; alone in its memory but for the header before it. */
  readonly image: Uint8Array
}

/** A record to be written; what is left out is zero or empty. */
export type NewImageRecord = {
  readonly id: bigint
  /** Default 0. */
  readonly label?: number
  /** Default empty. */
  readonly labels?: Float32Array
  /** Default 0. */
  readonly id2?: bigint
  readonly image: Uint8Array
}

const imageHeaderBytes = 24

/** The label whichever way it is stored: the extra labels if there are any, else the header's one. */
export function labelValues(record: ImageRecord): Float32Array {
  return record.labels.length > 0 ? record.labels : Float32Array.of(record.label)
}

/**
 * The frames of one record, to be written to any stream. Their concatenation is a `.rec`.
 *
 * @throws RecordError REC_BAD_VALUE for an id outside u64 or an integer label that float32 would
 *   change; REC_TOO_LARGE when header, labels and image have 2^29 bytes or more
 */
export function encodeRecord(record: NewImageRecord): Uint8Array {
  return encodeRecordIn(record, Buffer.allocUnsafeSlow)
}

/** The same in memory from `allocate` (composeFrames). */
export function encodeRecordIn(record: NewImageRecord, allocate: Allocate): Uint8Array {
  checkRecord(record)
  const labels = record.labels ?? noLabels
  const imageOffset = imageHeaderBytes + 4 * labels.length
  return composeFrames(imageOffset + record.image.length, (target) => {
    const view = viewOf(target)
    view.setUint32(0, labels.length, true)
    view.setFloat32(4, record.label ?? 0, true)
    view.setBigUint64(8, record.id, true)
    view.setBigUint64(16, record.id2 ?? 0n, true)
    labels.forEach((value, index) => view.setFloat32(imageHeaderBytes + 4 * index, value, true))
    target.set(record.image, imageOffset)
  }, allocate)
}

/**
 * Reads header, labels and image of one payload; the image is a view of it.
 *
 * @param place names file, record and byte in an error
 * @throws RecordError REC_BAD_HEADER when the payload is shorter than the header says
 */
export function decodeImageRecord(payload: Uint8Array, place: { name: string; ordinal: number; offsetBytes: number }): ImageRecord {
  const flag = payload.length < imageHeaderBytes ? 0 : viewOf(payload).getUint32(0, true)
  const imageOffset = imageHeaderBytes + 4 * flag
  if (payload.length < imageOffset) {
    const { name, ordinal, offsetBytes } = place
    const expected = flag === 0 ? `an image header of ${imageHeaderBytes} bytes` : `an image header and ${flag} labels (${imageOffset} bytes)`
    const message = `${name}: record ${ordinal} at byte ${offsetBytes}: expected ${expected}, found a record of ${payload.length}; is it a file of image records?`
    throw new RecordError('REC_BAD_HEADER', message, { path: name, record: ordinal, offsetBytes })
  }
  const view = viewOf(payload)
  return {
    id: view.getBigUint64(8, true),
    id2: view.getBigUint64(16, true),
    label: view.getFloat32(4, true),
    labels: readLabels(view, flag),
    image: payload.subarray(imageOffset),
  }
}

/** Whether the payload is a header, its labels, and a JPEG or PNG with its end mark in place. */
export function hasWholeImage(payload: Uint8Array): boolean {
  if (payload.length < imageHeaderBytes) return false
  return hasImageEnd(payload.subarray(imageHeaderBytes + 4 * viewOf(payload).getUint32(0, true)))
}

const noLabels = new Float32Array(0)

function readLabels(view: DataView, count: number): Float32Array {
  if (count === 0) return noLabels
  return new Float32Array(count).map((_, index) => view.getFloat32(imageHeaderBytes + 4 * index, true))
}

/** Above 2^24 float32 skips integers; a class number must not change in silence (apache/mxnet#18227). */
function checkRecord({ id, id2 = 0n, label = 0 }: NewImageRecord): void {
  for (const [name, value] of [['id', id], ['id2', id2]] as const) {
    if (typeof value !== 'bigint' || BigInt.asUintN(64, value) !== value) {
      throw new RecordError('REC_BAD_VALUE', `record ${id}: expected ${name} to be a bigint from 0 to 2^64 - 1, found ${value}`)
    }
  }
  if (Number.isInteger(label) && Math.fround(label) !== label) {
    throw new RecordError('REC_BAD_VALUE', `record ${id}: label ${label} would be stored as ${Math.fround(label)} (float32); number the classes from 0, or round it yourself`)
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
