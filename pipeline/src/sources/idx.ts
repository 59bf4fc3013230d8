// The `idx` source: images and labels in a pair of idx files, as MNIST, Fashion-MNIST, EMNIST and KMNIST
// are published.
//
//   train-images-idx3-ubyte.gz  train-labels-idx1-ubyte.gz     part "train"
//   t10k-images-idx3-ubyte.gz   t10k-labels-idx1-ubyte.gz      part "test"; also names with "test" in them

import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { readClassNames } from '../class-names.js'
import { PipelineError } from '../errors.js'
import type { ChannelCount, RawImage } from '../images/raw-image.js'
import { compareNames } from '../providers/image-name.js'
import { unreadableSource } from '../providers/image-provider.js'
import { isFolder } from '../providers/open-images.js'
import type { Source } from '../sample.js'
import { annotatedSource } from './annotated-source.js'
import { idxError, openIdx, type IdxFile } from './idx-file.js'
import type { Annotation } from './join-images.js'
import type { SourceOptions } from './source-options.js'

export type IdxOptions = Pick<SourceOptions, 'split' | 'classNames' | 'signal'>

const imagesName = /^(.*)images([-.]idx[34]-ubyte)(?:\.gz)?$/
/** What decodes at most, as of any image. */
const maxPixels = 2 ** 27
/** EMNIST, the largest, has 814,255 images. */
const maxLabels = 2 ** 26

/**
 * The samples of a pair of files: raw pixels, grey or RGB. `path` is the file of the images, whose labels
 * lie beside it, or a folder with one pair for each part; the default part is "train", else the only one.
 * Ids are positions from 0. Classes are called by their numbers, or as `options.classNames` says; a label
 * past these names gives a sample that rejects.
 *
 * Memory: the labels, a byte each, and one image. The files are read through once for each iteration.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_IDX, PIPE_EMPTY, PIPE_OPTION, those of `readClassNames`;
 *   while iterating PIPE_IDX for a gzip file that holds other than its header says
 */
export async function idx(path: string, options: IdxOptions = {}): Promise<Source> {
  const { signal } = options
  const pair = await findPair(path, options.split)
  const images = await openIdx(pair.images, [3, 4])
  const labels = await openIdx(pair.labels, [1])
  const { width, height, channels, count } = sizesOf(images, labels)
  const values = await readLabels(labels, signal)
  const highest = values.reduce((high, value) => Math.max(high, value), 0)
  const named = options.classNames === undefined ? undefined : await readClassNames(options.classNames)
  const classNames = named ?? Array.from({ length: highest + 1 }, (_, value) => `${value}`)
  const name = basename(pair.images).replace(/\.gz$/, '')
  const annotations = async function* (): AsyncGenerator<Annotation, void, undefined> {
    let position = 0
    for await (const pixels of images.blocks(width * height * channels, signal)) {
      const label = { kind: 'class', value: values[position]! } as const
      const image = (): Promise<RawImage> => Promise.resolve({ data: Uint8Array.from(pixels), width, height, channels })
      const error = label.value < classNames.length ? undefined : outside(labels.path, position, label.value, classNames.length)
      yield { id: BigInt(position), key: `${name}#${position}`, from: `${name}#${position}`, label, image, ...(error && { error }) }
      position++
    }
  }
  return annotatedSource({ labelKind: 'class', classNames, count, annotations })
}

function sizesOf(images: IdxFile, labels: IdxFile): { width: number; height: number; channels: ChannelCount; count: number } {
  const [count = 0, height = 0, width = 0, channels = 1] = images.shape
  if (width < 1 || height < 1 || width * height > maxPixels) throw idxError(images.path, `at byte 8: expected images of 1 to ${maxPixels} pixels`, `${width}x${height}`)
  if (channels !== 1 && channels !== 3) throw idxError(images.path, 'at byte 16: expected 1 channel or 3', `${channels}`)
  if (labels.shape[0] !== count) throw idxError(labels.path, `expected ${count} labels, as ${basename(images.path)} has images`, `${labels.shape[0]}`)
  if (count === 0) throw new PipelineError('PIPE_EMPTY', `${images.path}: expected images, found none; check the path`, { path: images.path })
  return { width, height, channels, count }
}

async function readLabels(labels: IdxFile, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const [count = 0] = labels.shape
  if (count > maxLabels) throw idxError(labels.path, `at byte 4: expected at most ${maxLabels} labels`, `${count}`)
  const blocks: Uint8Array[] = []
  for await (const block of labels.blocks(2 ** 20, signal)) blocks.push(block)
  return Buffer.concat(blocks)
}

function outside(path: string, position: number, value: number, count: number): PipelineError {
  return new PipelineError('PIPE_LABEL', `${path}: label ${position}: expected a class from 0 to ${count - 1}, as the class names have it, found ${value}; add its name`, { path, entry: position + 1 })
}

interface Pair {
  readonly images: string
  readonly labels: string
}

async function findPair(path: string, split: string | undefined): Promise<Pair> {
  const isWhole = await isFolder(path)
  const folder = isWhole ? path : dirname(path)
  const names = await namesIn(folder)
  const pairs = (isWhole ? names : [basename(path)]).flatMap((name) => toPair(folder, name, isWhole ? names : []))
  if (pairs.length === 0) throw new PipelineError('PIPE_SOURCE_MISSING', `${path}: expected ${isWhole ? 'a file with a name' : 'a name'} such as train-images-idx3-ubyte or train-images-idx3-ubyte.gz, found ${isWhole ? 'none' : 'another'}; check the path`, { path })
  const parts = [...new Set(pairs.map(({ part }) => part))]
  const part = split ?? (parts.includes('train') ? 'train' : 'test')
  const [pair, second] = pairs.filter((each) => each.part === part)
  if (pair === undefined) throw new PipelineError('PIPE_OPTION', `split: expected ${parts.join(' or ')}, as ${path} has, found ${JSON.stringify(part)}`)
  if (second !== undefined) throw new PipelineError('PIPE_OPTION', `${path}: expected one file of images for the part ${part}, found ${basename(pair.images)} and ${basename(second.images)}; give the path of one of them`)
  const labels = pair.labels.find((name) => names.includes(name))
  if (labels === undefined) throw new PipelineError('PIPE_SOURCE_MISSING', `${pair.images}: expected its labels in ${pair.labels.join(' or ')} beside it, found no such file; put them there`, { path: pair.images })
  return { images: pair.images, labels: join(folder, labels) }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort(compareNames)
  } catch (cause) {
    throw unreadableSource(folder, cause)
  }
}

interface NamedPair {
  readonly images: string
  /** Names that the labels' file can have. */
  readonly labels: readonly string[]
  readonly part: 'train' | 'test'
}

/** None for a name that is not one of images, and for the gzipped copy of a file that lies there unpacked too. */
function toPair(folder: string, name: string, names: readonly string[]): NamedPair[] {
  const [, start, ending] = imagesName.exec(name) ?? []
  if (start === undefined || ending === undefined || (name.endsWith('.gz') && names.includes(name.slice(0, -3)))) return []
  const labels = `${start}labels${ending.slice(0, 1)}idx1-ubyte`
  return [{ images: join(folder, name), labels: name.endsWith('.gz') ? [`${labels}.gz`, labels] : [labels, `${labels}.gz`], part: /t10k|test/i.test(start) ? 'test' : 'train' }]
}
