// An HDF5 object header, version 1: what describes a data set or a group, and its attributes.
// HDF5 File Format Specification 3.0, section IV.A. All numbers are little-endian.
//
//    0  1 0, message count u16, link count u32, bytes of the messages u32, 0 u32
//   16  messages, each: type u16, body bytes u16, flags u8, 0 0 0, body filled to a multiple of 8
//
//   0x01 dataspace    1, rank, 1 if largest sizes follow, 0 × 5, sizes u64 …, largest sizes u64 …
//   0x03 datatype     class and version, class bits × 3, bytes an element u32, layout of the bits
//   0x05 fill value   2, allocation, when to write, 1, bytes u32, value
//   0x08 layout       3, 0 (in the header), bytes u16, data  |  3, 1 (elsewhere), address u64, bytes u64
//   0x0c attribute    1 0, bytes of name, datatype, dataspace u16 × 3; the three, each filled to 8; value
//   0x11 symbol table address of the B-tree u64, of the heap u64

import { ByteWriter } from './byte-writer.js'

/** Where an object header lies, counted from the end of the user block; also an object reference's value. */
export type Address = number

export type ElementType = 'float64' | 'uint16' | 'uint64' | 'reference'

/** A word in the global heap, see `Hdf5Writer.writeWords`. */
export interface WordReference {
  readonly length: number
  readonly collection: Address
  readonly index: number
}

export type Attribute =
  | { readonly name: string; readonly kind: 'text'; readonly value: string }
  | { readonly name: string; readonly kind: 'int32'; readonly value: number }
  | { readonly name: string; readonly kind: 'uint8'; readonly value: number }
  /** A list of variable-length sequences of one-byte strings. */
  | { readonly name: string; readonly kind: 'words'; readonly value: readonly WordReference[] }

/** What a data set's header says. Data without an address lies in the header. */
export interface DatasetHeader {
  readonly type: ElementType
  readonly shape: readonly number[]
  readonly values: ArrayLike<number>
  readonly dataAddress?: Address | undefined
  /** The reference that stands for "nothing". */
  readonly fill?: Address | undefined
  readonly attributes: readonly Attribute[]
}

/** Bytes of one element. */
export const elementBytes: Readonly<Record<ElementType, number>> = { float64: 8, uint16: 2, uint64: 8, reference: 8 }

const datatypes = {
  float64: fromHex('11203f00 08000000 00004000 340b0034 ff030000'),
  int32: fromHex('10080000 04000000 00002000'),
  uint8: fromHex('10000000 01000000 00000800'),
  uint16: fromHex('10000000 02000000 00001000'),
  uint64: fromHex('10000000 08000000 00004000'),
  reference: fromHex('17000000 08000000'),
  words: fromHex('19000000 10000000 13000000 01000000'), // a sequence of strings of one byte
} as const

/** The header of a data set; the data too unless it has an address. */
export function writeDatasetHeader(bytes: ByteWriter, header: DatasetHeader): void {
  const { type, shape, values, dataAddress, fill, attributes } = header
  writeHeader(bytes, 4 + attributes.length, () => {
    writeMessage(bytes, 0x01, () => writeDataspace(bytes, shape))
    writeMessage(bytes, 0x03, () => bytes.raw(datatypes[type]), 1)
    writeMessage(bytes, 0x05, () => writeFillValue(bytes, fill), 1)
    writeMessage(bytes, 0x08, () => {
      const dataBytes = values.length * elementBytes[type]
      bytes.u8(3)
      bytes.u8(dataAddress === undefined ? 0 : 1)
      if (dataAddress === undefined) {
        bytes.u16(dataBytes)
        writeValues(bytes, type, values)
      } else {
        bytes.u64(dataAddress)
        bytes.u64(dataBytes)
      }
    })
    for (const attribute of attributes) writeAttribute(bytes, attribute)
  })
}

/** The header of a group, whose members a B-tree and a heap name. */
export function writeGroupHeader(bytes: ByteWriter, tree: Address, heap: Address, attributes: readonly Attribute[]): void {
  writeHeader(bytes, 1 + attributes.length, () => {
    writeMessage(bytes, 0x11, () => {
      bytes.u64(tree)
      bytes.u64(heap)
    })
    for (const attribute of attributes) writeAttribute(bytes, attribute)
  })
}

/** The elements themselves. */
export function writeValues(bytes: ByteWriter, type: ElementType, values: ArrayLike<number>): void {
  for (let place = 0; place < values.length; place++) {
    const value = values[place]!
    if (type === 'float64') bytes.f64(value)
    else if (type === 'uint16') bytes.u16(value)
    else bytes.u64(value)
  }
}

function writeHeader(bytes: ByteWriter, messageCount: number, writeMessages: () => void): void {
  const start = bytes.length
  bytes.zeros(16)
  writeMessages()
  const messageBytes = bytes.length - start - 16
  bytes.patch(start, () => {
    bytes.u16(1)
    bytes.u16(messageCount)
    bytes.u32(1)
    bytes.u32(messageBytes)
  })
}

function writeMessage(bytes: ByteWriter, type: number, writeBody: () => void, flags = 0): void {
  const start = bytes.length
  bytes.zeros(8)
  writeBody()
  bytes.align()
  const bodyBytes = bytes.length - start - 8
  bytes.patch(start, () => {
    bytes.u16(type)
    bytes.u16(bodyBytes)
    bytes.u8(flags)
  })
}

/** No sizes: a scalar. */
function writeDataspace(bytes: ByteWriter, shape: readonly number[]): void {
  bytes.u8(1)
  bytes.u8(shape.length)
  bytes.u8(shape.length > 0 ? 1 : 0)
  bytes.zeros(5)
  for (const size of [...shape, ...shape]) bytes.u64(size)
}

function writeFillValue(bytes: ByteWriter, fill: Address | undefined): void {
  bytes.raw(Uint8Array.of(2, 1, 2, 1)) // space at once; written if set; defined
  bytes.u32(fill === undefined ? 0 : 8)
  if (fill !== undefined) bytes.u64(fill)
}

function writeAttribute(bytes: ByteWriter, attribute: Attribute): void {
  const { name } = attribute
  const datatype = attribute.kind === 'text' ? textType(attribute.value.length) : datatypes[attribute.kind]
  writeMessage(bytes, 0x0c, () => {
    bytes.u16(1)
    bytes.u16(name.length + 1)
    bytes.u16(datatype.length)
    bytes.u16(attribute.kind === 'words' ? 24 : 8)
    bytes.text(`${name}\0`)
    bytes.align()
    bytes.raw(datatype)
    bytes.align()
    writeDataspace(bytes, attribute.kind === 'words' ? [attribute.value.length] : [])
    writeAttributeValue(bytes, attribute)
  })
}

function writeAttributeValue(bytes: ByteWriter, attribute: Attribute): void {
  if (attribute.kind === 'text') bytes.text(attribute.value)
  else if (attribute.kind === 'int32') bytes.u32(attribute.value)
  else if (attribute.kind === 'uint8') bytes.u8(attribute.value)
  else for (const word of attribute.value) writeWordReference(bytes, word)
}

function writeWordReference(bytes: ByteWriter, word: WordReference): void {
  bytes.u32(word.length)
  bytes.u64(word.collection)
  bytes.u32(word.index)
}

/** A string of a fixed length, under 256 characters. */
function textType(length: number): Uint8Array {
  return Uint8Array.of(0x13, 0, 0, 0, length, 0, 0, 0)
}

function fromHex(text: string): Uint8Array {
  return Buffer.from(text.replaceAll(' ', ''), 'hex')
}
