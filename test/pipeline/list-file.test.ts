// List files: both flavours of im2rec, malformed lines, damage, size.

import t, { type Test } from 'tap'
import fc from 'fast-check'
import { createWriteStream, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { readRecords } from '@millrace/recordio'
import { formatListLine, PipelineError, readListFile, type ListLine, type ReadListOptions } from '@millrace/pipeline'
import { realData } from '../support.js'

async function read(path: string, options: ReadListOptions = {}): Promise<ListLine[]> {
  const lines: ListLine[] = []
  for await (const line of readListFile(path, options)) lines.push(line)
  return lines
}

async function readText(t: Test, text: string | Uint8Array, options: ReadListOptions = {}): Promise<ListLine[]> {
  const path = join(t.testdir(), 'x.lst')
  writeFileSync(path, text)
  return read(path, options)
}

const native = { flavour: 'im2rec.cc' } as const

for (const name of ['lines', 'multi', 'hdrmagic', 'magic', 'photos']) {
  const list = realData(`im2rec-golden/${name}.lst`)
  const records = realData(`im2rec-golden/${{ photos: 'photos_pass', multi: 'multi_pack' }[name] ?? name}.rec`)
  t.test(`${name}.lst of the golden set: the ids and labels that im2rec.cc stored`, { skip: list.skip }, async (t) => {
    const labelWidth = name === 'multi' ? 3 : 1
    const lines = await read(list.path, { ...native, labelWidth })
    const stored: { id: bigint; labels: number[] }[] = []
    for await (const { id, label, labels } of readRecords(records.path)) stored.push({ id, labels: labelWidth > 1 ? [...labels] : [label] })
    t.same(lines.map(({ id, labels }) => ({ id, labels: labels.map(Math.fround) })), stored)
    t.ok(lines.every(({ path }) => /^\S+\.(bin|jpg)$/.test(path)), 'no blank or CR in a path')
  })
}

t.test("im2rec.py's rules", async (t) => {
  const text = '\ufeff 3 \t 1.5\t-2e3 \t a b/ü.jpg \r\n\n  # note\n18446744073709551615\t+1_0\t1_2.5\tnan\t-Infinity\tb.jpg\r\n+7\t.5\tc.jpg'
  t.same(await readText(t, text), [
    { id: 3n, labels: [1.5, -2000], path: 'a b/ü.jpg', line: 1 },
    { id: 2n ** 64n - 1n, labels: [10, 12.5, NaN, -Infinity], path: 'b.jpg', line: 4 },
    { id: 7n, labels: [0.5], path: 'c.jpg', line: 5 },
  ])
})

t.test("im2rec.cc's rules", async (t) => {
  const text = '\t5  1 2   my photo.jpg \x01\n6\t3\t4\tü\n'
  t.same(await readText(t, text, { ...native, labelWidth: 2 }), [
    { id: 5n, labels: [1, 2], path: 'my photo.jpg', line: 1 },
    { id: 6n, labels: [3, 4], path: 'ü', line: 2 },
  ])
  t.same((await readText(t, text, native))[0], { id: 5n, labels: [1], path: '2   my photo.jpg', line: 1 })
})

const malformed: readonly [string, RegExp, ReadListOptions?][] = [
  ['1\ta.jpg', /line 2: expected "id TAB label TAB path", found "1\\ta.jpg"; correct the line/],
  ['1 2 a.jpg', /expected "id TAB label TAB path"/],
  ['1\t2\t ', /expected "id TAB label TAB path"/],
  ['x\t2\ta.jpg', /expected an id from 0 to 18446744073709551615, found "x"/],
  ['-1\t2\ta.jpg', /found "-1"/],
  ['1.0\t2\ta.jpg', /found "1.0"/],
  ['18446744073709551616\t2\ta.jpg', /expected an id/],
  ['1\t9007199254740993\ta.jpg', /found "9007199254740993", which is above 2\^53 and cannot be kept exactly/],
  ['1 -9007199254740993 a.jpg', /above 2\^53/, native],
  ['1\ttwo\ta.jpg', /expected a number as label 1, found "two"/],
  ['1\t2\t\ta.jpg', /expected a number as label 2, found ""/],
  ['1\t0x10\ta.jpg', /label 1/],
  ['1\t1e39\ta.jpg', /label 1/],
  ['1\t2\ta\ufffd.jpg', /expected a path in UTF-8/],
  ['a.jpg', /expected a number as label 1 of 1, found the end of the line/, native],
  ['1 2', /expected a path after the labels/, native],
  ['1 2.jpg', /expected a number as label 1 of 1, found "2.jpg"/, native],
  ['1 2 3.jpg', /label 2 of 2, found "3.jpg"/, { ...native, labelWidth: 2 }],
  ['1 nan a.jpg', /label 1/, native],
]

t.test('a malformed line: an error with its number, or passed over and told', async (t) => {
  for (const [text, message, options] of malformed) {
    const lines = `0\t1\t${options?.labelWidth === 2 ? '1\t' : ''}a.jpg\n${text}\n2\t1\t${options?.labelWidth === 2 ? '1\t' : ''}b.jpg\n`
    await t.rejects(readText(t, lines, options), { name: 'PipelineError', code: 'PIPE_LIST', message, details: { entry: 2 } }, text)
    const skipped: PipelineError[] = []
    const rest = await readText(t, lines, { ...options, onSkip: (error) => skipped.push(error) })
    t.same(rest.map(({ id, line }) => [id, line]), [[0n, 1], [2n, 3]])
    t.match(skipped, [{ code: 'PIPE_LIST', message }])
  }
})

t.test('bytes that are no UTF-8, no line ends, no file, an abort', async (t) => {
  await t.rejects(readText(t, Buffer.from('1\t2\t\xe9.jpg\n', 'latin1')), { code: 'PIPE_LIST', message: /UTF-8/ })
  await t.rejects(readText(t, Buffer.alloc(3 * 2 ** 20)), { code: 'PIPE_LIST', message: /at most 1048576 characters/ })
  await t.rejects(read(t.testdir()), { code: 'PIPE_SOURCE_MISSING' })
  await t.rejects(read('/none/x.lst'), { code: 'PIPE_SOURCE_MISSING', message: /ENOENT/ })
  await t.rejects(readText(t, '1\t2\ta', { signal: AbortSignal.abort() }), { code: 'PIPE_ABORTED' })
})

t.test('cut at every byte, every bit flipped: entries or a PipelineError', async (t) => {
  const path = join(t.testdir(), 'x.lst')
  const whole = Buffer.from('7\t1.5\tä.jpg\r\n8\t2\t3\tb c.png\n')
  const damaged = [
    ...Array.from(whole, (_, length) => whole.subarray(0, length)),
    ...Array.from({ length: 8 * whole.length }, (_, bit) => Buffer.from(whole).fill(whole[bit >> 3]! ^ (1 << (bit & 7)), bit >> 3, (bit >> 3) + 1)),
  ]
  for (const bytes of damaged) {
    writeFileSync(path, bytes)
    for (const options of [{}, native]) {
      const error = await read(path, options).then(() => undefined, (error: Error) => error)
      if (error && !(error instanceof PipelineError)) t.fail(`${bytes.toString('hex')}: ${error.message}`)
    }
  }
})

t.test('what is written is read back by both flavours', async (t) => {
  const path = join(t.testdir(), 'x.lst')
  const text = fc.stringMatching(/^[\w./ äßĀ漢-]{1,20}$/).filter((text) => text.trim() === text && !/^[\d\s]/.test(text))
  const entry = fc.record({ id: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), labels: fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 2, maxLength: 2 }), path: text })
  await fc.assert(fc.asyncProperty(fc.array(entry), async (entries) => {
    writeFileSync(path, entries.map(formatListLine).join(''))
    for (const options of [{}, { ...native, labelWidth: 2 }]) {
      const lines = await read(path, options)
      t.same(lines.map(({ labels }) => labels.map(Math.fround)), entries.map(({ labels }) => labels))
      t.same(lines.map(({ id, path }) => [id, path]), entries.map(({ id, path }) => [id, path]))
    }
  }), { numRuns: 50 })
  t.equal(formatListLine({ id: 1n, labels: Float32Array.of(0.1, 3, 1e-7, 16777217), path: 'a' }), '1\t0.1\t3\t1e-7\t16777216\ta\n')
  for (const path of ['', ' a', 'a\tb', 'a\nb', 'a\r']) t.throws(() => formatListLine({ id: 1n, labels: [1], path }), { code: 'PIPE_LIST' })
  t.throws(() => formatListLine({ id: -1n, labels: [1], path: 'a' }), { code: 'PIPE_LIST' })
  t.throws(() => formatListLine({ id: 1n, labels: [], path: 'a' }), { code: 'PIPE_LIST' })
})

t.test('a list of 200,000 lines', async (t) => {
  const path = join(t.testdir(), 'x.lst')
  const file = createWriteStream(path)
  for (let id = 0; id < 200_000; id++) file.write(`${id}\t${id % 1000}\tn${id % 1000}/image-${id}.JPEG\n`)
  await once(file.end(), 'finish')
  const began = performance.now()
  let count = 0
  for await (const { id, line } of readListFile(path)) if (Number(id) === line - 1) count++
  t.equal(count, 200_000)
  t.comment(`${Math.round(count / (performance.now() - began))} lines a millisecond`)
})
