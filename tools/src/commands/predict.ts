// `millrace predict MODEL IMAGE…`: what a network says about photos, and about the records of a .rec
// file beside their truth. An image that cannot be read is named on stderr and the rest goes on.

import { Command } from 'commander'
import { readFile } from 'node:fs/promises'
import { loadModel, type Answer, type Model, type Task } from '@millrace/infer'
import { cropImage, decodeImage, type PixelBox, type RawImage } from '@millrace/pipeline/images'
import { labelValues, readRecords, type ImageRecord } from '@millrace/recordio'
import { CliError } from '../errors.js'
import type { CommandFactory } from '../program.js'

interface PredictOptions {
  readonly box?: PixelBox
  readonly json: boolean
}

/** One image to be read; its bytes are decoded when it is its turn. */
interface Item {
  readonly source: string
  /** What it is by its label, in the words of an answer. */
  readonly truth?: string
  readonly decode: () => Promise<RawImage>
}

interface Reading {
  readonly source: string
  readonly truth?: string
  readonly reading: string
  readonly answer: Answer
}

interface Rejection {
  readonly source: string
  readonly reason: string
}

/** Images decoded at the same time: libuv has four threads to do it. Bounds the memory. */
const decodedAtOnce = 4

export const predictCommand: CommandFactory = (signal) =>
  new Command('predict')
    .description('Prints what a network reads in each image: the image, the reading, its probability.')
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
  if (options.box !== undefined && paths.some(isRecordFile)) {
    throw new CliError('CLI_USAGE', '--box is for photos: a record is already cropped to what its label says; leave it out')
  }
  const model = await loadModel(folder)
  const readings: Reading[] = []
  const rejected: Rejection[] = []
  const score = { right: 0, total: 0 }
  const reject = (source: string, error: unknown): void => {
    signal.throwIfAborted()
    const reason = reasonOf(source, error)
    rejected.push({ source, reason })
    process.stderr.write(`rejected ${source}: ${reason}\n`)
  }
  for await (const reading of read(model, items(paths, options, model.graph.task, reject, signal), reject)) {
    signal.throwIfAborted()
    if (reading.truth !== undefined) score.total++
    if (reading.truth === reading.reading) score.right++
    if (options.json) readings.push(reading)
    else process.stdout.write(`${line(reading)}\n`)
  }
  if (options.json) process.stdout.write(`${JSON.stringify(report(folder, model, readings, rejected, score), null, 2)}\n`)
  else if (score.total > 0) process.stdout.write(`${score.right} of ${score.total} records read right in full: ${((100 * score.right) / score.total).toFixed(2)} %\n`)
  if (rejected.length > 0) process.exitCode = 3
}

type Reject = (source: string, error: unknown) => void

async function* items(paths: readonly string[], { box }: PredictOptions, task: Task, reject: Reject, signal: AbortSignal): AsyncGenerator<Item> {
  for (const path of paths) {
    if (!isRecordFile(path)) {
      yield { source: path, decode: () => decodePhoto(path, box) }
      continue
    }
    try {
      for await (const record of readRecords(path, { signal })) yield recordItem(path, record, task)
    } catch (error) {
      reject(path, error) // the records before the damage have been read
    }
  }
}

async function decodePhoto(path: string, box: PixelBox | undefined): Promise<RawImage> {
  const image = await decodeImage(await readFile(path), { name: path })
  return box === undefined ? image : cropImage(image, box)
}

function recordItem(path: string, record: ImageRecord, task: Task): Item {
  const source = `${path}#${record.id}`
  const truth = truthOf(labelValues(record), task)
  const decode = (): Promise<RawImage> => decodeImage(record.image, { name: source })
  return truth === undefined ? { source, decode } : { source, truth, decode }
}

/** The label in the words of an answer, where it is of the kind that the network answers with. */
function truthOf(labels: Float32Array, task: Task): string | undefined {
  if (task.kind === 'class') return labels.length === 1 ? task.classNames[labels[0]!] : undefined
  const [length = -1, ...digits] = labels
  const isDigits = Number.isInteger(length) && length >= 0 && digits.length === task.digitOutputs.length &&
    digits.every((digit, place) => (place < length ? Number.isInteger(digit) && digit >= 0 && digit <= 9 : digit === 10))
  return isDigits ? digits.slice(0, length).join('') + (length > digits.length ? '…' : '') : undefined
}

/** Reads the items in their order, a few decoded ahead. */
async function* read(model: Model, source: AsyncIterable<Item>, reject: Reject): AsyncGenerator<Reading> {
  for await (const group of inGroups(source, decodedAtOnce)) {
    const images = await Promise.allSettled(group.map(({ decode }) => decode()))
    for (const [index, { decode: _, ...item }] of group.entries()) {
      try {
        const answer = model.predict(settled(images[index]!))
        yield { ...item, reading: answer.kind === 'digits' ? answer.digits : answer.className, answer }
      } catch (error) {
        if (typeof (error as { code?: unknown }).code !== 'string') throw error // a fault of ours
        reject(item.source, error)
      }
    }
  }
}

async function* inGroups<T>(source: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let group: T[] = []
  for await (const item of source) {
    group.push(item)
    if (group.length < size) continue
    yield group
    group = []
  }
  if (group.length > 0) yield group
}

function settled<T>(result: PromiseSettledResult<T>): T {
  if (result.status === 'rejected') throw result.reason
  return result.value
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

function details(answer: Answer): object {
  return answer.kind === 'digits' ? { perDigit: answer.perDigit } : { classIndex: answer.classIndex, probabilities: [...answer.probabilities] }
}

/** The message without the place, which many begin with. */
function reasonOf(source: string, error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') return 'there is no such file'
  return message.startsWith(`${source}: `) ? message.slice(source.length + 2) : message
}

function isRecordFile(path: string): boolean {
  return path.endsWith('.rec')
}

function parseBox(text: string): PixelBox {
  if (!/^\d{1,6}(,\d{1,6}){3}$/.test(text)) throw new CliError('CLI_USAGE', `--box: expected LEFT,TOP,WIDTH,HEIGHT in whole pixels, found "${text}"`)
  const [left, top, width, height] = text.split(',').map(Number) as [number, number, number, number]
  return { left, top, width, height }
}
