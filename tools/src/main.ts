// The `millrace` program: hands the arguments to the command, and turns what comes back into an
// exit code: 0 ok, 1 failed, 2 wrong usage, 3 done but with rejected inputs, 130/143 interrupted.

import { CommanderError } from 'commander'
import { createProgram } from './program.js'
import { CliError } from './errors.js'

const interruption = new AbortController()
let signalExitCode = 0
for (const [signal, exitCode] of [['SIGINT', 130], ['SIGTERM', 143]] as const) {
  process.on(signal, () => {
    if (signalExitCode !== 0) process.exit(signalExitCode) // asked twice: go at once
    signalExitCode = exitCode
    interruption.abort(new CliError('CLI_ABORTED', `stopped by ${signal}`))
  })
}
// The reader of our standard output (head, less) may go away: no failure, unless the command has said so.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0)
  throw error
})

try {
  await createProgram(interruption.signal).parseAsync()
} catch (error) {
  process.exitCode = report(error)
}
if (signalExitCode !== 0) process.exitCode = signalExitCode

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2 // commander has printed it
  const { code, message, stack } = error as NodeJS.ErrnoException
  process.stderr.write(`error${code ? ` ${code}` : ''}: ${message ?? String(error)}\n`)
  if (process.argv.includes('--debug')) process.stderr.write(`${stack}\n`)
  return code === 'CLI_USAGE' ? 2 : 1
}
