// What a packing run counts on the way: for its report and for the summary in the .meta file.

import type { MetaSummary } from '@millrace/recordio'
import { addChannelSums, channelStatistics, emptyChannelSums, type ChannelSums } from './images/channel-sums.js'

/** What one packed sample adds. */
export interface PackedFacts {
  readonly imageBytes: number
  readonly channelSums: ChannelSums
  readonly isAdjusted: boolean
}

export class PackTally {
  packed = 0
  rejected = 0
  adjusted = 0
  #imageBytes = 0
  #channelSums = emptyChannelSums

  addPacked(facts: PackedFacts): void {
    this.packed++
    if (facts.isAdjusted) this.adjusted++
    this.#imageBytes += facts.imageBytes
    this.#channelSums = addChannelSums(this.#channelSums, facts.channelSums)
  }

  addRejected(): void {
    this.rejected++
  }

  /** Channel statistics are those of the pixels before the last encoding. */
  summary(): MetaSummary {
    const { mean, std } = channelStatistics(this.#channelSums)
    return {
      count: this.packed,
      rejected: this.rejected,
      imageBytes: this.#imageBytes,
      channelMean: mean,
      channelStd: std,
    }
  }
}
