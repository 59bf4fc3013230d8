// Makes a checkout ready to run: installs the locked dependencies when they are missing or out of
// date, then compiles what changed. `npm run demo` and `npm test` both start here, so a bare clone
// needs no other command.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'

const stampPath = 'node_modules/.millrace-lock'
const lockDigest = createHash('sha256').update(readFileSync('package-lock.json')).digest('hex')
const installed = existsSync(stampPath) && readFileSync(stampPath, 'utf8') === lockDigest

if (!installed) {
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], 'installing dependencies')
  writeFileSync(stampPath, lockDigest)
}
run(process.execPath, ['node_modules/typescript/bin/tsc', '--build'], 'compiling')

function run(command, args, what) {
  process.stderr.write(`${what} …\n`)
  const options = { stdio: 'inherit', shell: process.platform === 'win32' && command === 'npm' }
  const { status, error } = spawnSync(command, args, options)
  if (status !== 0) {
    process.stderr.write(`${what} failed${error ? `: ${error.message}` : ''}\n`)
    process.exit(1)
  }
}
