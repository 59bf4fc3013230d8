// Writes data sets in SVHN's layout for the tests, the .mat through the HDF5 library (h5wasm), so
// that our reader is held against files that it did not shape.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import h5wasm, { type Dataset, type Group, type Reference } from 'h5wasm/node'
import sharp from 'sharp'
import type { DigitBox } from '@millrace/pipeline'

await h5wasm.ready

export interface FixtureEntry {
  readonly name: string
  readonly boxes: readonly DigitBox[]
}

interface MatOptions {
  /** Versions of the structures: the oldest (as MATLAB writes) by default. */
  readonly versions?: 'oldest' | 'middle' | 'newest'
  /** Writes the two lists of references in chunks of this many, with deflate. */
  readonly chunk?: number
}

const fields = ['height', 'label', 'left', 'top', 'width'] as const

export function box(label: number, left: number, top = 4, width = 10, height = 20): DigitBox {
  return { height, label, left, top, width }
}

export function writeMat(path: string, entries: readonly FixtureEntry[], options: MatOptions = {}): void {
  const { versions = 'oldest', chunk } = options
  const file = new h5wasm.File(path, 'w', versions === 'oldest' ? { libver: ['earliest', 'v108'] } : versions === 'newest' ? { libver: 'latest' } : {})
  const references = file.create_group('#refs#')
  let count = 0
  const put = (data: Float64Array | Uint16Array): Reference =>
    references.create_dataset({ name: `r${count++}`, data, shape: [data.length, 1] }).create_reference()
  const names = entries.map(({ name }) => put(Uint16Array.from(name, (character) => character.charCodeAt(0))))
  const boxes = entries.map((entry) => {
    const group = references.create_group(`g${count++}`)!
    for (const field of fields) {
      const values = entry.boxes.map((each) => each[field])
      if (values.length === 1) group.create_dataset({ name: field, data: Float64Array.from(values), shape: [1, 1] })
      else group.create_dataset({ name: field, data: values.map((value) => put(Float64Array.of(value))), dtype: 'Reference', shape: [values.length, 1] })
    }
    return group.create_reference()
  })
  const struct = file.create_group('digitStruct')
  const compressed = chunk === undefined ? {} : { chunks: [chunk, 1], compression: 'gzip' as const }
  struct.create_dataset({ name: 'name', data: names, dtype: 'Reference', shape: [entries.length, 1], ...compressed })
  struct.create_dataset({ name: 'bbox', data: boxes, dtype: 'Reference', shape: [entries.length, 1], ...compressed })
  file.close()
}

/** What the HDF5 library reads, entry by entry. */
export function readMatWithLibrary(path: string): FixtureEntry[] {
  const file = new h5wasm.File(path, 'r')
  const follow = (reference: Reference): unknown => file.dereference(reference)
  const references = (dataset: Dataset): Reference[] => dataset.value as unknown as Reference[]
  const numbers = (dataset: Dataset): number[] =>
    dataset.dtype === 'Reference'
      ? references(dataset).flatMap((reference) => numbers(follow(reference) as Dataset))
      : Array.from(dataset.value as Iterable<number>)
  const boxes = references(file.get('digitStruct/bbox') as Dataset)
  const entries = references(file.get('digitStruct/name') as Dataset).map((reference, index) => {
    const group = follow(boxes[index]!) as Group
    const columns = fields.map((field) => numbers(group.get(field) as Dataset))
    const boxAt = (place: number): object => Object.fromEntries(fields.map((field, column) => [field, columns[column]![place]]))
    return {
      name: String.fromCharCode(...numbers(follow(reference) as Dataset)),
      boxes: columns[0]!.map((_, place) => boxAt(place) as DigitBox),
    }
  })
  file.close()
  return entries
}

/** A folder's digitStruct.mat and a PNG of 60x40 pixels, all different, for each entry. */
export async function writeDataSet(folder: string, entries: readonly FixtureEntry[]): Promise<void> {
  writeMat(join(folder, 'digitStruct.mat'), entries)
  for (const [index, { name }] of entries.entries()) writeFileSync(join(folder, name), await createPng(60, 40, index))
}

export function createPng(width: number, height: number, seed = 0): Promise<Buffer> {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, at) => (at * 7 + (at >> 5) * seed + seed * 31) & 255)
  return sharp(data, { raw: { width, height, channels: 3 } }).png().toBuffer()
}
