// The data elements that a MATLAB 5 file is made of, one after the other, and never past the end of
// the bytes that hold them. "MAT-File Format", MathWorks, chapter 1 (Level 5 MAT-files).
//
//   bytes   field                             the small form, for up to 4 bytes of data
//   4       type                              2   type
//   4       length                            2   length, not 0
//   length  data, then zeros up to the        4   data
//           next multiple of 8
//
// (In a big-endian file the two halves of the small form stand the other way round: read as a word,
// the length is always in its upper half.)

import { PipelineError } from '../errors.js'

/** Types of data elements. */
export const elementTypes = {
  int8: 1,
  uint8: 2,
  int16: 3,
  uint16: 4,
  int32: 5,
  uint32: 6,
  single: 7,
  double: 9,
  int64: 12,
  uint64: 13,
  matrix: 14,
  compressed: 15,
  utf8: 16,
  utf16: 17,
  utf32: 18,
} as const

/** One element: what it says it is, and its data. */
export interface DataElement {
  readonly type: number
  readonly data: Buffer
  /** Where its tag stands, for errors. */
  readonly offset: number
}

/** Where the bytes come from, for errors. */
export interface ElementPlace {
  readonly path: string
  /** Of the file, or of a compressed variable within it. */
  readonly within: string
  readonly isBigEndian: boolean
}

const tagBytes = 8
const alignment = 8

/** Reads elements one after another. */
export class ElementReader {
  readonly place: ElementPlace
  readonly #bytes: Buffer
  readonly #start: number
  #at = 0

  /** `start`: where the bytes stand in the file or the variable, for errors. */
  constructor(bytes: Buffer, place: ElementPlace, start: number) {
    this.#bytes = bytes
    this.place = place
    this.#start = start
  }

  /** Where the next element stands. */
  get offset(): number {
    return this.#start + this.#at
  }

  get remaining(): number {
    return this.#bytes.length - this.#at
  }

  /** The next element. @throws PipelineError PIPE_MATLAB_DAMAGED where it does not lie within the bytes */
  next(what: string): DataElement {
    const { offset } = this
    if (this.remaining < tagBytes) throw this.damaged(`${what}, which takes ${tagBytes} bytes or more`, `the end after ${this.remaining}`)
    const word = this.#word(this.#at)
    const isSmall = word > 0xffff
    const type = word & 0xffff
    const length = isSmall ? word >>> 16 : this.#word(this.#at + 4)
    const from = this.#at + (isSmall ? 4 : tagBytes)
    if (isSmall ? length > 4 : length > this.#bytes.length - from) throw this.damaged(`${what} within its ${isSmall ? 4 : this.#bytes.length - from} bytes`, `one of ${length} bytes`)
    const padded = type === elementTypes.compressed ? length : Math.ceil(length / alignment) * alignment
    this.#at = isSmall ? this.#at + tagBytes : Math.min(from + padded, this.#bytes.length)
    return { type, data: this.#bytes.subarray(from, from + length), offset }
  }

  /** A reader of the elements within an element. */
  within({ data, offset }: DataElement): ElementReader {
    return new ElementReader(data, this.place, offset + tagBytes)
  }

  /** The error for bytes that cannot be right. */
  damaged(expected: string, found: string, offset = this.offset): PipelineError {
    const { path, within } = this.place
    return new PipelineError('PIPE_MATLAB_DAMAGED', `${path}: at byte ${offset}${within}: expected ${expected}, found ${found}; the file is cut short or damaged, fetch it again`, { path })
  }

  #word(at: number): number {
    return this.place.isBigEndian ? this.#bytes.readUInt32BE(at) : this.#bytes.readUInt32LE(at)
  }
}
