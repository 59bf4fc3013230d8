// List files, `x.lst`: one image a line, in the two flavours of MXNet's im2rec.
//
//   id TAB label [TAB label …] TAB path LF
//
//   im2rec.py   fields between tabs, blanks around each dropped: first an integer, last the path, all
//               between are labels. Numbers as Python writes them (1_000, nan, inf)
//   im2rec.cc   blanks or tabs: id, as many labels as the label width, and the rest of the line is the
//               path, blanks within it kept
//
// Both programs pass over a line that they do not understand, and the image is lost without a trace;
// here such a line is an error unless the caller asks to be told of it instead. Empty lines and lines
// that begin with # name no image and are passed over. CR before LF is no part of the path. im2rec.cc
// also cuts letters outside ASCII from the end of a path, which makes it name no file: here they stay.

import { createReadStream } from 'node:fs'
import { PipelineError, throwIfAborted } from './errors.js'
import { isExact } from './label.js'

/** One line of a list. */
export interface ListEntry {
  /** u64 */
  readonly id: bigint
  /** At least one; each has a float32 near it. */
  readonly labels: readonly number[]
  /** As written: relative to a folder that the list does not name. */
  readonly path: string
}

/** An entry and where it stands. */
export interface ListLine extends ListEntry {
  /** From 1. */
  readonly line: number
}

export interface ReadListOptions {
  /** Whose rules. Default im2rec.py's, which take any number of labels. */
  readonly flavour?: 'im2rec.py' | 'im2rec.cc'
  /** im2rec.cc's rules only: how many numbers stand before the path. Default 1. */
  readonly labelWidth?: number
  /** Told of each line that is not understood, which is then passed over. Default: it is thrown. */
  readonly onSkip?: (error: PipelineError) => void
  readonly signal?: AbortSignal
}

/**
 * The entries of a list file, in order. Memory: half a megabyte and one line.
 *
 * @throws PipelineError PIPE_LIST with the line, PIPE_SOURCE_MISSING, PIPE_ABORTED
 */
export async function* readListFile(path: string, options: ReadListOptions = {}): AsyncGenerator<ListLine> {
  const { flavour = 'im2rec.py', labelWidth = 1, onSkip, signal } = options
  const parse = flavour === 'im2rec.py' ? parsePythonLine : (text: string) => parseNativeLine(text, labelWidth)
  let line = 0
  for await (const lines of readLines(path, signal)) {
    for (const text of lines) {
      line++
      const fields = parse(text)
      if (typeof fields === 'object') yield { ...fields, line }
      else if (fields !== nothing) {
        const error = lineError(path, line, fields)
        if (!onSkip) throw error
        onSkip(error)
      }
    }
  }
}

/**
 * One line with its line feed, which both flavours read. A label that is a float32 is written with
 * as few digits as give the same float32.
 *
 * @throws PipelineError PIPE_LIST for an id outside u64, no label, or a path that a list cannot hold:
 *   empty, with a tab or line end, or with a blank at an end
 */
export function formatListLine({ id, labels, path }: { readonly id: bigint; readonly labels: Iterable<number>; readonly path: string }): string {
  const numbers = Array.from(labels, formatNumber)
  const isWhole = BigInt.asUintN(64, id) === id && numbers.length > 0
  if (isWhole && path !== '' && path.trim() === path && !/[\t\n\r\0\ufffd]/.test(path)) return `${id}\t${numbers.join('\t')}\t${path}\n`
  const expected = 'an id from 0 to 2^64 - 1, a label, and a path without tabs, line ends and blanks at its ends'
  throw new PipelineError('PIPE_LIST', `expected ${expected}, found id ${id}, ${numbers.length} labels and ${JSON.stringify(path)}; rename the file`, { path })
}

/** A line that names no image. */
const nothing = ''
/** A label of hundreds of boxes takes some 50,000 characters; a file without line ends is no list. */
const longestLine = 2 ** 20
const chunkBytes = 2 ** 19
const maximumId = 2n ** 64n - 1n
/** Above it lies nothing that rounds to a float32. */
const maximumFloat32 = 2 ** 128 - 2 ** 103

/** The whole lines of one chunk at a time: a turn of an async loop for each line would cost most of the time. */
async function* readLines(path: string, signal: AbortSignal | undefined): AsyncGenerator<readonly string[]> {
  let rest = ''
  let line = 0
  try {
    throwIfAborted(signal)
    const text = createReadStream(path, { encoding: 'utf8', highWaterMark: chunkBytes, ...(signal && { signal }) }) as AsyncIterable<string>
    for await (const chunk of text) {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop()!
      line += lines.length
      yield lines
      if (rest.length > longestLine) throw lineError(path, line + 1, `expected a line of at most ${longestLine} characters, found ${rest.length} or more`)
    }
  } catch (cause) {
    if (cause instanceof PipelineError) throw cause
    throwIfAborted(signal)
    throw new PipelineError('PIPE_SOURCE_MISSING', `${path}: expected a list file, found nothing that can be read (${(cause as NodeJS.ErrnoException).code}); check the path`, { path, cause })
  }
  yield [rest]
}

/** The fields, or what is wrong, or `nothing`. */
function parsePythonLine(text: string): ListEntry | string {
  const line = text.trim()
  if (line === '' || line.startsWith('#')) return nothing
  const fields = line.split('\t')
  if (fields.length < 3) return `expected "id TAB label TAB path", found ${quote(line)}`
  const labels: number[] = []
  for (let index = 1; index < fields.length - 1; index++) {
    const label = parsePythonFloat(fields[index]!.trim())
    if (label === undefined) return `expected a number as label ${index}, found ${quoteNumber(fields[index]!)}`
    labels.push(label)
  }
  return compose(joinDigits(fields[0]!.trim()), labels, fields.at(-1)!.trim())
}

function parsePythonFloat(text: string): number | undefined {
  if (/^[+-]?(?:inf|infinity|nan)$/i.test(text)) return /nan/i.test(text) ? NaN : text.startsWith('-') ? -Infinity : Infinity
  return parseFloat32(joinDigits(text))
}

/** Python takes an underscore between two digits. */
function joinDigits(text: string): string {
  return text.includes('_') ? text.replace(/(?<=\d)_(?=\d)/g, '') : text
}

function parseNativeLine(text: string, labelWidth: number): ListEntry | string {
  const line = text.replace(/^[ \t\r\v\f]+|[\0-\x20\x7f]+$/g, '')
  if (line === '' || line.startsWith('#')) return nothing
  const word = /([^ \t\r\v\f]+)[ \t\r\v\f]*/y
  const id = word.exec(line)![1]!
  const labels: number[] = []
  while (labels.length < labelWidth) {
    const found = word.exec(line)?.[1]
    const label = found === undefined ? undefined : parseFloat32(found)
    if (label === undefined) return `expected a number as label ${labels.length + 1} of ${labelWidth}, found ${found === undefined ? 'the end of the line' : quoteNumber(found)}`
    labels.push(label)
  }
  return compose(id, labels, line.slice(word.lastIndex))
}

function parseFloat32(text: string): number | undefined {
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) return undefined
  const value = Number(text)
  return Math.abs(value) < maximumFloat32 && isExact(text, value) ? value : undefined
}

function compose(idText: string, labels: readonly number[], path: string): ListEntry | string {
  const id = /^\+?\d{1,99}$/.test(idText) ? BigInt(idText.replace('+', '')) : -1n
  if (id < 0n || id > maximumId) return `expected an id from 0 to ${maximumId}, found ${quote(idText)}`
  if (path === '') return 'expected a path after the labels, found the end of the line'
  if (path.includes('\ufffd')) return `expected a path in UTF-8, found ${quote(path)} with bytes that are not`
  return { id, labels, path }
}

function formatNumber(value: number): string {
  const size = Math.abs(value)
  if (Number.isInteger(value) && size > 2 ** 53 && size < 1e21) return String(BigInt(value)) // String rounds its digits
  if (Number.isInteger(value) || Math.fround(value) !== value) return Object.is(value, -0) ? '-0' : String(value)
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return String(short)
  }
  return String(Number(value.toPrecision(9)))
}

function quoteNumber(text: string): string {
  return `${quote(text)}${/^\s*[+-]?[\d_]{16,}\s*$/.test(text) ? ', which is above 2^53 and cannot be kept exactly' : ''}`
}

function quote(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text)
}

function lineError(path: string, line: number, fact: string): PipelineError {
  return new PipelineError('PIPE_LIST', `${path}: line ${line}: ${fact}; correct the line`, { path, entry: line })
}
