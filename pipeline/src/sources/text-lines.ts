// The lines of a text file, strictly: UTF-8 (a BOM at the start does not count), ended by LF or CR LF.

import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import { PipelineError, throwIfAborted } from '../errors.js'
import { unreadableSource } from '../providers/image-provider.js'

const chunkBytes = 2 ** 19
/** What has no line end for so long is no text. */
const maxLineBytes = 2 ** 20
const lineFeed = 0x0a

/** Some lines on end: a turn of an async loop for each line would cost most of the time. */
export interface TextLines {
  /** The number of the first, from 1. */
  readonly first: number
  readonly lines: readonly string[]
}

/**
 * The lines of a file, many at a time; what follows the last line end is a line if it is not empty.
 * Memory: 2 MB.
 * @throws PipelineError PIPE_SOURCE_MISSING; PIPE_LIST with the line for bytes that are no UTF-8 and for a
 *   line of more than a megabyte; PIPE_ABORTED
 */
export async function* readTextLines(path: string, signal?: AbortSignal): AsyncGenerator<TextLines, void, undefined> {
  let rest: Buffer = Buffer.alloc(0)
  let first = 1
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: chunkBytes }) as AsyncIterable<Buffer>) {
      throwIfAborted(signal)
      const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
      const end = bytes.lastIndexOf(lineFeed) + 1
      const lines = toLines(path, bytes.subarray(0, end), first)
      if (lines.length > 0) yield { first, lines }
      first += lines.length
      rest = bytes.subarray(end)
      if (rest.length > maxLineBytes) throw lineError(path, first, `a line of at most ${maxLineBytes} bytes`, 'a longer one')
    }
  } catch (cause) {
    throw cause instanceof PipelineError ? cause : unreadableSource(path, cause)
  }
  if (rest.length > 0) yield { first, lines: toLines(path, Buffer.concat([rest, Buffer.of(lineFeed)]), first) }
}

/** The error for a line of a list. */
export function lineError(path: string, line: number, expected: string, found: string): PipelineError {
  return new PipelineError('PIPE_LIST', `${path}: line ${line}: expected ${expected}, found ${found}; correct the line`, { path, entry: line })
}

/** `bytes` end with a line feed, or are none. */
function toLines(path: string, bytes: Buffer, first: number): string[] {
  if (!isUtf8(bytes)) throw findBadLine(path, bytes, first)
  const text = bytes.toString('utf8')
  const lines = (first === 1 ? text.replace(/^\ufeff/, '') : text).split(text.includes('\r') ? /\r?\n/ : '\n')
  lines.pop()
  return lines
}

function findBadLine(path: string, bytes: Buffer, first: number): PipelineError {
  let line = first
  let start = 0
  for (let end = bytes.indexOf(lineFeed); end >= 0; end = bytes.indexOf(lineFeed, start)) {
    if (!isUtf8(bytes.subarray(start, end))) break
    start = end + 1
    line++
  }
  return lineError(path, line, 'text in UTF-8', 'bytes that are not')
}
