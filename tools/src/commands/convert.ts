// `millrace convert IN OUT`: .rec, TFRecord and WebDataset, each into each.

import { Command, Option } from 'commander'
import type { ConvertReport, InterchangeFormat, RejectedImage } from '@millrace/pipeline'
import { createProgress } from '../progress.js'
import type { CommandFactory } from '../program.js'

interface ConvertFlags {
  readonly from?: InterchangeFormat
  readonly to?: InterchangeFormat
  readonly imageKey?: string
  readonly labelKey?: string
  readonly labelKind?: 'class' | 'values' | 'digits' | 'boxes'
  readonly classes?: string
  readonly ids?: 'stored' | 'ordinal'
  readonly onError: 'skip' | 'fail'
  readonly json: boolean
  readonly quiet: boolean
}

/** So many rejected samples are shown; the file lists all. */
const maxShownRejects = 20
const formats = ['rec', 'tfrecord', 'webdataset']

export const convertCommand: CommandFactory = (signal) =>
  new Command('convert')
    .description('Convert between .rec, TFRecord (tf.train.Example) and WebDataset files. Images stay as they are encoded.')
    .argument('<in>', 'the file to read: .rec; .tfrecord, .tfrecords, also gzipped; .tar, .tar.gz, .tgz')
    .argument('<out>', 'the file to write, by its ending as above; OUT.rejects.jsonl lists what could not be converted')
    .addOption(new Option('--from <format>', 'format of the file to read (default: by its ending)').choices(formats))
    .addOption(new Option('--to <format>', 'format of the file to write (default: by its ending)').choices(formats))
    .option('--image-key <name>', 'TFRecord: the feature with the encoded image (default: image/encoded); WebDataset: the ending of the image (default: any)')
    .option('--label-key <name>', 'TFRecord: the feature with the label (default: label, image/object/bbox, image/class/label); WebDataset: the field in .json (default: label)')
    .addOption(new Option('--label-kind <kind>', 'what the labels are (default: as the file says, else class for one whole number, else values)').choices(['class', 'values', 'digits', 'boxes']))
    .option('--classes <file>', 'names of the classes in order, one a line (default: those in the file read)')
    .addOption(new Option('--ids <which>', 'ids of the records: as stored, or numbered from 0 (default: as stored, where the first sample has a number)').choices(['stored', 'ordinal']))
    .addOption(new Option('--on-error <what>', 'a sample that cannot be converted: list it and go on, or stop').choices(['skip', 'fail']).default('skip'))
    .option('--json', 'print the report as one JSON document', false)
    .option('--quiet', 'show no progress', false)
    .action((input: string, output: string, flags: ConvertFlags) => run(input, output, flags, signal))

async function run(input: string, output: string, flags: ConvertFlags, signal: AbortSignal): Promise<void> {
  const { classes, json, quiet, ...given } = flags
  const { convert, readClassNames } = await import('@millrace/pipeline') // here, so that other commands start without it
  const rejects: RejectedImage[] = []
  const progress = createProgress('convert', { quiet })
  try {
    const report = await convert({
      ...given,
      input,
      output,
      ...(classes !== undefined && { classNames: await readClassNames(classes) }),
      signal,
      onProgress: ({ converted, rejected }) => progress.update(converted + rejected, rejected > 0 ? `${rejected} rejected` : ''),
      onReject: (rejected) => {
        if (rejects.length < maxShownRejects) rejects.push(rejected)
      },
    })
    progress.done()
    process.stdout.write(json ? toJson(input, output, report, rejects) : toText(output, report, rejects))
    if (report.rejected > 0) process.exitCode = 3
  } catch (error) {
    progress.done()
    for (const rejected of rejects) process.stderr.write(`rejected ${describe(rejected)}\n`)
    throw error
  }
}

function toJson(input: string, output: string, report: ConvertReport, rejects: readonly RejectedImage[]): string {
  const firstRejects = rejects.map((rejected) => ({ ...rejected, id: `${rejected.id}` }))
  return `${JSON.stringify({ input, output, ...report, firstRejects }, null, 2)}\n`
}

function toText(output: string, { converted, rejected, seconds, rejectsPath }: ConvertReport, rejects: readonly RejectedImage[]): string {
  const lines = [`converted ${converted} of ${converted + rejected} images into ${output} in ${seconds.toFixed(1)} s`]
  if (rejected > 0) lines.push(`${rejected} rejected:`, ...rejects.map((each) => `  ${describe(each)}`))
  if (rejected > rejects.length) lines.push(`  … and ${rejected - rejects.length} more in ${rejectsPath}`)
  return lines.map((line) => `${line}\n`).join('')
}

function describe({ key, code, reason }: RejectedImage): string {
  return `${key}: ${code}: ${reason}`
}
