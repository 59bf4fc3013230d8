// What the program loads before it works: help and light commands must not wait for heavy libraries.

import t from 'tap'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { digitRecords, writeRecords } from '../train/digit-records.js'

const program = fileURLToPath(new URL('../../../tools/bin/millrace.js', import.meta.url))
const heavy = /\/(@tensorflow|sharp|h5wasm|opentype\.js)\//

/** Prints the address of every module that is imported. */
const printing = 'export async function resolve(name, context, next) { const found = await next(name, context); process._rawDebug(found.url); return found }'
const hook = `import { register } from 'node:module'; register('data:text/javascript,${encodeURIComponent(printing)}')`

/** The modules that a command line imports. */
function imported(...args: string[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, ['--import', `data:text/javascript,${encodeURIComponent(hook)}`, program, ...args], (error, _stdout, stderr) => {
      if (error) reject(error)
      else resolve(stderr.split('\n').filter((line) => line.startsWith('file:')))
    })
  })
}

t.test('help and inspect load none of the heavy libraries', async (t) => {
  const records = await writeRecords(join(t.testdir(), 'some.rec'), await digitRecords(2))
  for (const args of [['--help'], ['train', '--help'], ['demo', '--help'], ['inspect', records]]) {
    const modules = await imported(...args)
    t.ok(modules.some((url) => url.includes('/commander/')), 'the hook sees what is imported')
    t.same(modules.filter((url) => heavy.test(url)), [], args[0]!)
  }
  t.ok((await imported('--help')).every((url) => !url.includes('/recordio/')), 'help loads no package of ours but this one')
})
