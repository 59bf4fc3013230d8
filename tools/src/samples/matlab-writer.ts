// Writes MATLAB 5 files as MATLAB saves them with -v6: numbers, text, cells and struct arrays, little-endian
// and not compressed. "MAT-File Format", MathWorks, chapter 1; pipeline/src/matlab reads them and shows the layout.

import { ByteWriter } from './byte-writer.js'

/** A number, a row of characters, a row of cells, or a row of structs with the same fields. */
export type MatlabValue = number | string | MatlabCells | MatlabStructs

export interface MatlabCells {
  readonly cells: readonly MatlabValue[]
}

export interface MatlabStructs {
  readonly fields: readonly string[]
  readonly elements: readonly (readonly MatlabValue[])[]
}

/** Types of data elements, and classes of arrays. */
const [int8, uint16, int32, uint32, double, matrix] = [1, 4, 5, 6, 9, 14]
const [cellClass, structClass, textClass, doubleClass] = [1, 2, 4, 6]
const fieldNameBytes = 32

/** The bytes of a file with these variables. */
export function encodeMatlab(variables: Readonly<Record<string, MatlabValue>>): Uint8Array {
  const bytes = new ByteWriter()
  bytes.text('MATLAB 5.0 MAT-file, Platform: GLNXA64, Created on: Thu Jan  1 00:00:00 1970'.padEnd(116)) // a fixed time: the same bytes each time
  bytes.zeros(8)
  bytes.u16(0x0100)
  bytes.text('IM')
  for (const [name, value] of Object.entries(variables)) writeMatrix(bytes, name, value)
  return bytes.bytes()
}

function writeMatrix(bytes: ByteWriter, name: string, value: MatlabValue): void {
  writeElement(bytes, matrix, () => {
    if (typeof value === 'number') {
      writeHead(bytes, doubleClass, 1, 1, name)
      writeElement(bytes, double, () => bytes.f64(value))
    } else if (typeof value === 'string') {
      writeHead(bytes, textClass, value === '' ? 0 : 1, value.length, name)
      writeElement(bytes, uint16, () => {
        for (let place = 0; place < value.length; place++) bytes.u16(value.charCodeAt(place))
      })
    } else if ('cells' in value) {
      writeHead(bytes, cellClass, 1, value.cells.length, name)
      for (const cell of value.cells) writeMatrix(bytes, '', cell)
    } else writeStructs(bytes, name, value)
  })
}

function writeStructs(bytes: ByteWriter, name: string, { fields, elements }: MatlabStructs): void {
  writeHead(bytes, structClass, 1, elements.length, name)
  writeElement(bytes, int32, () => bytes.u32(fieldNameBytes))
  writeElement(bytes, int8, () => {
    for (const field of fields) bytes.text(field.padEnd(fieldNameBytes, '\0'))
  })
  for (const element of elements) for (const member of element) writeMatrix(bytes, '', member)
}

/** Flags, dimensions and name. */
function writeHead(bytes: ByteWriter, arrayClass: number, rows: number, columns: number, name: string): void {
  writeElement(bytes, uint32, () => {
    bytes.u32(arrayClass)
    bytes.u32(0)
  })
  writeElement(bytes, int32, () => {
    bytes.u32(rows)
    bytes.u32(columns)
  })
  writeElement(bytes, int8, () => bytes.text(name))
}

/** Type, length, what `write` writes, and zeros up to the next multiple of 8. */
function writeElement(bytes: ByteWriter, type: number, write: () => void): void {
  bytes.u32(type)
  const lengthAt = bytes.length
  bytes.u32(0)
  const start = bytes.length
  write()
  const length = bytes.length - start
  bytes.align()
  const padded = type === matrix ? bytes.length - start : length // a matrix is made of padded elements
  bytes.patch(lengthAt, () => bytes.u32(padded))
}
