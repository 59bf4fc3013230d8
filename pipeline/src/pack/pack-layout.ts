// Which samples a run packs, and into which files. Shard k of n holds the samples at positions
// ⌊k · count / n⌋ up to ⌊(k + 1) · count / n⌋ of the source, in its order; part i of m packs the shards
// ⌊i · n / m⌋ up to ⌊(i + 1) · n / m⌋. So m machines with a part each write what one would write alone.

import { PipelineError } from '../errors.js'

/** By `count`: so many files. By `bytes`: a new file where the next record would make one larger. */
export type ShardOptions = { readonly count: number } | { readonly bytes: number }

/** `index` from 0. */
export interface PackPart {
  readonly index: number
  readonly count: number
}

export interface PackLayout {
  /** Positions in the source, from `from` up to and without `to`. */
  readonly from: number
  readonly to: number
  /** The number of the first shard of this run. */
  readonly firstShard: number
  /** The number after the last; absent where bytes decide. */
  readonly lastShard?: number
  /** How many shards there are in all; absent where bytes decide. */
  readonly shardCount?: number
  /** The position after shard k, in all runs together; absent where bytes decide. */
  readonly shardEnd?: (shard: number) => number
  /** The largest shard, where bytes decide. */
  readonly shardBytes?: number
  /** Where shard k is written; its last name may differ. */
  workPath(shard: number): string
  /** The name of shard k of so many. */
  finalPath(shard: number, count: number): string
  /** Distinguishes the journal and the list of rejects of this part. */
  readonly partPath: string
}

export interface LayoutOptions {
  /** The output as given, e.g. `out.rec`. */
  readonly path: string
  readonly shards?: ShardOptions
  readonly part?: PackPart
  /** Samples in the source, where known. */
  readonly count?: number
}

/** @throws PipelineError PIPE_OPTION for shards or a part that cannot be */
export function layOut({ path, shards, part, count = Infinity }: LayoutOptions): PackLayout {
  if (part) checkPart(part)
  if (shards && 'bytes' in shards) return layOutByBytes(path, shards.bytes, part, count)
  const shardCount = shards?.count ?? part?.count
  if (shardCount === undefined) {
    return { from: 0, to: count, firstShard: 0, lastShard: 1, shardCount: 1, workPath: () => path, finalPath: () => path, partPath: path }
  }
  if (!Number.isInteger(shardCount) || shardCount < 1) throw wrong('shards', 'a whole number from 1', shardCount)
  if (!Number.isFinite(count)) throw wrong('shards', 'a source that knows how many samples it has, or shards by bytes', 'neither')
  if (shardCount > count) throw wrong('shards', `at most one for each of the ${count} samples`, shardCount)
  const { index, count: parts } = part ?? { index: 0, count: 1 }
  if (parts > shardCount) throw wrong('part', `at most as many parts as there are shards (${shardCount})`, parts)
  const positionOf = (shard: number): number => Math.floor((shard * count) / shardCount)
  const firstShard = Math.floor((index * shardCount) / parts)
  const lastShard = Math.floor(((index + 1) * shardCount) / parts)
  const name = (shard: number): string => shardPath(path, shard, shardCount)
  return {
    from: positionOf(firstShard),
    to: positionOf(lastShard),
    firstShard,
    lastShard,
    shardCount,
    shardEnd: (shard) => positionOf(shard + 1),
    workPath: name,
    finalPath: name,
    partPath: part ? partPath(path, part) : path,
  }
}

function layOutByBytes(path: string, shardBytes: number, part: PackPart | undefined, count: number): PackLayout {
  if (!Number.isSafeInteger(shardBytes) || shardBytes < 1) throw wrong('shards', 'a whole number of bytes from 1', shardBytes)
  if (part) throw wrong('part', 'shards by count, which every part can number by itself', 'shards by bytes')
  return {
    from: 0,
    to: count,
    firstShard: 0,
    shardBytes,
    workPath: (shard) => shardPath(path, shard),
    finalPath: (shard, total) => shardPath(path, shard, total),
    partPath: path,
  }
}

/** `out.rec` → `out-00003-of-00016.rec`. */
export function shardPath(path: string, shard: number, count?: number): string {
  const suffix = count === undefined ? '' : `-of-${fiveDigits(count)}`
  return `${path.replace(/\.rec$/i, '')}-${fiveDigits(shard)}${suffix}.rec`
}

function partPath(path: string, { index, count }: PackPart): string {
  return `${path.replace(/\.rec$/i, '')}-part-${fiveDigits(index)}-of-${fiveDigits(count)}.rec`
}

function fiveDigits(value: number): string {
  return `${value}`.padStart(5, '0')
}

function checkPart({ index, count }: PackPart): void {
  const isValid = Number.isInteger(index) && Number.isInteger(count) && index >= 0 && index < count
  if (!isValid) throw wrong('part', 'i/n with i from 0 and below n', `${index}/${count}`)
}

function wrong(name: string, expected: string, found: unknown): PipelineError {
  return new PipelineError('PIPE_OPTION', `${name}: expected ${expected}, found ${String(found)}`)
}
