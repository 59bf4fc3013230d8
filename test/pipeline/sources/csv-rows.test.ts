// The rows of a table: the quick way for what has no quotes gives what csv-parse gives.

import t from 'tap'
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { parseRows, readRows, type CsvRow } from '../../../../pipeline/dist/sources/csv-rows.js'
import { collect } from '../collect.js'

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}

/** The rows. @throws where csv-parse gives others */
async function compare(path: string, text: string, delimiter: string): Promise<readonly CsvRow[]> {
  writeFileSync(path, text)
  const rows = await collect(readRows(path, delimiter))
  const expected = await collect(parseRows(path, delimiter, once(Buffer.from(text)), 1))
  assert.deepEqual(rows.map(({ line, fields }) => ({ line, fields })), expected)
  return rows
}

t.test('random tables, with and without quotes', async (t) => {
  const path = join(t.testdir(), 'table.csv')
  const pieces = ['a', 'bc', 'é', '\u{1f600}', ',', ',', ';', '\t', ' ', '\u00a0', '\u2003', '\u3000', '\ufeff', '\v', '\n', '\n', '\r\n', '\r', '\0']
  const plain = fc.array(fc.constantFrom(...pieces), { maxLength: 40 }).map((all) => all.join(''))
  const quoted = fc.array(fc.constantFrom('"x, y"', '"two\nlines"', '"d""e"'), { maxLength: 2 })
  await fc.assert(fc.asyncProperty(plain, quoted, plain, fc.constantFrom(',', ';', '\t', '|'), async (before, quotes, after, delimiter) => {
    await compare(path, [before, ...quotes.map((quote) => `\n${quote}${delimiter}1\n`), after].join(''), delimiter)
  }), { numRuns: 200 })
  t.pass('the same rows and lines')
})

t.test('across chunks; a quote far behind', async (t) => {
  const path = join(t.testdir(), 'table.csv')
  for (const end of ['\n', '\r\n', '\r']) {
    const line = (number: number): string => `${number}.png, ${'x'.repeat(number % 37)} ,é${end}`
    const text = Array.from({ length: 15_000 }, (_, number) => line(number)).join('')
    t.equal((await compare(path, `image,note,${end}${text}`, ',')).length, 15_001)
    const rows = await compare(path, `${text}"a, b.png","two\nlines"${end}last`, ',')
    t.same(rows.slice(-2).map(({ line, fields }) => [line, fields]), [[15_002, ['a, b.png', 'two\nlines']], [15_003, ['last']]])
  }
})

t.test('a row that never ends', async (t) => {
  const path = join(t.testdir(), 'table.csv')
  for (const text of ['x'.repeat(2 ** 21), `a,b\n"${'x\n'.repeat(2 ** 20)}`]) {
    writeFileSync(path, text)
    await t.rejects(collect(readRows(path, ',')), { code: 'PIPE_TABLE' })
  }
})
