// The annotations of Stanford Cars as their authors publish them: MATLAB 5 files with a struct an image.
//
//   cars_annos.mat                    annotations { relative_im_path, bbox_x1, bbox_y1, bbox_x2, bbox_y2,
//                                     class, test }, class_names
//   cars_train_annos.mat              annotations { bbox_x1, bbox_y1, bbox_x2, bbox_y2, class, fname };
//   cars_test_annos_withlabels.mat    class_names in cars_meta.mat
//
// Classes count from 1, pixels too, and a box's last column and row belong to it. Krause et al., "3D Object
// Representations for Fine-Grained Categorization", 2013.

import { stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { PipelineError } from '../errors.js'
import { readMatlabFile, type MatlabArray, type MatlabStruct } from '../matlab/matlab-file.js'

/** One image's entry. */
export interface CarEntry {
  readonly name: string
  /** Counted from 0. */
  readonly class: number
  readonly isTest: boolean
  /** The edges, in pixels from the top left corner. */
  readonly box: { readonly xmin: number; readonly ymin: number; readonly xmax: number; readonly ymax: number }
}

/** A file's entries, each read when asked for. */
export interface CarAnnotations {
  readonly path: string
  readonly count: number
  /** The 196, class 0 first; undefined where neither this file nor its cars_meta.mat has them. */
  readonly classNames: readonly string[] | undefined
  /** Whether the entry with this index, from 0, is one of the test part. @throws PipelineError PIPE_STANFORD_CARS */
  isTest(index: number): boolean
  /** @throws PipelineError PIPE_STANFORD_CARS, PIPE_MATLAB_DAMAGED */
  entry(index: number): CarEntry
}

const numbers = ['bbox_x1', 'bbox_y1', 'bbox_x2', 'bbox_y2', 'class'] as const
const metaName = 'cars_meta.mat'

/**
 * Reads a file of annotations. Memory: what it inflates to, 8 MB for all of Stanford Cars, and as much again.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_STANFORD_CARS, PIPE_EMPTY, PIPE_MATLAB_DAMAGED, PIPE_MATLAB_UNSUPPORTED
 */
export async function readCarAnnotations(path: string): Promise<CarAnnotations> {
  const variables = await readMatlabFile(path)
  const annotations = variables.get('annotations')
  if (annotations?.kind !== 'struct') throw carsError(path, 'a struct "annotations"', annotations ? describe(annotations) : `only ${quote(variables.keys())}`)
  const { fields, count } = annotations
  const nameField = fields.has('relative_im_path') ? 'relative_im_path' : 'fname'
  const missing = [...numbers, nameField].filter((field) => !fields.has(field))
  if (count === 0) throw new PipelineError('PIPE_EMPTY', `${path}: expected annotations, found none; check the path`, { path })
  if (missing.length > 0) throw carsError(path, `the fields ${quote(missing)} of annotations`, `only ${quote(fields.keys())}`)
  const part = /test/i.test(basename(path))
  const isTest = (index: number): boolean => (fields.has('test') ? numberOf(path, annotations, 'test', index) !== 0 : part)
  return {
    path,
    count,
    classNames: toNames(path, variables.get('class_names')) ?? (await readMetaNames(path)),
    isTest,
    entry: (index) => {
      const [x1, y1, x2, y2, number] = numbers.map((field) => numberOf(path, annotations, field, index)) as [number, number, number, number, number]
      return { name: textOf(path, annotations, nameField, index), class: number - 1, isTest: isTest(index), box: { xmin: x1 - 1, ymin: y1 - 1, xmax: x2, ymax: y2 } }
    },
  }
}

/** The error for the file, or for its entry with this index. */
export function carsError(path: string, expected: string, found: string, index?: number): PipelineError {
  const place = index === undefined ? path : placeOf(path, index)
  return new PipelineError('PIPE_STANFORD_CARS', `${place}: expected ${expected}, found ${found}; compare with the annotations of Stanford Cars`, { path, ...(index !== undefined && { entry: index + 1 }) })
}

/** How messages call an entry: with MATLAB's index, from 1. */
export function placeOf(path: string, index: number): string {
  return `${path} annotations(${index + 1})`
}

async function readMetaNames(path: string): Promise<readonly string[] | undefined> {
  for (const meta of [join(dirname(path), metaName), join(dirname(path), 'devkit', metaName)]) {
    if (await stat(meta).then(() => true, () => false)) return toNames(meta, (await readMatlabFile(meta)).get('class_names'))
  }
  return undefined
}

function toNames(path: string, array: MatlabArray | undefined): string[] | undefined {
  if (array === undefined) return undefined
  const cells = array.kind === 'cells' ? array.cells : []
  const names = cells.flatMap((cell) => (cell.kind === 'text' ? [cell.text()] : []))
  if (names.length > 0 && names.length === cells.length) return names
  throw carsError(path, 'cells of text in class_names', describe(array))
}

function numberOf(path: string, { fields }: MatlabStruct, field: string, index: number): number {
  const array = fields.get(field)![index]!
  const [number, ...more] = array.kind === 'numbers' ? array.numbers() : []
  if (number !== undefined && more.length === 0 && Number.isFinite(number)) return number
  throw carsError(path, `one number for ${field}`, describe(array), index)
}

function textOf(path: string, { fields }: MatlabStruct, field: string, index: number): string {
  const array = fields.get(field)![index]!
  const text = array.kind === 'text' ? array.text() : ''
  if (text !== '') return text
  throw carsError(path, `the name of an image in ${field}`, describe(array), index)
}

function describe(array: MatlabArray): string {
  const values = array.kind === 'numbers' ? ` (${array.numbers().slice(0, 4).join(' ')})` : ''
  return `${array.kind === 'other' ? array.what : array.kind} of ${array.shape.join('x')}${values}`
}

function quote(names: Iterable<string>): string {
  return [...names].slice(0, 20).map((name) => JSON.stringify(name.slice(0, 60))).join(', ')
}
