// Puts the commands together. A command is one file in commands/ that exports a function
// `(signal) => Command`; a new one is added to the list here. A command imports what it works with only in
// its action, so that help, and every other command, starts without it.

import { Command } from 'commander'
import { readFileSync } from 'node:fs'
import { appendCommand } from './commands/append.js'
import { compileCommand } from './commands/compile.js'
import { convertCommand } from './commands/convert.js'
import { demoCommand } from './commands/demo.js'
import { diffCommand } from './commands/diff.js'
import { exportCommand } from './commands/export.js'
import { formatsCommand } from './commands/formats.js'
import { im2recCommand } from './commands/im2rec.js'
import { indexCommand } from './commands/index-records.js'
import { inspectCommand } from './commands/inspect.js'
import { listCommand } from './commands/list.js'
import { mergeCommand } from './commands/merge.js'
import { packCommand } from './commands/pack.js'
import { predictCommand } from './commands/predict.js'
import { repairCommand } from './commands/repair.js'
import { sampleCommand } from './commands/sample.js'
import { showCommand } from './commands/show.js'
import { splitCommand } from './commands/split.js'
import { statsCommand } from './commands/stats.js'
import { trainCommand } from './commands/train.js'
import { unpackCommand } from './commands/unpack.js'
import { verifyCommand } from './commands/verify.js'

/** A command's factory. `signal` aborts when the user interrupts the program. */
export type CommandFactory = (signal: AbortSignal) => Command

const commands: readonly CommandFactory[] = [sampleCommand, formatsCommand, showCommand, statsCommand, packCommand, im2recCommand, listCommand, convertCommand, unpackCommand, trainCommand, exportCommand, compileCommand, predictCommand, inspectCommand, verifyCommand, repairCommand, indexCommand, mergeCommand, splitCommand, appendCommand, diffCommand, demoCommand]

/** The whole command line, not yet run. Errors are thrown, never `process.exit`. */
export function createProgram(signal: AbortSignal): Command {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  const program = new Command('millrace')
    .description('Pack labelled images into records, train networks from them, and run the networks.')
    .version(version)
    .option('--debug', 'print the stack of an error')
    .showHelpAfterError('(add --help for the options)')
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'error CLI_USAGE: ')) })
  for (const create of commands) program.addCommand(create(signal))
  applyToAll(program)
  return program
}

/** Settings that commander does not inherit by itself. */
function applyToAll(command: Command): void {
  command.exitOverride()
  for (const subcommand of command.commands) {
    subcommand.copyInheritedSettings(command)
    applyToAll(subcommand)
  }
}
