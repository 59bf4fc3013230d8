// Boxes in a table, a row each: the rows of one image, wherever they stand, become one sample, which
// comes when the last of them has come. One pass beforehand counts the rows of each image, so that a
// sorted table is held an image at a time and any other only as far as it is out of order.

import { PipelineError } from '../errors.js'
import type { BoxesLabel } from '../label.js'
import { annotateBoxes, type AnnotatedBox, type BoxesOptions } from './boxes.js'
import type { LabelPlan } from './csv-labels.js'
import { parseNumber } from './csv-labels.js'
import { tableError, type CsvRow, type CsvTable } from './csv-table.js'
import type { Annotation } from './join-images.js'
import type { BoxUnit, PixelSize } from './source-options.js'

/** A Map cannot hold more. */
const maxImages = 2 ** 24 - 1

export interface BoxPlan {
  readonly table: CsvTable
  /** The name of a row's image; empty where the row has none. */
  readonly imageOf: (row: CsvRow) => string
  /** xmin, ymin, xmax, ymax */
  readonly boxColumns: readonly number[]
  /** width, height. Default: the image's own header. */
  readonly sizeColumns?: readonly number[] | undefined
  /** Boxes that are 1 there are not to be counted. Default: all are. */
  readonly ignoreColumn?: number
}

/** Counts the rows of each image, and finds out what the coordinates are measured in. */
export class BoxScan {
  readonly rowsOfImage = new Map<string, number>()
  /** Rows without an image's name: a sample each, that rejects. */
  namelessRows = 0
  #largest = 0
  readonly #plan: BoxPlan

  constructor(plan: BoxPlan) {
    this.#plan = plan
  }

  /** @throws PipelineError PIPE_TABLE for more than 16,777,215 images */
  add(row: CsvRow): void {
    const { imageOf, boxColumns, table } = this.#plan
    const { fields, line } = row
    const name = imageOf(row)
    if (name === '') {
      this.namelessRows++
      return
    }
    this.rowsOfImage.set(name, (this.rowsOfImage.get(name) ?? 0) + 1)
    if (this.rowsOfImage.size === maxImages) throw tableError(table.path, line, `fewer than ${maxImages} images`, 'more; split the table')
    for (const column of boxColumns) this.#largest = Math.max(this.#largest, parseNumber(fields[column]) ?? 0)
  }

  get unit(): BoxUnit {
    return this.#largest > 1 ? 'pixels' : 'share'
  }
}

/** The rows of one image that have come. */
interface Group {
  readonly boxes: AnnotatedBox[]
  readonly firstLine: number
  rows: number
  size?: PixelSize
  /** The first row that cannot be read: the image is rejected, never packed with some of its boxes. */
  error?: PipelineError
}

export type RowsOfBoxesOptions = Pick<BoxesOptions, 'unit' | 'badBoxes' | 'ignored' | 'classCount'>

/** The samples' annotations; ids are positions from 0. */
export async function* annotateRowsOfBoxes(plan: BoxPlan, scan: BoxScan, labels: LabelPlan, options: RowsOfBoxesOptions): AsyncGenerator<Annotation, void, undefined> {
  const { table, imageOf } = plan
  const groups = new Map<string, Group>()
  let position = 0n
  for await (const row of table.rows()) {
    const key = imageOf(row)
    if (key === '') {
      yield nameless(position++, table.path, row.line)
      continue
    }
    const group = groups.get(key) ?? { boxes: [], firstLine: row.line, rows: 0 }
    addRow(group, row, plan, labels)
    if (group.rows < scan.rowsOfImage.get(key)!) groups.set(key, group)
    else {
      groups.delete(key)
      yield toAnnotation(position++, key, group, table.path, options)
    }
  }
  for (const [key, group] of groups) yield toAnnotation(position++, key, group, table.path, options) // the table shrank meanwhile
}

function addRow(group: Group, row: CsvRow, plan: BoxPlan, labels: LabelPlan): void {
  group.rows++
  const box = readBox(row, plan, labels)
  if (box instanceof PipelineError) group.error ??= box
  else if (box !== undefined) group.boxes.push(box)
  const [width, height] = (plan.sizeColumns ?? []).map((column) => parseNumber(row.fields[column]))
  if (plan.sizeColumns === undefined) return
  if (Number.isInteger(width) && Number.isInteger(height) && width! > 0 && height! > 0) group.size = { width: width!, height: height! }
  else group.error ??= tableError(plan.table.path, row.line, 'the width and height of the image in whole pixels', `${width} and ${height}`)
}

/** Undefined for a row that names an image and leaves the box empty: an image with nothing on it. */
function readBox(row: CsvRow, { table, boxColumns, ignoreColumn }: BoxPlan, labels: LabelPlan): AnnotatedBox | PipelineError | undefined {
  const texts = boxColumns.map((column) => row.fields[column])
  if (texts.every((text) => text === '')) return undefined
  const [xmin, ymin, xmax, ymax] = texts.map(parseNumber)
  if (xmin === undefined || ymin === undefined || xmax === undefined || ymax === undefined) return tableError(table.path, row.line, 'four numbers for a box', texts.map((text) => JSON.stringify(text ?? null).slice(0, 50)).join(', '))
  const label = labels.read(row)
  if (label instanceof PipelineError) return label
  if (label.kind !== 'class') return tableError(table.path, row.line, 'a class for the box', `${label.values.join(', ')}`)
  const ignore = ignoreColumn !== undefined && row.fields[ignoreColumn] === '1'
  return { class: label.value, xmin, ymin, xmax, ymax, ignore, from: `${table.path} line ${row.line}` }
}

function nameless(id: bigint, path: string, line: number): Annotation {
  const error = tableError(path, line, 'the name of an image', 'an empty field')
  return { id, key: `line ${line}`, from: `${path} line ${line}`, label: noBoxes, error }
}

const noBoxes: BoxesLabel = { kind: 'boxes', width: 0, height: 0, boxes: [] }

function toAnnotation(id: bigint, key: string, { boxes, firstLine, size, error }: Group, path: string, options: RowsOfBoxesOptions): Annotation {
  const from = `${path} line ${firstLine}`
  if (error !== undefined) return { id, key, from, label: noBoxes, error }
  return { id, key, from, ...annotateBoxes(boxes, size, { ...options, from }) }
}
