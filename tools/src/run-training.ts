// What `millrace train` does: starts a run from files or from a stream on standard input, or resumes one,
// and shows it on standard error.

import { readRecords, RecordWriter, type LabelKind, type MetaHeader, type StoredRecord } from '@millrace/recordio'
import { createNetwork, resumeTraining, trainNetwork, type RunSettings, type ScheduleConfig, type TrainReport } from '@millrace/train'
import { CliError } from './errors.js'
import { createTrainingDisplay } from './training-display.js'

/** What may be given anew each time: it changes nothing in the result. */
export interface ResumeFlags {
  readonly loaderThreads: number
  readonly cacheMb: number
  readonly quiet?: boolean
}

export interface TrainFlags extends ResumeFlags {
  readonly validation: readonly string[]
  readonly network: string
  readonly run?: string
  readonly epochs?: number
  readonly batchSize: number
  readonly learningRate: number
  readonly optimiser: 'adam' | 'sgd'
  readonly momentum: number
  readonly schedule: 'cosine' | 'constant'
  readonly seed: number
  readonly replicas: number
  readonly labelKind?: LabelKind
  readonly spool?: string
  readonly shuffleRecords: number
}

/** @throws CliError CLI_USAGE for options that do not fit each other, and what `trainNetwork` throws. */
export async function startRun(records: readonly string[], flags: TrainFlags, signal: AbortSignal): Promise<TrainReport> {
  const { run, spool } = flags
  if (records.length === 0) throw new CliError('CLI_USAGE', 'name the record files to train from, or "-" for standard input')
  if (run === undefined) throw new CliError('CLI_USAGE', 'say where the run goes: --run FOLDER')
  const graph = createNetwork(flags.network)
  const isStream = records.includes('-')
  const source = isStream ? openStream(records, flags, graph.task.kind, signal) : requireFiles(records, flags)
  return await withDisplay(flags, signal, (settings) =>
    trainNetwork({
      ...settings,
      graph,
      records: source,
      validation: flags.validation,
      run,
      epochs: flags.epochs ?? (isStream && spool === undefined ? 1 : 10),
      batchSize: flags.batchSize,
      learningRate: flags.learningRate,
      ...(flags.optimiser === 'sgd' && { optimiser: { kind: 'sgd', momentum: flags.momentum, nesterov: false } as const }),
      ...(flags.schedule === 'constant' && { schedule: { kind: 'constant' } satisfies ScheduleConfig }),
      seed: flags.seed,
      replicas: flags.replicas,
      shuffleRecords: flags.shuffleRecords,
      ...(spool !== undefined && { spooled: spool }),
    }))
}

/** @throws what `resumeTraining` throws. */
export async function resumeRun(folder: string, flags: ResumeFlags, signal: AbortSignal): Promise<TrainReport> {
  return await withDisplay(flags, signal, (settings) => resumeTraining(folder, settings))
}

async function withDisplay({ loaderThreads, cacheMb, quiet }: ResumeFlags, signal: AbortSignal, train: (settings: RunSettings) => Promise<TrainReport>): Promise<TrainReport> {
  const display = createTrainingDisplay({ quiet: quiet === true })
  try {
    return await train({ signal, loaderWorkers: loaderThreads, cacheBytes: cacheMb * 2 ** 20, onProgress: display.show })
  } finally {
    display.done()
  }
}

function requireFiles(records: readonly string[], { labelKind, spool }: TrainFlags): readonly string[] {
  if (labelKind !== undefined || spool !== undefined) throw new CliError('CLI_USAGE', `${spool === undefined ? '--label-kind' : '--spool'} is for a stream ("-"): leave it out, or pipe the records in`)
  return records
}

/** Records from standard input, kept in the spool file on the way if there is one. */
function openStream(records: readonly string[], { epochs = 1, labelKind, network, spool: path }: TrainFlags, learns: string, signal: AbortSignal): AsyncIterable<StoredRecord> {
  if (records.length > 1) throw new CliError('CLI_USAGE', '"-" stands alone: a run reads either standard input or files')
  if (labelKind === undefined) throw new CliError('CLI_USAGE', `a stream does not say what its labels are: give --label-kind (the network ${network} learns ${learns})`)
  if (labelKind !== learns) throw new CliError('CLI_USAGE', `the network ${network} learns labels of kind "${learns}", the stream has "${labelKind}"`)
  if (epochs > 1 && path === undefined) throw new CliError('CLI_USAGE', `a stream is read once: for ${epochs} epochs keep it in a file with --spool FILE, or leave out --epochs`)
  if (process.stdin.isTTY) throw new CliError('CLI_USAGE', 'standard input is a terminal: pipe records in, e.g. millrace pack SOURCE - | millrace train - …')
  const stream = readRecords(process.stdin, { signal, name: 'standard input' })
  return path === undefined ? stream : spool(stream, path, { labelKind, labelWidth: 0 })
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
