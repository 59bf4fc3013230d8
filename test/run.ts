// Runs every compiled test and ends with one line that any reader (a person, a CI log scanner)
// understands: "N passed, N failed". Give file names to run only those.
//
// Each test file is a tap program that prints TAP, so each is run as it is, two at a time: the tap
// runner would load its own compiler and mocks into every one of them first, a second a file.

import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Parser } from 'tap-parser'

const timeoutMs = 240_000

interface Counts {
  passed: number
  failed: number
  skipped: number
}

const testFolder = fileURLToPath(new URL('.', import.meta.url))
const chosen = process.argv.slice(2)
const queue = chosen.length > 0 ? chosen : findTests()
const total: Counts = { passed: 0, failed: 0, skipped: 0 }

await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, async () => {
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) await runFile(file)
}))
if (total.passed === 0) total.failed++
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`)
process.exitCode = total.failed > 0 ? 1 : 0

/** Runs one file and prints its line, its failures and what it skipped. */
async function runFile(file: string): Promise<void> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 }
  const lines: string[] = []
  const began = performance.now()
  const child = spawn(process.execPath, ['--enable-source-maps', file], { stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs, killSignal: 'SIGKILL', env: { ...process.env, TAP_TIMEOUT: `${timeoutMs / 1000}` } })
  const parser = new Parser()
  count(parser, [], counts, lines)
  child.stdout.pipe(parser)
  let errorText = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => { errorText = (errorText + text).slice(-4000) })
  const [exitCode, signal] = await new Promise<[number | null, string | null]>((resolve) => child.on('close', (...ending) => resolve(ending)))
  const ended = signal ? `killed by ${signal} after ${timeoutMs / 1000} s` : `exit code ${exitCode}`
  const ranNothing = counts.passed + counts.failed + counts.skipped === 0
  if ((exitCode !== 0 || ranNothing || parser.results?.ok === false) && counts.failed === 0) {
    counts.failed++
    lines.push(`  FAILED: ${ranNothing ? 'ran no test' : 'the test plan was not carried out'}, ${ended}`)
  }
  if (counts.failed > 0) lines.push(errorText)
  console.log([`${relative(testFolder, file)}  ${counts.passed} passed  ${((performance.now() - began) / 1000).toFixed(1)} s`, ...lines].join('\n'))
  for (const key of ['passed', 'failed', 'skipped'] as const) total[key] += counts[key]
}

/** Counts the assertions of a test and of its subtests. */
function count(tests: Parser, path: readonly string[], counts: Counts, lines: string[]): void {
  const subtests = new Set<string>()
  tests.on('child', (subtest: Parser) => {
    subtests.add(subtest.name)
    count(subtest, [...path, subtest.name], counts, lines)
  })
  tests.on('assert', ({ name, ok, skip, diag }: { name: string; ok: boolean; skip: boolean | string; diag: unknown }) => {
    const place = [...path, name].join(' > ')
    if (subtests.has(name) && ok) return // its own assertions have been counted
    if (skip !== false && skip !== undefined) {
      counts.skipped++
      lines.push(`  skipped: ${place}: ${skip === true ? 'no reason given' : skip}`)
    } else if (ok) counts.passed++
    else {
      counts.failed++
      lines.push(`  FAILED: ${place}\n${JSON.stringify(diag, null, 2)}`)
    }
  })
  tests.on('bailout', (reason: string) => {
    counts.failed++
    lines.push(`  FAILED: bail out: ${reason}`)
  })
}

function findTests(): string[] {
  const names = readdirSync(testFolder, { recursive: true, encoding: 'utf8' })
  return names.filter((name) => name.endsWith('.test.js')).sort().map((name) => testFolder + name)
}
