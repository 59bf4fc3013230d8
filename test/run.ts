// Runs every compiled test under tap and ends with one line that any reader (a person, a CI log
// scanner) understands: "N passed, N failed". Give file names to run only those.

import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Parser } from 'tap-parser'

const testFolder = fileURLToPath(new URL('.', import.meta.url))
const tapProgram = fileURLToPath(new URL('../../node_modules/tap/dist/esm/run.mjs', import.meta.url))

const chosen = process.argv.slice(2)
const files = chosen.length > 0 ? chosen : findTests()

const child = spawn(process.execPath, [tapProgram, 'run', '--reporter=tap', '--disable-coverage', '--jobs=2', '--timeout=240', ...files], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
const parser = new Parser()
const counts = { passed: 0, failed: 0, skipped: 0 }
count(parser, [])
child.stdout.pipe(parser)
child.on('close', (exitCode) => {
  if (exitCode !== 0 && counts.failed === 0) counts.failed++
  if (counts.passed === 0) counts.failed++
  console.log(`${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}`)
  process.exitCode = counts.failed > 0 ? 1 : 0
})

/** Counts the assertions of a test and of all its subtests; prints the failed and the skipped ones. */
function count(tests: Parser, path: readonly string[]): void {
  tests.on('child', (subtest: Parser) => {
    const name = subtest.name.startsWith(testFolder) ? subtest.name.slice(testFolder.length) : subtest.name
    if (path.length === 0) console.log(name)
    count(subtest, [...path, name])
    subtests.add(subtest.name)
  })
  const subtests = new Set<string>()
  tests.on('assert', (assertion) => {
    if (subtests.has(assertion.name) && assertion.ok) return
    if (assertion.skip !== false) {
      counts.skipped++
      console.log(`  skipped: ${[...path, assertion.name].join(' > ')}: ${String(assertion.skip)}`)
    } else if (assertion.ok) counts.passed++
    else {
      counts.failed++
      console.log(`  FAILED: ${[...path, assertion.name].join(' > ')}\n${JSON.stringify(assertion.diag, null, 2)}`)
    }
  })
  tests.on('bailout', (reason: string) => console.log(`  bail out: ${reason}`))
}

function findTests(): string[] {
  const names = readdirSync(testFolder, { recursive: true, encoding: 'utf8' })
  return names.filter((name) => name.endsWith('.test.js')).sort().map((name) => testFolder + name)
}
