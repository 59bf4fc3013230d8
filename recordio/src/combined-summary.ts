// The summary of records that came from several files. What is a sum is added. A mean is weighted by
// what it was taken over: channelMean and channelStd by pixels, which the images' headers tell; imageMean
// by images. It is left out as soon as one file with records does not tell it, or, for the channels,
// has an image that is neither JPEG nor PNG, so that its pixels are not known.
//
//   mean = Σ nᵢ·mᵢ / Σ nᵢ        std² = Σ nᵢ·(sᵢ² + mᵢ²) / Σ nᵢ − mean²

import { imageSize } from './image-size.js'
import type { MetaSummary } from './meta-layout.js'

/** Of `exactLabels`, the .meta keeps so many. */
const keptExactLabels = 10_000

/** One file's part. */
interface Part {
  readonly summary: MetaSummary | undefined
  readonly firstOrdinal: number
  count: number
  /** `undefined` once an image's size is not known. */
  pixels: number | undefined
}

/** Begin each file, add its records, ask for the summary at the end. */
export class CombinedSummary {
  readonly #parts: Part[] = []
  #count = 0

  begin(summary: MetaSummary | undefined): void {
    this.#parts.push({ summary, firstOrdinal: this.#count, count: 0, pixels: 0 })
  }

  add(image: Uint8Array): void {
    const part = this.#parts.at(-1)!
    const size = part.pixels === undefined ? undefined : imageSize(image)
    part.pixels = size && part.pixels! + size.width * size.height
    part.count++
    this.#count++
  }

  /** What the writer does not count by itself. */
  result(): Partial<MetaSummary> {
    const parts = this.#parts.filter(({ count, summary }) => count > 0 || (summary?.rejected ?? 0) > 0)
    const withRecords = parts.filter(({ count }) => count > 0)
    const sumOf = (key: 'rejected' | 'placeholders' | 'roundedLabels'): number => parts.reduce((sum, { summary }) => sum + (summary?.[key] ?? 0), 0)
    const [placeholders, roundedLabels] = [sumOf('placeholders'), sumOf('roundedLabels')]
    return {
      rejected: sumOf('rejected'),
      ...channelStatistics(withRecords),
      ...imageMean(withRecords),
      ...imageSides(withRecords),
      ...(placeholders > 0 && { placeholders }),
      ...(roundedLabels > 0 && { roundedLabels, exactLabels: exactLabels(withRecords) }),
    }
  }
}

function channelStatistics(parts: readonly Part[]): Pick<MetaSummary, 'channelMean' | 'channelStd'> {
  const means = weighted(parts, ({ summary }) => summary?.channelMean, ({ pixels }) => pixels)
  const squares = weighted(parts, ({ summary }) => summary?.channelStd?.map((std, channel) => std ** 2 + (summary.channelMean?.[channel] ?? NaN) ** 2), ({ pixels }) => pixels)
  return {
    ...(means && { channelMean: means }),
    ...(means && squares && { channelStd: squares.map((square, channel) => Math.sqrt(Math.max(0, square - means[channel]! ** 2))) }),
  }
}

function imageMean(parts: readonly Part[]): Pick<MetaSummary, 'imageMean'> {
  const mean = weighted(parts, ({ summary }) => summary?.imageMean, ({ count }) => count)
  return mean ? { imageMean: mean } : {}
}

/** The mean of the parts' numbers, if every part has them and a weight. */
function weighted(parts: readonly Part[], valuesOf: (part: Part) => readonly number[] | undefined, weightOf: (part: Part) => number | undefined): number[] | undefined {
  let total = 0
  let sums: number[] | undefined
  for (const part of parts) {
    const values = valuesOf(part)
    const weight = weightOf(part)
    if (values === undefined || weight === undefined || (sums && sums.length !== values.length)) return undefined
    sums = values.map((value, index) => (sums?.[index] ?? 0) + weight * value)
    total += weight
  }
  return total > 0 ? sums?.map((sum) => sum / total) : undefined
}

function imageSides(parts: readonly Part[]): Pick<MetaSummary, 'imageWidth' | 'imageHeight'> {
  const sides: { imageWidth?: readonly number[]; imageHeight?: readonly number[] } = {}
  for (const key of ['imageWidth', 'imageHeight'] as const) {
    const known = parts.map(({ summary }) => summary?.[key])
    if (known.length > 0 && known.every((side) => side?.length === 2)) {
      sides[key] = [Math.min(...known.map((side) => side![0]!)), Math.max(...known.map((side) => side![1]!))]
    }
  }
  return sides
}

function exactLabels(parts: readonly Part[]): (readonly number[])[] {
  const moved = parts.flatMap(({ summary, firstOrdinal }) =>
    (summary?.exactLabels ?? []).map(([ordinal = 0, ...rest]) => [ordinal + firstOrdinal, ...rest]))
  return moved.slice(0, keptExactLabels)
}
