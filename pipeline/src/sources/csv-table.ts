// A CSV table (RFC 4180, and what people have): a header line with column names, quoted fields, BOM,
// LF or CRLF (or both), fields between commas, semicolons, tabs or bars. UTF-8, strictly: other bytes
// would come out as names that no file has.

import { open, type FileHandle } from 'node:fs/promises'
import { parse } from 'csv-parse/sync'
import { PipelineError } from '../errors.js'
import { unreadableSource } from '../providers/image-provider.js'
import { dialect, readRows, tableError, type CsvRow } from './csv-rows.js'
import type { ColumnValue } from './source-options.js'

export { readRows, tableError, type CsvRow }

export interface CsvTable {
  readonly path: string
  readonly columns: readonly string[]
  readonly delimiter: string
  /**
   * The place of a column; of several names for it, of the first that there is.
   * @throws PipelineError PIPE_TABLE naming the columns that there are
   */
  column(name: string, ...otherNames: readonly string[]): number
  /**
   * Asks for columns all at once.
   * @throws PipelineError PIPE_TABLE naming all that are missing, and those that there are
   */
  require(...names: readonly string[]): void
  /** The rows under the header, of those that `where` takes; anew each time. @throws PipelineError PIPE_TABLE, PIPE_ABORTED */
  rows(): AsyncGenerator<CsvRow, void, undefined>
  /** The error for a table without such rows: PIPE_EMPTY. */
  empty(): PipelineError
}

export interface TableOptions {
  readonly delimiter?: string | undefined
  /** Only the rows with these values. Default: all. */
  readonly where?: readonly ColumnValue[] | undefined
  readonly signal?: AbortSignal | undefined
}

const delimiters = [',', ';', '\t', '|']
const maxHeaderBytes = 2 ** 16

/**
 * Opens a table: reads its header, finds the delimiter. Memory: a row.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_TABLE, PIPE_OPTION
 */
export async function openTable(path: string, options: TableOptions = {}): Promise<CsvTable> {
  const { signal, where = [] } = options
  if (options.delimiter === '') throw new PipelineError('PIPE_OPTION', 'delimiter: expected a character, found none')
  const head = await readHead(path)
  const candidates = options.delimiter === undefined ? delimiters : [options.delimiter]
  const headers = candidates.map((delimiter) => ({ delimiter, columns: readHeader(head, delimiter) }))
  const { delimiter, columns } = headers.reduce((best, next) => (next.columns.length > best.columns.length ? next : best))
  if (columns.length === 0) throw tableError(path, 1, 'a header line with the names of the columns', head.trim() === '' ? 'an empty file' : 'a line that is none')
  const conditions = where.map(({ column, value }) => ({ place: findColumn(path, columns, [column]), value }))
  return {
    path,
    columns,
    delimiter,
    column: (...names) => findColumn(path, columns, names),
    require: (...names) => requireColumns(path, columns, names),
    async *rows() {
      let isHeader = true
      for await (const row of readRows(path, delimiter, signal)) {
        if (isHeader) isHeader = false
        else if (conditions.every(({ place, value }) => row.fields[place] === value)) yield row
      }
    },
    empty() {
      const wanted = where.map(({ column, value }) => `${column} = ${JSON.stringify(value)}`).join(' and ')
      return new PipelineError('PIPE_EMPTY', `${path}: expected rows under the header line${wanted === '' ? '' : ` with ${wanted}`}, found none; check the ${wanted === '' ? 'path' : 'condition'}`, { path })
    },
  }
}

/** The first line's fields; none where it cannot be split so. */
function readHeader(head: string, delimiter: string): string[] {
  try {
    const rows = parse(head, { delimiter, ...dialect, to: 1 }) as unknown as string[][]
    return rows[0] ?? []
  } catch {
    return []
  }
}

function findColumn(path: string, columns: readonly string[], names: readonly string[]): number {
  const name = names.find((each) => columns.includes(each)) ?? names[0]!
  const place = columns.indexOf(name)
  if (place >= 0 && columns.lastIndexOf(name) === place) return place
  throw tableError(path, 1, `a column ${names.map((each) => JSON.stringify(each)).join(' or ')}`, place >= 0 ? 'it twice' : `only ${quoteNames(columns)}`)
}

function requireColumns(path: string, columns: readonly string[], names: readonly string[]): void {
  const missing = names.filter((name) => !columns.includes(name))
  if (missing.length > 0) throw tableError(path, 1, `the column${missing.length > 1 ? 's' : ''} ${quoteNames(missing)}`, `only ${quoteNames(columns)}`)
}

function quoteNames(columns: readonly string[]): string {
  return columns.slice(0, 50).map((column) => JSON.stringify(column)).join(', ')
}

async function readHead(path: string): Promise<string> {
  let file: FileHandle | undefined
  try {
    file = await open(path)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(maxHeaderBytes), 0, maxHeaderBytes, 0)
    if (/^(fffe|feff)/.test(buffer.toString('hex', 0, 2))) throw tableError(path, 1, 'text in UTF-8', 'UTF-16; convert it, such as with iconv -f utf-16 -t utf-8')
    if (buffer.subarray(0, bytesRead).includes(0)) throw tableError(path, 1, 'a table', 'bytes that are no text')
    return buffer.toString('utf8', 0, bytesRead)
  } catch (cause) {
    throw cause instanceof PipelineError ? cause : unreadableSource(path, cause)
  } finally {
    await file?.close()
  }
}
