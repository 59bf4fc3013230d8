// SVHN's digitStruct.mat (a MATLAB v7.3 file, that is HDF5), entry by entry.
//
//   digitStruct/name [n, 1]   object references → uint16 character codes
//   digitStruct/bbox [n, 1]   object references → group { height, label, left, top, width }, each
//                             one box: a [1, 1] number; k boxes: [k, 1] references to such numbers
//
// Netzer et al., "Reading Digits in Natural Images with Unsupervised Feature Learning", 2011.

import { Hdf5File, type Hdf5Dataset, type Hdf5Group } from '../hdf5/hdf5-file.js'
import { PipelineError } from '../errors.js'

/** One digit. Pixels, from the image's top left corner; `label` 1-9, and 10 for the digit 0. */
export interface DigitBox {
  readonly height: number
  readonly label: number
  readonly left: number
  readonly top: number
  readonly width: number
}

/** One image's entry as it stands in the file. */
export interface DigitStructEntry {
  /** MATLAB's index, from 1: `digitStruct(number)`. */
  readonly number: number
  /** The image's file name. */
  readonly name: string
  /** In the file's order. */
  readonly boxes: readonly DigitBox[]
}

const fields = ['height', 'label', 'left', 'top', 'width'] as const
/** 100 million entries; 500 times SVHN's largest part. */
const maxEntries = 1e8
/** An entry has six boxes at most in SVHN; thousands are damage. */
const maxBoxes = 1024
const maxNameLength = 4096

/** An open digitStruct.mat; `close` it. Entries are read when asked for, in any order. */
export class DigitStructFile {
  readonly path: string
  readonly count: number
  readonly #file: Hdf5File
  readonly #names: readonly (number | undefined)[]
  readonly #boxes: readonly (number | undefined)[]

  /**
   * `shownPath` stands in messages: another name than that of a copy, by default the file's own.
   * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_HDF5_DAMAGED, PIPE_HDF5_UNSUPPORTED, PIPE_DIGIT_STRUCT
   */
  constructor(path: string, shownPath = path) {
    this.path = shownPath
    this.#file = new Hdf5File(path, shownPath)
    try {
      const group = this.#member(this.#file.root(), 'digitStruct', 0, 'group')
      this.#names = this.#file.references(this.#member(group, 'name', maxEntries, 'dataset'))
      this.#boxes = this.#file.references(this.#member(group, 'bbox', maxEntries, 'dataset'))
      this.count = this.#names.length
      if (this.#boxes.length !== this.count) throw this.#wrong('as many bbox as name references', `${this.#boxes.length} and ${this.count}`)
    } catch (error) {
      this.#file.close()
      throw error
    }
  }

  /**
   * The entry of that number, from 1.
   * @throws PipelineError with the entry's number in message and details
   */
  entry(number: number): DigitStructEntry {
    try {
      return { number, name: this.#name(this.#names[number - 1]), boxes: this.#entryBoxes(this.#boxes[number - 1]) }
    } catch (error) {
      if (!(error instanceof PipelineError)) throw error
      throw new PipelineError(error.code, `digitStruct(${number}) in ${error.message}`, { path: this.path, entry: number, cause: error })
    }
  }

  close(): void {
    this.#file.close()
  }

  #name(address: number | undefined): string {
    const dataset = this.#dataset(address, 'name', maxNameLength)
    if (dataset.type.kind === 'reference' || dataset.count === 0) throw this.#wrong('a name of character codes', describe(dataset))
    const codes = this.#file.numbers(dataset)
    if (!codes.every((code) => Number.isInteger(code) && code > 0 && code < 65536)) throw this.#wrong('a name of character codes', codes.join(' '))
    return String.fromCharCode(...codes)
  }

  #entryBoxes(address: number | undefined): DigitBox[] {
    if (address === undefined) throw this.#wrong('a reference to a bbox group', 'an empty reference')
    const group = this.#file.object(address, maxBoxes)
    if (group.kind !== 'group') throw this.#wrong('bbox to be a group', 'a dataset')
    const [heights, labels, lefts, tops, widths] = fields.map((field) => this.#values(group, field)) as [number[], number[], number[], number[], number[]]
    const counts = [heights, labels, lefts, tops, widths].map((values) => values.length)
    if (counts.some((count) => count !== labels.length)) throw this.#wrong('as many values in each bbox field', counts.join(', '))
    return labels.map((label, index) => ({ height: heights[index]!, label, left: lefts[index]!, top: tops[index]!, width: widths[index]! }))
  }

  /** A field's values: the number itself if there is one box, else a reference to a number for each. */
  #values(group: Hdf5Group, field: string): number[] {
    const dataset = this.#member(group, field, maxBoxes, 'dataset')
    if (dataset.type.kind === 'reference') return this.#file.references(dataset).map((address) => this.#number(this.#dataset(address, field, 1), field))
    return [this.#number(dataset, field)]
  }

  #number(dataset: Hdf5Dataset, field: string): number {
    if (dataset.type.kind === 'reference' || dataset.count !== 1) throw this.#wrong(`one number for bbox.${field}`, describe(dataset))
    const value = this.#file.numbers(dataset)[0]!
    if (!Number.isFinite(value)) throw this.#wrong(`a finite number for bbox.${field}`, `${value}`)
    return value
  }

  #dataset(address: number | undefined, field: string, maxCount: number): Hdf5Dataset {
    if (address === undefined) throw this.#wrong(`a reference to the ${field}`, 'an empty reference')
    const object = this.#file.object(address, maxCount)
    if (object.kind !== 'dataset') throw this.#wrong(`the ${field} to be a dataset`, 'a group')
    return object
  }

  #member(group: Hdf5Group, name: string, maxCount: number, kind: 'group'): Hdf5Group
  #member(group: Hdf5Group, name: string, maxCount: number, kind: 'dataset'): Hdf5Dataset
  #member(group: Hdf5Group, name: string, maxCount: number, kind: 'group' | 'dataset'): Hdf5Group | Hdf5Dataset {
    const address = group.links.get(name)
    if (address === undefined) throw this.#wrong(`"${name}"`, `only ${JSON.stringify([...group.links.keys()].slice(0, 8))}`)
    const object = this.#file.object(address, maxCount)
    if (object.kind !== kind) throw this.#wrong(`"${name}" to be a ${kind}`, `a ${object.kind}`)
    return object
  }

  #wrong(expected: string, found: string): PipelineError {
    return new PipelineError('PIPE_DIGIT_STRUCT', `${this.path}: expected ${expected}, found ${found}; compare the file with SVHN's digitStruct.mat`, { path: this.path })
  }
}

/**
 * Every entry of a digitStruct.mat, as stored.
 * @throws PipelineError at the first entry that cannot be read, naming it
 */
export function* readDigitStruct(path: string): Generator<DigitStructEntry> {
  const file = new DigitStructFile(path)
  try {
    for (let number = 1; number <= file.count; number++) yield file.entry(number)
  } finally {
    file.close()
  }
}

function describe(dataset: Hdf5Dataset): string {
  return `${dataset.type.kind} values of shape [${dataset.shape.join(', ')}]`
}
