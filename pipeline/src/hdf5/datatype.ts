// What the elements of a dataset are (datatype message) and how many there are (dataspace message).
// HDF5 File Format Specification 3.0, IV.A.2.b and d.
//
//   datatype                                        dataspace version 1         version 2
//   1  class (low 4 bits), version                  1  version                  1  version
//   3  class bits                                   1  rank                     1  rank
//   4  bytes an element                             1  flags, 5 reserved        1  flags, 1 type
//   …  fixed-point: 2 bit offset, 2 precision       8  each dimension           8  each dimension
//      float: the same, then exponent location
//      and size, mantissa location and size, 4 bias

import type { Cursor } from './cursor.js'

/** The element types that are read. `reference` is the address of an object header, 8 bytes. */
export interface ElementType {
  readonly kind: 'unsigned' | 'signed' | 'float' | 'reference'
  readonly bytes: number
  readonly bigEndian: boolean
}

const classNames = ['fixed-point', 'floating-point', 'time', 'string', 'bit field', 'opaque', 'compound', 'reference', 'enumeration', 'variable-length', 'array']

/** @throws PipelineError PIPE_HDF5_DAMAGED, PIPE_HDF5_UNSUPPORTED */
export function readDatatype(body: Cursor): ElementType {
  const typeClass = body.u8() & 15
  const bits = body.u8()
  body.skip(2)
  const bytes = body.u32()
  const bigEndian = (bits & 1) !== 0
  switch (typeClass) {
    case 0:
      checkFixedPoint(body, bytes)
      return { kind: bits & 8 ? 'signed' : 'unsigned', bytes, bigEndian }
    case 1:
      checkFloat(body, bits, bytes)
      return { kind: 'float', bytes, bigEndian }
    case 7:
      if ((bits & 15) !== 0 || bytes !== 8) throw unsupported(body, 'a reference that is not an object reference')
      return { kind: 'reference', bytes, bigEndian: false }
    default:
      throw unsupported(body, `an element of class ${typeClass} (${classNames[typeClass] ?? 'unknown'})`)
  }
}

/**
 * The dimensions; [] for a scalar.
 * @throws PipelineError PIPE_HDF5_DAMAGED, PIPE_HDF5_UNSUPPORTED
 */
export function readDataspace(body: Cursor): readonly number[] {
  const version = body.u8()
  const rank = body.u8()
  body.skip(1)
  if (version === 1) body.skip(5)
  else if (version !== 2) throw unsupported(body, `dataspace version ${version}`)
  else if (body.u8() === 2) return [0] // the null dataspace: no elements
  return Array.from({ length: rank }, () => body.length())
}

function checkFixedPoint(body: Cursor, bytes: number): void {
  const bitOffset = body.u16()
  const precision = body.u16()
  const isWhole = bitOffset === 0 && precision === bytes * 8
  if (!isWhole || ![1, 2, 4, 8].includes(bytes)) throw unsupported(body, `an integer of ${precision} bits in ${bytes} bytes`)
}

/** IEEE 754 single and double only. */
function checkFloat(body: Cursor, bits: number, bytes: number): void {
  const found = [body.u16(), body.u16(), body.u8(), body.u8(), body.u8(), body.u8(), body.u32()].join()
  const expected = bytes === 8 ? '0,64,52,11,0,52,1023' : bytes === 4 ? '0,32,23,8,0,23,127' : 'none'
  if (found !== expected || (bits & 0x40) !== 0) throw unsupported(body, `a floating-point number of ${bytes} bytes that is not IEEE 754`)
}

function unsupported(body: Cursor, feature: string): Error {
  return body.file.unsupported(body.address, feature)
}
