// Packs a data set: every sample goes through the transforms, is encoded as JPEG and becomes a
// record, or is listed as rejected with its reason. Several samples are in work at a time; records,
// rejects and summary come out in the order of the source, so any concurrency gives the same bytes.

import type { Writable } from 'node:stream'
import sharp from 'sharp'
import type { MetaHeader, MetaSummary, NewImageRecord } from '@millrace/recordio'
import { PipelineError, throwIfAborted } from './errors.js'
import { sumChannels } from './images/channel-sums.js'
import { checkQuality, encodeJpeg } from './images/encode.js'
import { toRecordLabel, type LabelKind } from './label.js'
import { openFileOutput, openStreamOutput, type PackOutput } from './pack-output.js'
import { PackTally, type PackedFacts } from './pack-tally.js'
import { RejectList, rejectedSample, rejectsPath, type RejectedSample } from './reject-list.js'
import { readPixels, type Sample } from './sample.js'
import { mapOrdered, type ConcurrencyOptions, type Transform } from './transform.js'

export interface PackOptions extends ConcurrencyOptions {
  readonly source: AsyncIterable<Sample>
  /** Applied to each sample in this order. Default: none. */
  readonly transforms?: readonly Transform<Sample, Sample>[]
  /** The .rec to write, with .idx, .meta and .rejects.jsonl beside it; or a stream for the frames alone. */
  readonly output: string | Writable
  /** What every label must be; a sample with another is rejected. */
  readonly labelKind: LabelKind
  /** JPEG quality, 1-100. Default 95, im2rec's. */
  readonly quality?: number
  /** 'skip' lists a sample that cannot be packed and goes on (the default); 'fail' stops there. */
  readonly onError?: 'skip' | 'fail'
  readonly classNames?: readonly string[]
  /** Kept in the .meta file: how the data set was packed. Default: the quality alone. */
  readonly pack?: Readonly<Record<string, unknown>>
  readonly signal?: AbortSignal
  /** Called after each sample, in order. */
  readonly onProgress?: (progress: PackProgress) => void
  /** Called for each rejected sample, in order. */
  readonly onReject?: (rejected: RejectedSample) => void
}

export interface PackProgress {
  readonly packed: number
  readonly rejected: number
}

export interface PackReport extends PackProgress {
  /** Packed, but with the annotation bent to fit the image. */
  readonly adjusted: number
  readonly seconds: number
  /** Packed images a second. */
  readonly imagesPerSecond: number
  /** As in the .meta file. */
  readonly summary: MetaSummary
  /** The list of rejected samples, if there are any and the output is a file. */
  readonly rejectsPath?: string
}

/**
 * Packs every sample of a source. Nothing appears under the output's name until all is written.
 * A transform rejects a sample by throwing a PipelineError; any other error stops the packing.
 * @throws PipelineError PIPE_EMPTY, PIPE_ALL_REJECTED (the list of rejects is then written all the
 *   same), PIPE_ABORTED, PIPE_OUTPUT, PIPE_OPTION, what the source throws, and with onError 'fail'
 *   the first rejected sample's error
 * @throws RecordError where the records cannot be written
 */
export async function packDataset(options: PackOptions): Promise<PackReport> {
  const { source, signal, concurrency } = options
  checkQuality(options.quality ?? 95)
  const run = new PackRun(options)
  const startedAt = performance.now()
  try {
    const attempts = mapOrdered((sample: Sample) => attempt(sample, options), concurrency === undefined ? {} : { concurrency })
    for await (const outcome of attempts(source)) {
      throwIfAborted(signal)
      await run.take(outcome)
    }
    throwIfAborted(signal)
    return await run.finish((performance.now() - startedAt) / 1000)
  } catch (error) {
    await run.abort()
    throw error
  }
}

/** What became of one sample. */
type Outcome =
  | { readonly kind: 'packed'; readonly sample: Sample; readonly record: NewImageRecord; readonly facts: PackedFacts }
  | { readonly kind: 'rejected'; readonly sample: Sample; readonly error: PipelineError }

async function attempt(sample: Sample, options: PackOptions): Promise<Outcome> {
  try {
    throwIfAborted(options.signal)
    return await packSample(sample, options)
  } catch (error) {
    if (!(error instanceof PipelineError) || error.code === 'PIPE_ABORTED') throw error
    return { kind: 'rejected', sample, error }
  }
}

async function packSample(original: Sample, { transforms = [], quality = 95, labelKind }: PackOptions): Promise<Outcome> {
  let sample = original
  for (const transform of transforms) sample = await transform.one(sample)
  const pixels = await readPixels(sample)
  const { label, key } = sample
  if (label.kind !== labelKind) {
    throw new PipelineError('PIPE_LABEL', `${key}: expected a label of kind ${labelKind}, found ${label.kind}`, { path: key })
  }
  const recordLabel = toRecordLabel(label, key)
  const image = await encodeJpeg(pixels, { quality })
  const facts = {
    imageBytes: image.length,
    channelSums: sumChannels(pixels),
    isAdjusted: sample.adjusted !== undefined,
  }
  return { kind: 'packed', sample, record: { id: sample.id, ...recordLabel, image }, facts }
}

/** The output side of one packing run: takes the outcomes in order. */
class PackRun {
  readonly #options: PackOptions
  readonly #tally = new PackTally()
  readonly #rejects: RejectList | undefined
  /** Opened with the first record, whose label says how wide the labels are. */
  #output: PackOutput | undefined
  #labelWidth = 0
  #firstReject: RejectedSample | undefined

  constructor(options: PackOptions) {
    this.#options = options
    this.#rejects = typeof options.output === 'string' ? new RejectList(rejectsPath(options.output)) : undefined
  }

  async take(outcome: Outcome): Promise<void> {
    const { onProgress } = this.#options
    const widthError = outcome.kind === 'packed' ? this.#checkWidth(outcome.sample, outcome.record) : undefined
    if (outcome.kind === 'packed' && widthError === undefined) await this.#pack(outcome.record, outcome.facts)
    else await this.#reject(outcome.sample, outcome.kind === 'rejected' ? outcome.error : widthError!)
    onProgress?.({ packed: this.#tally.packed, rejected: this.#tally.rejected })
  }

  async finish(seconds: number): Promise<PackReport> {
    const { packed, rejected, adjusted } = this.#tally
    if (this.#output === undefined) {
      await this.#rejects?.publish()
      throw this.#nothingPacked()
    }
    await this.#rejects?.publish() // first: records must never stand there without the list of what they lack
    const summary = await this.#output.close(this.#tally.summary())
    const imagesPerSecond = packed / seconds
    const listed = rejected > 0 && this.#rejects ? { rejectsPath: this.#rejects.path } : {}
    return { packed, rejected, adjusted, seconds, imagesPerSecond, summary, ...listed }
  }

  async abort(): Promise<void> {
    await this.#output?.abort()
    await this.#rejects?.discard()
  }

  async #pack(record: NewImageRecord, facts: PackedFacts): Promise<void> {
    this.#output ??= await this.#openOutput()
    await this.#output.write(record)
    this.#tally.addPacked(facts)
  }

  async #reject(sample: Sample, error: PipelineError): Promise<void> {
    if (this.#options.onError === 'fail') throw error
    const rejected = rejectedSample(sample, error)
    this.#firstReject ??= rejected
    this.#tally.addRejected()
    await this.#rejects?.add(rejected)
    this.#options.onReject?.(rejected)
  }

  async #openOutput(): Promise<PackOutput> {
    const { output, signal, classNames, labelKind, quality = 95, pack } = this.#options
    if (typeof output !== 'string') return openStreamOutput(output, signal)
    const meta: MetaHeader = {
      labelKind,
      labelWidth: this.#labelWidth,
      ...(classNames && { classNames }),
      pack: pack ?? { quality },
      codecs: { sharp: sharp.versions.sharp ?? 'unknown', libvips: sharp.versions.vips },
    }
    return openFileOutput(output, meta)
  }

  /** Labels of values are all as long as the first; boxes may differ, which width 0 says. */
  #checkWidth(sample: Sample, { labels }: NewImageRecord): PipelineError | undefined {
    const width = sample.label.kind === 'boxes' ? 0 : Math.max(1, labels?.length ?? 0)
    if (this.#output === undefined) this.#labelWidth = width
    if (width === this.#labelWidth) return undefined
    return new PipelineError('PIPE_LABEL', `${sample.key}: expected ${this.#labelWidth} label values as in the first record, found ${width}`, { path: sample.key })
  }

  #nothingPacked(): PipelineError {
    const first = this.#firstReject
    if (first === undefined) return new PipelineError('PIPE_EMPTY', 'expected a data set with samples, found none; check the source')
    const count = this.#tally.rejected
    return new PipelineError('PIPE_ALL_REJECTED', `expected at least one usable sample, found all ${count} rejected, the first because: ${first.reason}`)
  }
}
