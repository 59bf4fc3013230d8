// tools/src/commands/inspect.ts, run as a person runs it.

import t from 'tap'
import { encodeRecord, RecordWriter } from '@millrace/recordio'
import { spawnSync } from 'node:child_process'
import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'

const program = fileURLToPath(new URL('../../../tools/bin/millrace.js', import.meta.url))

function inspect(args: readonly string[], input?: Uint8Array): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [program, 'inspect', ...args], { encoding: 'utf8', input })
}

const digits = (id: bigint, labels: number[], image: Buffer): Parameters<typeof encodeRecord>[0] => ({ id, labels: Float32Array.from(labels), image })

t.test('a packed file with its .meta', async (t) => {
  const path = join(t.testdir(), 'x.rec')
  const jpeg = await sharp({ create: { width: 64, height: 48, channels: 3, background: 'blue' } }).jpeg().toBuffer()
  const writer = await RecordWriter.create(path, { labelKind: 'digits', labelWidth: 6, pack: { resize: 64 } })
  await writer.write(digits(2n ** 64n - 1n, [2, 1, 9, 10, 10, 10], jpeg))
  await writer.write(digits(1n, [1, 9, 10, 10, 10, 10], jpeg))
  await writer.close({ rejected: 37, channelMean: [10.123, 20, 30], channelStd: [1, 2, 3] })

  const text = inspect([path])
  t.equal(text.status, 0)
  t.equal(text.stderr, '')
  for (const line of [
    /x\.rec: 2 records\n/, /^images    2 jpeg, /m, /^labels    digits$/m, /^ {2}length 1 +1 +50\.0 %$/m, /^ {2}digit 9 +2 +66\.7 %$/m,
    /^means     10\.12 20\.00 30\.00 /m, /^deviation 1\.00 2\.00 3\.00$/m, /^rejected  37 /m, /^ {2}0  18446744073709551615  2 1 9 10 10 10 +\d+ +jpeg 64x48$/m,
  ]) t.match(text.stdout, line)

  const json = inspect([path, '--json', '--first', '1'])
  t.match(JSON.parse(json.stdout), {
    file: path, count: 2, labelKind: 'digits', isLabelKindGuessed: false, histogram: { labels: { 1: 1, 2: 1 }, digits: { 1: 1, 9: 2 } },
    meta: { header: { pack: { resize: 64 } }, summary: { rejected: 37 } }, first: [{ id: '18446744073709551615', image: { width: 64 } }],
  })
  t.equal((JSON.parse(json.stdout) as { first: unknown[] }).first.length, 1)
})

t.test('a stream, with nothing beside it', (t) => {
  const records = Array.from({ length: 30 }, (_, id) => encodeRecord({ id: BigInt(id), label: id, image: Buffer.from('x') }))
  const { status, stdout } = inspect(['-', '--first', '0'], Buffer.concat(records))
  t.equal(status, 0)
  t.match(stdout, /^standard input: 30 records\nimages    30 other, 30 bytes; .*\nlabels    class \(guessed: there is no \.meta\)\n/)
  t.match(stdout, /… and 10 more \(--json lists all\)\n$/)
  t.end()
})

t.test('an empty stream', (t) => {
  t.match(inspect(['-'], Buffer.alloc(0)), { status: 0, stdout: /^standard input: 0 records\n/ })
  t.match(JSON.parse(inspect(['-', '--json'], Buffer.alloc(0)).stdout), { count: 0, labelKind: null, meta: null })
  t.end()
})

t.test('a cut file: an error that says where, and exit code 1', (t) => {
  const path = join(t.testdir(), 'x.rec')
  writeFileSync(path, Buffer.concat([encodeRecord({ id: 1n, image: Buffer.from('abcd') }), encodeRecord({ id: 2n, image: Buffer.from('abcd') })]))
  truncateSync(path, 60)
  t.match(inspect([path]), { status: 1, stdout: '', stderr: /^error REC_CUT: .*x\.rec: record 1 at byte 36: expected 12 more bytes .*\n$/ })
  t.match(inspect([join(path, 'none')]), { status: 1, stderr: /^error REC_FILE: / })
  t.end()
})

t.test('wrong usage: exit code 2', (t) => {
  t.match(inspect([]), { status: 2, stderr: /missing required argument 'file\.rec'/ })
  t.match(inspect(['x.rec', '--first', '-1']), { status: 2, stderr: /Expected a whole number from 0/ })
  t.end()
})
