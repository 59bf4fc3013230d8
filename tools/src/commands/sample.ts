// `millrace sample NAME DIR`: a data set to try everything on, drawn in seconds, no download needed.

import { Command } from 'commander'
import { parseCount, parseWhole } from '../number-options.js'
import { createProgress } from '../progress.js'
import type { CommandFactory } from '../program.js'
import { jsonLine } from '../record-output.js'
import type { SampleDataSummary } from '../samples/sample-data.js'
import { sampleFormats } from '../samples/sample-formats.js'
import type { SvhnSampleSummary } from '../samples/svhn-sample.js'

interface SvhnFlags {
  readonly train: number
  readonly validation: number
  readonly test: number
  readonly seed: number
  readonly json: boolean
}

interface SampleFlags {
  readonly count: number
  readonly size?: number
  readonly seed: number
  readonly json: boolean
}

const folderText = 'a new or empty folder, or a former sample, which is replaced'
const seedText = 'the same seed draws the same photos'
const jsonText = 'print the summary as one JSON document'

export const sampleCommand: CommandFactory = (signal) => {
  const command = new Command('sample').description('Draw a sample data set, laid out as its format is published.').addCommand(svhnCommand(signal))
  for (const name of Object.keys(sampleFormats)) command.addCommand(formatCommand(name, signal))
  return command
}

function formatCommand(name: string, signal: AbortSignal): Command {
  const { about, count, size, parts } = sampleFormats[name]!
  const isWhole = parts.length === 1
  const command = new Command(name)
    .description(about)
    .argument('<dir>', folderText)
    .option('--count <images>', isWhole ? 'images' : 'images to train on; each other part has a quarter as many', parseCount, count)
    .option('--seed <number>', seedText, parseWhole, 1)
    .option('--json', jsonText, false)
  if (name === 'fer2013') command.alias('ferplus')
  if (size !== undefined) command.option('--size <pixels>', "an image's longer side", parseCount, size)
  return command.action((folder: string, flags: SampleFlags) => drawSample(name, folder, flags, signal))
}

async function drawSample(name: string, folder: string, flags: SampleFlags, signal: AbortSignal): Promise<void> {
  const { packArguments, sampleData } = await import('../samples/sample-data.js')
  const start = performance.now()
  const progress = createProgress('sample', { unit: 'images' })
  const onProgress = ({ part, done, total }: { part: string; done: number; total: number }): void => progress.update(done, `of ${total}, ${part}`)
  const { count, size, seed } = flags
  const summary = await sampleData({ name, folder, count, seed, ...(size !== undefined && { size }), signal, onProgress }).finally(() => progress.done())
  const seconds = (performance.now() - start) / 1000
  const parts = summary.parts.map((part) => ({ part: part.part, images: part.images, pack: packArguments(folder, part) }))
  process.stdout.write(flags.json ? jsonLine({ ...summary, parts, seconds }) : dataInWords(summary, parts, seconds))
}

function dataInWords({ folder, bytes }: SampleDataSummary, parts: readonly { part: string; images: number; pack: readonly string[] }[], seconds: number): string {
  const lines = parts.map(({ part, images, pack }) => `${part}: ${images} images\n  millrace pack ${pack.map(quoted).join(' ')} ${/^\w+$/.test(part) ? part : 'all'}.rec`)
  return `${lines.join('\n')}\n${(bytes / 1e6).toFixed(1)} MB written to ${folder} in ${seconds.toFixed(1)} s\n`
}

/** As a shell takes it. */
function quoted(argument: string): string {
  return /^[\w./,:=@+-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`
}

function svhnCommand(signal: AbortSignal): Command {
  return new Command('svhn')
    .alias('digit-struct')
    .description("Draw photos of house numbers in SVHN's layout: DIR/{train,validation,test}/{1.png …, digitStruct.mat}.")
    .argument('<dir>', folderText)
    .option('--train <count>', 'photos to train on', parseCount, 8000)
    .option('--validation <count>', 'photos to choose settings by', parseCount, 1000)
    .option('--test <count>', 'photos to measure with; a quarter in typefaces that the others do not have', parseCount, 1000)
    .option('--seed <number>', seedText, parseWhole, 1)
    .option('--json', jsonText, false)
    .action((folder: string, flags: SvhnFlags) => drawSvhn(folder, flags, signal))
}

async function drawSvhn(folder: string, flags: SvhnFlags, signal: AbortSignal): Promise<void> {
  const { sampleSvhn } = await import('../samples/svhn-sample.js')
  const start = performance.now()
  const progress = createProgress('sample', { total: flags.train + flags.validation + flags.test, unit: 'photos' })
  const onProgress = ({ split, done }: { split: string; done: number }): void => progress.update(done, split)
  const summary = await sampleSvhn({ folder, ...flags, signal, onProgress }).finally(() => progress.done())
  const seconds = (performance.now() - start) / 1000
  process.stdout.write(flags.json ? jsonLine({ ...summary, seconds }) : svhnInWords(summary, seconds))
}

function svhnInWords(summary: SvhnSampleSummary, seconds: number): string {
  const lines = Object.entries(summary.splits).map(([split, { photos, lengths, withClutter, unseenTypefaces, bytes }]) => {
    const unseen = unseenTypefaces > 0 ? `, ${unseenTypefaces} in typefaces of this split only` : ''
    return `${split}: ${photos} photos (of 1 to 5 digits: ${lengths.join(', ')}), ${withClutter} with other digits beside the number${unseen}, ${(bytes / 1e6).toFixed(1)} MB`
  })
  return `${lines.join('\n')}\nwritten to ${summary.folder} in ${seconds.toFixed(1)} s\n`
}
