// What a network reads in photos and in the records of .rec files, beside their truth. An image that cannot
// be read is handed to the caller's `reject`, and the rest goes on.

import { readFile } from 'node:fs/promises'
import type { Answer, Model, Task } from '@millrace/infer'
import { cropImage, decodeImage, type PixelBox, type RawImage } from '@millrace/pipeline/images'
import { labelValues, readRecords, type ImageRecord } from '@millrace/recordio'
import { CliError } from './errors.js'

/** What the network says of one image. */
export interface Reading {
  readonly source: string
  readonly truth?: string
  readonly reading: string
  readonly answer: Exclude<Answer, { kind: 'tensors' }>
}

/** Called with the name of an image or file that cannot be read, and why in words. */
export type Reject = (source: string, reason: string) => void

export interface ReadingOptions {
  /** The part of each photo to look at. Default: all of it. */
  readonly box?: PixelBox
  readonly reject: Reject
  readonly signal: AbortSignal
}

/** One image to be read; its bytes are decoded when it is its turn. */
interface Item {
  readonly source: string
  /** What it is by its label, in the words of an answer. */
  readonly truth?: string
  readonly decode: () => Promise<RawImage<3>>
}

/** Images decoded at the same time: libuv has four threads to do it. Bounds the memory. */
const decodedAtOnce = 4

/**
 * Reads photos, and every record of the .rec files among the paths, in their order.
 * @throws CliError CLI_USAGE for a network that gives tensors
 */
export async function* readImages(model: Model, paths: readonly string[], options: ReadingOptions): AsyncGenerator<Reading> {
  if (model.graph.task.kind === 'tensors') throw new CliError('CLI_USAGE', `network ${model.graph.name} gives tensors, not classes or digits; run it from a program`)
  const reject = (source: string, error: unknown): void => {
    options.signal.throwIfAborted()
    options.reject(source, reasonOf(source, error))
  }
  for await (const reading of read(model, items(paths, options, model.graph.task, reject), reject)) {
    options.signal.throwIfAborted()
    yield reading
  }
}

/** Whether a path is taken for a record file. */
export function isRecordFile(path: string): boolean {
  return path.endsWith('.rec')
}

type RejectError = (source: string, error: unknown) => void

async function* items(paths: readonly string[], { box, signal }: ReadingOptions, task: Task, reject: RejectError): AsyncGenerator<Item> {
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

async function decodePhoto(path: string, box: PixelBox | undefined): Promise<RawImage<3>> {
  const image = await decodeImage(await readFile(path), { name: path })
  return box === undefined ? image : cropImage(image, box)
}

function recordItem(path: string, record: ImageRecord, task: Task): Item {
  const source = `${path}#${record.id}`
  const truth = truthOf(labelValues(record), task)
  const decode = (): Promise<RawImage<3>> => decodeImage(record.image, { name: source })
  return truth === undefined ? { source, decode } : { source, truth, decode }
}

/** The label in the words of an answer, where it is of the kind that the network answers with. */
function truthOf(labels: Float32Array, task: Task): string | undefined {
  if (task.kind === 'tensors') return undefined
  if (task.kind === 'class') return labels.length === 1 ? task.classNames[labels[0]!] : undefined
  const [length = -1, ...digits] = labels
  const isDigits = Number.isInteger(length) && length >= 0 && digits.length === task.digitOutputs.length &&
    digits.every((digit, place) => (place < length ? Number.isInteger(digit) && digit >= 0 && digit <= 9 : digit === 10))
  return isDigits ? digits.slice(0, length).join('') + (length > digits.length ? '…' : '') : undefined
}

/** Reads the items in their order, a few decoded ahead. */
async function* read(model: Model, source: AsyncIterable<Item>, reject: RejectError): AsyncGenerator<Reading> {
  for await (const group of inGroups(source, decodedAtOnce)) {
    const images = await Promise.allSettled(group.map(({ decode }) => decode()))
    for (const [index, { decode: _, ...item }] of group.entries()) {
      try {
        const answer = model.predict(settled(images[index]!))
        if (answer.kind === 'tensors') continue // readImages has refused such a network
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

/** The message without the place, which many begin with. */
function reasonOf(source: string, error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') return 'there is no such file'
  if (code === 'EISDIR') return 'is a folder; give the images themselves, such as FOLDER/*.jpg'
  return message.startsWith(`${source}: `) ? message.slice(source.length + 2) : message
}
