// Reads WebDataset shards: a tar, gzipped or not, in which neighbouring files with the same name up to the
// first point of the last part are one sample.
//
//   train/0001.jpg  train/0001.cls    key train/0001: an image and a class
//   train/0002.seg.png                key train/0002, ending seg.png: no image unless it is asked for
//   0003.jpg  0003.json               a label of several numbers: { "label": [...], "kind": "boxes" }
//   0004.txt.gz                       each file may be gzipped alone
//
// Label: .cls (a number or the name of a class), else .json (a number, a list, or an object with the
// field `label`), else .txt (numbers, or a name). https://github.com/webdataset/webdataset

import type { LabelKind } from '@millrace/recordio'
import { gunzip } from 'node:zlib'
import { promisify } from 'node:util'
import { readTar, type TarEntry } from '../providers/tar-entries.js'
import { PipelineError } from '../errors.js'
import { classOf, IdRule, kindOfNumbers, reject, sampleError, toLabels, type LabelledImage, type ReadImagesOptions } from './labelled-image.js'

/**
 * The images of a shard. Memory: one sample.
 *
 * @throws PipelineError PIPE_ARCHIVE_DAMAGED, PIPE_ARCHIVE_LIMIT, PIPE_SOURCE_MISSING, PIPE_ABORTED; without `onReject`
 *   also PIPE_SAMPLE (no image or several, no label that is understood, a file that comes twice)
 */
export async function* readWebDataset(path: string, options: ReadImagesOptions = {}): AsyncGenerator<LabelledImage, void, undefined> {
  const ids = new IdRule(options.ids)
  let ordinal = 0
  for await (const sample of readSamples(path, options)) {
    const place = `${path}: ${sample.key}`
    try {
      const image = imageOf(sample, place)
      const { kind, numbers } = labelOf(sample, place, options)
      yield { id: ids.idOf(sample.key, ordinal, place), key: sample.key, labelKind: kind, labels: toLabels(numbers, kind, place), image }
    } catch (error) {
      reject(error, BigInt(ordinal), sample.key, options.onReject)
    }
    ordinal++
  }
}

interface Sample {
  readonly key: string
  /** By ending, in lower case and without `.gz`. */
  readonly members: Map<string, Uint8Array>
  /** The ending of the image. */
  image: string | undefined
  /** Why the sample cannot be used. */
  error: PipelineError | undefined
}

/** Of one file; a record can hold no more. */
const maximumMemberBytes = 2 ** 29
/** Of one file with a label; a label of thousands of boxes takes a few hundred kilobytes. */
const maximumLabelBytes = 2 ** 24
const labelEndings = ['cls', 'json', 'txt'] as const
const imageEndings: readonly string[] = ['jpg', 'jpeg', 'png', 'webp', 'ppm', 'gif', 'bmp', 'tif', 'tiff', 'bin']
const unpack = promisify(gunzip)

async function* readSamples(path: string, { imageKey, signal }: ReadImagesOptions): AsyncGenerator<Sample, void, undefined> {
  let sample: Sample | undefined
  for await (const entry of readTar(path, { signal })) {
    const parts = entry.kind === 'file' ? splitName(entry.name) : undefined
    if (!parts) continue
    if (sample && sample.key !== parts.key) yield sample
    if (sample?.key !== parts.key) sample = { key: parts.key, members: new Map(), image: undefined, error: undefined }
    await addMember(sample, parts.ending, entry, path, imageKey?.toLowerCase())
  }
  if (sample) yield sample
}

/** `undefined` for a hidden file, one without a point, and WebDataset's own notes (`__name__`). */
function splitName(name: string): { key: string; ending: string } | undefined {
  const match = /^((?:[^]*\/)?[^./][^./]*)\.([^/]+)$/.exec(name)
  if (!match || /^__.*__$/.test(name)) return undefined
  return { key: match[1]!, ending: match[2]!.toLowerCase() }
}

/** Keeps what can be image or label; other files are not read. */
async function addMember(sample: Sample, fullEnding: string, { content, sizeBytes }: TarEntry, path: string, imageKey: string | undefined): Promise<void> {
  const ending = fullEnding.replace(/\.gz$/, '')
  const isLabel = (labelEndings as readonly string[]).includes(ending)
  const isImage = imageKey === undefined ? imageEndings.includes(ending) : ending === imageKey
  if (sample.error || (!isLabel && !isImage)) return
  const place = `${path}: ${sample.key}.${fullEnding}`
  const limit = isImage ? maximumMemberBytes : maximumLabelBytes
  if (sizeBytes > limit) sample.error = sampleError(place, `a file of at most ${limit} bytes`, `one of ${sizeBytes}`)
  else if (isImage && imageKey === undefined && sample.image !== undefined) sample.error = sampleError(place, `${sample.image} as the one image`, 'another', 'name the ending of the image (--image-key)')
  else if (sample.members.has(ending)) sample.error = sampleError(place, 'each file of a sample once', 'this one twice')
  else {
    if (isImage) sample.image = ending
    const bytes = await join(content)
    sample.members.set(ending, fullEnding === ending ? bytes : await decompress(bytes, limit, sample, place))
  }
}

async function join(content: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of content) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function decompress(bytes: Uint8Array, limit: number, sample: Sample, place: string): Promise<Uint8Array> {
  try {
    return await unpack(bytes, { maxOutputLength: limit })
  } catch (cause) {
    sample.error = sampleError(place, `a gzip file of at most ${limit} bytes`, `one that cannot be unpacked (${(cause as Error).message})`)
    return bytes
  }
}

function imageOf({ members, image, error }: Sample, place: string): Uint8Array {
  if (error) throw error
  const bytes = members.get(image ?? '')
  if (bytes) return bytes
  throw sampleError(place, 'an image', members.size > 0 ? `only ${[...members.keys()].join(', ')}` : 'neither image nor label', 'name the ending of the image (--image-key)')
}

interface NumberedLabel {
  readonly kind: LabelKind
  readonly numbers: readonly number[]
}

function labelOf({ members }: Sample, place: string, options: ReadImagesOptions): NumberedLabel {
  const ending = labelEndings.find((each) => members.has(each))
  if (!ending) throw sampleError(place, 'a label in .cls, .json or .txt', [...members.keys()].join(', '))
  const text = Buffer.from(members.get(ending)!).toString().trim()
  if (ending === 'json') return parseJsonLabel(text, `${place}.json`, options)
  const words = text.split(/\s+/)
  const numbers = words.map((word) => (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(word) ? Number(word) : NaN))
  if (numbers.some(Number.isNaN)) return { kind: 'class', numbers: [classOf(text, options.classNames, `${place}.${ending}`)] }
  return { kind: kindOfNumbers(numbers, options.labelKind), numbers }
}

function parseJsonLabel(text: string, place: string, { labelKey = 'label', labelKind, classNames }: ReadImagesOptions): NumberedLabel {
  const value = parseJson(text, place)
  const fields = isObject(value) ? value : { [labelKey]: value }
  const label: unknown = Object.hasOwn(fields, labelKey) ? fields[labelKey] : undefined
  if (typeof label === 'string') return { kind: 'class', numbers: [classOf(label, classNames, place)] }
  const numbers: readonly unknown[] = Array.isArray(label) ? label : [label]
  if (!numbers.every((number) => typeof number === 'number')) throw sampleError(place, `a number or a list of numbers in "${labelKey}"`, describe(fields, labelKey), 'name the field (--label-key)')
  return { kind: kindOfNumbers(numbers, labelKind ?? kindIn(fields)), numbers }
}

function parseJson(text: string, place: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    throw sampleError(place, 'JSON', (cause as Error).message)
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function kindIn({ kind }: Record<string, unknown>): LabelKind | undefined {
  return kind === 'class' || kind === 'values' || kind === 'digits' || kind === 'boxes' ? kind : undefined
}

function describe(fields: Record<string, unknown>, labelKey: string): string {
  return Object.hasOwn(fields, labelKey) ? 'something else' : `only the fields ${Object.keys(fields).slice(0, 10).map((name) => name.slice(0, 60)).join(', ')}`
}
