// The `tfrecord` and `webdataset` sources: images that other tools have packed, in one file or in shards,
// through the readers that `convert` uses.

import { basename } from 'node:path'
import { readClassNames } from '../class-names.js'
import { PipelineError, type PipelineErrorCode } from '../errors.js'
import { findShards, type Shards } from '../interchange/find-shards.js'
import { sampleError, type LabelledImage, type ReadImagesOptions, type RejectedImage } from '../interchange/labelled-image.js'
import { readTfRecordClassNames, readTfRecordImages } from '../interchange/tfrecord-images.js'
import { readWebDataset } from '../interchange/web-dataset-reader.js'
import type { Label, LabelKind } from '../label.js'
import { readLabel } from '../read-label.js'
import type { Sample, Source } from '../sample.js'
import { boxesLabel } from './boxes.js'
import { readImageSize } from './image-size.js'
import type { SizedLabel } from './join-images.js'
import type { SourceOptions } from './source-options.js'

export type ShardsOptions = Pick<SourceOptions, 'split' | 'classNames' | 'imageKey' | 'labelKey' | 'labelKind' | 'badBoxes' | 'signal'>

/**
 * The samples of TFRecord files of tf.train.Examples: `path` as in find-shards.ts. Class names come from
 * `options.classNames`, else from the texts beside the labels, for which all files are read once.
 * @throws PipelineError as `openShards`
 */
export async function tfRecord(path: string, options: ShardsOptions = {}): Promise<Source> {
  const shards = await findShards(path, { pattern: /(?:\.(?:tf)?records?|-\d+-of-\d+)(?:\.(?:tf)?records?|-\d+-of-\d+)?(?:\.gz)?$/i, split: options.split })
  const format: ShardFormat = { read: readTfRecordImages, keyOf: (shard, ordinal) => `${shard}#${ordinal}` }
  return openShards(shards, format, options, () => readTfRecordClassNames(shards.paths, options.signal))
}

/**
 * The samples of WebDataset shards: `path` as in find-shards.ts. Labels that are names need
 * `options.classNames`.
 * @throws PipelineError as `openShards`
 */
export async function webDataset(path: string, options: ShardsOptions = {}): Promise<Source> {
  const shards = await findShards(path, { pattern: /\.(?:tar|tar\.gz|tgz)$/i, split: options.split })
  const format: ShardFormat = { read: readWebDataset, keyOf: (shard, _, key) => `${shard}/${key}` }
  return openShards(shards, format, options, () => Promise.resolve(undefined))
}

interface ShardFormat {
  readonly read: (path: string, options: ReadImagesOptions) => AsyncGenerator<LabelledImage, void, undefined>
  /** What a sample is called, by its shard's name, its place there and what the shard calls it. */
  readonly keyOf: (shard: string, ordinal: bigint, key: string) => string
}

/**
 * The samples of shards, one shard after the other; ids are positions from 0 over all of them. The first
 * sample that can be read tells the kind of all labels; one of another kind, one with a class that has no
 * name where there are names, and one that cannot be read reject. A shard that is cut or damaged where the
 * next sample begins ends with an error. Memory: one sample.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_EMPTY, PIPE_OPTION, PIPE_CLASS_NAME, and what the readers throw
 */
async function openShards({ paths, ignored: otherFiles }: Shards, format: ShardFormat, options: ShardsOptions, findNames: () => Promise<readonly string[] | undefined>): Promise<Source> {
  const { classNames: namesPath, imageKey, labelKey, labelKind, badBoxes = 'reject', signal } = options
  const given = namesPath === undefined ? undefined : await readClassNames(namesPath)
  const reading: ReadImagesOptions = {
    ids: 'ordinal',
    ...(imageKey !== undefined && { imageKey }),
    ...(labelKey !== undefined && { labelKey }),
    ...(labelKind && { labelKind }),
    ...(given && { classNames: given }),
    ...(signal && { signal }),
  }
  const kind = await findKind(paths, format, reading)
  const classNames = kind === 'class' || kind === 'boxes' ? given ?? (await findNames()) : undefined
  const ignored = new Map(otherFiles)
  const samples = (dropped: Map<string, number>): AsyncGenerator<Sample, void, undefined> => readShards(paths, format, reading, { kind, classNames, badBoxes, ignored: dropped })
  return {
    labelKind: kind,
    ...(classNames && { classNames }),
    ignored,
    async count() {
      let count = 0
      for await (const _ of samples(new Map())) count++
      return count
    },
    async *[Symbol.asyncIterator]() {
      const dropped = new Map<string, number>()
      yield* samples(dropped)
      ignored.clear()
      for (const [reason, count] of [...otherFiles, ...dropped]) ignored.set(reason, count)
    },
  }
}

async function findKind(paths: readonly string[], { read }: ShardFormat, reading: ReadImagesOptions): Promise<LabelKind> {
  let rejected = 0
  for (const path of paths) {
    for await (const { labelKind } of read(path, { ...reading, onReject: () => rejected++ })) return labelKind
  }
  if (rejected > 0) return reading.labelKind ?? 'class' // packing tells why each was rejected
  throw new PipelineError('PIPE_EMPTY', `${paths[0]}: expected images, found none; check the path`, { path: paths[0]! })
}

interface LabelRules {
  readonly kind: LabelKind
  readonly classNames: readonly string[] | undefined
  readonly badBoxes: 'reject' | 'drop'
  readonly ignored: Map<string, number>
}

async function* readShards(paths: readonly string[], { read, keyOf }: ShardFormat, reading: ReadImagesOptions, rules: LabelRules): AsyncGenerator<Sample, void, undefined> {
  let first = 0n
  for (const path of paths) {
    let count = 0n
    const place = ({ id, key }: Pick<LabelledImage, 'id' | 'key'>): Pick<Sample, 'id' | 'key'> => ({ id: first + id, key: keyOf(basename(path), id, key) })
    const rejects: Sample[] = []
    const onReject = (rejected: RejectedImage): void => {
      rejects.push(rejecting(place(rejected), rules, new PipelineError(rejected.code as PipelineErrorCode, rejected.reason, { path })))
    }
    for await (const image of read(path, { ...reading, onReject })) {
      count += BigInt(rejects.length) + 1n
      yield* rejects.splice(0)
      yield await toSample(image, place(image), rules)
    }
    count += BigInt(rejects.length)
    yield* rejects
    first += count
  }
}

function rejecting(place: Pick<Sample, 'id' | 'key'>, { kind }: LabelRules, error: PipelineError): Sample {
  const label: Label = kind === 'boxes' ? { kind, width: 0, height: 0, boxes: [] } : kind === 'class' ? { kind, value: 0 } : kind === 'digits' ? { kind, digits: [] } : { kind, values: [] }
  return { ...place, label, error, image: () => Promise.reject(error) }
}

async function toSample(image: LabelledImage, place: Pick<Sample, 'id' | 'key'>, rules: LabelRules): Promise<Sample> {
  try {
    return { ...place, ...(await toLabel(image, place.key, rules)), image: () => Promise.resolve(image.image.slice()) } // a copy: the caller may give it away
  } catch (error) {
    if (error instanceof PipelineError) return rejecting(place, rules, error)
    throw error
  }
}

async function toLabel({ labelKind, labels, image }: LabelledImage, key: string, { kind, classNames, badBoxes, ignored }: LabelRules): Promise<SizedLabel> {
  if (labelKind !== kind) throw sampleError(key, `a label of kind ${kind}, as the first sample has`, `one of kind ${labelKind}`)
  const label = readLabel(kind, labels)
  if (label === undefined) throw sampleError(key, `a label of kind ${kind}`, `${[...labels.slice(0, 12)].join(', ')}`)
  const classCount = classNames?.length
  if (label.kind === 'class' && classCount !== undefined && classNames?.[label.value] === undefined) throw sampleError(key, `a class from 0 to ${classCount - 1}, as the class names have it`, `${label.value}`, 'correct the class names; some tools count classes from 1')
  // A sixth digit is not stored; one in its place keeps the number's length.
  if (label.kind === 'digits' && labels[0]! > label.digits.length) return { label: { ...label, digits: [...label.digits, 0] } }
  if (label.kind !== 'boxes') return { label }
  const size = label.width > 0 && label.height > 0 ? label : await readImageSize(image, key)
  return boxesLabel(label.boxes, size, { unit: 'share', from: key, badBoxes, ignored, ...(classCount !== undefined && { classCount }) })
}
