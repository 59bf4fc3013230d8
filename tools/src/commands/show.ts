// `millrace show PATH...`: draw samples with their labels and boxes, the look that comes before any training.

import { Command, InvalidArgumentError } from 'commander'
import { CliError } from '../errors.js'
import { parseCount, parseWhole } from '../number-options.js'
import { maxShownRejects } from '../pack-report.js'
import { createProgress } from '../progress.js'
import type { CommandFactory } from '../program.js'
import { grouped, jsonLine } from '../record-output.js'
import type { ChosenSamples } from '../reports/choose-samples.js'
import type { SamplePicture } from '../reports/sample-picture.js'
import { addSourceFlags, pickSourceFlags, type SourceFlags } from '../source-flags.js'

interface ShowFlags extends SourceFlags {
  readonly out: string
  readonly count: number
  readonly sampleSeed: number
  readonly class?: readonly string[]
  readonly json: boolean
  readonly quiet: boolean
}

export const showCommand: CommandFactory = (signal) => {
  const command = new Command('show')
    .description('Draw samples with their labels and boxes: a contact sheet, or a page to filter and hover over.')
    .argument('<path...>', 'record files (.rec), or a data set in any format that pack reads; several are shown side by side')
    .requiredOption('--out <file>', 'a .png, or an .html that holds its images')
    .option('--count <samples>', 'how many to draw, the same share of each split', parseCount, 48)
    .option('--sample-seed <number>', 'another seed draws other samples', parseWhole, 42)
    .option('--class <names>', 'only samples with one of these classes, by name or number, such as cat,dog (default: all)', parseClasses)
    .option('--json', 'print the report as one JSON document', false)
    .option('--quiet', 'show no progress', false)
  addSourceFlags(command)
  return command.action((paths: string[], flags: ShowFlags) => show(paths, flags, signal))
}

async function show(paths: readonly string[], flags: ShowFlags, signal: AbortSignal): Promise<void> {
  const isPage = /\.html?$/i.test(flags.out)
  if (!isPage && !/\.png$/i.test(flags.out)) throw new CliError('CLI_USAGE', `--out: expected a name that ends in .png or .html, found ${flags.out}`)
  const { describeGuesses, openInputs } = await import('../reports/open-inputs.js')
  const { chooseSamples } = await import('../reports/choose-samples.js')
  const { maxSheetSamples, sheetThumbnail, drawSampleSheet } = await import('../reports/sample-sheet.js')
  const { maxPageSamples, pageThumbnail, renderSamplePage } = await import('../reports/sample-page.js')
  const most = isPage ? maxPageSamples : maxSheetSamples
  if (flags.count > most) throw new CliError('CLI_USAGE', `--count: expected at most ${most} for ${isPage ? 'a page' : 'a sheet; a page (.html) takes more'}, found ${flags.count}`)
  const inputs = await openInputs(paths, pickSourceFlags(flags), signal)
  if (!flags.quiet) process.stderr.write(describeGuesses(inputs))
  const progress = createProgress('choose', { quiet: flags.quiet, unit: 'samples' })
  const chosen = await chooseSamples(inputs, {
    count: flags.count, seed: flags.sampleSeed, signal, ...(flags.class && { classes: new Set(flags.class) }), onProgress: (samples) => progress.update(samples),
  }).finally(() => progress.done())
  if (chosen.samples.length === 0) throw new CliError('CLI_USAGE', `${paths.join(', ')}: expected samples to show, found none${flags.class ? ` of class ${flags.class.join(', ')}` : ''}`)
  const unreadable: SamplePicture[] = []
  const pictures = drawPictures(chosen, isPage ? pageThumbnail : sheetThumbnail, unreadable, flags.quiet, signal)
  const facts = { title: paths.join(', '), splits: chosen.splits, seed: flags.sampleSeed, ...(flags.class && { only: flags.class }) }
  const drawn = isPage ? await renderSamplePage(facts, pictures) : await drawSampleSheet(chosen.samples.length, pictures)
  const { writeWholeFile } = await import('@millrace/pipeline')
  await writeWholeFile(flags.out, [drawn], signal)
  report(flags, chosen, unreadable)
}

async function* drawPictures({ samples }: ChosenSamples, longestSide: number, unreadable: SamplePicture[], quiet: boolean, signal: AbortSignal): AsyncGenerator<SamplePicture, void, undefined> {
  const { pictureOf } = await import('../reports/sample-picture.js')
  const progress = createProgress('draw', { total: samples.length, quiet })
  try {
    for (const [index, chosen] of samples.entries()) {
      signal.throwIfAborted()
      const picture = await pictureOf(chosen, longestSide)
      if (picture.reason !== undefined) unreadable.push(picture)
      yield picture
      progress.update(index + 1)
    }
  } finally {
    progress.done()
  }
}

function report({ out, json }: ShowFlags, { splits }: ChosenSamples, unreadable: readonly SamplePicture[]): void {
  if (json) process.stdout.write(jsonLine({ output: out, splits, unreadable: unreadable.map(({ key, id, reason }) => ({ key, id, reason })) }))
  else {
    const lines = [
      ...splits.map(({ name, total, chosen }) => `${name}: ${grouped(chosen)} of ${grouped(total)} samples`),
      ...unreadable.slice(0, maxShownRejects).map(({ reason }) => `cannot be read: ${reason}`),
      ...(unreadable.length > maxShownRejects ? [`and ${unreadable.length - maxShownRejects} more that cannot be read (--json lists all)`] : []),
      `drawn in ${out}`,
    ]
    process.stdout.write(`${lines.join('\n')}\n`)
  }
  if (unreadable.length > 0) process.exitCode = 3
}

function parseClasses(text: string): string[] {
  const names = text.split(',').map((name) => name.trim())
  if (names.includes('')) throw new InvalidArgumentError('Expected names or numbers of classes with commas between them.')
  return names
}
