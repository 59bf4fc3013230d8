// tools/src/commands/{verify,repair,index-records,merge,append,split,diff}.ts, run as a person runs them.

import t, { type Test } from 'tap'
import { encodeRecord, RecordWriter, type NewImageRecord } from '@millrace/recordio'
import { spawnSync } from 'node:child_process'
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'

const program = fileURLToPath(new URL('../../../tools/bin/millrace.js', import.meta.url))

/** Runs a command in the test's folder. */
function millrace(t: Test, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', cwd: t.testdirName })
}

async function write(t: Test, name: string, records: readonly NewImageRecord[]): Promise<Buffer> {
  const writer = await RecordWriter.create(join(t.testdirName, name), { labelKind: 'class', labelWidth: 1, classNames: ['cat', 'dog'] })
  for (const record of records) await writer.write(record)
  await writer.close()
  return readFileSync(join(t.testdirName, name))
}

const photo = (shade: number): Promise<Buffer> =>
  sharp({ create: { width: 8, height: 6, channels: 3, background: { r: shade, g: 0, b: 255 } } }).png().toBuffer()
const photos = await Promise.all([10, 20, 30].map(photo))
const records: NewImageRecord[] = photos.map((image, index) => ({ id: 2n ** 63n + BigInt(index), label: index % 2, image }))
const second = encodeRecord(records[0]!).length

t.test('verify: sound files, and a damaged image', async (t) => {
  t.testdir()
  await write(t, 'x.rec', records)
  const sound = millrace(t, 'verify', 'x.rec', '--images')
  t.match(sound, { status: 0, stderr: '', stdout: /^x\.rec: sound; 3 intact records, .* bytes, with \.meta, with \.idx\n$/ })
  await write(t, 'bad.rec', [{ id: 1n, image: Buffer.from('no image') }, { id: 1n, image: photos[0]!.subarray(0, 60) }, ...records])
  t.equal(millrace(t, 'verify', 'bad.rec').status, 0, 'the bytes are as they were written')
  const images = millrace(t, 'verify', 'x.rec', 'bad.rec', '--images')
  t.match(images, { status: 1, stdout: /^x\.rec: sound.*\nbad\.rec: 2 faults; 5 intact.*\n {2}faults: 2 image; 0 bytes.*\n {2}image: record 0, byte 0, id 1: .*\n {2}image: record 1, .*\n {2}warning: 1 records .* id 1\n {2}next: / })
  const json = millrace(t, 'verify', 'bad.rec', '--images', '--json', '--list', '1')
  t.equal(json.status, 1)
  t.match(JSON.parse(json.stdout), { files: [{ path: 'bad.rec', isSound: false, count: 5, faultCounts: { image: 2 }, faults: [{ kind: 'image', record: 0, ids: ['1'] }] }] })
  t.match(millrace(t, 'verify', 'none.rec'), { status: 1, stderr: /^error REC_FILE: none\.rec: cannot open it/ })
  t.match(millrace(t, 'verify'), { status: 2 })
})

t.test('verify finds damage, repair saves the rest', async (t) => {
  t.testdir()
  const bytes = await write(t, 'x.rec', records)
  bytes[second]! ^= 255
  writeFileSync(join(t.testdirName, 'x.rec'), bytes)
  t.match(millrace(t, 'verify', 'x.rec'), { status: 1, stdout: new RegExp(`x\\.rec: 1 faults; 2 intact[^]*frame: bytes ${second} to \\d+, lost ids 9223372036854775809: expected a frame head`) })
  const repaired = millrace(t, 'repair', 'x.rec', 'saved.rec')
  t.match(repaired, { status: 3, stdout: /^saved\.rec: 2 records saved from x\.rec; all of them have the checksum.*\nlost: \d+ bytes in 1 places, 1 records that the \.meta lists\n {2}bytes \d+ to \d+, ids 9223372036854775809: / })
  t.match(millrace(t, 'verify', 'saved.rec', '--images').status, 0)
  t.match(JSON.parse(millrace(t, 'repair', 'x.rec', 'saved.rec', '--json').stdout), { output: 'saved.rec', meta: 'used', lostRecords: 1, losses: [{ ids: ['9223372036854775809'] }] })
  t.match(millrace(t, 'repair', 'saved.rec', 'again.rec'), { status: 0, stdout: /nothing was lost/ })
  t.match(millrace(t, 'repair', 'x.rec', 'x.rec'), { status: 1, stderr: /REC_BAD_VALUE/ })
})

t.test('index makes the siblings anew', async (t) => {
  t.testdir()
  await write(t, 'x.rec', records)
  for (const extension of ['idx', 'meta']) rmSync(join(t.testdirName, `x.${extension}`))
  writeFileSync(join(t.testdirName, 'classes.txt'), 'cat\ndog\n')
  t.match(millrace(t, 'index', 'x.rec', '--classes', 'classes.txt'), { status: 0, stdout: 'x.rec: 3 records in .idx and .meta, labels of kind class (guessed; --label-kind sets it), 2 class names\n' })
  t.match(millrace(t, 'verify', 'x.rec').stdout, /sound.*with \.meta, with \.idx/)
  t.match(JSON.parse(millrace(t, 'index', 'x.rec', '--label-kind', 'values', '--json').stdout), { header: { labelKind: 'values', classNames: ['cat', 'dog'] }, summary: { count: 3 } })
  t.match(millrace(t, 'index', 'x.rec', '--label-kind', 'colour'), { status: 2 })
  t.match(millrace(t, 'index', 'x.rec', '--classes', 'none.txt'), { status: 2, stderr: /CLI_USAGE: --classes none\.txt/ })
})

t.test('merge, append, split, diff', async (t) => {
  t.testdir()
  await write(t, 'a.rec', records.slice(0, 2))
  await write(t, 'b.rec', records.slice(2))
  const all = await write(t, 'all.rec', records)
  const same = (name: string): boolean => readFileSync(join(t.testdirName, name)).equals(all)

  t.match(millrace(t, 'merge', 'merged.rec', 'a.rec', 'b.rec'), { status: 0, stdout: 'merged.rec: 3 records of 2 files\n' })
  t.ok(same('merged.rec'))
  t.match(millrace(t, 'merge', 'twice.rec', 'a.rec', 'a.rec'), { status: 1, stderr: /^error REC_DUPLICATE_ID: id 9223372036854775808/ })
  t.match(JSON.parse(millrace(t, 'merge', 'twice.rec', 'a.rec', 'a.rec', '--renumber', '--json').stdout), { summary: { count: 4 } })

  for (const extension of ['rec', 'idx', 'meta']) copyFileSync(join(t.testdirName, `a.${extension}`), join(t.testdirName, `into.${extension}`))
  t.match(millrace(t, 'append', 'into.rec', 'b.rec'), { status: 0, stdout: 'into.rec: now 3 records\n' })
  t.ok(same('into.rec'))

  t.match(millrace(t, 'split', 'all.rec', 'part', '--records', '2'), { status: 0, stdout: /^part-00000-of-00002\.rec: 2 records, .*\npart-00001-of-00002\.rec: 1 records, .*\n$/ })
  t.match(JSON.parse(millrace(t, 'split', 'all.rec', 'part', '--bytes', '0.2KiB', '--json').stdout), { shards: [{ count: 1 }, { count: 1 }, { count: 1 }] })
  for (const wrong of [[], ['--shards', '2', '--records', '2'], ['--shards', '0'], ['--bytes', '5XB']]) t.match(millrace(t, 'split', 'all.rec', 'part', ...wrong), { status: 2 })

  t.match(millrace(t, 'diff', 'all.rec', 'merged.rec'), { status: 0, stdout: 'all.rec and merged.rec: the same 3 records\n' })
  await write(t, 'other.rec', [records[0]!, { ...records[1]!, image: photos[2]!, label: 0 }, { id: 7n, image: photos[0]! }])
  const differ = millrace(t, 'diff', 'all.rec', 'other.rec', '--pixels')
  t.match(differ, { status: 1, stdout: /^all\.rec and other\.rec: 1 missing in the second, 1 added, 1 changed, 0 moved, of 2 in both\n {2}changed: id 9223372036854775809, record 1: label \[1\] became \[0\]; image of \d+ bytes became one of \d+; pixels differ by at most 10, PSNR 32\.90 dB\n {2}missing: id .*, record 2\n {2}added: id 7, record 2\n$/ })
  t.match(JSON.parse(millrace(t, 'diff', 'all.rec', 'other.rec', '--json').stdout), { isSame: false, counts: { added: 1 }, differences: [{ id: '9223372036854775809', labels: [[1], [0]] }, {}, {}] })
})
