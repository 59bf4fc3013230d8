// `millrace train`: records in, run folder out; or a stopped run resumed.

import { availableParallelism } from 'node:os'
import { Command, InvalidArgumentError, Option } from 'commander'
import { readRecords, RecordWriter, type LabelKind, type MetaHeader, type StoredRecord } from '@millrace/recordio'
import { createNetwork, networks, resumeTraining, trainNetwork, type OptimiserConfig, type RunSettings, type ScheduleConfig, type TrainReport } from '@millrace/train'
import { CliError } from '../errors.js'
import type { CommandFactory } from '../program.js'
import { createTrainingDisplay } from '../training-display.js'

interface TrainFlags {
  readonly validation: readonly string[]
  readonly network: string
  readonly run?: string
  readonly resume?: string
  readonly epochs?: number
  readonly batchSize: number
  readonly learningRate: number
  readonly optimiser: 'adam' | 'sgd'
  readonly momentum: number
  readonly schedule: 'cosine' | 'constant'
  readonly seed: number
  readonly replicas: number
  readonly loaderThreads: number
  readonly cacheMb: number
  readonly labelKind?: LabelKind
  readonly spool?: string
  readonly shuffleRecords: number
  readonly json?: boolean
  readonly quiet?: boolean
}

export const trainCommand: CommandFactory = (signal) =>
  new Command('train')
    .description('Train a network from records.')
    .argument('[records...]', 'record files, or "-" for a stream on standard input, read once')
    .option('--run <folder>', 'the run folder to make: configuration, log, checkpoints, best weights')
    .option('--resume <folder>', 'go on with a run from its newest checkpoint; its own configuration holds')
    .option('--validation <files...>', 'record files to measure the network on after each epoch', [])
    .addOption(new Option('--network <name>', describeNetworks()).default('svhn-digits'))
    .option('--epochs <count>', 'passes over the records (default: 10; a stream without --spool: 1)', wholeNumber)
    .option('--batch-size <images>', 'images a step, over all replicas', wholeNumber, 32)
    .option('--learning-rate <rate>', 'the base rate', positiveNumber, 1e-3)
    .addOption(new Option('--optimiser <name>', 'how weights are updated').choices(['adam', 'sgd']).default('adam'))
    .option('--momentum <share>', "SGD's momentum", positiveNumber, 0.9)
    .addOption(new Option('--schedule <name>', 'cosine: 50 steps of warm-up, flat to 30 % of the run, then down to 2 %; a stream takes constant').choices(['cosine', 'constant']).default('cosine'))
    .option('--seed <number>', 'of first weights, order and augmentation', wholeNumber, 1)
    .option('--replicas <count>', 'engines that share each batch, a thread each; part of the result', wholeNumber, Math.min(2, availableParallelism()))
    .option('--loader-threads <count>', 'threads that read, decode and augment; no part of the result', wholeNumber, 1)
    .option('--cache-mb <megabytes>', 'decoded pixels kept in memory, so that later epochs need not decode', wholeNumber, 512)
    .addOption(new Option('--label-kind <kind>', 'what the labels of a stream are (a file says it itself)').choices(['class', 'values', 'digits', 'boxes'] satisfies LabelKind[]))
    .option('--spool <file.rec>', 'keep a stream in this file, for more epochs')
    .option('--shuffle-records <count>', 'records in the shuffle buffer of a stream', wholeNumber, 2048)
    .option('--json', 'print the outcome as JSON')
    .option('--quiet', 'no progress')
    .action(async (records: string[], flags: TrainFlags) => {
      const report = flags.resume === undefined ? await startRun(records, flags, signal) : await resumeRun(records, flags.resume, flags, signal)
      const folder = flags.resume ?? flags.run
      if (flags.json) console.log(JSON.stringify({ run: folder, ...report }))
      else console.log(outcome(report, folder!))
    })

async function startRun(records: readonly string[], flags: TrainFlags, signal: AbortSignal): Promise<TrainReport> {
  if (records.length === 0) throw new CliError('CLI_USAGE', 'name the record files to train from, or "-" for standard input')
  if (flags.run === undefined) throw new CliError('CLI_USAGE', 'say where the run goes: --run FOLDER')
  const isStream = records.includes('-')
  const epochs = flags.epochs ?? (isStream && flags.spool === undefined ? 1 : 10)
  const graph = createNetwork(flags.network)
  const optimiser: OptimiserConfig = flags.optimiser === 'sgd' ? { kind: 'sgd', momentum: flags.momentum, nesterov: false } : { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-7 }
  return await withDisplay(flags, signal, (settings) =>
    trainNetwork({
      ...settings,
      graph,
      records: isStream ? openStream(records, flags, graph.task.kind, signal) : records,
      validation: flags.validation,
      run: flags.run!,
      epochs,
      batchSize: flags.batchSize,
      learningRate: flags.learningRate,
      optimiser,
      ...(flags.schedule === 'constant' && { schedule: { kind: 'constant' } satisfies ScheduleConfig }),
      seed: flags.seed,
      replicas: flags.replicas,
      shuffleRecords: flags.shuffleRecords,
      ...(isStream && flags.spool !== undefined && { spooled: flags.spool }),
    }))
}

async function resumeRun(records: readonly string[], folder: string, flags: TrainFlags, signal: AbortSignal): Promise<TrainReport> {
  if (records.length > 0) throw new CliError('CLI_USAGE', '--resume takes the records from the run itself; leave them out')
  return await withDisplay(flags, signal, (settings) => resumeTraining(folder, settings))
}

async function withDisplay(flags: TrainFlags, signal: AbortSignal, train: (settings: RunSettings) => Promise<TrainReport>): Promise<TrainReport> {
  const display = createTrainingDisplay({ quiet: flags.quiet === true })
  try {
    return await train({ signal, loaderWorkers: flags.loaderThreads, cacheBytes: flags.cacheMb * 2 ** 20, onProgress: display.show })
  } finally {
    display.done()
  }
}

/** Records from standard input, kept in the spool file on the way if there is one. */
function openStream(records: readonly string[], flags: TrainFlags, learns: string, signal: AbortSignal): AsyncIterable<StoredRecord> {
  if (records.length > 1) throw new CliError('CLI_USAGE', '"-" stands alone: a run reads either standard input or files')
  if (flags.labelKind === undefined) {
    throw new CliError('CLI_USAGE', `a stream does not say what its labels are: give --label-kind (the network ${flags.network} learns ${learns})`)
  }
  if (flags.labelKind !== learns) throw new CliError('CLI_USAGE', `the network ${flags.network} learns labels of kind "${learns}", the stream has "${flags.labelKind}"`)
  const stream = readRecords(process.stdin, { signal, name: 'standard input' })
  return flags.spool === undefined ? stream : spool(stream, flags.spool, { labelKind: flags.labelKind, labelWidth: 0 })
}

/** Passes records on and writes each to a file, which is complete once the last has gone through. */
async function* spool(records: AsyncIterable<StoredRecord>, path: string, meta: MetaHeader): AsyncGenerator<StoredRecord> {
  let writer: RecordWriter | undefined
  let isWhole = false
  try {
    for await (const record of records) {
      writer ??= await RecordWriter.create(path, { ...meta, labelWidth: Math.max(1, record.labels.length) })
      await writer.write(record)
      yield record
    }
    isWhole = true
  } finally {
    if (isWhole) await writer?.close()
    else await writer?.abort()
  }
}

function outcome({ epochs, steps, seconds, best }: TrainReport, folder: string): string {
  const accuracy = best ? `, best validation accuracy ${(100 * best.accuracy).toFixed(1)} % in epoch ${best.epoch}` : ''
  return `${folder}: ${epochs} epochs, ${steps} steps in ${seconds.toFixed(0)} s${accuracy}`
}

function describeNetworks(): string {
  return `what to train: ${Object.entries(networks).map(([name, { about }]) => `${name} (${about})`).join('; ')}`
}

function wholeNumber(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('expected a whole number above 0')
  return value
}

function positiveNumber(text: string): number {
  const value = Number(text)
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError('expected a number above 0')
  return value
}
