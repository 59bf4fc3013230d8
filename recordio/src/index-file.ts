// MXNet's text index, `x.idx` beside `x.rec`: one line a record in the order of the file,
//
//   id TAB byte offset of the record's first frame LF
//
// both decimal. im2rec.py writes it; MXIndexedRecordIO reads it.

import { readChunks } from './byte-source.js'
import { RecordError } from './errors.js'
import { IndexTable } from './record-index.js'

/** One line, with its line feed. */
export function formatIndexLine(id: bigint, offsetBytes: number): string {
  return `${id}\t${offsetBytes}\n`
}

/**
 * The whole index, by ascending offset. Blanks around the numbers and CR before LF are accepted.
 *
 * @throws RecordError REC_BAD_INDEX with the line: not two numbers, an id from 2^64, an offset from
 *   2^53 or not a multiple of 4, two lines with the same offset; REC_FILE
 */
export async function readIndexFile(path: string): Promise<IndexTable> {
  const table = new IndexTable()
  let rest = ''
  let line = 0
  for await (const chunk of readChunks(path, path)) {
    for (let at = 0; at < chunk.length; line++) {
      const next = rest === '' ? addPlainLine(table, chunk, at) : undefined
      if (next !== undefined) {
        at = next
        continue
      }
      const end = chunk.indexOf(lineFeed, at)
      rest += textOf(chunk, at, end < 0 ? chunk.length : end)
      if (end < 0 && rest.length <= longestLine) break // goes on in the next chunk
      addLine(table, path, rest, line + 1)
      rest = ''
      at = end + 1
    }
  }
  if (rest !== '') addLine(table, path, rest, line + 1)
  const sorted = table.byOffset()
  for (let i = 1; i < sorted.count; i++) {
    if (sorted.offsetBytes(i) === sorted.offsetBytes(i - 1)) {
      const fact = `expected every record once, found ids ${sorted.id(i - 1)} and ${sorted.id(i)} both at byte ${sorted.offsetBytes(i)}`
      throw new RecordError('REC_BAD_INDEX', `${path}: ${fact}; delete the .idx: the .rec can be read without it`, { path })
    }
  }
  return sorted
}

const longestLine = 100
const lineFeed = 10

/**
 * Adds the line at `at` if it is two numbers of at most 15 digits and nothing else, and tells where the
 * next begins; any other line is left to `parseLine`. Ten million lines take 1.3 s so, not 11 (bench/records.mjs).
 */
function addPlainLine(table: IndexTable, chunk: Uint8Array, at: number): number | undefined {
  const tab = endOfDigits(chunk, at)
  const end = endOfDigits(chunk, tab + 1)
  if (tab === at || tab - at > 15 || chunk[tab] !== 9 || end === tab + 1 || end - tab > 16 || chunk[end] !== lineFeed) return undefined
  const offsetBytes = numberIn(chunk, tab + 1, end)
  if (offsetBytes % 4 !== 0) return undefined
  table.addNumber(numberIn(chunk, at, tab), offsetBytes)
  return end + 1
}

function endOfDigits(bytes: Uint8Array, from: number): number {
  let at = from
  while (bytes[at]! >= 48 && bytes[at]! <= 57) at++
  return at
}

function numberIn(bytes: Uint8Array, from: number, to: number): number {
  let value = 0
  for (let at = from; at < to; at++) value = 10 * value + bytes[at]! - 48
  return value
}

/** No more than shows that a line is too long. */
function textOf(chunk: Uint8Array, from: number, to: number): string {
  return Buffer.from(chunk.buffer, chunk.byteOffset + from, Math.min(to - from, longestLine + 1)).toString('latin1')
}

function addLine(table: IndexTable, path: string, line: string, number: number): void {
  const { id, offsetBytes } = parseLine(path, line, number)
  table.add(id, offsetBytes)
}

function parseLine(path: string, text: string, line: number): { id: bigint; offsetBytes: number } {
  const fields = text.length > longestLine ? null : /^ *([0-9]{1,20}) *\t *([0-9]{1,20}) *\r?$/.exec(text)
  if (!fields) throw lineError(path, line, `expected "id TAB offset" in decimal, found ${JSON.stringify(text.slice(0, longestLine))}`)
  const id = BigInt(fields[1]!)
  const offset = BigInt(fields[2]!)
  if (id >= 2n ** 64n) throw lineError(path, line, `expected an id below 2^64, found ${id}`)
  if (offset === 2n ** 64n - 1n) {
    throw lineError(path, line, `offset ${offset} is what some MXNet versions write once a .rec passes 2 GiB (apache/mxnet#8103)`)
  }
  if (offset > BigInt(Number.MAX_SAFE_INTEGER) || offset % 4n !== 0n) {
    throw lineError(path, line, `expected an offset that is a multiple of 4 below 2^53, found ${offset}`)
  }
  return { id, offsetBytes: Number(offset) }
}

function lineError(path: string, line: number, fact: string): RecordError {
  return new RecordError('REC_BAD_INDEX', `${path}: line ${line}: ${fact}; delete the .idx: the .rec can be read without it`, { path, line })
}
