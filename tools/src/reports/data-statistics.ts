// What a data set or record file is made of, counted in one pass. Memory is bounded: counts by class
// (up to 100,000 classes), by number of digits and of boxes, bins for everything that is measured.
// Images are read as far as their header; with `pixels` they are decoded.

import { mapOrdered, PipelineError, readImageSize, readPixels, type ClassBox, type PixelBox, type Sample, type Source } from '@millrace/pipeline'
import { addChannelSums, channelStatistics, emptyChannelSums, sumChannels, type ChannelSums } from '@millrace/pipeline/images'
import type { LabelKind } from '@millrace/recordio'
import { Distribution, Distribution2D, type Cell, type Spread } from './distribution.js'
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

export interface BoxStatistics {
  readonly count: number
  readonly ignored: number
  /** Without a width or height above 0; they have no part in what follows. */
  readonly inverted: number
  /** Samples by how many boxes they have. */
  readonly perSample: Readonly<Record<string, number>>
  /** Pixels. */
  readonly sizes: readonly Cell[]
  readonly width?: Spread
  readonly height?: Spread
  /** Of the image's area. */
  readonly share?: Spread
  /** Width over height, in pixels. */
  readonly aspect?: Spread
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
  const { pixels = false, limit = Infinity, signal, onProgress } = options
  const counter = new StatisticsCounter(sources)
  for (const source of sources) {
    counter.begin(source)
    for await (const measured of mapOrdered((sample: Sample) => measure(sample, pixels), { concurrency: atOnce })(first(source, limit))) {
      signal.throwIfAborted()
      counter.add(measured)
      onProgress?.(counter.samples)
    }
    await counter.end(source, limit === Infinity)
  }
  return counter.result()
}

async function* first(source: Source, limit: number): AsyncGenerator<Sample, void, undefined> {
  let count = 0
  for await (const sample of source) {
    if (count++ >= limit) return
    yield sample
  }
}

/** What is kept of a sample while the others are read: not its image. */
interface Measured {
  readonly sample: Sample
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
  readonly #lengths = new Map<number, number>()
  readonly #slope = new Map<number, number>()
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
    this.#width.add(width)
    this.#height.add(height)
    this.#sizes.add(width, height)
    this.#pixelsOfSource += width * height
    if (sums) this.#sums = addChannelSums(this.#sums, sums)
    this.#addLabel(sample)
    this.#boxes.add(boxesOf(sample, width, height), width, height, sample.label.kind === 'boxes')
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
      ...(this.#lengths.size > 0 && { lengths: toRecord(this.#lengths) }),
      ...(this.#slope.size > 0 && { slope: this.#slopeBins() }),
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

  #addLabel({ label, regions }: Sample): void {
    if (label.kind === 'values') return
    const classes = label.kind === 'class' ? [label.value] : label.kind === 'digits' ? label.digits : label.boxes.map((box) => box.class)
    for (const number of classes) this.#count(number, 'count')
    for (const number of new Set(classes)) this.#count(number, 'samples')
    if (label.kind !== 'digits') return
    increment(this.#lengths, label.digits.length)
    const slope = slopeOf(regions ?? [])
    if (slope !== undefined) increment(this.#slope, Math.round(slope / slopeBinDegrees))
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
    const [least, most] = [Math.min(...this.#slope.keys()), Math.max(...this.#slope.keys())]
    return Array.from({ length: most - least + 1 }, (_, index) => ({ from: (least + index - 0.5) * slopeBinDegrees, count: this.#slope.get(least + index) ?? 0 }))
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

class BoxCounter {
  #count = 0
  #ignored = 0
  #inverted = 0
  readonly #perSample = new Map<number, number>()
  readonly #sizes = new Distribution2D()
  readonly #width = new Distribution()
  readonly #height = new Distribution()
  readonly #share = new Distribution()
  readonly #aspect = new Distribution()

  add(boxes: readonly (PixelBox & { readonly ignore?: boolean })[], imageWidth: number, imageHeight: number, countsEmpty: boolean): void {
    if (boxes.length > 0 || countsEmpty) increment(this.#perSample, boxes.length)
    for (const { width, height, ignore } of boxes) {
      this.#count++
      if (ignore) this.#ignored++
      if (!(width > 0 && height > 0)) {
        this.#inverted++
        continue
      }
      this.#sizes.add(width, height)
      this.#width.add(width)
      this.#height.add(height)
      this.#share.add((width * height) / (imageWidth * imageHeight))
      this.#aspect.add(width / height)
    }
  }

  result(): { readonly boxes?: BoxStatistics } {
    if (this.#perSample.size === 0) return {}
    const [width, height, share, aspect] = [this.#width, this.#height, this.#share, this.#aspect].map((each) => each.result())
    return {
      boxes: {
        count: this.#count, ignored: this.#ignored, inverted: this.#inverted, perSample: toRecord(this.#perSample), sizes: this.#sizes.result(),
        ...(width && { width }), ...(height && { height }), ...(share && { share }), ...(aspect && { aspect }),
      },
    }
  }
}

/** What the annotation marks, in pixels of the image. */
function boxesOf({ label, regions = [] }: Sample, width: number, height: number): readonly (PixelBox & { readonly ignore?: boolean })[] {
  if (label.kind !== 'boxes') return regions
  return label.boxes.map(({ xmin, ymin, xmax, ymax, ignore = false }: ClassBox) => ({ left: xmin * width, top: ymin * height, width: (xmax - xmin) * width, height: (ymax - ymin) * height, ignore }))
}

function increment(counts: Map<number, number>, key: number): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

function toRecord(counts: ReadonlyMap<number, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([a], [b]) => a - b).map(([key, count]) => [`${key}`, count]))
}
