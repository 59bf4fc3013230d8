// A CSV table (RFC 4180, and what people have): a header line with column names, quoted fields, BOM,
// LF or CRLF, fields between commas, semicolons, tabs or bars.

import { createReadStream } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { parse as createParser, type CsvError } from 'csv-parse'
import { parse } from 'csv-parse/sync'
import { PipelineError, throwIfAborted } from '../errors.js'
import { unreadableSource } from '../providers/image-provider.js'

export interface CsvRow {
  /** Where the row ends, from 1: a quoted field can hold line ends. */
  readonly line: number
  readonly fields: readonly string[]
}

export interface CsvTable {
  readonly path: string
  readonly columns: readonly string[]
  readonly delimiter: string
  /**
   * The place of a column.
   * @throws PipelineError PIPE_TABLE naming the columns that there are
   */
  column(name: string): number
  /** The rows under the header, anew each time. @throws PipelineError PIPE_TABLE, PIPE_ABORTED */
  rows(): AsyncGenerator<CsvRow, void, undefined>
}

const delimiters = [',', ';', '\t', '|']
const maxHeaderBytes = 2 ** 16
/** A row of FER2013 with its 48x48 pixels has 9,000 characters; a quote that is never closed ends here. */
const maxRowBytes = 2 ** 20

/**
 * Opens a table: reads its header, finds the delimiter. Memory: a row.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_TABLE, PIPE_OPTION
 */
export async function openTable(path: string, options: { readonly delimiter?: string | undefined; readonly signal?: AbortSignal | undefined } = {}): Promise<CsvTable> {
  const { signal } = options
  if (options.delimiter === '') throw new PipelineError('PIPE_OPTION', 'delimiter: expected a character, found none')
  const head = await readHead(path)
  const candidates = options.delimiter === undefined ? delimiters : [options.delimiter]
  const headers = candidates.map((delimiter) => ({ delimiter, columns: readHeader(head, delimiter) }))
  const { delimiter, columns } = headers.reduce((best, next) => (next.columns.length > best.columns.length ? next : best))
  if (columns.length === 0) throw tableError(path, 1, 'a header line with the names of the columns', head.trim() === '' ? 'an empty file' : 'a line that is none')
  return {
    path,
    columns,
    delimiter,
    column: (name) => findColumn(path, columns, name),
    rows: () => readRows(path, delimiter, signal),
  }
}

/** The error for a row. */
export function tableError(path: string, line: number, expected: string, found: string, cause?: unknown): PipelineError {
  return new PipelineError('PIPE_TABLE', `${path}: line ${line}: expected ${expected}, found ${found}; correct the table, or name its columns and its delimiter`, { path, entry: line, cause })
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

const dialect = { bom: true, trim: true, relax_column_count: true, relax_quotes: true, skip_empty_lines: true, max_record_size: maxRowBytes } as const

function findColumn(path: string, columns: readonly string[], name: string): number {
  const place = columns.indexOf(name)
  if (place >= 0 && columns.lastIndexOf(name) === place) return place
  const found = place >= 0 ? 'it twice' : `only ${columns.slice(0, 50).map((column) => JSON.stringify(column)).join(', ')}`
  throw tableError(path, 1, `a column ${JSON.stringify(name)}`, found)
}

interface ParsedRow {
  readonly record: string[]
  readonly info: { readonly lines: number }
}

async function* readRows(path: string, delimiter: string, signal: AbortSignal | undefined): AsyncGenerator<CsvRow, void, undefined> {
  const parser = createParser({ delimiter, ...dialect, info: true })
  pipeline(createReadStream(path, { highWaterMark: 2 ** 18 }), parser, () => {}) // an error comes out of the parser
  let isHeader = true
  try {
    for await (const { record, info } of parser as AsyncIterable<ParsedRow>) {
      throwIfAborted(signal)
      if (!isHeader) yield { line: info.lines, fields: record }
      isHeader = false
    }
  } catch (error) {
    if (error instanceof PipelineError) throw error
    if ((error as NodeJS.ErrnoException).syscall !== undefined) throw unreadableSource(path, error)
    throw tableError(path, Number((error as CsvError)['lines'] ?? 0), 'rows of fields', (error as Error).message, error)
  }
}

async function readHead(path: string): Promise<string> {
  let file: FileHandle | undefined
  try {
    file = await open(path)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(maxHeaderBytes), 0, maxHeaderBytes, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } catch (cause) {
    throw unreadableSource(path, cause)
  } finally {
    await file?.close()
  }
}
