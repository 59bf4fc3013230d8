// Packs a data set: every sample goes through the transforms and the image plan and becomes a record, or
// is listed as rejected with its reason. Several samples are in work at a time, the images in threads of
// their own; records, rejects and summary come out in the order of the source, so any number of threads
// gives the same bytes.

import type { Writable } from 'node:stream'
import type { MetaSummary, NewImageRecord } from '@millrace/recordio'
import { PipelineError, throwIfAborted } from '../errors.js'
import { codecVersions } from '../images/index.js'
import { toRecordLabel, type LabelKind } from '../label.js'
import type { ImageFile } from '../providers/image-file.js'
import { createPlan, type ImagePlan } from '../render/image-plan.js'
import { Renderer } from '../render/renderer.js'
import { renderPlaceholder } from '../render/render-image.js'
import type { Sample, SampleImage } from '../sample.js'
import { mapOrdered, type Transform } from '../transform.js'
import { FileOutput } from './file-output.js'
import { layOut, type PackLayout, type PackPart, type ShardOptions } from './pack-layout.js'
import type { PackOutput } from './pack-output.js'
import type { PackedFacts } from './pack-tally.js'
import { rejectedSample, type RejectedSample } from './reject-list.js'
import { StreamOutput } from './stream-output.js'

export interface PackOptions {
  /** With `count`, where shards or a part are asked for. */
  readonly source: AsyncIterable<Sample> & { count?(): Promise<number> }
  /** Of your own, applied to each sample in this order, in this thread, before the plan. Default: none. */
  readonly transforms?: readonly Transform<Sample, Sample>[]
  /** What is done to every image. Default: whole images as JPEG, quality 95, 4:2:0. */
  readonly plan?: Partial<ImagePlan>
  /** The .rec to write, with .idx, .meta and .rejects.jsonl beside it; or a stream for the frames alone. */
  readonly output: string | Writable
  /** What every label must be; a sample with another is rejected. */
  readonly labelKind: LabelKind
  /**
   * How a label of values lies in a record. 'values' (the default): all after the header, as many in each
   * record. 'im2rec.py': a single one in the header, more after it, as many as each line has. 'im2rec.cc':
   * all after the header, and the first in the header too.
   */
  readonly labelLayout?: LabelLayout
  /** Files `out-00000-of-00016.rec` in place of one. Default: one file. */
  readonly shards?: ShardOptions
  /** Packs only part i of n: a share of the shards; without `shards`, shard i of n. Default: all. */
  readonly part?: PackPart
  /** Takes so many samples from the source at most. Default: all. */
  readonly limit?: number
  /** Images in work at a time, one of them in the caller's thread. Default: the number of cores. */
  readonly threads?: number
  /**
   * 'skip' lists a sample that cannot be packed and goes on (the default); 'fail' stops there;
   * 'placeholder' lists it and packs a grey image in its place, unless it is the label that is wrong.
   */
  readonly onError?: 'skip' | 'fail' | 'placeholder'
  /**
   * Goes on with what an earlier run of the same source and options left behind. If that run had ended, its
   * files are compared with the source, and nothing is packed; if they are of something else, that is an
   * error. Default false.
   */
  readonly resume?: boolean
  /** So many samples are on the disk together, for `resume`; also after 64 MB and 10 s. Default 2,000. */
  readonly batchSamples?: number
  /** What names the source, as plain data: a run is only resumed with the same. Default: nothing. */
  readonly identity?: Readonly<Record<string, unknown>>
  readonly classNames?: readonly string[]
  /** Kept in the .meta file: how the data set was packed. Default: the plan. */
  readonly pack?: Readonly<Record<string, unknown>>
  readonly signal?: AbortSignal
  /** Called after each sample, in order. */
  readonly onProgress?: (progress: PackProgress) => void
  /** Called for each rejected sample, in order. */
  readonly onReject?: (rejected: RejectedSample) => void
  /** Called where the packing fails but left what `resume` can go on with. */
  readonly onSuspend?: () => void
}

export type LabelLayout = 'values' | 'im2rec.py' | 'im2rec.cc'

export interface PackProgress {
  readonly packed: number
  readonly rejected: number
}

export interface PackReport extends PackProgress {
  /** Packed, but with the annotation bent to fit the image. */
  readonly adjusted: number
  /** Packed as a grey image; they stand in the list of rejects too. */
  readonly placeholders: number
  /** Integer labels that float32 rounds; their exact values stand in the .meta. */
  readonly roundedLabels: number
  readonly seconds: number
  /** Packed images a second, in this run. */
  readonly imagesPerSecond: number
  /** As in the .meta file; of all shards together. */
  readonly summary: MetaSummary
  /** The record files, in order; empty where the output is a stream. */
  readonly files: readonly string[]
  /** The list of rejected samples, if there are any and the output is a file. */
  readonly rejectsPath?: string
  /** How many samples an earlier run had done, if this one went on with it. */
  readonly resumedAfter?: number
  /** With `resume`: an earlier run had ended, its files agree with the source, and nothing was written. */
  readonly alreadyComplete?: true
}

/**
 * Packs every sample of a source. Nothing appears under the output's names until all is written; what a
 * run that failed, was stopped or killed had on the disk stays in partial files for `resume`.
 * A transform rejects a sample by throwing a PipelineError; any other error stops the packing.
 * @throws PipelineError PIPE_EMPTY, PIPE_ALL_REJECTED (the list of rejects is then written all the
 *   same), PIPE_ABORTED, PIPE_OUTPUT, PIPE_OPTION, PIPE_RESUME, PIPE_THREAD_FAILED, what the source
 *   throws, and with onError 'fail' the first rejected sample's error
 * @throws RecordError where the records cannot be written
 */
export async function packDataset(options: PackOptions): Promise<PackReport> {
  const plan = createPlan(options.plan)
  const layout = await layOutOptions(options)
  const renderer = new Renderer(plan, options.threads)
  try {
    const output = await openOutput(options, plan, layout)
    const run = new PackRun(options, plan, renderer, output)
    try {
      return await run.pack(layout)
    } catch (error) {
      if (await output.abort()) options.onSuspend?.()
      throw error
    }
  } finally {
    await renderer.close()
  }
}

/** Where the samples of these options go. @throws PipelineError PIPE_OPTION */
export async function layOutOptions({ source, output, shards, part, limit = Infinity }: PackOptions): Promise<PackLayout> {
  if (typeof output !== 'string' && shards) throw new PipelineError('PIPE_OPTION', 'shards: expected a file as the output, found a stream')
  const needsCount = part !== undefined || (shards !== undefined && 'count' in shards)
  const count = needsCount ? await source.count?.() : undefined
  return layOut({
    path: typeof output === 'string' ? output : '',
    ...(shards && { shards }),
    ...(part && { part }),
    count: Math.min(limit, count ?? Infinity),
  })
}

function openOutput(options: PackOptions, plan: ImagePlan, layout: PackLayout): Promise<PackOutput> | PackOutput {
  const { output, signal, classNames, labelKind, labelLayout = 'values', identity = {}, onError = 'skip', part, shards, limit } = options
  const { pack = { ...plan }, resume = false, batchSamples = 2000 } = options
  const labelWidth = labelKind === 'values' && labelLayout === 'im2rec.py' ? 0 : undefined
  if (typeof output !== 'string') return new StreamOutput(output, { from: layout.from, labelWidth, signal })
  const codecs = codecVersions(plan.codec)
  return FileOutput.open({
    layout,
    labelWidth,
    header: { labelKind, ...(classNames && { classNames }), pack, codecs },
    about: { source: identity, plan, pack, labelKind, labelLayout, classNames: classNames ?? [], onError, part: part ?? null, shards: shards ?? null, limit: limit ?? null, codecs },
    resume,
    batchSamples,
  })
}

/** What became of one sample. */
interface Outcome {
  readonly sample: Sample
  readonly packed?: { readonly record: NewImageRecord; readonly facts: PackedFacts }
  /** Why it was rejected; with `packed`, why that is a placeholder. */
  readonly error?: PipelineError
}

class PackRun {
  readonly #options: PackOptions
  readonly #plan: ImagePlan
  readonly #renderer: Renderer
  readonly #output: PackOutput
  #placeholder: Promise<Uint8Array> | undefined

  constructor(options: PackOptions, plan: ImagePlan, renderer: Renderer, output: PackOutput) {
    this.#options = options
    this.#plan = plan
    this.#renderer = renderer
    this.#output = output
  }

  async pack(layout: PackLayout): Promise<PackReport> {
    const { signal } = this.#options
    const startedAt = performance.now()
    const packedBefore = this.#output.counts.packed
    const attempts = mapOrdered((sample: Sample) => this.#attempt(sample), { concurrency: () => this.#renderer.inFlight })
    for await (const outcome of attempts(this.#samples(layout))) {
      throwIfAborted(signal)
      await this.#take(outcome)
    }
    throwIfAborted(signal)
    const { packed, rejected, adjusted, placeholders, roundedLabels } = this.#output.counts
    const finished = await this.#output.finish()
    const seconds = (performance.now() - startedAt) / 1000
    const resumedAfter = this.#output.from - layout.from
    return { packed, rejected, adjusted, placeholders, roundedLabels, seconds, imagesPerSecond: (packed - packedBefore) / seconds, ...finished, ...(resumedAfter > 0 && { resumedAfter }) }
  }

  /** Those of this run's part that are not packed yet; the ones before are compared with the journal. */
  async *#samples({ to }: PackLayout): AsyncGenerator<Sample> {
    const output = this.#output
    let position = 0
    let isCompared = false
    const compare = (): void => {
      if (!isCompared) output.pass(undefined)
      isCompared = true
    }
    if (to > 0) {
      for await (const sample of this.#options.source) {
        if (position >= output.from) {
          compare()
          yield sample
        } else output.pass(sample)
        position++
        if (position >= to) break
      }
    }
    compare()
  }

  async #attempt(sample: Sample): Promise<Outcome> {
    try {
      throwIfAborted(this.#options.signal)
      return await this.#packSample(sample)
    } catch (error) {
      if (!(error instanceof PipelineError) || fatalCodes.has(error.code)) throw error
      return (await this.#packPlaceholder(sample, error)) ?? { sample, error }
    }
  }

  async #packSample(original: Sample): Promise<Outcome> {
    let sample = original
    for (const transform of this.#options.transforms ?? []) sample = await transform.one(sample)
    const { key, id, regions } = sample
    const { image: unturned, turn } = sample.image.turned ?? { image: sample.image, turn: undefined }
    const image = this.#fileOf(sample, unturned) ?? (await unturned())
    const { rounded, ...label } = this.#recordLabel(sample)
    const rendered = await this.#renderer.render({ image, key, id, ...(turn && { turn }), ...(regions && { regions }) })
    const isAdjusted = sample.adjusted !== undefined || rendered.adjusted !== undefined
    const facts = { rendered, isAdjusted, isPlaceholder: false, ...(rounded && { rounded }) }
    return { sample, packed: { record: { id, ...label, image: rendered.image }, facts } }
  }

  /** The file to leave to the renderer, but where the label is wrong: an image that cannot be read is told of first. */
  #fileOf({ label }: Sample, { file }: SampleImage): ImageFile | undefined {
    return file && !this.#renderer.readsAhead && label.kind === this.#options.labelKind ? file : undefined
  }

  #recordLabel({ label, key }: Sample): ReturnType<typeof toRecordLabel> {
    const { labelKind, labelLayout } = this.#options
    if (label.kind !== labelKind) throw new PipelineError('PIPE_LABEL', `${key}: expected a label of kind ${labelKind}, found ${label.kind}`, { path: key })
    const recordLabel = toRecordLabel(label, key)
    const [first = 0, ...others] = recordLabel.labels
    if (label.kind !== 'values') return recordLabel
    if (labelLayout === 'im2rec.cc') return { ...recordLabel, label: first }
    return labelLayout === 'im2rec.py' && others.length === 0 ? { ...recordLabel, label: first, labels: new Float32Array(0) } : recordLabel
  }

  /** A grey image with the sample's label, where only the image is at fault. */
  async #packPlaceholder(sample: Sample, error: PipelineError): Promise<Outcome | undefined> {
    if (this.#options.onError !== 'placeholder' || !imageCodes.has(error.code)) return undefined
    const image = await (this.#placeholder ??= renderPlaceholder(this.#plan))
    const { rounded, ...label } = this.#recordLabel(sample)
    const facts = { rendered: { image }, isAdjusted: false, isPlaceholder: true, ...(rounded && { rounded }) }
    return { sample, packed: { record: { id: sample.id, ...label, image }, facts }, error }
  }

  async #take({ sample, packed, error }: Outcome): Promise<void> {
    const { onError, onProgress, onReject } = this.#options
    const refusal = packed && this.#output.refusal(sample, packed.record)
    const reason = refusal ?? error
    if (reason) {
      if (onError === 'fail') throw reason
      const rejected = rejectedSample(sample, reason, packed !== undefined && !refusal)
      await this.#output.reject(rejected)
      onReject?.(rejected)
    }
    if (packed && !refusal) await this.#output.pack(packed.record, packed.facts)
    await this.#output.settle(sample)
    if (!onProgress) return
    const { packed: packedCount, rejected } = this.#output.counts
    onProgress({ packed: packedCount, rejected })
  }
}

/** Not the fault of one sample. */
const fatalCodes: ReadonlySet<string> = new Set(['PIPE_ABORTED', 'PIPE_THREAD_FAILED'])

const imageCodes: ReadonlySet<string> = new Set(['PIPE_IMAGE_DAMAGED', 'PIPE_IMAGE_MISSING', 'PIPE_IMAGE_TOO_LARGE', 'PIPE_IMAGE_UNREADABLE', 'PIPE_BOX_OUTSIDE', 'PIPE_NO_BOXES'])
