// `millrace demo`, small: every stage runs, and what it promises lies in its folder. How well it reads is
// measured by the demo at its full size.

import t from 'tap'
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decodeImage } from '@millrace/pipeline/images'

t.setTimeout(120_000)

const program = fileURLToPath(new URL('../../../tools/bin/millrace.js', import.meta.url))

function demo(...args: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, 'demo', ...args], (error, stdout, stderr) => resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr }))
  })
}

t.test('from photos to readings, twice into the same folder', async (t) => {
  const folder = join(t.testdir(), 'out')
  const args = ['--photos', '200', '--held-out', '64', '--epochs', '1', '--folder', folder]
  const first = await demo(...args)
  t.equal(first.exitCode, 0, first.stderr)
  t.match(first.stdout, /^photo +truth +read probability\n(\d+\.png +\d+ +.*\n){12}\nread right in full: \d+\.\d % of 64 test photos/)
  t.match(first.stdout, /logistic regression on the same pixels: \d+\.\d %\n/)
  t.match(first.stdout, /\ntime\n( {2}.+ \d+\.\d s\n){8}$/)
  t.match(first.stderr, /epoch 1\/1 {2}step 6 .*validation: loss /)
  t.match(readdirSync(folder), ['baseline-model', 'baseline-run', 'contact-sheet.png', 'model', 'photos', 'run', 'test.idx', 'test.meta', 'test.rec'])
  const sheet = await decodeImage(readFileSync(join(folder, 'contact-sheet.png')))
  t.ok(sheet.width > 400 && sheet.height > 200)
  const readings = (text: string): string => text.slice(0, text.indexOf('\ntime\n'))
  t.equal(readings((await demo(...args)).stdout), readings(first.stdout), 'the same again')
})

t.test('wrong usage', async (t) => {
  t.match(await demo('--photos', '0'), { exitCode: 2, stderr: /whole number from 1/ })
  t.match(await demo('--help'), { exitCode: 0, stdout: /--held-out <count> .*default: 1000/s })
})
