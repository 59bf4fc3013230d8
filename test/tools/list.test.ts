// `millrace list` as a person runs it.

import t from 'tap'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { millrace } from './run-millrace.js'

t.test('lists and what it says', async (t) => {
  const folder = t.testdir({ data: { a: { '1.jpg': '', '2.jpg': '', '3.jpg': '', x: '' }, b: {} } })
  const [data, prefix] = [join(folder, 'data'), join(folder, 'x')]
  const text = await millrace('list', data, prefix, '--test-count', '1', '--val', '0')
  t.same(text, { exitCode: 0, stderr: '', stdout: `${prefix}_train.lst: 2 images\n${prefix}_test.lst: 1 images\n${prefix}.classes.txt: 2 classes\nwithout images: b\npassed over: 1 with another ending\n` })
  const json = await millrace('list', data, prefix, '--no-shuffle', '--exts', 'JPG,png', '--json')
  t.match(JSON.parse(json.stdout), { lists: [{ part: 'train', path: `${prefix}.lst`, images: 3 }], ignored: { otherFiles: 1 } })
  t.equal(readFileSync(`${prefix}.lst`, 'utf8'), '0\t0\ta/1.jpg\n1\t0\ta/2.jpg\n2\t0\ta/3.jpg\n')
})

t.test('rejects: exit 3; failures: 1; wrong usage: 2', async (t) => {
  const folder = t.testdir({ data: { a: { '1.jpg': '', 'x\ty.jpg': '' } }, classes: 'a\na\n' })
  const [data, prefix] = [join(folder, 'data'), join(folder, 'x')]
  const rejected = await millrace('list', data, prefix)
  t.equal(rejected.exitCode, 3)
  t.match(rejected.stdout, /\nrejected "a\/x\\ty.jpg": expected a name/)
  t.match(await millrace('list', data, prefix, '--classes', join(folder, 'classes')), { exitCode: 1, stderr: /^error PIPE_CLASS_NAME: .*line 2/ })
  t.match(await millrace('list', join(folder, 'none'), prefix), { exitCode: 1, stderr: /^error PIPE_SOURCE_MISSING/ })
  for (const args of [['--test', '1'], ['--test', '.1', '--test-count', '3'], ['--seed', 'x'], ['--exts', ',']]) {
    t.equal((await millrace('list', data, prefix, ...args)).exitCode, 2, args.join(' '))
  }
  t.same(readdirSync(folder).sort(), ['classes', 'data', 'x.classes.txt', 'x.lst'], 'of the run with rejects')
})
