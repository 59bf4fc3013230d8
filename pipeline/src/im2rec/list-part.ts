// Which lines of a list im2rec.cc's nsplit and part choose: dmlc-core's InputSplit cuts the bytes of the
// file into equal steps of ⌈bytes / nsplit⌉ and moves each cut forward to the next line start, past the
// end of the line in which it falls and any line ends after it (src/io/line_split.cc, input_split_base.cc).

import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { PipelineError } from '../errors.js'

/** Lines `from` up to and without `to`, numbered from 1. */
export interface LineRange {
  readonly from: number
  readonly to: number
}

/** @throws PipelineError PIPE_SOURCE_MISSING, PIPE_OPTION for a part that is not below the number of parts */
export async function linesOfPart(path: string, part: { readonly index: number; readonly count: number }): Promise<LineRange> {
  const { index, count } = part
  if (!(Number.isInteger(index) && Number.isInteger(count) && index >= 0 && index < count)) {
    throw new PipelineError('PIPE_OPTION', `part: expected a whole number from 0 and below nsplit, found ${index} of ${count}`)
  }
  const { size } = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    throw new PipelineError('PIPE_SOURCE_MISSING', `${path}: expected a list file, found nothing that can be read (${cause.code}); check the path`, { path, cause })
  })
  const step = Math.ceil(size / count)
  return { from: await lineAfter(path, step * index, size), to: await lineAfter(path, step * (index + 1), size) }
}

/** The number of the line to which a cut is moved. */
async function lineAfter(path: string, cut: number, size: number): Promise<number> {
  if (cut === 0) return 1
  if (cut >= size) return Infinity
  const start = await nextLineStart(path, cut)
  let lineFeeds = 0
  for await (const chunk of createReadStream(path, { end: start - 1 }) as AsyncIterable<Buffer>) {
    for (let at = chunk.indexOf(lineFeed); at >= 0; at = chunk.indexOf(lineFeed, at + 1)) lineFeeds++
  }
  return lineFeeds + 1
}

/** The offset of the first byte after the end of the line that holds the cut, and after empty lines. */
async function nextLineStart(path: string, cut: number): Promise<number> {
  let offset = cut
  let sawEnd = false
  for await (const chunk of createReadStream(path, { start: cut }) as AsyncIterable<Buffer>) {
    for (const byte of chunk) {
      const isEnd = byte === lineFeed || byte === carriageReturn
      if (sawEnd && !isEnd) return offset
      sawEnd ||= isEnd
      offset++
    }
  }
  return offset
}

const lineFeed = 0x0a
const carriageReturn = 0x0d
