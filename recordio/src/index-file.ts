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
  for await (const { text, line } of readLines(path)) {
    const { id, offsetBytes } = parseLine(path, text, line)
    table.add(id, offsetBytes)
  }
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

async function* readLines(path: string): AsyncGenerator<{ text: string; line: number }> {
  let rest = ''
  let line = 0
  for await (const chunk of readChunks(path, path)) {
    const lines = (rest + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1')).split('\n')
    rest = lines.pop()!
    for (const text of lines) yield { text, line: ++line }
    if (rest.length > longestLine) break
  }
  if (rest !== '') yield { text: rest, line: ++line }
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
