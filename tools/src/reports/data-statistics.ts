// What a data set or record file is made of, counted in one pass. Memory is bounded: counts by class
// (up to 100,000 classes), by number of digits and of boxes, bins for everything that is measured.
// Images are read as far as their header; with `pixels` they are decoded.

import { mapOrdered, PipelineError, readImageSize, readPixels, type Sample, type SampleOutline, type Source } from '@millrace/pipeline'
import { addChannelSums, channelStatistics, emptyChannelSums, sumChannels, type ChannelSums } from '@millrace/pipeline/images'
import type { LabelKind } from '@millrace/recordio'
import { BoxCounter, type BoxStatistics } from './box-statistics.js'
import { Distribution, Distribution2D, Tally, type Cell, type Spread } from './distribution.js'
import { slopeBinDegrees, slopeOf } from './digit-slope.js'
import { isRecordSource } from './open-inputs.js'
import { PackRejects } from './pack-rejects.js'
import { nameClass } from './sample-picture.js'

export interface DataStatistics {
  readonly labelKind: LabelKind
  /** Samples that were looked at. */
  readonly samples: number
  /** Samples whose image or annotation cannot be read; all else is of the others. */
  readonly rejected: number
  readonly rejections: readonly Rejection[]
  /** Records only: inputs that were left out when the records were packed. */
  readonly rejectedWhenPacked?: number
  readonly rejectionsWhenPacked?: readonly Rejection[]
  /** Samples whose boxes reached past their image. */
  readonly clamped: number
  /** Files and boxes that the source passes over, by reason. */
  readonly ignored: Readonly<Record<string, number>>
  /** By number; absent for other labels, and where there are more than 100,000 classes. */
  readonly classes?: readonly ClassCount[]
  /** Digits only: samples by how many digits they have. */
  readonly lengths?: Readonly<Record<string, number>>
  /** Digits only: how many samples have their digits in a line of this angle. */
  readonly slope?: readonly SlopeBin[]
  /** Pixels. */
  readonly width?: Spread
  readonly height?: Spread
  readonly sizes: readonly Cell[]
  readonly boxes?: BoxStatistics
  readonly channels?: ChannelFigures
}

export interface ClassCount {
  readonly class: number
  readonly name: string
  /** Samples that have it. */
  readonly samples: number
  /** How often it stands: boxes of it, digits. */
  readonly count: number
}

export interface Rejection {
  readonly code: string
  readonly count: number
  /** The first of them. */
  readonly example: string
}

/** Degrees from `from` to below `from` + 3. */
export interface SlopeBin {
  readonly from: number
  readonly count: number
}

export interface ChannelFigures {
  /** R, G, B; 0 to 255. */
  readonly mean: readonly number[]
  readonly std: readonly number[]
  readonly from: 'pixels' | '.meta'
}

export interface StatisticsOptions {
  /** Decode the images for the means of their channels, and to find those that are broken. Default false. */
  readonly pixels?: boolean
  /** Count labels alone: no image is read, and none has to be there. Default false. */
  readonly labelsOnly?: boolean
  /** The first so many samples of each source. Default: all. */
  readonly limit?: number
  readonly signal: AbortSignal
  readonly onProgress?: (samples: number) => void
}

/** Images in work at a time: libuv has four threads. */
const atOnce = 4
const maxClasses = 100_000

/** Counts what the sources hold together. @throws what the sources throw while iterating */
export async function collectStatistics(sources: readonly Source[], options: StatisticsOptions): Promise<DataStatistics> {
  const { pixels = false, labelsOnly = false, limit = Infinity, signal, onProgress } = options
  const counter = new StatisticsCounter(sources)
  for (const source of sources) {
    counter.begin(source)
    for await (const measured of labelsOnly ? unmeasured(source, limit) : mapOrdered((sample: Sample) => measure(sample, pixels), { concurrency: atOnce })(first(source, limit))) {
      signal.throwIfAborted()
      counter.add(measured)
      onProgress?.(counter.samples)
    }
    await counter.end(source, limit === Infinity)
  }
  return counter.result()
}

async function* first<T>(items: AsyncIterable<T>, limit: number): AsyncGenerator<T, void, undefined> {
  let count = 0
  for await (const item of items) {
    if (count++ >= limit) return
    yield item
  }
}

async function* unmeasured(source: Source, limit: number): AsyncGenerator<Measured, void, undefined> {
  for await (const sample of first<SampleOutline>(source.outlines?.() ?? source, limit)) yield { sample, width: 0, height: 0, ...(sample.error && { error: sample.error }) }
}

/** What is kept of a sample while the others are read: not its image. */
interface Measured {
  readonly sample: SampleOutline & Pick<Sample, 'adjusted'>
  /** 0 where it is not known. */
  readonly width: number
  readonly height: number
  readonly sums?: ChannelSums
  readonly error?: PipelineError
}

async function measure(sample: Sample, pixels: boolean): Promise<Measured> {
  try {
    if (pixels) {
      const image = await readPixels(sample)
      return { sample, width: image.width, height: image.height, sums: sumChannels(image) }
    }
    const image = await sample.image()
    const { width, height } = image instanceof Uint8Array ? await readImageSize(image, sample.key) : image
    return { sample, width, height }
  } catch (error) {
    if (error instanceof PipelineError) return { sample, width: 0, height: 0, error }
    throw error
  }
}

class StatisticsCounter {
  samples = 0
  readonly #labelKind: LabelKind
  #classNames: readonly string[] = []
  #rejected = 0
  readonly #rejections = new Map<string, { code: string; count: number; example: string }>()
  #clamped = 0
  readonly #ignored = new Map<string, number>()
  readonly #classes = new Map<number, { samples: number; count: number; name: string }>()
  readonly #lengths = new Tally()
  readonly #slope = new Tally()
  readonly #width = new Distribution()
  readonly #height = new Distribution()
  readonly #sizes = new Distribution2D()
  readonly #boxes = new BoxCounter()
  #sums = emptyChannelSums
  readonly #channelParts: { readonly pixels: number; readonly mean: readonly number[]; readonly std: readonly number[] }[] = []
  #pixelsOfSource = 0
  readonly #packRejects = new PackRejects()
  readonly #allRecords: boolean

  constructor(sources: readonly Source[]) {
    this.#labelKind = sources[0]?.labelKind ?? 'class'
    this.#allRecords = sources.every(isRecordSource)
  }

  begin({ classNames }: Source): void {
    this.#classNames = classNames ?? []
    this.#pixelsOfSource = 0
  }

  add({ sample, width, height, sums, error }: Measured): void {
    this.samples++
    if (error) return this.#reject(error)
    if (sample.adjusted !== undefined) this.#clamped++
    if (width > 0) {
      this.#width.add(width)
      this.#height.add(height)
      this.#sizes.add(width, height)
    }
    this.#pixelsOfSource += width * height
    if (sums) this.#sums = addChannelSums(this.#sums, sums)
    this.#addLabel(sample)
    this.#boxes.add(sample, width, height)
  }

  async end(source: Source, isWhole: boolean): Promise<void> {
    for (const [reason, count] of source.ignored ?? []) this.#ignored.set(reason, (this.#ignored.get(reason) ?? 0) + count)
    if (!isRecordSource(source)) return
    const { channelMean, channelStd, rejected = 0 } = source.summary ?? {}
    await this.#packRejects.read(source.path, rejected)
    if (isWhole && channelMean && channelStd) this.#channelParts.push({ pixels: this.#pixelsOfSource, mean: channelMean, std: channelStd })
    else this.#channelParts.push({ pixels: NaN, mean: [], std: [] }) // not known: nor is that of all
  }

  result(): DataStatistics {
    const channels = this.#channels()
    const [width, height] = [this.#width.result(), this.#height.result()]
    return {
      labelKind: this.#labelKind,
      samples: this.samples,
      rejected: this.#rejected,
      rejections: [...this.#rejections.values()],
      ...(this.#allRecords && { rejectedWhenPacked: this.#packRejects.count, rejectionsWhenPacked: this.#packRejects.reasons() }),
      clamped: this.#clamped,
      ignored: Object.fromEntries(this.#ignored),
      ...(this.#classes.size > 0 && this.#classes.size <= maxClasses && { classes: this.#classCounts() }),
      ...(!this.#lengths.isEmpty && { lengths: this.#lengths.result() }),
      ...(!this.#slope.isEmpty && { slope: this.#slopeBins() }),
      ...(width && height && { width, height }),
      sizes: this.#sizes.result(),
      ...this.#boxes.result(),
      ...(channels && { channels }),
    }
  }

  #reject({ code, message }: PipelineError): void {
    this.#rejected++
    const found = this.#rejections.get(code)
    if (found) found.count++
    else this.#rejections.set(code, { code, count: 1, example: message })
  }

  #addLabel({ label, regions }: Measured['sample']): void {
    if (label.kind === 'values') return
    const classes = label.kind === 'class' ? [label.value] : label.kind === 'digits' ? label.digits : label.boxes.map((box) => box.class)
    for (const number of classes) this.#count(number, 'count')
    for (const number of new Set(classes)) this.#count(number, 'samples')
    if (label.kind !== 'digits') return
    this.#lengths.add(label.digits.length)
    const slope = slopeOf(regions ?? [])
    if (slope !== undefined) this.#slope.add(Math.round(slope / slopeBinDegrees))
  }

  #count(number: number, what: 'count' | 'samples'): void {
    const found = this.#classes.get(number)
    if (found) found[what]++
    else if (this.#classes.size <= maxClasses) this.#classes.set(number, { samples: 0, count: 0, name: nameClass(number, this.#classNames), [what]: 1 })
  }

  #classCounts(): ClassCount[] {
    return [...this.#classes].sort(([a], [b]) => a - b).map(([number, { name, samples, count }]) => ({ class: number, name, samples, count }))
  }

  #slopeBins(): SlopeBin[] {
    const [least, most] = this.#slope.ends
    return Array.from({ length: most - least + 1 }, (_, index) => ({ from: (least + index - 0.5) * slopeBinDegrees, count: this.#slope.countOf(least + index) }))
  }

  #channels(): ChannelFigures | undefined {
    if (this.#sums.count > 0) return { ...channelStatistics(this.#sums), from: 'pixels' }
    const total = this.#channelParts.reduce((sum, { pixels }) => sum + pixels, 0)
    if (!(this.#allRecords && total > 0)) return undefined
    const weighted = (valueOf: (part: { readonly mean: readonly number[]; readonly std: readonly number[] }, channel: number) => number): number[] =>
      [0, 1, 2].map((channel) => this.#channelParts.reduce((sum, part) => sum + part.pixels * valueOf(part, channel), 0) / total)
    const mean = weighted((part, channel) => part.mean[channel]!)
    const squares = weighted((part, channel) => part.std[channel]! ** 2 + part.mean[channel]! ** 2)
    return { mean, std: squares.map((square, channel) => Math.sqrt(Math.max(0, square - mean[channel]! ** 2))), from: '.meta' }
  }
}
