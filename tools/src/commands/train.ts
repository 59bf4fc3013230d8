// `millrace train`: records in, run folder out; or a stopped run resumed. What it does is run-training.ts
// beside this folder.

import { Command, InvalidArgumentError, Option } from 'commander'
import type { TrainReport } from '@millrace/train'
import { networks } from '@millrace/train/networks'
import { CliError } from '../errors.js'
import { parseCount, parseShare, parseWhole } from '../number-options.js'
import type { CommandFactory } from '../program.js'
import { jsonLine } from '../record-output.js'
import type { TrainFlags } from '../run-training.js'

interface CommandFlags extends TrainFlags {
  readonly resume?: string
  readonly json: boolean
}

/** What goes with --resume: all else stands in the run's own configuration. */
const resumeOptions = ['resume', 'loaderThreads', 'cacheMb', 'json', 'quiet']

export const trainCommand: CommandFactory = (signal) =>
  new Command('train')
    .description('Train a network from records.')
    .argument('[records...]', 'record files, or "-" for a stream on standard input, read once')
    .option('--run <folder>', 'the run folder to make: configuration, log, checkpoints, best weights')
    .option('--resume <folder>', 'go on with a run from its newest checkpoint; its own configuration holds')
    .addOption(new Option('--validation <files...>', 'record files to measure the network on after each epoch').default([], 'none'))
    .addOption(new Option('--network <name>', describeNetworks()).choices(Object.keys(networks)).default('svhn-digits'))
    .option('--epochs <count>', 'passes over the records (default: 10; a stream without --spool: 1)', parseCount)
    .option('--batch-size <images>', 'images a step, over all replicas', parseCount, 32)
    .option('--learning-rate <rate>', 'the base rate', positiveNumber, 1e-3)
    .addOption(new Option('--optimiser <name>', 'how weights are updated').choices(['adam', 'sgd']).default('adam'))
    .option('--momentum <share>', "SGD's momentum; 0 is plain SGD", parseShare, 0.9)
    .addOption(new Option('--schedule <name>', 'cosine: 50 steps of warm-up, flat to 30 % of the run, then down to 2 %; a stream takes constant').choices(['cosine', 'constant']).default('cosine'))
    .option('--seed <number>', 'of first weights, order and augmentation', parseWhole, 1)
    .option('--replicas <count>', 'engines that share each batch, a thread each; part of the result', parseCount, 2)
    .option('--loader-threads <count>', 'threads that read, decode and augment; no part of the result', parseCount, 1)
    .option('--cache-mb <megabytes>', 'decoded pixels kept in memory, so that later epochs need not decode', parseWhole, 512)
    .addOption(new Option('--label-kind <kind>', 'what the labels of a stream are (default: none; a file says it itself)').choices(['class', 'values', 'digits', 'boxes']))
    .option('--spool <file.rec>', 'keep a stream in this file, for more epochs (default: do not keep it)')
    .option('--shuffle-records <count>', 'records in the shuffle buffer of a stream', parseCount, 2048)
    .option('--json', 'print the outcome as one JSON document', false)
    .option('--quiet', 'show no progress', false)
    .action(async (records: string[], flags: CommandFlags, command: Command) => {
      if (flags.resume === undefined) requireNothingIdle(records, flags, command)
      else requireNothingElse(records, command)
      const { resumeRun, startRun } = await import('../run-training.js')
      const report = flags.resume === undefined ? await startRun(records, flags, signal) : await resumeRun(flags.resume, flags, signal)
      const folder = flags.resume ?? flags.run
      process.stdout.write(flags.json ? jsonLine({ run: folder, ...report, best: report.best ?? null }) : `${outcome(report, folder!)}\n`)
    })

function describeNetworks(): string {
  return `what to train: ${Object.entries(networks).map(([name, { about }]) => `${name}: ${about}`).join('; ')}`
}

/** An option that would be ignored is refused. */
function requireNothingIdle(records: readonly string[], { optimiser, schedule }: CommandFlags, command: Command): void {
  const isStream = records.includes('-')
  const idle = [
    { option: 'momentum', isIdle: optimiser !== 'sgd', reason: '--momentum is for --optimiser sgd' },
    { option: 'schedule', isIdle: isStream && schedule !== 'constant', reason: '--schedule cosine is for files: a stream takes a constant rate, because its length is not known' },
    { option: 'shuffleRecords', isIdle: !isStream, reason: '--shuffle-records is for a stream ("-"): files are shuffled as a whole' },
  ].find(({ option, isIdle }) => isIdle && isGiven(command, option))
  if (idle) throw new CliError('CLI_USAGE', `${idle.reason}; leave it out`)
}

/** As above: what a run was begun with stands in its folder. */
function requireNothingElse(records: readonly string[], command: Command): void {
  if (records.length > 0) throw new CliError('CLI_USAGE', '--resume takes the records from the run itself; leave them out')
  const others = command.options.filter((option) => isGiven(command, option.attributeName()) && !resumeOptions.includes(option.attributeName()))
  if (others.length > 0) throw new CliError('CLI_USAGE', `--resume goes on with the run's own configuration; leave out ${others.map(({ long }) => long).join(', ')}`)
}

function isGiven(command: Command, option: string): boolean {
  return command.getOptionValueSource(option) === 'cli'
}

function outcome({ epochs, steps, seconds, best }: TrainReport, folder: string): string {
  const accuracy = best ? `, best validation accuracy ${(100 * best.accuracy).toFixed(1)} % in epoch ${best.epoch}` : ''
  return `${folder}: ${epochs} epoch${epochs === 1 ? '' : 's'}, ${steps} steps in ${seconds.toFixed(0)} s${accuracy}`
}

function positiveNumber(text: string): number {
  const value = Number(text)
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('Expected a number above 0.')
  return value
}
