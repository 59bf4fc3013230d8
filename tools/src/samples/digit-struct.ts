// The annotation file of SVHN's full numbers, `digitStruct.mat`, as MATLAB 7.3 saves it: a struct array
// with the fields name and bbox. Layout and attributes were read off the original files.
//
//   /digitStruct           group, MATLAB_class 'struct', MATLAB_fields name bbox
//     name, bbox           [n, 1] references to the objects of each photo in /#refs#
//   /#refs#/a              what an empty element refers to: MATLAB_class 'canonical empty'
//   /#refs#/b …            the names, [characters, 1] uint16, MATLAB_class 'char'
//   /#refs#/…              a group a photo, MATLAB_class 'struct', fields height left top width label:
//                          of one digit [1, 1] doubles, of k digits [k, 1] references to such doubles
//
// Objects are numbered a-z, A-Z, 1-9, 0, then ab, bb, cb …: base 62, the lowest place first.

import { Hdf5Writer } from './hdf5-writer.js'
import type { Address, Attribute, WordReference } from './hdf5-object.js'

/** One digit's box in pixels; `left` and `top` count from 1, and the digit 0 has label 10. */
export interface DigitBox {
  readonly height: number
  readonly left: number
  readonly top: number
  readonly width: number
  readonly label: number
}

/** One photo: the PNG's name, and its digits from left to right. */
export interface DigitStructEntry {
  readonly name: string
  readonly boxes: readonly DigitBox[]
}

const boxFields = ['height', 'left', 'top', 'width', 'label'] as const
const alphabet = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ1234567890'

/** The bytes of a `digitStruct.mat` with these entries in this order; at least one box each. */
export function encodeDigitStruct(entries: readonly DigitStructEntry[]): Uint8Array {
  const file = new Hdf5Writer()
  const references = new References(file)
  const fieldNames = file.writeWords(boxFields)
  const names = entries.map((entry) => references.addText(entry.name))
  const boxes = entries.map((entry) => writeBoxes(file, references, entry.boxes, fieldNames))
  const structNames = file.writeWords(['name', 'bbox'])
  const members = new Map([
    ['bbox', references.writeList(boxes)],
    ['name', references.writeList(names)],
  ])
  const digitStruct = file.writeGroup(members, [matlabClass('struct'), { name: 'MATLAB_fields', kind: 'words', value: structNames }])
  const root = new Map([['#refs#', references.writeGroup()], ['digitStruct', digitStruct]])
  return file.finish(userBlock(), root)
}

function writeBoxes(file: Hdf5Writer, references: References, boxes: readonly DigitBox[], fieldNames: readonly WordReference[]): Address {
  const path = references.nextPath()
  const members = new Map<string, Address>()
  const claim = references.claim()
  for (const field of boxFields) {
    const only = boxes.length === 1 ? boxes[0]! : undefined
    // MATLAB writes the group's own name twice as the path of a lone value; readers ignore it
    const member = only ? writeDouble(file, only[field], path + claim) : references.writeList(boxes.map((box) => references.addDouble(box[field])))
    members.set(field, member)
  }
  const address = file.writeGroup(members, [matlabClass('struct'), matlabPath(path), { name: 'MATLAB_fields', kind: 'words', value: fieldNames }])
  references.set(claim, address)
  return address
}

/** The group /#refs#: every object that something refers to, under the next free name. */
class References {
  private readonly members = new Map<string, Address>()
  private readonly empty: Address
  private count = 0

  constructor(private readonly file: Hdf5Writer) {
    this.empty = file.writeDataset({
      type: 'uint64',
      shape: [2],
      values: [0, 0],
      attributes: [{ name: 'MATLAB_empty', kind: 'uint8', value: 1 }, matlabClass('canonical empty')],
    })
    this.set(this.claim(), this.empty)
  }

  /** The path that the next claimed object gets. */
  nextPath(): string {
    return `/#refs#/${referenceName(this.count)}`
  }

  /** Takes the next name, for an object that `set` brings later. */
  claim(): string {
    return referenceName(this.count++)
  }

  set(name: string, address: Address): void {
    this.members.set(name, address)
  }

  addDouble(value: number): Address {
    const address = writeDouble(this.file, value, this.nextPath())
    this.set(this.claim(), address)
    return address
  }

  addText(text: string): Address {
    const address = this.file.writeDataset({
      type: 'uint16',
      shape: [text.length, 1],
      values: Array.from({ length: text.length }, (_, place) => text.charCodeAt(place)),
      attributes: [matlabClass('char'), { name: 'MATLAB_int_decode', kind: 'int32', value: 2 }, matlabPath(this.nextPath())],
    })
    this.set(this.claim(), address)
    return address
  }

  /** A data set [n, 1] of references, outside the group. */
  writeList(addresses: readonly Address[]): Address {
    return this.file.writeDataset({ type: 'reference', shape: [addresses.length, 1], values: addresses, fill: this.empty, attributes: [] })
  }

  writeGroup(): Address {
    return this.file.writeGroup(this.members, [])
  }
}

function writeDouble(file: Hdf5Writer, value: number, path: string): Address {
  return file.writeDataset({ type: 'float64', shape: [1, 1], values: [value], attributes: [matlabClass('double'), matlabPath(path)] })
}

function referenceName(number: number): string {
  let name = ''
  do {
    name += alphabet[number % alphabet.length]
    number = Math.floor(number / alphabet.length)
  } while (number > 0)
  return name
}

function matlabClass(value: string): Attribute {
  return { name: 'MATLAB_class', kind: 'text', value }
}

function matlabPath(value: string): Attribute {
  return { name: 'H5PATH', kind: 'text', value }
}

/**
 * MATLAB's header: 116 characters of text, 8 zeros, the version 0x0200 and "IM" for little-endian.
 * The time is a fixed one, so that the same seed gives the same bytes.
 */
function userBlock(): Uint8Array {
  const text = 'MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Thu Jan  1 00:00:00 1970 HDF5 schema 1.00 .'
  return Buffer.from(`${text.padEnd(116)}${'\0'.repeat(8)}\0\x02IM`, 'latin1')
}
