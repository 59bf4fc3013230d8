// millrace pack: a data set of labelled images → cropped, resized, encoded records.

import { availableParallelism } from 'node:os'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { CropPlan, EncodePlan, ImagePlan, PackOptions, RejectedSample, ResizePlan, ShardOptions } from '@millrace/pipeline'
import type { Codec } from '@millrace/pipeline/images'
import { CliError } from '../errors.js'
import { parsePart } from '../pack-part.js'
import { describePreview, describeReject, describeReport, maxShownRejects, writeMeans } from '../pack-report.js'
import { createProgress } from '../progress.js'
import { parseBytes, parseCount } from '../number-options.js'
import type { CommandFactory } from '../program.js'
import { addSourceFlags, openFlaggedSource, pickSourceFlags, type OpenedSource, type SourceFlags } from '../source-flags.js'

interface PackFlags extends SourceFlags {
  readonly size?: Size
  readonly shorterEdge?: number
  readonly crop?: CropPlan['kind']
  readonly expand: number
  readonly method: ImagePlan['method']
  readonly colour: ImagePlan['colour']
  readonly encoding: EncodePlan['kind']
  readonly quality: number
  readonly chroma: '4:4:4' | '4:2:0'
  readonly compression: number
  readonly scaledDecode: boolean
  readonly codec: Codec | 'auto'
  readonly stats: boolean
  readonly means?: string
  readonly meansOf: 'stored' | 'original'
  readonly shards?: number
  readonly shardBytes?: number
  readonly part?: string
  readonly limit?: number
  readonly threads: number
  readonly onError: 'skip' | 'fail' | 'placeholder'
  readonly resume: boolean
  readonly dryRun: boolean
  readonly json: boolean
  readonly quiet: boolean
}

interface Size {
  readonly width: number
  readonly height: number
}

export const packCommand: CommandFactory = (signal) => {
  const command = new Command('pack')
    .description('Pack labelled images into records: crop, resize, encode, or as they are.')
    .argument('<source>', 'the data set: a folder or an archive of images, or its annotation file; "millrace formats" lists what is read')
    .argument('<out>', 'the .rec to write, with .idx, .meta and .rejects.jsonl beside it; - writes the records to standard output')
  addImageFlags(command)
  addOutputFlags(command)
  addSourceFlags(command)
  return command.action((source: string, out: string, flags: PackFlags) => pack(source, out, flags, signal))
}

function addImageFlags(command: Command): void {
  command
    .addOption(new Option('--size <WxH>', 'pixels of each record; the aspect is not kept (default: 64x64 for digit-struct, else as the image is)').argParser(parseSize).conflicts('shorterEdge'))
    .option('--shorter-edge <pixels>', 'pixels of the shorter edge; the aspect is kept (default: off)', parseCount)
    .addOption(new Option('--crop <what>', 'to the marked regions, to the square in the middle, or not at all (default: regions for digit-struct, else none)').choices(['regions', 'centre', 'none']))
    .option('--expand <share>', 'how much the union of the regions grows, both sides together', parseShare, 0.3)
    .addOption(new Option('--method <name>', "how pixels are resized; all but antialiased are OpenCV's, auto and random are im2rec's 9 and 10").choices(['antialiased', 'nearest', 'bilinear', 'cubic', 'area', 'lanczos4', 'auto', 'random']).default('antialiased'))
    .addOption(new Option('--colour <kind>', 'as RGB, as grey, or as stored, with alpha and not turned by EXIF').choices(['rgb', 'grey', 'unchanged']).default('rgb'))
    .addOption(new Option('--encoding <name>', 'of the records; original keeps the bytes of the files').choices(['jpeg', 'png', 'webp', 'original']).default('jpeg'))
    .option('--quality <1-100>', 'of JPEG and WebP', parseQuality, 95)
    .addOption(new Option('--chroma <kind>', 'how finely JPEG keeps colour').choices(['4:2:0', '4:4:4']).default('4:2:0'))
    .option('--compression <0-9>', 'of PNG', parseCompression, 6)
    .option('--scaled-decode', 'let the JPEG decoder shrink where the image is shrunk anyway: quicker, other pixels', false)
    .addOption(new Option('--codec <name>', 'what decodes and encodes JPEG; auto takes turbojpeg where it is installed').choices(['auto', 'sharp', 'turbojpeg']).default('auto'))
    .option('--stats', 'also measure the images at their original size, and those that are kept as they are', false)
    .option('--means <file.json>', 'write the mean of R, G and B there (default: only in the .meta)')
    .addOption(new Option('--means-of <what>', "the pixels as stored, or each image's mean at its original size (implies --stats)").choices(['stored', 'original']).default('stored'))
}

function addOutputFlags(command: Command): void {
  command
    .addOption(new Option('--shards <count>', 'write so many files OUT-00000-of-00016.rec (default: one file)').argParser(parseCount).conflicts('shardBytes'))
    .option('--shard-bytes <bytes>', 'begin another file before one grows larger, such as 500000, 64MB or 1GiB (default: one file)', parseBytes)
    .option('--part <i/n>', "only part i of n, from 0: its share of the shards, or shard i; auto takes it from Slurm, Kubernetes or Open MPI (default: all)")
    .option('--limit <count>', 'the first so many samples of the data set (default: all)', parseCount)
    .option('--threads <count>', 'images in work at a time; the bytes do not depend on it', parseCount, availableParallelism())
    .addOption(new Option('--on-error <what>', 'an image that cannot be packed: list it and go on, stop, or list it and pack a grey image').choices(['skip', 'fail', 'placeholder']).default('skip'))
    .option('--resume', 'go on with what an interrupted run of the same command left; if it had ended and its files agree with the source, pack nothing; if they do not, fail', false)
    .option('--dry-run', 'write nothing; tell how many images there are and what becomes of the first', false)
    .option('--json', 'print the report as one JSON document', false)
    .option('--quiet', 'show no progress', false)
}

async function pack(sourcePath: string, out: string, flags: PackFlags, signal: AbortSignal): Promise<void> {
  const toStdout = out === '-'
  if (toStdout && flags.json) throw new CliError('CLI_USAGE', '--json and the output - both want standard output; write to a file, or leave out --json')
  const part = flags.part === undefined ? undefined : parsePart(flags.part)
  const opened = await openFlaggedSource(sourcePath, pickSourceFlags(flags), signal)
  if (opened.isGuessed && !flags.quiet) process.stderr.write(`format: ${opened.format} (--format names another)\n`)
  const options = { ...(await packOptions(opened, out, flags, signal)), ...(part && { part }) }
  if (flags.dryRun) return preview(options, flags.json)
  await run(options, opened, out, flags)
}

async function preview(options: PackOptions, json: boolean): Promise<void> {
  const { previewPack } = await import('@millrace/pipeline')
  const found = await previewPack(options)
  const document = { ...found, first: found.first.map((each) => ({ ...each, id: `${each.id}` })) }
  process.stdout.write(json ? `${JSON.stringify(document, null, 2)}\n` : `${describePreview(found).join('\n')}\n`)
  if (found.first.some(({ code }) => code !== undefined)) process.exitCode = 3
}

async function run(options: PackOptions, { source }: OpenedSource, out: string, flags: PackFlags): Promise<void> {
  const toStdout = out === '-'
  const { packDataset } = await import('@millrace/pipeline')
  const progress = createProgress('pack', { total: await totalOf(options), quiet: flags.quiet })
  const rejects: RejectedSample[] = []
  if (toStdout) process.exitCode = 1 // should the reader go away before the last record
  try {
    const report = await packDataset({
      ...options,
      onProgress: ({ packed, rejected }) => progress.update(packed + rejected, rejected > 0 ? `${rejected} rejected` : ''),
      onReject: (rejected) => {
        if (toStdout) progress.note(`rejected ${describeReject(rejected)}`)
        else if (rejects.length < maxShownRejects) rejects.push(rejected)
      },
      onSuspend: () => progress.note('what is packed so far is kept: the same command with --resume goes on'),
    })
    progress.done()
    const means = flags.meansOf === 'stored' ? report.summary.channelMean : report.summary.imageMean
    if (flags.means !== undefined && means) await writeMeans(flags.means, means)
    else if (flags.means !== undefined && report.alreadyComplete) progress.note(`${flags.means} was not written: the mean over several files is known only while they are packed`)
    const shown = rejects.map(({ id, ...rejected }) => ({ ...rejected, id: `${id}` }))
    const ignored = Object.fromEntries(source.ignored ?? [])
    if (flags.json) process.stdout.write(`${JSON.stringify({ output: out, ...report, firstRejects: shown, ignored }, null, 2)}\n`)
    else (toStdout ? process.stderr : process.stdout).write(`${[...describeReport(report, rejects, nameOutput(out, report.files)), ...describeIgnored(ignored)].join('\n')}\n`)
    process.exitCode = report.rejected + report.placeholders > 0 ? 3 : 0
  } catch (error) {
    progress.done()
    for (const rejected of rejects) process.stderr.write(`rejected ${describeReject(rejected)}\n`)
    throw error
  }
}

/** For the time left: the samples of this run. */
async function totalOf({ source, limit = Infinity, part, shards }: PackOptions): Promise<number> {
  const count = Math.min((await source.count?.()) ?? 0, limit)
  if (!part) return count
  const shardCount = shards && 'count' in shards ? shards.count : part.count
  const edge = (index: number): number => Math.floor((Math.floor((index * shardCount) / part.count) * count) / shardCount)
  return edge(part.index + 1) - edge(part.index)
}

function nameOutput(out: string, files: readonly string[]): string {
  if (out === '-') return 'standard output'
  return files.length > 1 ? `${files.length} files, ${files[0]} to ${files.at(-1)}` : (files[0] ?? out)
}

function describeIgnored(ignored: Readonly<Record<string, number>>): string[] {
  const reasons = Object.entries(ignored).map(([reason, count]) => `${reason}: ${count}`)
  return reasons.length > 0 ? [`passed over (${reasons.join('; ')})`] : []
}

async function packOptions({ source, format, identity }: OpenedSource, out: string, flags: PackFlags, signal: AbortSignal): Promise<PackOptions> {
  const plan = await imagePlan(format, flags)
  const shards = shardOptions(flags)
  return {
    source,
    plan,
    output: out === '-' ? process.stdout : out,
    labelKind: source.labelKind,
    ...(source.classNames && { classNames: source.classNames }),
    onError: flags.onError,
    threads: flags.threads,
    resume: flags.resume,
    ...(shards && { shards }),
    ...(flags.limit !== undefined && { limit: flags.limit }),
    identity,
    pack: { format, ...plan },
    signal,
  }
}

async function imagePlan(format: string, flags: PackFlags): Promise<Partial<ImagePlan>> {
  const { loadTurboJpeg } = await import('@millrace/pipeline/images')
  const isOriginal = flags.encoding === 'original'
  const isDigits = format === 'digit-struct' && !isOriginal
  const crop = flags.crop ?? (isDigits ? 'regions' : 'none')
  const size = flags.size ?? (isDigits && flags.shorterEdge === undefined ? { width: 64, height: 64 } : undefined)
  const resize: ResizePlan = size ? { kind: 'exact', ...size } : flags.shorterEdge !== undefined ? { kind: 'shorter-edge', pixels: flags.shorterEdge } : { kind: 'none' }
  const isMeasured = flags.stats || flags.meansOf === 'original'
  return {
    crop: crop === 'regions' ? { kind: 'regions', expand: flags.expand } : { kind: crop },
    resize,
    method: flags.method,
    colour: flags.colour,
    encode: encodePlan(flags),
    scaledDecode: flags.scaledDecode,
    codec: flags.codec !== 'auto' ? flags.codec : loadTurboJpeg() ? 'turbojpeg' : 'sharp',
    statistics: isMeasured ? 'all' : isOriginal ? (flags.means === undefined ? 'none' : 'stored') : 'stored',
  }
}

function encodePlan({ encoding, quality, chroma, compression }: PackFlags): EncodePlan {
  switch (encoding) {
    case 'jpeg':
      return { kind: 'jpeg', quality, chroma }
    case 'png':
      return { kind: 'png', compression }
    case 'webp':
      return { kind: 'webp', quality }
    case 'original':
      return { kind: 'original' }
  }
}

function shardOptions({ shards, shardBytes }: PackFlags): ShardOptions | undefined {
  if (shards !== undefined) return { count: shards }
  return shardBytes !== undefined ? { bytes: shardBytes } : undefined
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

function parseCompression(text: string): number {
  if (!/^\d$/.test(text)) throw new InvalidArgumentError('Expected a whole number from 0 to 9.')
  return Number(text)
}
