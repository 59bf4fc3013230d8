// `millrace im2rec`: MXNet's two packers under their own command lines. docs/im2rec.md says what differs.

import { rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { PackReport } from '@millrace/pipeline'
import { CliError } from '../errors.js'
import { parseNativeArguments } from '../im2rec/native-arguments.js'
import { nativeWork, pythonWork, type Im2recWork, type PythonFlags } from '../im2rec/work.js'
import { describeReject } from '../pack-report.js'
import { parseCount } from '../number-options.js'
import type { CommandFactory } from '../program.js'

interface Im2recFlags extends PythonFlags {
  readonly list: boolean
  readonly exts: readonly string[]
  readonly chunks: number
  readonly trainRatio: number
  readonly testRatio: number
  readonly recursive: boolean
  readonly shuffle: boolean
  readonly threads?: number
  readonly onError?: 'skip' | 'fail' | 'placeholder'
  readonly resume: boolean
  readonly codec: 'auto' | 'sharp' | 'turbojpeg'
  readonly strictCompat: boolean
  readonly json: boolean
}

const nativeHelp = `
With three arguments, as MXNet's im2rec program; the rest are key=value:
  color=1          -1 as stored, with alpha; 0 grey; 1 colour
  resize=-1        pixels of the shorter edge; -1: as the image is
  label_width=1    labels in each line of the list
  pack_label=0     1: keep all of them
  nsplit=1 part=0  only this part of the list, into OUT.part000 …
  center_crop=0    1: the square in the middle
  quality=95       of JPEG, 1-100; of PNG, 1-9
  encoding=.jpg    or .png
  inter_method=1   0 nearest, 1 bilinear, 2 cubic, 3 area, 4 Lanczos, 9 automatic, 10 random
  unchanged=0      1: the bytes of the files, all else ignored
With two, as im2rec.py: PREFIX.lst is made (--list) or packed into PREFIX.rec.`

export const im2recCommand: CommandFactory = (signal) =>
  new Command('im2rec')
    .description("Pack as MXNet's im2rec does, from either of its command lines: LIST ROOT OUT key=value …, or PREFIX ROOT --flags.")
    .argument('<list-or-prefix>', 'a .lst file; or where lists and records go, without ending')
    .argument('<root>', 'what stands before the paths of the list')
    .argument('[out-and-settings...]', 'the .rec to write, then key=value')
    .option('--list', 'make lists of the images under ROOT instead of packing', false)
    .option('--exts <endings...>', 'which files are images', ['.jpeg', '.jpg', '.png'])
    .option('--chunks <count>', 'divide the list into PREFIX_0.lst …', parseCount, 1)
    .option('--train-ratio <share>', 'share of a list for _train', parseShare, 1)
    .option('--test-ratio <share>', 'share of a list for _test', parseShare, 0)
    .option('--recursive', 'look into folders, each of which is a class', false)
    .option('--no-shuffle', 'keep the order of the names (default: shuffle, always in the same way)')
    .option('--pass-through', 'keep the bytes of the files', false)
    .option('--resize <pixels>', 'of the shorter edge; 0: as the image is', parseInteger, 0)
    .option('--center-crop', 'cut to the square in the middle', false)
    .option('--quality <number>', 'of JPEG, 1-100; of PNG, 1-9', parseCount, 95)
    .addOption(new Option('--num-thread <count>', 'images in work at a time; as --threads').argParser(parseCount).default(1))
    .addOption(new Option('--color <kind>', '1 colour, 0 grey, -1 as stored with alpha').choices(['-1', '0', '1']).default('1'))
    .addOption(new Option('--encoding <ending>', 'of the records').choices(['.jpg', '.png']).default('.jpg'))
    .option('--pack-label', 'keep all labels of a line', false)
    .option('--threads <count>', 'images in work at a time; the bytes do not depend on it (default: all cores)', parseCount)
    .addOption(new Option('--on-error <what>', 'an image that cannot be packed: list it and go on, stop, or pack a grey image (default: fail with three arguments, skip with two)').choices(['skip', 'fail', 'placeholder']))
    .option('--resume', 'go on with what an interrupted run of the same command left; if it had ended and its files agree with the list, pack nothing; if they do not, fail', false)
    .addOption(new Option('--codec <name>', 'what decodes and encodes JPEG; the bytes are the same').choices(['auto', 'sharp', 'turbojpeg']).default('auto'))
    .option('--strict-compat', 'also what is better otherwise: see docs/im2rec.md', false)
    .option('--json', 'print the reports as one JSON document', false)
    .addHelpText('after', nativeHelp)
    .action((first: string, root: string, rest: readonly string[], flags: Im2recFlags) => im2rec(first, root, rest, flags, signal))

async function im2rec(first: string, root: string, rest: readonly string[], flags: Im2recFlags, signal: AbortSignal): Promise<void> {
  if (rest.length > 0) return packNative([first, root, ...rest], flags, signal)
  if (flags.list) return makeLists(first, root, flags, signal)
  const works = await pythonWork(first, root, { ...flags, color: Number(flags.color) as PythonFlags['color'] }, flags.strictCompat)
  const reports: PackReport[] = []
  for (const work of works) {
    process.stderr.write(`Creating .rec file from ${work.list}\n`)
    reports.push(await packOne(work, flags, signal))
  }
  if (flags.json) process.stdout.write(`${JSON.stringify(reports, null, 2)}\n`)
}

async function packNative(args: readonly string[], flags: Im2recFlags, signal: AbortSignal): Promise<void> {
  if (flags.list) throw new CliError('CLI_USAGE', '--list: expected PREFIX and ROOT with it, found an output too; leave one of them out')
  const parsed = parseNativeArguments(args)
  if (!flags.strictCompat) for (const each of parsed.unknown) process.stderr.write(`warning: ${each} means nothing to im2rec and is passed over\n`)
  const report = await packOne(nativeWork(parsed, flags.strictCompat), flags, signal)
  if (flags.json) process.stdout.write(`${JSON.stringify([report], null, 2)}\n`)
}

async function makeLists(prefix: string, root: string, flags: Im2recFlags, signal: AbortSignal): Promise<void> {
  const { makeIm2recList } = await import('@millrace/pipeline')
  const { exts, chunks, trainRatio, testRatio, recursive, shuffle, strictCompat } = flags
  const made = await makeIm2recList(prefix, root, { extensions: exts, strictExtensions: strictCompat, chunks, trainRatio, testRatio, recursive, shuffle, signal })
  if (flags.json) process.stdout.write(`${JSON.stringify(made, null, 2)}\n`)
  else if (recursive) process.stdout.write(made.folders.map((folder, label) => `${folder} ${label}\n`).join(''))
}

async function packOne({ list, output, source, plan, layout }: Im2recWork, flags: Im2recFlags, signal: AbortSignal): Promise<PackReport> {
  const { im2recSource, packDataset } = await import('@millrace/pipeline')
  const { loadTurboJpeg } = await import('@millrace/pipeline/images')
  const samples = await im2recSource(list, { ...source, signal })
  const codec = flags.codec !== 'auto' ? flags.codec : loadTurboJpeg() ? 'turbojpeg' : 'sharp'
  const startedAt = performance.now()
  const seconds = (): string => ((performance.now() - startedAt) / 1000).toFixed(2)
  const report = await packDataset({
    source: samples,
    plan: { ...plan, codec },
    output,
    labelKind: samples.labelKind,
    labelLayout: layout,
    onError: flags.onError ?? (layout === 'im2rec.cc' ? 'fail' : 'skip'),
    threads: flags.threads ?? (flags.numThread > 1 ? flags.numThread : availableParallelism()),
    resume: flags.resume,
    identity: { list, root: source.root },
    signal,
    onProgress: ({ packed, rejected }) => {
      if ((packed + rejected) % 1000 === 0) process.stderr.write(`${packed + rejected} images processed, ${seconds()} sec elapsed\n`)
    },
    onReject: (rejected) => process.stderr.write(`rejected ${describeReject(rejected)}\n`),
    onSuspend: () => process.stderr.write('what is packed so far is kept: the same command with --resume goes on\n'),
  })
  if (report.roundedLabels > 0) process.stderr.write(`warning: ${report.roundedLabels} integer labels are above 2^24 and were rounded, as records hold float32; the .meta keeps the exact ones\n`)
  if (report.alreadyComplete) process.stderr.write(`${output} is already complete: nothing was written\n`)
  process.stderr.write(`Total: ${report.packed} images processed, ${seconds()} sec elapsed\n`)
  if (flags.strictCompat) await removeExtras(output, layout === 'im2rec.cc')
  if (report.rejected + report.placeholders > 0) process.exitCode = 3
  return report
}

/** What the original does not write. */
async function removeExtras(output: string, alsoIndex: boolean): Promise<void> {
  const base = output.replace(/\.rec$/i, '')
  await rm(`${base}.meta`, { force: true })
  if (alsoIndex) await rm(`${base}.idx`, { force: true })
}

function parseInteger(text: string): number {
  if (!/^-?\d{1,9}$/.test(text)) throw new InvalidArgumentError('Expected a whole number.')
  return Number(text)
}

function parseShare(text: string): number {
  const share = Number(text)
  if (text.trim() === '' || !(share >= 0 && share <= 1)) throw new InvalidArgumentError('Expected a share from 0 to 1.')
  return share
}
