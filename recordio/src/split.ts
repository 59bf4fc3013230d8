// One record file becomes several, of whole records in their order: PREFIX-00000-of-00004.rec and so on.
// None has its name before all are on the disk.

import { describeRecords } from './describe-records.js'
import { RecordError } from './errors.js'
import type { MetaSummary } from './meta-layout.js'
import { randomToken } from './partial-file.js'
import { discardRecords, isUnpublished, publishRecords } from './partial-records.js'
import { RecordWriter } from './record-writer.js'
import { readSoundRecords, sizeOf, type RecordsProgress, type SoundRecord } from './sound-records.js'

/** How records are dealt to shards. */
export type SplitRule =
  /** So many shards, whose counts of records differ by one at most. */
  | { readonly shards: number }
  /** At most so many records in a shard. */
  | { readonly records: number }
  /** At most so many bytes in a shard's .rec; a longer record has one of its own. */
  | { readonly bytes: number }

export interface SplitOptions {
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: RecordsProgress) => void
}

export interface Shard {
  readonly path: string
  readonly count: number
  readonly bytes: number
}

/** Shard names have five digits. */
const maximumShards = 100_000

/**
 * Copies the records of `path` into shards, each with siblings. The .meta of a shard has the header of
 * the whole, and a summary of its own records; channel statistics and rejected inputs are known of the
 * whole only and are left out. Memory: the largest record.
 *
 * @returns the shards in their order; there is always one at least
 * @throws RecordError REC_BAD_VALUE, and as `readSoundRecords` and `RecordWriter`; then no shard appears,
 *   unless it was the giving of names that failed: those that have theirs are whole and stay
 */
export async function splitRecords(path: string, prefix: string, rule: SplitRule, options: SplitOptions = {}): Promise<Shard[]> {
  const { signal, onProgress } = options
  const { header } = await describeRecords(path, signal)
  const isFull = await shardRule(path, rule, signal)
  const shards = new ShardSet(prefix, header)
  const totalBytes = await sizeOf(path)
  let bytes = 0
  try {
    for await (const record of readSoundRecords(path, { signal })) {
      await shards.write(record, isFull)
      bytes += record.frames.length
      onProgress?.({ records: record.ordinal + 1, bytes, totalBytes })
    }
    return await shards.publish('shards' in rule ? rule.shards : 1)
  } catch (error) {
    await shards.discard()
    throw error
  }
}

/** Does a shard that holds so much end before a record? */
type IsFull = (shard: { readonly index: number; readonly count: number; readonly bytes: number }, record: SoundRecord) => boolean

async function shardRule(path: string, rule: SplitRule, signal: AbortSignal | undefined): Promise<IsFull> {
  const [[name, limit]] = Object.entries(rule) as [[string, number]]
  if (!Number.isSafeInteger(limit) || limit < 1) throw new RecordError('REC_BAD_VALUE', `expected ${name} to be a whole number from 1, found ${limit}`)
  if ('bytes' in rule) return ({ count, bytes }, { frames }) => count > 0 && bytes + frames.length > limit
  if ('records' in rule) return ({ count }) => count >= limit
  const total = await countRecords(path, signal)
  return ({ index }, { ordinal }) => ordinal >= Math.floor(((index + 1) * total) / limit)
}

async function countRecords(path: string, signal: AbortSignal | undefined): Promise<number> {
  const { summary } = await describeRecords(path, signal)
  if (summary) return summary.count
  let count = 0
  for await (const _ of readSoundRecords(path, { signal })) count++
  return count
}

/** Shards under temporary names, as their number is known at the end. */
class ShardSet {
  readonly #token = randomToken()
  readonly #shards: { path: string; count: number; bytes: number }[] = []
  #writer: RecordWriter | undefined

  constructor(
    readonly prefix: string,
    readonly header: Parameters<typeof RecordWriter.create>[1],
  ) {}

  async write(record: SoundRecord, isFull: IsFull): Promise<void> {
    const { frames, ...rest } = record
    if (!this.#writer) await this.#begin()
    while (isFull({ index: this.#shards.length - 1, ...this.#shards.at(-1)! }, record)) await this.#begin()
    await this.#writer!.copy(rest, frames)
    const shard = this.#shards.at(-1)!
    shard.count++
    shard.bytes += frames.length
  }

  /** Names all; `least` shards there are in any case, the last of them empty. */
  async publish(least: number): Promise<Shard[]> {
    while (this.#shards.length < least) await this.#begin()
    await this.#writer?.finish(ownSummary)
    const total = this.#shards.length
    const named = this.#shards.map((shard, index) => ({ ...shard, path: shardPath(this.prefix, index, total) }))
    for (const [index, { path }] of named.entries()) await publishRecords(this.#shards[index]!.path, this.#token, path)
    return named
  }

  async discard(): Promise<void> {
    await this.#writer?.abort()
    for (const { path } of this.#shards) {
      if (await isUnpublished(path, this.#token).catch(() => false)) await discardRecords(path, this.#token)
    }
  }

  async #begin(): Promise<void> {
    await this.#writer?.finish(ownSummary)
    if (this.#shards.length === maximumShards) throw new RecordError('REC_BAD_VALUE', `expected at most ${maximumShards} shards, found that more are needed; make them larger`)
    const path = `${this.prefix}-${fiveDigits(this.#shards.length)}.rec`
    this.#shards.push({ path, count: 0, bytes: 0 })
    this.#writer = await RecordWriter.create(path, this.header, this.#token)
  }
}

const ownSummary: Partial<MetaSummary> = { rejected: 0 }

/** `train`, 3, 16 → `train-00003-of-00016.rec` */
function shardPath(prefix: string, index: number, total: number): string {
  return `${prefix}-${fiveDigits(index)}-of-${fiveDigits(total)}.rec`
}

function fiveDigits(value: number): string {
  return String(value).padStart(5, '0')
}
