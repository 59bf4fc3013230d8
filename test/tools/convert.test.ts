// `millrace convert` and `millrace unpack` as a person runs them.

import t from 'tap'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { picture, plainRecords, writeRecords } from '../pipeline/interchange/support.js'
import { realData } from '../support.js'
import { millrace } from './run-millrace.js'

const texts = realData('webdataset/compressed.tar')
const header = { labelKind: 'class', labelWidth: 1, classNames: ['a', 'b'] } as const

t.test('there and back, as text and as JSON', async (t) => {
  const folder = t.testdir()
  const path = (name: string): string => join(folder, name)
  const image = await picture('jpeg', 100)
  await writeRecords(path('a.rec'), [{ id: 4n, label: 1, image }, { id: 5n, label: 0, image }], header)
  const text = await millrace('convert', path('a.rec'), path('a.bin'), '--to', 'tfrecord')
  t.match(text, { exitCode: 0, stderr: '', stdout: /^converted 2 of 2 images into .*a.bin in \d+\.\d s\n$/ })
  const json = await millrace('convert', path('a.bin'), path('b.rec'), '--from', 'tfrecord', '--json')
  t.match(JSON.parse(json.stdout), { from: 'tfrecord', to: 'rec', converted: 2, rejected: 0, firstRejects: [] })
  t.same(await plainRecords(path('b.rec')), await plainRecords(path('a.rec')))
  const unpacked = await millrace('unpack', path('b.rec'), path('images'))
  t.match(unpacked, { exitCode: 0, stderr: '', stdout: `unpacked 2 images into ${path('images')}, in 2 class folders\nlist: ${path('images/b.lst')}\n` })
  t.same(readdirSync(path('images')).sort(), ['a', 'b', 'b.classes.txt', 'b.lst'])
})

t.test('rejects: exit 3 with their names; twice the same id', async (t) => {
  const folder = t.testdir()
  const path = (name: string): string => join(folder, name)
  await writeRecords(path('a.rec'), [{ id: 4n, label: 1, image: Buffer.from('x') }, { id: 4n, label: 0, image: Buffer.from('y') }], header)
  const skipped = await millrace('convert', path('a.rec'), path('a.tar'))
  t.match(skipped, { exitCode: 3, stdout: /^converted 1 of 2 images .*\n1 rejected:\n {2}.*a.rec#4: PIPE_SAMPLE: .*--ids ordinal/ })
  t.match(await millrace('convert', path('a.rec'), path('b.tar'), '--on-error', 'fail'), { exitCode: 1, stderr: /^error PIPE_SAMPLE/ })
  t.match(await millrace('convert', path('a.rec'), path('c.tar'), '--ids', 'ordinal'), { exitCode: 0, stdout: /^converted 2 of 2/ })
  t.same(readdirSync(folder).sort(), ['a.idx', 'a.meta', 'a.rec', 'a.tar', 'a.tar.rejects.jsonl', 'c.tar'])
})

t.test('a shard without images: exit 1, the rejects on standard error', { skip: texts.skip }, async (t) => {
  const folder = t.testdir()
  const run = await millrace('convert', texts.path, join(folder, 'x.rec'))
  t.match(run, { exitCode: 1, stdout: '', stderr: /^rejected compressed\/0001: PIPE_SAMPLE: [^]*\nerror PIPE_ALL_REJECTED: / })
  t.same(readdirSync(folder), ['x.rejects.jsonl'])
})

t.test('wrong usage', async (t) => {
  for (const args of [['convert', 'a.rec'], ['convert', 'a', 'b', '--to', 'zip'], ['unpack', 'a.rec'], ['unpack', 'a.rec', 'b', '--label-kind', 'x']]) {
    t.equal((await millrace(...args)).exitCode, 2, args.join(' '))
  }
  t.match(await millrace('convert', 'a.zip', 'b.rec'), { exitCode: 1, stderr: /^error PIPE_OPTION: a.zip: expected a name that ends in/ })
})
