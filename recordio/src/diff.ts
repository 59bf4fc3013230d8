// How two record files differ, by id and by order.
//
// As long as both have the same ids in the same order, they are read side by side. From the first place
// where they do not, ids and places of what remains are noted, and the records are paired by id: of
// records with the same id, the first of A with the first of B, and so on. The pairs are then compared
// in the order of A.

import { open, type FileHandle } from 'node:fs/promises'
import { throwIfAborted } from './byte-source.js'
import { fileError } from './errors.js'
import { orderByKey } from './id-order.js'
import { labelValues, type ImageRecord } from './image-header.js'
import { openMeta } from './meta-file.js'
import type { MetaHeader } from './meta-layout.js'
import { readRecordAt } from './record-file.js'
import { IndexTable } from './record-index.js'
import { readRecords, type StoredRecord } from './record-reader.js'
import { siblingPath } from './sibling-path.js'
import { sizeOf, type RecordsProgress } from './sound-records.js'

/**
 * - missing: A has the record, B has none with its id
 * - added: B has the record, A has none with its id
 * - changed: label, id2 or image differ
 * - moved: in B it comes before a record that it follows in A
 */
export type DifferenceKind = 'missing' | 'added' | 'changed' | 'moved'

export interface RecordDifference {
  readonly kind: DifferenceKind
  readonly id: bigint
  /** Ordinal in A and in B. */
  readonly ordinals: readonly [number | undefined, number | undefined]
  /** What differs, of A and of B. */
  readonly labels?: readonly [readonly number[], readonly number[]]
  readonly id2?: readonly [bigint, bigint]
  readonly imageBytes?: readonly [number, number]
  readonly pixels?: PixelComparison
}

export type PixelComparison =
  /** Largest difference of a channel, 0 to 255; peak signal to noise ratio in dB, Infinity when equal. */
  | { readonly maximumDifference: number; readonly psnr: number }
  /** Why the pixels cannot be compared: another size, or an image that does not decode. */
  | { readonly reason: string }

export interface DiffOptions {
  /** Called for two images whose bytes differ. Default: pixels are not compared. */
  readonly comparePixels?: (a: ImageRecord, b: ImageRecord) => Promise<PixelComparison>
  /** How many differences of each kind are listed; all are counted. Default 20. */
  readonly listed?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: RecordsProgress) => void
}

export interface DiffReport {
  /** Nothing differs. */
  readonly isSame: boolean
  readonly counts: Readonly<Record<DifferenceKind, number>>
  /** Records with the same id in both. */
  readonly common: number
  /** The first of each kind, in the order of A, then of B. */
  readonly differences: readonly RecordDifference[]
  /** Fields of the .meta's header that differ, if both have one. */
  readonly headerFields: readonly string[]
}

/**
 * Compares the records of A and B: ids, order, labels by value, id2, images by their bytes.
 *
 * Memory: a record of each; from the first difference in the ids on, 28 bytes for each record that remains.
 *
 * @throws RecordError as `readRecords`
 */
export async function diffRecords(pathA: string, pathB: string, options: DiffOptions = {}): Promise<DiffReport> {
  const comparison = new Comparison(options, (await sizeOf(pathA)) + (await sizeOf(pathB)))
  const a = readRecords(pathA, options)[Symbol.asyncIterator]()
  const b = readRecords(pathB, options)[Symbol.asyncIterator]()
  try {
    const rest = await compareSideBySide(a, b, comparison)
    if (rest) await compareById(pathA, pathB, await tailOf(a, rest[0]), await tailOf(b, rest[1]), comparison, options.signal)
  } finally {
    await a.return?.(undefined)
    await b.return?.(undefined)
  }
  return comparison.report(differentFields(await headerOf(pathA), await headerOf(pathB)))
}

class Comparison {
  readonly counts: Record<DifferenceKind, number> = { missing: 0, added: 0, changed: 0, moved: 0 }
  readonly #differences: RecordDifference[] = []
  #common = 0
  #bytes = 0

  constructor(
    readonly options: DiffOptions,
    readonly totalBytes: number,
  ) {}

  add(difference: RecordDifference): void {
    if (this.counts[difference.kind]++ < (this.options.listed ?? 20)) this.#differences.push(difference)
  }

  async compare(a: ImageRecord, b: ImageRecord, ordinals: readonly [number, number]): Promise<void> {
    this.#common++
    this.#bytes += a.image.length + b.image.length
    this.options.onProgress?.({ records: this.#common, bytes: this.#bytes, totalBytes: this.totalBytes })
    const [labelsA, labelsB] = [labelValues(a), labelValues(b)]
    const isSameLabel = Buffer.compare(bytesOf(labelsA), bytesOf(labelsB)) === 0
    const isSameImage = Buffer.compare(a.image, b.image) === 0
    if (isSameLabel && isSameImage && a.id2 === b.id2) return
    this.add({
      kind: 'changed',
      id: a.id,
      ordinals,
      ...(!isSameLabel && { labels: [[...labelsA], [...labelsB]] }),
      ...(a.id2 !== b.id2 && { id2: [a.id2, b.id2] }),
      ...(!isSameImage && { imageBytes: [a.image.length, b.image.length] }),
      ...(!isSameImage && this.options.comparePixels && { pixels: await this.options.comparePixels(a, b) }),
    })
  }

  report(headerFields: readonly string[]): DiffReport {
    const isSame = headerFields.length === 0 && Object.values(this.counts).every((count) => count === 0)
    return { isSame, counts: this.counts, common: this.#common, differences: this.#differences, headerFields }
  }
}

type Records = AsyncIterator<StoredRecord, unknown>

/** Up to the first place where the ids differ: then the records there, one of which may be missing. */
async function compareSideBySide(a: Records, b: Records, comparison: Comparison): Promise<[StoredRecord | undefined, StoredRecord | undefined] | undefined> {
  for (;;) {
    const [recordA, recordB] = [await nextOf(a), await nextOf(b)]
    if (!recordA && !recordB) return undefined
    if (!recordA || recordA.id !== recordB?.id) return [recordA, recordB]
    await comparison.compare(recordA, recordB, [recordA.ordinal, recordB.ordinal])
  }
}

async function nextOf(records: Records): Promise<StoredRecord | undefined> {
  const { value, done } = await records.next()
  return done ? undefined : (value as StoredRecord)
}

/** Ids and places of the records that remain. */
interface Tail {
  readonly firstOrdinal: number
  readonly table: IndexTable
}

async function tailOf(records: Records, first: StoredRecord | undefined): Promise<Tail> {
  const table = new IndexTable()
  for (let record = first; record; record = await nextOf(records)) table.add(record.id, record.offsetBytes)
  return { firstOrdinal: first?.ordinal ?? 0, table }
}

async function compareById(pathA: string, pathB: string, a: Tail, b: Tail, comparison: Comparison, signal: AbortSignal | undefined): Promise<void> {
  const partners = pairById(a.table, b.table)
  const isPaired = new Uint8Array(b.table.count)
  let [handleA, handleB]: (FileHandle | undefined)[] = []
  let furthest = -1
  try {
    handleA = await openFile(pathA)
    handleB = await openFile(pathB)
    for (const [index, partner] of partners.entries()) {
      throwIfAborted(pathA, signal)
      const placeA = placeIn(pathA, a, index)
      if (partner === noPartner) {
        comparison.add({ kind: 'missing', id: a.table.id(index), ordinals: [placeA.ordinal, undefined] })
        continue
      }
      isPaired[partner] = 1
      const placeB = placeIn(pathB, b, partner)
      if (partner < furthest) comparison.add({ kind: 'moved', id: a.table.id(index), ordinals: [placeA.ordinal, placeB.ordinal] })
      furthest = Math.max(furthest, partner)
      await comparison.compare(await readRecordAt(handleA, placeA), await readRecordAt(handleB, placeB), [placeA.ordinal, placeB.ordinal])
    }
  } catch (cause) {
    throw fileError(pathA, `compare it with ${pathB}`, cause)
  } finally {
    await handleA?.close()
    await handleB?.close()
  }
  for (const [index, paired] of isPaired.entries()) {
    if (paired === 0) comparison.add({ kind: 'added', id: b.table.id(index), ordinals: [undefined, b.firstOrdinal + index] })
  }
}

const noPartner = 2 ** 32 - 1

/** For each record of A the one of B: both lists are walked by ascending id, equal ids in file order. */
function pairById(a: IndexTable, b: IndexTable): Uint32Array {
  const partners = new Uint32Array(a.count).fill(noPartner)
  const [orderA, orderB] = [orderByKey(a.ids()), orderByKey(b.ids())]
  for (let positionA = 0, positionB = 0; positionA < a.count && positionB < b.count;) {
    const [indexA, indexB] = [orderA ? orderA[positionA]! : positionA, orderB ? orderB[positionB]! : positionB]
    const [idA, idB] = [a.id(indexA), b.id(indexB)]
    if (idA === idB) partners[indexA] = indexB
    if (idA <= idB) positionA++
    if (idB <= idA) positionB++
  }
  return partners
}

function placeIn(path: string, { firstOrdinal, table }: Tail, index: number): { name: string; ordinal: number; offsetBytes: number } {
  return { name: path, ordinal: firstOrdinal + index, offsetBytes: table.offsetBytes(index) }
}

async function openFile(path: string): Promise<FileHandle> {
  return open(path).catch((cause: unknown) => {
    throw fileError(path, 'open it', cause)
  })
}

async function headerOf(path: string): Promise<MetaHeader | undefined> {
  const meta = await openMeta(siblingPath(path, '.meta'))
  await meta?.close()
  return meta?.header
}

function differentFields(a: MetaHeader | undefined, b: MetaHeader | undefined): string[] {
  if (!a || !b) return []
  const fields = ['labelKind', 'labelWidth', 'classNames', 'pack', 'codecs'] as const
  return fields.filter((field) => JSON.stringify(a[field]) !== JSON.stringify(b[field]))
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}
