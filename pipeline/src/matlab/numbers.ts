// Numbers as a MATLAB 5 file stores them: an array of doubles whose values are all small whole numbers
// stands there as bytes, so that the type of the data tells their width, not the class of the array.

import { elementTypes, type DataElement } from './elements.js'

interface NumberType {
  readonly bytes: number
  read(data: Buffer, at: number, isBigEndian: boolean): number
}

const { int8, uint8, int16, uint16, int32, uint32, single, double, int64, uint64 } = elementTypes

const numberTypes = new Map<number, NumberType>([
  [int8, { bytes: 1, read: (data, at) => data.readInt8(at) }],
  [uint8, { bytes: 1, read: (data, at) => data.readUInt8(at) }],
  [int16, { bytes: 2, read: (data, at, isBigEndian) => (isBigEndian ? data.readInt16BE(at) : data.readInt16LE(at)) }],
  [uint16, { bytes: 2, read: (data, at, isBigEndian) => (isBigEndian ? data.readUInt16BE(at) : data.readUInt16LE(at)) }],
  [int32, { bytes: 4, read: (data, at, isBigEndian) => (isBigEndian ? data.readInt32BE(at) : data.readInt32LE(at)) }],
  [uint32, { bytes: 4, read: (data, at, isBigEndian) => (isBigEndian ? data.readUInt32BE(at) : data.readUInt32LE(at)) }],
  [single, { bytes: 4, read: (data, at, isBigEndian) => (isBigEndian ? data.readFloatBE(at) : data.readFloatLE(at)) }],
  [double, { bytes: 8, read: (data, at, isBigEndian) => (isBigEndian ? data.readDoubleBE(at) : data.readDoubleLE(at)) }],
  [int64, { bytes: 8, read: (data, at, isBigEndian) => Number(isBigEndian ? data.readBigInt64BE(at) : data.readBigInt64LE(at)) }],
  [uint64, { bytes: 8, read: (data, at, isBigEndian) => Number(isBigEndian ? data.readBigUInt64BE(at) : data.readBigUInt64LE(at)) }],
])

/** How many numbers the element holds; undefined where it holds none, or a part of one. */
export function countNumbers({ type, data }: DataElement): number | undefined {
  const numberType = numberTypes.get(type)
  const count = numberType && data.length / numberType.bytes
  return Number.isInteger(count) ? count : undefined
}

/** The numbers of an element that `countNumbers` knows, in the file's order; 64-bit integers rounded to doubles. */
export function readNumbers({ type, data }: DataElement, isBigEndian: boolean): number[] {
  const { bytes, read } = numberTypes.get(type)!
  return Array.from({ length: data.length / bytes }, (_, index) => read(data, index * bytes, isBigEndian))
}
