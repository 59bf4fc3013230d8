// What a packing run counts on the way: for its report, for the summary in the .meta file, and for the
// journal, from which a resumed run goes on. Plain numbers, summed in the order of the source.

import type { MetaSummary } from '@millrace/recordio'
import { addChannelSums, channelStatistics, emptyChannelSums, type ChannelSums } from '../images/channel-sums.js'
import type { RecordLabel } from '../label.js'
import type { RenderedImage } from '../render/render-image.js'

/** What one packed sample adds. */
export interface PackedFacts {
  readonly rendered: RenderedImage
  readonly isAdjusted: boolean
  readonly isPlaceholder: boolean
  readonly rounded?: RecordLabel['rounded']
}

/** JSON keeps it exactly. */
export interface TallyState {
  readonly packed: number
  readonly rejected: number
  readonly adjusted: number
  readonly placeholders: number
  readonly imageBytes: number
  readonly channelSums: ChannelSums
  /** Σ of the images' own means, over so many images. */
  readonly imageMeans: { readonly count: number; readonly sum: readonly number[] }
  /** [smallest, largest]; empty before the first. */
  readonly width: readonly number[]
  readonly height: readonly number[]
  readonly roundedLabels: number
  readonly exactLabels: readonly (readonly number[])[]
  /** Of shards that are finished: within one, its writer counts. Null where a shard has none, or all have too many labels. */
  readonly histogram: Readonly<Record<string, number>> | null
}

/** More would make each line of the journal long. */
const maxExactLabels = 10_000
/** As within one file: more are no classes. */
const maxLabels = 100_000

export const emptyTally: TallyState = {
  packed: 0,
  rejected: 0,
  adjusted: 0,
  placeholders: 0,
  imageBytes: 0,
  channelSums: emptyChannelSums,
  imageMeans: { count: 0, sum: [0, 0, 0] },
  width: [],
  height: [],
  roundedLabels: 0,
  exactLabels: [],
  histogram: {},
}

export class PackTally {
  /** Its fields change, what is in them never does. */
  #state: { -readonly [Field in keyof TallyState]: TallyState[Field] }

  constructor(state: TallyState = emptyTally) {
    this.#state = { ...state }
  }

  get state(): TallyState {
    return { ...this.#state }
  }

  addPacked({ rendered, isAdjusted, isPlaceholder, rounded = [] }: PackedFacts): void {
    const state = this.#state
    const { image, size, channelSums, imageMean } = rendered
    state.exactLabels = rounded.length > 0 ? keepExact(state.exactLabels, rounded.map(({ place, value }) => [state.packed, place, value])) : state.exactLabels
    state.roundedLabels += rounded.length
    state.packed++
    if (isAdjusted) state.adjusted++
    if (isPlaceholder) state.placeholders++
    state.imageBytes += image.length
    if (channelSums) state.channelSums = addChannelSums(state.channelSums, channelSums)
    if (imageMean) state.imageMeans = addMeans(state.imageMeans, { count: 1, sum: imageMean })
    if (!size) return
    if (!isWithin(state.width, size.width)) state.width = widen(state.width, [size.width])
    if (!isWithin(state.height, size.height)) state.height = widen(state.height, [size.height])
  }

  addRejected(): void {
    this.#state.rejected++
  }

  /** Adds a whole finished shard, whose writer counted the labels. Exact labels stay with their shard. */
  addShard(shard: TallyState, histogram: Readonly<Record<string, number>> | undefined): void {
    const state = this.#state
    this.#state = {
      packed: state.packed + shard.packed,
      rejected: state.rejected + shard.rejected,
      adjusted: state.adjusted + shard.adjusted,
      placeholders: state.placeholders + shard.placeholders,
      imageBytes: state.imageBytes + shard.imageBytes,
      channelSums: addChannelSums(state.channelSums, shard.channelSums),
      imageMeans: addMeans(state.imageMeans, shard.imageMeans),
      width: widen(state.width, shard.width),
      height: widen(state.height, shard.height),
      roundedLabels: state.roundedLabels + shard.roundedLabels,
      exactLabels: [],
      histogram: addCounts(state.histogram, histogram),
    }
  }

  /** Adds what a file tells of itself: not the channels, as it does not tell of how many pixels they are. */
  addSummary({ count, rejected, placeholders = 0, imageBytes, roundedLabels = 0, imageWidth = [], imageHeight = [], labelHistogram }: MetaSummary): void {
    this.addShard({ ...emptyTally, packed: count, rejected, placeholders, imageBytes, roundedLabels, width: imageWidth, height: imageHeight }, labelHistogram)
  }

  /** Channel statistics are those of the pixels before the last encoding. */
  summary(): MetaSummary {
    const { packed, rejected, placeholders, imageBytes, channelSums, imageMeans, width, height, roundedLabels, exactLabels, histogram } = this.#state
    const { mean, std } = channelStatistics(channelSums)
    return {
      count: packed,
      rejected,
      imageBytes,
      ...(histogram && Object.keys(histogram).length > 0 && { labelHistogram: histogram }),
      ...(channelSums.count > 0 && { channelMean: mean, channelStd: std }),
      ...(imageMeans.count > 0 && { imageMean: imageMeans.sum.map((total) => total / imageMeans.count) }),
      ...(width.length > 0 && { imageWidth: width, imageHeight: height }),
      ...(placeholders > 0 && { placeholders }),
      ...(roundedLabels > 0 && { roundedLabels, exactLabels }),
    }
  }
}

function addMeans(a: TallyState['imageMeans'], b: TallyState['imageMeans']): TallyState['imageMeans'] {
  return { count: a.count + b.count, sum: a.sum.map((total, channel) => total + (b.sum[channel] ?? 0)) }
}

function isWithin([smallest = Infinity, largest = -Infinity]: readonly number[], value: number): boolean {
  return value >= smallest && value <= largest
}

function widen(range: readonly number[], values: readonly number[]): number[] {
  const all = [...range, ...values]
  return all.length === 0 ? [] : [Math.min(...all), Math.max(...all)]
}

function keepExact(list: readonly (readonly number[])[], more: readonly (readonly number[])[]): readonly (readonly number[])[] {
  return list.length >= maxExactLabels ? list : [...list, ...more].slice(0, maxExactLabels)
}

function addCounts(a: Readonly<Record<string, number>> | null, b: Readonly<Record<string, number>> | undefined): Record<string, number> | null {
  if (!a || !b) return null
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort((x, y) => Number(x) - Number(y))
  return keys.length > maxLabels ? null : Object.fromEntries(keys.map((key) => [key, (a[key] ?? 0) + (b[key] ?? 0)]))
}
