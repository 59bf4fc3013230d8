// millrace pack: annotated photos → cropped, resized JPEG records.

import { availableParallelism } from 'node:os'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { PackReport, RejectedSample } from '@millrace/pipeline'
import { CliError } from '../errors.js'
import type { CommandFactory } from '../program.js'

interface PackFlags {
  readonly format: 'digit-struct'
  readonly size: Size
  readonly crop: boolean
  readonly expand: number
  readonly quality: number
  readonly onError: 'skip' | 'fail'
  readonly threads: number
  readonly json?: true
  readonly quiet?: true
}

interface Size {
  readonly width: number
  readonly height: number
}

/** So many rejected images are shown; the file lists all. */
const maxShownRejects = 20

export const packCommand: CommandFactory = (signal) =>
  new Command('pack')
    .description('Packs annotated photos into records: crop to the annotation, resize, JPEG.')
    .argument('<source>', 'the data set: a folder with digitStruct.mat, or that file')
    .argument('<out>', 'the .rec to write, with .idx, .meta and .rejects.jsonl beside it; - writes the records to standard output')
    .addOption(new Option('--format <name>', 'how the data set is annotated').choices(['digit-struct']).default('digit-struct'))
    .addOption(new Option('--size <WxH>', 'pixels of each record; the aspect is not kept').argParser(parseSize).default({ width: 64, height: 64 }, '64x64'))
    .option('--expand <share>', 'how much the union of the boxes grows, both sides together', parseShare, 0.3)
    .option('--no-crop', 'keep the whole image instead of cropping it to its boxes')
    .option('--quality <1-100>', 'JPEG quality', parseQuality, 95)
    .addOption(new Option('--on-error <what>', 'an image that cannot be packed: list it and go on, or stop').choices(['skip', 'fail']).default('skip'))
    .option('--threads <count>', 'images in work at a time; the bytes do not depend on it', parseCount, availableParallelism())
    .option('--json', 'print the report as one JSON document (default: as text)')
    .option('--quiet', 'show no progress (default: show it)')
    .action((source: string, out: string, flags: PackFlags) => pack(source, out, flags, signal))

async function pack(sourcePath: string, out: string, flags: PackFlags, signal: AbortSignal): Promise<void> {
  const toStdout = out === '-'
  if (toStdout && flags.json) throw new CliError('CLI_USAGE', '--json and the output - both want standard output; write to a file, or leave out --json')
  const { cropToRegions, digitStruct, packDataset, resize } = await import('@millrace/pipeline')
  const { createProgress } = await import('../progress.js')
  const source = digitStruct(sourcePath)
  const progress = createProgress('pack', { total: await source.count(), quiet: flags.quiet === true })
  const rejects: RejectedSample[] = []
  const { size, expand, quality, crop, format } = flags
  try {
    const report = await packDataset({
      source,
      transforms: [...(crop ? [cropToRegions({ expand })] : []), resize(size)],
      output: toStdout ? process.stdout : out,
      labelKind: source.labelKind,
      quality,
      onError: flags.onError,
      concurrency: flags.threads,
      pack: { format, ...size, ...(crop && { expand }), quality },
      signal,
      onProgress: ({ packed, rejected }) => progress.update(packed + rejected, rejected > 0 ? `${rejected} rejected` : ''),
      onReject: (rejected) => {
        if (toStdout) progress.note(`rejected ${describe(rejected)}`)
        else if (rejects.length < maxShownRejects) rejects.push(rejected)
      },
    })
    progress.done()
    print(report, rejects, out, flags)
    if (report.rejected > 0) process.exitCode = 3
  } catch (error) {
    progress.done()
    for (const rejected of rejects) process.stderr.write(`rejected ${describe(rejected)}\n`)
    throw error
  }
}

function print(report: PackReport, rejects: readonly RejectedSample[], out: string, flags: PackFlags): void {
  if (flags.json) {
    const shown = rejects.map(({ key, id, code, reason }) => ({ key, id: `${id}`, code, reason }))
    process.stdout.write(`${JSON.stringify({ output: out, ...report, firstRejects: shown }, null, 2)}\n`)
    return
  }
  const stream = out === '-' ? process.stderr : process.stdout
  stream.write(`${describeReport(report, rejects, out).join('\n')}\n`)
}

function describeReport(report: PackReport, rejects: readonly RejectedSample[], out: string): string[] {
  const { packed, rejected, adjusted, seconds, imagesPerSecond, rejectsPath } = report
  const target = out === '-' ? 'standard output' : out
  const rate = imagesPerSecond.toLocaleString('en', { maximumSignificantDigits: 3 })
  const lines = [`packed ${packed} of ${packed + rejected} images into ${target} in ${seconds.toFixed(1)} s (${rate} images/s)`]
  if (adjusted > 0) lines.push(`${adjusted} of them with boxes that reached past the image and were clamped`)
  if (rejected > 0) lines.push(`${rejected} rejected${rejects.length > 0 ? ':' : ''}`, ...rejects.map((each) => `  ${describe(each)}`))
  if (rejectsPath !== undefined && rejected > rejects.length) lines.push(`  … and ${rejected - rejects.length} more in ${rejectsPath}`)
  return lines
}

function describe({ key, code, reason }: RejectedSample): string {
  return `${key}: ${code}: ${reason}`
}

function parseSize(text: string): Size {
  const match = /^(\d{1,5})x(\d{1,5})$/.exec(text)
  const [width, height] = [Number(match?.[1]), Number(match?.[2])]
  if (!(width >= 1 && height >= 1)) throw new InvalidArgumentError('Expected a width and a height such as 64x64.')
  return { width, height }
}

function parseShare(text: string): number {
  const share = Number(text)
  if (text.trim() === '' || !(share >= 0 && share < Infinity)) throw new InvalidArgumentError('Expected a number from 0, such as 0.3.')
  return share
}

function parseQuality(text: string): number {
  const quality = parseCount(text)
  if (quality > 100) throw new InvalidArgumentError('Expected a whole number from 1 to 100.')
  return quality
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('Expected a whole number from 1.')
  return Number(text)
}
