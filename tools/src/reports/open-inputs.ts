// What `show` and `stats` look at: record files, or data sets in any format, each under the name of its split.

import { basename } from 'node:path'
import type { Source } from '@millrace/pipeline'
import { isRecordFile } from '../readings.js'
import { flagOf, openFlaggedSource, type SourceFlags } from '../source-flags.js'
import { CliError } from '../errors.js'
import type { RecordSource } from './record-source.js'

export interface ReportInput {
  /** The part of the data set that it is: the wanted split, else the name of the file or folder. */
  readonly split: string
  readonly source: Source | RecordSource
  /** The format that the data set was taken for, where nobody named it. */
  readonly guessed?: string
}

/**
 * Paths that end in .rec are records; anything else is a data set, opened once for each split in
 * `--split` (names with commas between them). Shards of one file share a split.
 * @throws CliError CLI_USAGE; what opening throws
 */
export async function openInputs(paths: readonly string[], flags: SourceFlags, signal: AbortSignal): Promise<ReportInput[]> {
  const inputs: ReportInput[] = []
  for (const path of paths) {
    const isRecords = flags.format === undefined && isRecordFile(path)
    inputs.push(...(isRecords ? [await openRecordInput(path, flags, signal)] : await openSourceInputs(path, flags, signal)))
  }
  return inputs
}

/** A line for each format that was guessed: a wrong one gives a wrong picture. */
export function describeGuesses(inputs: readonly ReportInput[]): string {
  const guessed = new Set(inputs.flatMap((input) => input.guessed ?? []))
  return [...guessed].map((format) => `format: ${format} (--format names another)\n`).join('')
}

export function isRecordSource(source: Source): source is RecordSource {
  return 'samplesAt' in source
}

async function openRecordInput(path: string, flags: SourceFlags, signal: AbortSignal): Promise<ReportInput> {
  const [given] = Object.keys(flags)
  if (given !== undefined) throw new CliError('CLI_USAGE', `${path}: records have no use for ${flagOf(given)}; leave it out, or name the format of a data set with --format`)
  const { openRecordSource } = await import('./record-source.js')
  return { split: basename(path).replace(/\.rec$/, '').replace(/-\d+-of-\d+$/, ''), source: await openRecordSource(path, signal) }
}

async function openSourceInputs(path: string, { split, ...flags }: SourceFlags, signal: AbortSignal): Promise<ReportInput[]> {
  const inputs: ReportInput[] = []
  for (const each of split?.split(',') ?? [undefined]) {
    const { source, format, isGuessed } = await openFlaggedSource(path, { ...flags, ...(each !== undefined && { split: each.trim() }) }, signal)
    inputs.push({ split: each?.trim() ?? basename(path), source, ...(isGuessed && { guessed: format }) })
  }
  return inputs
}
