// `millrace stats PATH...`: what a data set or record file is made of, in words, figures and charts.

import { basename } from 'node:path'
import { Command, Option } from 'commander'
import { CliError } from '../errors.js'
import { parseCount } from '../number-options.js'
import { createProgress } from '../progress.js'
import type { CommandFactory } from '../program.js'
import { jsonLine } from '../record-output.js'
import { addSourceFlags, pickSourceFlags, type SourceFlags } from '../source-flags.js'

interface StatsFlags extends SourceFlags {
  readonly out?: string
  readonly pixels: boolean
  readonly labelsOnly: boolean
  readonly limit?: number
  readonly json: boolean
  readonly quiet: boolean
}

export const statsCommand: CommandFactory = (signal) => {
  const command = new Command('stats')
    .description('Count classes, digits, sizes, boxes and what cannot be read, of records or a data set.')
    .argument('<path...>', 'record files (.rec), or a data set in any format that pack reads; several are counted together')
    .option('--out <file.html>', 'also draw the figures as charts, in one page (default: none)')
    .option('--pixels', 'decode the images: the means of their channels, and images that break off', false)
    .addOption(new Option('--labels-only', 'read no image: counts of labels alone, whether the images are there or not').default(false).conflicts('pixels'))
    .option('--limit <count>', 'only the first so many samples of each (default: all)', parseCount)
    .option('--json', 'print the figures as one JSON document', false)
    .option('--quiet', 'show no progress', false)
  addSourceFlags(command)
  return command.action((paths: string[], flags: StatsFlags) => stats(paths, flags, signal))
}

async function stats(paths: readonly string[], flags: StatsFlags, signal: AbortSignal): Promise<void> {
  const { out, pixels, labelsOnly, limit, json, quiet } = flags
  if (out !== undefined && !/\.html?$/i.test(out)) throw new CliError('CLI_USAGE', `--out: expected a name that ends in .html, found ${out}`)
  const { describeGuesses, openInputs } = await import('../reports/open-inputs.js')
  const { collectStatistics } = await import('../reports/data-statistics.js')
  const inputs = await openInputs(paths, pickSourceFlags(flags), signal)
  if (!quiet) process.stderr.write(describeGuesses(inputs))
  const sources = inputs.map(({ source }) => source)
  const kinds = new Set(sources.map(({ labelKind }) => labelKind))
  if (kinds.size > 1) throw new CliError('CLI_USAGE', `${paths.join(', ')}: expected labels of one kind, found ${[...kinds].join(' and ')}; look at them one by one`)
  const progress = createProgress('stats', { quiet, unit: 'samples' })
  const statistics = await collectStatistics(sources, { pixels, labelsOnly, signal, ...(limit !== undefined && { limit }), onProgress: (samples) => progress.update(samples) }).finally(() => progress.done())
  if (out !== undefined) {
    const { renderStatisticsPage } = await import('../reports/statistics-page.js')
    const { writeWholeFile } = await import('@millrace/pipeline')
    await writeWholeFile(out, [renderStatisticsPage(paths.map((path) => basename(path)).join(', '), statistics)], signal)
  }
  const { describeStatistics } = await import('../reports/statistics-text.js')
  process.stdout.write(json ? jsonLine({ input: paths, ...statistics }) : `${[...describeStatistics(statistics), ...(out === undefined ? [] : [`drawn in ${out}`])].join('\n')}\n`)
  if (statistics.rejected > 0) process.exitCode = 3
}
