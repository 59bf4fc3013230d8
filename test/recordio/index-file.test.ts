// recordio/src/index-file.ts: MXNet's text index, and which ones are refused.

import t, { type Test } from 'tap'
import { encodeRecord, openRecords } from '@millrace/recordio'
import { open } from 'node:fs/promises'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readIndexFile } from '../../../recordio/dist/index-file.js'
import { realData } from '../support.js'
import { matchError } from './support.js'

// Three records of 36 bytes: ids 5, 3, 5.
const record = (id: bigint): Uint8Array => encodeRecord({ id, image: Buffer.from('abcd') })
const records = Buffer.concat([record(5n), record(3n), record(5n)])

function openWith(t: Test, index: string) {
  const folder = t.testdir()
  writeFileSync(join(folder, 'x.rec'), records)
  writeFileSync(join(folder, 'x.idx'), index)
  return openRecords(join(folder, 'x.rec'))
}

t.test('ids and offsets; the last of equal ids wins', async (t) => {
  const file = await openWith(t, '5\t0\n3\t36\n5\t72\n')
  t.equal(file.count, 3)
  t.equal(file.meta, undefined)
  t.equal((await file.readById(3n)).id, 3n)
  t.equal((await file.readById(5n)).id, 5n)
  await t.rejects(file.readById(4n), matchError('REC_NOT_FOUND', /x\.rec: none of its 3 records has id 4/))
  await t.rejects(file.read(3), matchError('REC_NOT_FOUND', /expected an ordinal from 0 to 2, found 3/))
  await t.rejects(file.read(-1), matchError('REC_NOT_FOUND', /found -1/))
  await t.rejects(file.read(0.5), matchError('REC_NOT_FOUND', /found 0\.5/))
  await file.close()
})

t.test('CRLF, blanks, no last line feed, and any order of lines', async (t) => {
  const file = await openWith(t, '5 \t 72\r\n3\t36\n5\t0')
  t.same([(await file.read(0)).id, (await file.read(1)).id, (await file.read(2)).id], [5n, 3n, 5n])
  await file.close()
})

t.test('lines that are refused, by number', async (t) => {
  const cases: [string, RegExp][] = [
    ['5\t0\nx\t36\n', /x\.idx: line 2: expected "id TAB offset" in decimal, found "x\\t36"; delete the \.idx/],
    ['5\t0\n\n', /line 2: .* found ""/],
    ['5 0\n', /line 1: .* found "5 0"/],
    ['-5\t0\n', /line 1/],
    ['5\t0\t1\n', /line 1/],
    ['18446744073709551616\t0\n', /line 1: expected an id below 2\^64/],
    ['5\t18446744073709551615\n', /line 1: offset 18446744073709551615 is what some MXNet versions write/],
    ['5\t9007199254740992\n', /line 1: expected an offset that is a multiple of 4 below 2\^53, found 9007199254740992/],
    ['5\t2\n', /multiple of 4 .* found 2/],
    ['5\t0\n3\t36\n4\t36\n', /ids 3 and 4 both at byte 36/],
    ['9'.repeat(3_000_000), /line 1: .*found "9{100}"/],
  ]
  for (const [index, message] of cases) await t.rejects(openWith(t, index), matchError('REC_BAD_INDEX', message))
})

t.test('an index of another file is refused', async (t) => {
  await t.rejects(openWith(t, '5\t0\n3\t36\n'), matchError('REC_INDEX_MISMATCH', /expected the \.idx to list all of its 108 bytes, found bytes 0 to 72/))
  await t.rejects(openWith(t, '3\t36\n5\t72\n'), matchError('REC_INDEX_MISMATCH', /found bytes 36 to 108/))
  await t.rejects(openWith(t, ''), matchError('REC_INDEX_MISMATCH', /found bytes 0 to 0/))
  await t.rejects(openWith(t, '5\t0\n3\t36\n5\t108\n'), matchError('REC_INDEX_MISMATCH', /expected record 2 at byte 108, found the end/))
  await t.rejects(openWith(t, '5\t0\n3\t36\n5\t76\n'), matchError('REC_BAD_MAGIC', /record 2 at byte 76/))
})

t.test('a key that is not the id in the header: by ordinal yes, by id no', async (t) => {
  const file = await openWith(t, '7\t0\n3\t36\n5\t72\n')
  t.equal((await file.read(0)).id, 5n)
  await t.rejects(file.readById(7n), matchError('REC_INDEX_MISMATCH', /record 0 at byte 0: expected id 7 as the index says, found 5/))
  await file.close()
})

t.test('offsets above 4 GiB are exact', async (t) => {
  const folder = t.testdir()
  const handle = await open(join(folder, 'x.rec'), 'w') // sparse: no disk is used
  await handle.write(records, 0, 36, 0)
  await handle.write(records, 0, 36, 2 ** 33)
  await handle.close()
  writeFileSync(join(folder, 'x.idx'), `3\t0\n5\t${2 ** 33}\n`)
  const file = await openRecords(join(folder, 'x.rec'))
  t.equal((await file.readById(5n)).id, 5n)
  await file.close()
})

{
  const { path, skip } = realData('recordio/adaface')
  t.test("im2rec.py's index", { skip }, async (t) => {
    const folder = t.testdir()
    for (const extension of ['rec', 'idx']) copyFileSync(`${path}/train.${extension}`, join(folder, `x.${extension}`))
    const file = await openRecords(join(folder, 'x.rec'))
    t.equal(file.count, 8)
    t.ok(readFileSync(`${path}/images/woman/woman_1.jpg`).equals((await file.readById(4n)).image))
    await file.close()
  })
}

t.test('a long file of plain and unusual lines, across the chunks in which it is read', async (t) => {
  const path = join(t.testdir(), 'x.idx')
  const idOf = (line: number): bigint => (line % 7 === 0 ? 2n ** 64n - 1n - BigInt(line) : BigInt(line) * 12_345_678n)
  const lines = Array.from({ length: 200_000 }, (_, line) => (line % 5 === 0 ? ` ${idOf(line)} \t ${line * 2 ** 20} \r\n` : `${idOf(line)}\t${line * 2 ** 20}\n`))
  writeFileSync(path, lines.join(''))
  const table = await readIndexFile(path)
  t.equal(table.count, lines.length)
  t.ok(lines.every((_, line) => table.id(line) === idOf(line) && table.offsetBytes(line) === line * 2 ** 20))
})
