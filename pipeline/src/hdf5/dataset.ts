// A dataset: its shape, its element type and its elements. Three layouts are read: compact (in the
// object header), contiguous and chunked. HDF5 File Format Specification 3.0, IV.A.2.i.
//
//   layout message, version 3 (and 4, but for chunked)
//   1  version
//   1  class: 0 compact → 2 length, the bytes
//             1 contiguous → 8 address, 8 length
//             2 chunked → 1 rank + 1, 8 B-tree address, 4 each chunk dimension, 4 element size

import type { Cursor } from './cursor.js'
import type { FileBytes } from './file-bytes.js'
import { readChunks } from './chunks.js'
import { readDataspace, readDatatype, type ElementType } from './datatype.js'
import { readFilters } from './filters.js'
import { findMessage, messageTypes, type ObjectHeader } from './object-header.js'

export interface Dataset {
  readonly address: number
  readonly shape: readonly number[]
  readonly type: ElementType
  readonly count: number
  /** The elements, row-major, as stored. Shared: do not write into it. */
  readonly bytes: Buffer
}

/**
 * Reads a dataset whole, or gives undefined if the object is none. `maxCount` guards the memory:
 * more elements than the caller can make sense of are refused before anything is allocated.
 * @throws PipelineError PIPE_HDF5_DAMAGED, PIPE_HDF5_UNSUPPORTED
 */
export function readDataset(file: FileBytes, header: ObjectHeader, maxCount: number): Dataset | undefined {
  const layout = findMessage(header, messageTypes.layout)
  if (layout === undefined) return undefined
  const shape = readDataspace(needMessage(header, messageTypes.dataspace, layout))
  const type = readDatatype(needMessage(header, messageTypes.datatype, layout))
  const count = shape.reduce((total, size) => total * size, 1)
  if (!(count <= maxCount)) throw file.unsupported(header.address, `a dataset of shape [${shape.join(', ')}] where at most ${maxCount} elements make sense`)
  const length = count * type.bytes
  const bytes = count === 0 ? Buffer.alloc(0) : readLayout(file, header, layout, shape, type, length)
  if (bytes.length < length) throw layout.damaged(`${length} bytes for shape [${shape.join(', ')}]`, `${bytes.length}`)
  return { address: header.address, shape, type, count, bytes }
}

/**
 * The elements as numbers.
 * @throws PipelineError PIPE_HDF5_UNSUPPORTED for references and for integers of 8 bytes beyond 2^53
 */
export function toNumbers(file: FileBytes, dataset: Dataset): number[] {
  const read = numberReader(file, dataset)
  return Array.from({ length: dataset.count }, (_, index) => read(index * dataset.type.bytes))
}

/**
 * The elements as addresses of object headers; undefined where a reference is empty.
 * @throws PipelineError PIPE_HDF5_DAMAGED
 */
export function toReferences(file: FileBytes, dataset: Dataset): (number | undefined)[] {
  if (dataset.type.kind !== 'reference') throw file.damaged(dataset.address, 'object references', `${dataset.type.kind} numbers`)
  return Array.from({ length: dataset.count }, (_, index) => {
    const address = dataset.bytes.readUInt32LE(index * 8) + dataset.bytes.readUInt32LE(index * 8 + 4) * 2 ** 32
    return address === 0 || !Number.isSafeInteger(address) ? undefined : address
  })
}

function numberReader(file: FileBytes, { bytes, type, address }: Dataset): (at: number) => number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const little = !type.bigEndian
  switch (`${type.kind}${type.bytes * 8}`) {
    case 'unsigned8': return (at) => view.getUint8(at)
    case 'unsigned16': return (at) => view.getUint16(at, little)
    case 'unsigned32': return (at) => view.getUint32(at, little)
    case 'unsigned64': return (at) => safeNumber(file, address, view.getBigUint64(at, little))
    case 'signed8': return (at) => view.getInt8(at)
    case 'signed16': return (at) => view.getInt16(at, little)
    case 'signed32': return (at) => view.getInt32(at, little)
    case 'signed64': return (at) => safeNumber(file, address, view.getBigInt64(at, little))
    case 'float32': return (at) => view.getFloat32(at, little)
    case 'float64': return (at) => view.getFloat64(at, little)
    default: throw file.damaged(address, 'numbers', 'object references')
  }
}

function safeNumber(file: FileBytes, address: number, value: bigint): number {
  if (!Number.isSafeInteger(Number(value))) throw file.unsupported(address, `the integer ${value}`)
  return Number(value)
}

function readLayout(file: FileBytes, header: ObjectHeader, layout: Cursor, shape: readonly number[], type: ElementType, length: number): Buffer {
  const version = layout.u8()
  const layoutClass = layout.u8()
  const isRead = version === 3 || (version === 4 && layoutClass < 2)
  if (!isRead || layoutClass > 2) throw file.unsupported(layout.address, `layout version ${version}, class ${layoutClass}`)
  if (layoutClass === 0) return layout.take(layout.u16())
  if (layoutClass === 1) return readContiguous(file, layout, length)
  const rank = layout.u8() - 1
  if (rank !== shape.length) throw layout.damaged(`chunks of rank ${shape.length}`, `rank ${rank}`)
  const treeAddress = layout.address64()
  if (treeAddress === undefined) throw file.unsupported(layout.address, 'a dataset that was never written')
  const chunkShape = shape.map(() => layout.u32())
  const chunkBytes = chunkShape.reduce((total, size) => total * size, type.bytes)
  if (!(chunkBytes > 0 && chunkBytes < 2 ** 32)) throw layout.damaged('chunks of 1 byte to 4 GiB', `[${chunkShape.join(', ')}]`)
  const filters = readFilters(findMessage(header, messageTypes.filters))
  return readChunks(file, { treeAddress, chunkShape, shape, elementBytes: type.bytes, filters })
}

function readContiguous(file: FileBytes, layout: Cursor, length: number): Buffer {
  const address = layout.address64()
  if (address === undefined) throw file.unsupported(layout.address, 'a dataset that was never written, or whose data lie in another file,')
  const stored = layout.length()
  if (stored < length) throw layout.damaged(`${length} bytes`, `${stored}`)
  return file.view(address, length, 'dataset')
}

function needMessage(header: ObjectHeader, type: number, layout: Cursor): Cursor {
  const body = findMessage(header, type)
  if (body === undefined) throw layout.damaged(`a message of type ${type} beside it`, 'none')
  return body
}
