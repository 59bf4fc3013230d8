// `millrace predict MODEL IMAGE…`: what a network says about photos, and about the records of a .rec
// file beside their truth. An image that cannot be read is named on stderr and the rest goes on.

import { Command } from 'commander'
import type { Model } from '@millrace/infer'
import type { PixelBox } from '@millrace/pipeline/images'
import { CliError } from '../errors.js'
import type { CommandFactory } from '../program.js'
import type { Reading } from '../readings.js'

interface PredictOptions {
  readonly box?: PixelBox
  readonly json: boolean
}

interface Rejection {
  readonly source: string
  readonly reason: string
}

export const predictCommand: CommandFactory = (signal) =>
  new Command('predict')
    .description('Print what a network reads in each image: the image, the reading, its probability.')
    .argument('<model>', 'model folder, as "millrace export" writes it')
    .argument('<image...>', 'photos (JPEG, PNG, WebP, …), or .rec files to read every record of')
    .option('--box <left,top,width,height>', 'part of each photo to look at, in pixels (default: the whole photo)', parseBox)
    .option('--json', 'print one JSON document instead of lines', false)
    .addHelpText('after', `
A network trained on SVHN expects the number to fill the image, with about 15 % of its size around it:
crop the photo around the number, or say where it is with --box.

A record's line is FILE.rec#ID, truth, reading, probability; where the labels fit the network, a last
line has the share of records read right in full. Columns are separated by tabs.

Exit code: 3 if an image could not be read; it is named on stderr.`)
    .action((folder: string, paths: string[], options: PredictOptions) => predict(folder, paths, options, signal))

async function predict(folder: string, paths: readonly string[], options: PredictOptions, signal: AbortSignal): Promise<void> {
  const { loadModel } = await import('@millrace/infer')
  const { isRecordFile, readImages } = await import('../readings.js')
  if (options.box !== undefined && paths.some(isRecordFile)) {
    throw new CliError('CLI_USAGE', '--box is for photos: a record is already cropped to what its label says; leave it out')
  }
  const model = await loadModel(folder)
  const readings: Reading[] = []
  const rejected: Rejection[] = []
  const score = { right: 0, total: 0 }
  const reject = (source: string, reason: string): void => {
    rejected.push({ source, reason })
    process.stderr.write(`rejected ${source}: ${reason}\n`)
  }
  const { box } = options
  for await (const reading of readImages(model, paths, { ...(box && { box }), reject, signal })) {
    if (reading.truth !== undefined) score.total++
    if (reading.truth === reading.reading) score.right++
    if (options.json) readings.push(reading)
    else process.stdout.write(`${line(reading)}\n`)
  }
  if (options.json) process.stdout.write(`${JSON.stringify(report(folder, model, readings, rejected, score), null, 2)}\n`)
  else if (score.total > 0) process.stdout.write(`${score.right} of ${score.total} records read right in full: ${((100 * score.right) / score.total).toFixed(2)} %\n`)
  if (rejected.length > 0) process.exitCode = 3
}

function line({ source, truth, reading, answer }: Reading): string {
  const columns = [source, ...(truth === undefined ? [] : [truth || '(none)']), reading || '(none)', answer.probability.toFixed(4)]
  return columns.join('\t')
}

function report(folder: string, model: Model, readings: readonly Reading[], rejected: readonly Rejection[], score: { right: number; total: number }): object {
  return {
    model: folder,
    network: model.graph.name,
    readings: readings.map(({ answer, ...reading }) => ({ ...reading, probability: answer.probability, ...details(answer) })),
    rejected,
    ...(score.total > 0 ? { accuracy: { ...score, share: score.right / score.total } } : {}),
  }
}

function details(answer: Reading['answer']): object {
  return answer.kind === 'digits' ? { perDigit: answer.perDigit } : { classIndex: answer.classIndex, probabilities: [...answer.probabilities] }
}

function parseBox(text: string): PixelBox {
  if (!/^\d{1,6}(,\d{1,6}){3}$/.test(text)) throw new CliError('CLI_USAGE', `--box: expected LEFT,TOP,WIDTH,HEIGHT in whole pixels, found "${text}"`)
  const [left, top, width, height] = text.split(',').map(Number) as [number, number, number, number]
  return { left, top, width, height }
}
