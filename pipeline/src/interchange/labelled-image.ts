// What every interchange format is read into and written from: an image as it was encoded, with the
// numbers of its label as a record holds them. Nothing is decoded, so nothing is lost on the way.

import { labelValues, type ImageRecord, type LabelKind, type NewImageRecord } from '@millrace/recordio'
import { PipelineError } from '../errors.js'

export interface LabelledImage {
  /** u64 */
  readonly id: bigint
  /** Names it in messages: its key in a shard, its place in a file. */
  readonly key: string
  readonly labelKind: LabelKind
  /** Class: one number. Others: as in label.ts. */
  readonly labels: Float32Array
  /** Encoded. */
  readonly image: Uint8Array
}

/** A sample that could not be read. */
export interface RejectedImage {
  readonly id: bigint
  readonly key: string
  readonly code: string
  readonly reason: string
}

/** How the readers of other formats find image and label. */
export interface ReadImagesOptions {
  /** TFRecord: the feature with the encoded image, default `image/encoded`. WebDataset: the ending of its member, default any image's. */
  readonly imageKey?: string
  /** TFRecord: the feature with the label; default the usual ones. WebDataset: the field in .json, default `label`. */
  readonly labelKey?: string
  /** What several numbers mean. Default: what the file says, else `class` for one whole number, `values` for others. */
  readonly labelKind?: LabelKind
  /** Lets a label be the name of its class. Default: none. */
  readonly classNames?: readonly string[]
  /** `stored` takes the ids of the file, `ordinal` numbers the samples from 0. Default: stored, if the first sample has a number. */
  readonly ids?: 'stored' | 'ordinal'
  /** Told of each sample that cannot be used, which is then passed over. Default: its error is thrown. */
  readonly onReject?: (rejected: RejectedImage) => void
  readonly signal?: AbortSignal
}

/** As a record: a class in the header, other labels behind it. */
export function toRecord({ id, labelKind, labels, image }: LabelledImage): NewImageRecord {
  return labelKind === 'class' ? { id, label: labels[0] ?? 0, image } : { id, labels, image }
}

/** Where nothing says what a record's label means, one number is a class, several are values. */
export function fromRecord(record: ImageRecord, place: string, labelKind: LabelKind | undefined): LabelledImage {
  const { id, labels, image } = record
  return { id, key: `${place}#${id}`, labelKind: labelKind ?? (labels.length === 0 ? 'class' : 'values'), labels: labelValues(record), image }
}

/** The kind of a label whose numbers are known, but not what they mean. */
export function kindOfNumbers(labels: readonly number[], asked: LabelKind | undefined): LabelKind {
  return asked ?? (labels.length === 1 && Number.isInteger(labels[0]) && labels[0]! >= 0 ? 'class' : 'values')
}

/**
 * The labels as float32.
 * @throws PipelineError PIPE_SAMPLE for none, for a class that float32 would change, for a number past its range
 */
export function toLabels(numbers: readonly number[], kind: LabelKind, place: string): Float32Array {
  const labels = Float32Array.from(numbers)
  if (labels.length === 0) throw sampleError(place, 'a label', 'an empty one')
  if (kind === 'class' && (labels.length > 1 || labels[0] !== numbers[0])) throw sampleError(place, 'one class that float32 holds', numbers.slice(0, 8).join(' '))
  if (kind === 'digits' && labels.length !== 6) throw sampleError(place, 'six numbers, the length and five digits', `${labels.length}`)
  const past = labels.findIndex((label, index) => Number.isFinite(numbers[index]) && !Number.isFinite(label))
  if (past >= 0) throw sampleError(place, 'labels that float32 holds', `${numbers[past]}`)
  return labels
}

/**
 * The class with that name.
 * @throws PipelineError PIPE_SAMPLE
 */
export function classOf(name: string, classNames: readonly string[] | undefined, place: string): number {
  const index = classNames?.indexOf(name.trim()) ?? -1
  if (index >= 0) return index
  throw sampleError(place, classNames ? 'a label that is a number or one of the class names' : 'a label that is a number', JSON.stringify(name.slice(0, 60)), 'give the class names')
}

/** Says which id a sample gets: one rule for a whole file, so that ids do not collide. */
export class IdRule {
  #mode: ReadImagesOptions['ids']

  constructor(mode: ReadImagesOptions['ids']) {
    this.#mode = mode
  }

  /**
   * @param stored what the file calls the sample, where it does
   * @throws PipelineError PIPE_SAMPLE where the samples before had ids and this one has none
   */
  idOf(stored: string | undefined, ordinal: number, place: string): bigint {
    const id = stored !== undefined && /^\d{1,20}$/.test(stored) ? BigInt(stored) : undefined
    const isId = id !== undefined && id < 2n ** 64n
    this.#mode ??= isId ? 'stored' : 'ordinal'
    if (this.#mode === 'ordinal') return BigInt(ordinal)
    if (isId) return id
    throw sampleError(place, 'a number as id, as the samples before it have', stored === undefined ? 'none' : JSON.stringify(stored.slice(0, 60)), 'number the samples instead (ids: ordinal)')
  }
}

/** A sample that cannot be used; the file goes on. */
export function sampleError(place: string, expected: string, found: string, next = 'correct the sample'): PipelineError {
  return new PipelineError('PIPE_SAMPLE', `${place}: expected ${expected}, found ${found}; ${next}`, { path: place })
}

/** Rejects a sample for an error of its own; any other error passes. */
export function reject(error: unknown, id: bigint, key: string, onReject: ReadImagesOptions['onReject']): void {
  if (!onReject || !(error instanceof PipelineError) || error.code === 'PIPE_ABORTED') throw error
  onReject({ id, key, code: error.code, reason: error.message })
}
