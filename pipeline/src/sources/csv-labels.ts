// What the label columns of a table hold: class numbers, class names or values. The first label that
// is not empty decides between numbers and names, so that one bad row in a million cannot turn a
// column of numbers into one of names; a given list of class names decides at once.

import { PipelineError } from '../errors.js'
import { isExact, type ClassLabel, type ValuesLabel } from '../label.js'
import { ClassNames, maxClasses } from '../class-names.js'
import { tableError, type CsvRow } from './csv-table.js'

/** A label, or why there is none. */
export type ReadLabel = (row: CsvRow) => ClassLabel | ValuesLabel | PipelineError

export interface LabelPlan {
  readonly kind: 'class' | 'values'
  readonly classNames?: readonly string[]
  readonly read: ReadLabel
}

/** Looks at every row once; `plan` then says how to read them. */
export class LabelScan {
  readonly #path: string
  readonly #columns: readonly number[]
  readonly #given: ClassNames | undefined
  #names: Set<string> | undefined
  #isNumbers = false
  #isWhole = true

  /** `columns`: where the labels stand. */
  constructor(path: string, columns: readonly number[], given: ClassNames | undefined) {
    this.#path = path
    this.#columns = columns
    this.#given = given
  }

  /** @throws PipelineError PIPE_TABLE for more names than there can be classes */
  add({ fields, line }: CsvRow): void {
    const text = fields[this.#columns[0]!] ?? ''
    if (this.#columns.length > 1 || this.#given !== undefined || text === '') return
    const number = parseNumber(text)
    if (this.#names === undefined && !this.#isNumbers) {
      if (number === undefined) this.#names = new Set()
      else this.#isNumbers = true
    }
    if (number !== undefined && (number < 0 || !Number.isInteger(number))) this.#isWhole = false
    this.#names?.add(text)
    if (this.#names !== undefined && this.#names.size > maxClasses) throw tableError(this.#path, line, `at most ${maxClasses} different class names`, 'more: is this the column of classes?')
  }

  plan(): LabelPlan {
    const path = this.#path
    const columns = this.#columns
    if (columns.length > 1) return { kind: 'values', read: (row) => readValues(path, row, columns) }
    const column = columns[0]!
    const names = this.#given ?? (this.#names && ClassNames.sorted(this.#names))
    if (names) return { kind: 'class', classNames: names.names, read: (row) => readName(path, row, column, names) }
    if (!this.#isWhole) return { kind: 'values', read: (row) => readValues(path, row, columns) }
    return { kind: 'class', read: (row) => readClass(path, row, column) }
  }
}

/** A decimal number; undefined for anything else, also for what is too large to be one, or to be kept exactly. */
export function parseNumber(text: string | undefined): number | undefined {
  if (text === undefined || !/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) return undefined
  const value = Number(text)
  return Number.isFinite(value) && isExact(text, value) ? value : undefined
}

function readValues(path: string, { fields, line }: CsvRow, columns: readonly number[]): ValuesLabel | PipelineError {
  const values: number[] = []
  for (const column of columns) {
    const value = parseNumber(fields[column])
    if (value === undefined) return tableError(path, line, 'a number as label', describe(fields[column]))
    values.push(value)
  }
  return { kind: 'values', values }
}

function readClass(path: string, { fields, line }: CsvRow, column: number): ClassLabel | PipelineError {
  const value = parseNumber(fields[column])
  return value === undefined ? tableError(path, line, 'a class number, as in the rows before', describe(fields[column])) : { kind: 'class', value }
}

/** A name, or the number of one. */
function readName(path: string, { fields, line }: CsvRow, column: number, names: ClassNames): ClassLabel | PipelineError {
  const text = fields[column] ?? ''
  const number = names.numberOf(text) ?? parseNumber(text) ?? -1
  if (names.names[number] !== undefined) return { kind: 'class', value: number }
  return tableError(path, line, `one of ${names.names.length} class names`, describe(fields[column]))
}

function describe(text: string | undefined): string {
  if (text === undefined) return 'a row that ends before it'
  const reason = /^[+-]?\d{16,}$/.test(text) ? ', which is above 2^53 and cannot be kept exactly' : ''
  return text === '' ? 'an empty field' : `${JSON.stringify(text.slice(0, 100))}${reason}`
}
