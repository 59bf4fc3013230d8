// The rows of a CSV table, strictly of UTF-8: other bytes would come out as names that no file has. Up to the
// first quote a row is a line, and its fields stand between delimiters; from there on csv-parse reads. Its
// dialect is the rule for both, and takes five times as long.

import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream'
import { parse as createParser, type CsvError } from 'csv-parse'
import { PipelineError, throwIfAborted } from '../errors.js'
import { unreadableSource } from '../providers/image-provider.js'

export interface CsvRow {
  /** Where the row ends, from 1: a quoted field can hold line ends. */
  readonly line: number
  readonly fields: readonly string[]
}

/** A row of FER2013 with its 48x48 pixels has 9,000 characters; a quote that is never closed ends here. */
const maxRowBytes = 2 ** 20
const chunkBytes = 2 ** 18
const lineFeed = 0x0a
const carriageReturn = 0x0d
const bom = Buffer.from('\ufeff')

/** All three ends of lines at once: left to itself, the parser takes the first line's for all. */
export const dialect = { bom: true, trim: true, relax_column_count: true, relax_quotes: true, skip_empty_lines: true, max_record_size: maxRowBytes, record_delimiter: ['\r\n', '\n', '\r'] }

/** The error for a row. */
export function tableError(path: string, line: number, expected: string, found: string, cause?: unknown): PipelineError {
  return new PipelineError('PIPE_TABLE', `${path}: line ${line}: expected ${expected}, found ${found}; correct the table, or name its columns and its delimiter`, { path, entry: line, cause })
}

/**
 * All the rows of a table, with its header if it has one. Memory: half a megabyte and a row.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_TABLE, PIPE_ABORTED
 */
export async function* readRows(path: string, delimiter: string, signal?: AbortSignal): AsyncGenerator<CsvRow, void, undefined> {
  const blocks = wholeLines(path)
  let line = 1
  try {
    for (let block = await blocks.next(); !block.done; block = await blocks.next()) {
      throwIfAborted(signal)
      if (block.value.includes('"')) {
        for await (const row of parseRows(path, delimiter, startingWith(block.value, blocks), line, signal)) yield row
        return
      }
      const { rows, next } = splitRows(path, delimiter, block.value, line)
      for (const row of rows) yield row
      line = next
    }
  } finally {
    await blocks.return()
  }
}

/** Rows without a quote, and the number of the line after them. Each has a text of its own, so that a field that is kept keeps no block. */
function splitRows(path: string, delimiter: string, block: Buffer, first: number): { readonly rows: readonly CsvRow[]; readonly next: number } {
  const rows: CsvRow[] = []
  let line = first
  for (let start = line === 1 && block.subarray(0, 3).equals(bom) ? 3 : 0; start < block.length; line++) {
    let end = start
    while (end < block.length && block[end] !== lineFeed && block[end] !== carriageReturn) end++
    if (end - start > maxRowBytes) throw tooLong(path, line)
    const fields = block.toString('utf8', start, end).split(delimiter)
    for (let place = 0; place < fields.length; place++) fields[place] = fields[place]!.trim()
    if (fields.length > 1 || fields[0] !== '') rows.push({ line, fields })
    start = end + (block[end] === carriageReturn && block[end + 1] === lineFeed ? 2 : 1)
  }
  return { rows, next: line }
}

interface ParsedRow {
  readonly record: string[]
  readonly info: { readonly lines: number }
}

/** The same by csv-parse, quotes or not; `first` is the number of the first line. Exported for the test that compares the two. */
export async function* parseRows(path: string, delimiter: string, blocks: AsyncIterable<Buffer>, first: number, signal?: AbortSignal): AsyncGenerator<CsvRow, void, undefined> {
  const parser = createParser({ delimiter, ...dialect, bom: first === 1, info: true })
  pipeline(blocks, parser, () => {}) // an error comes out of the parser
  try {
    for await (const { record, info } of parser as AsyncIterable<ParsedRow>) {
      throwIfAborted(signal)
      yield { line: info.lines + first - 1, fields: record }
    }
  } catch (error) {
    if (error instanceof PipelineError) throw error
    throw tableError(path, Number((error as CsvError)['lines'] ?? 0) + first - 1, 'rows of fields', (error as Error).message, error)
  }
}

async function* startingWith(first: Buffer, others: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  yield first
  for await (const block of others) yield block
}

/** The file, cut at line ends. @throws PipelineError PIPE_TABLE at the first line that is no UTF-8; PIPE_SOURCE_MISSING */
async function* wholeLines(path: string): AsyncGenerator<Buffer, void, undefined> {
  let line = 1
  let rest: Buffer = Buffer.alloc(0)
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: chunkBytes }) as AsyncIterable<Buffer>) {
      const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
      const sure = bytes.at(-1) === carriageReturn ? bytes.subarray(0, -1) : bytes // its LF may follow
      const end = Math.max(sure.lastIndexOf(lineFeed), sure.lastIndexOf(carriageReturn)) + 1
      rest = bytes.subarray(end)
      if (rest.length > maxRowBytes) throw tooLong(path, line)
      const whole = bytes.subarray(0, end)
      line = checkUtf8(path, whole, line)
      if (end > 0) yield whole
    }
  } catch (cause) {
    throw cause instanceof PipelineError ? cause : unreadableSource(path, cause)
  }
  checkUtf8(path, rest, line)
  if (rest.length > 0) yield rest
}

/** The number of the line after these bytes. */
function checkUtf8(path: string, bytes: Buffer, first: number): number {
  const isWhole = isUtf8(bytes)
  let line = first
  let start = 0
  for (let end = bytes.indexOf(lineFeed); end >= 0; end = bytes.indexOf(lineFeed, start)) {
    if (!isWhole && !isUtf8(bytes.subarray(start, end))) break
    start = end + 1
    line++
  }
  if (isWhole) return line
  throw tableError(path, line, 'text in UTF-8', 'bytes that are not; convert it, such as with iconv -f latin1 -t utf-8')
}

function tooLong(path: string, line: number): PipelineError {
  return tableError(path, line, `rows of at most ${maxRowBytes} bytes`, 'a longer one')
}
