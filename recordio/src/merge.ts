// Several record files become one: the frames are copied as they are, in the order of the files.

import { describeRecords, type RecordsDescription } from './describe-records.js'
import { CombinedSummary } from './combined-summary.js'
import { findDuplicateIds } from './duplicate-ids.js'
import { RecordError } from './errors.js'
import { encodeFrames } from './frame.js'
import { joinFrames } from './frame-reader.js'
import type { ImageRecord } from './image-header.js'
import { openMeta } from './meta-file.js'
import type { MetaHeader, MetaSummary } from './meta-layout.js'
import { IndexTable } from './record-index.js'
import { RecordWriter } from './record-writer.js'
import { readSoundRecords, sizeOf, type RecordsProgress, type SoundRecord } from './sound-records.js'
import { siblingPath } from './sibling-path.js'

export interface MergeOptions {
  /** Gives the records new ids from 0, in their order. Default false: ids stay, and one that occurs twice is an error. */
  readonly renumber?: boolean
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: RecordsProgress) => void
}

/**
 * Writes `output` with its siblings from `inputs`, which must have labels of one kind and width and the
 * same class names (a file without a .meta has what its first 1,000 records look like; a file without
 * class names takes those of the others). Records are compared with their .meta on the way.
 * The .meta keeps those of the inputs' pack options and codecs in which they agree.
 *
 * Memory: the largest record; for the comparison of ids 24 bytes a record.
 *
 * @throws RecordError REC_LABEL_MISMATCH, REC_DUPLICATE_ID, and as `readSoundRecords` and `RecordWriter`
 */
export async function mergeRecords(output: string, inputs: readonly string[], options: MergeOptions = {}): Promise<MetaSummary> {
  const plan = await planMerge(inputs, options)
  const writer = await RecordWriter.create(output, plan.header)
  return writeMerged(writer, inputs, plan, options)
}

export interface MergePlan {
  readonly header: MetaHeader
  readonly descriptions: readonly RecordsDescription[]
  readonly totalBytes: number
}

/** Everything that can be refused before a byte is written. */
export async function planMerge(inputs: readonly string[], { renumber = false, signal }: MergeOptions): Promise<MergePlan> {
  if (inputs.length === 0) throw new RecordError('REC_BAD_VALUE', 'expected at least one record file, found none')
  const descriptions: RecordsDescription[] = []
  let totalBytes = 0
  for (const path of inputs) {
    totalBytes += await sizeOf(path)
    descriptions.push(await describeRecords(path, signal))
  }
  const header = commonHeader(inputs, descriptions)
  if (!renumber) await refuseDuplicateIds(inputs, signal)
  return { header, descriptions, totalBytes }
}

/** Copies all records and closes the writer; aborts it if anything fails. */
export async function writeMerged(writer: RecordWriter, inputs: readonly string[], plan: MergePlan, options: MergeOptions, beforeClose?: () => Promise<void>): Promise<MetaSummary> {
  const { renumber = false, signal, onProgress } = options
  const summary = new CombinedSummary()
  let [records, bytes] = [0, 0]
  try {
    for (const [index, path] of inputs.entries()) {
      summary.begin(plan.descriptions[index]!.summary)
      for await (const record of readSoundRecords(path, { signal })) {
        const { frames, ...rest } = renumber ? withId(record, BigInt(records)) : record
        await writer.copy(rest, frames)
        summary.add(record.image)
        bytes += record.frames.length
        records++
        onProgress?.({ records, bytes, totalBytes: plan.totalBytes })
      }
    }
    await beforeClose?.()
    return await writer.close(summary.result())
  } catch (error) {
    await writer.abort()
    throw error
  }
}

function withId(record: SoundRecord, id: bigint): ImageRecord & { frames: Uint8Array } {
  if (record.id === id) return record
  const payload = Buffer.from(joinFrames(record.frames))
  payload.writeBigUInt64LE(id, 8)
  return { ...record, id, frames: encodeFrames(payload) }
}

/** The header that all agree on. */
function commonHeader(paths: readonly string[], descriptions: readonly RecordsDescription[]): MetaHeader {
  const known = descriptions.map(({ header, isEmpty }, index) => ({ header, isEmpty, path: paths[index]! })).filter(({ isEmpty }) => !isEmpty)
  const first = known[0]
  if (!first) return descriptions[0]!.header
  const named = known.find(({ header }) => header.classNames !== undefined)
  for (const { path, header } of known) {
    refuseDifference(first.path, describe(first.header), path, describe(header))
    if (named && header.classNames) refuseDifference(named.path, names(named.header), path, names(header))
  }
  const { labelKind, labelWidth } = first.header
  const classNames = named?.header.classNames
  return { labelKind, labelWidth, ...(classNames && { classNames }), ...common('pack', known), ...common('codecs', known) }
}

function describe({ labelKind, labelWidth }: MetaHeader): string {
  return `labels of kind ${labelKind}, ${labelWidth === 0 ? 'any width' : `${labelWidth} wide`}`
}

function names({ classNames = [] }: MetaHeader): string {
  return `class names ${JSON.stringify(classNames)}`
}

function refuseDifference(firstPath: string, first: string, path: string, found: string): void {
  if (found === first) return
  const shown = (text: string): string => (text.length > 300 ? `${text.slice(0, 300)}…` : text)
  throw new RecordError('REC_LABEL_MISMATCH', `${path}: expected ${shown(first)} as in ${firstPath}, found ${shown(found)}; correct one with "millrace index --label-kind … --classes …"`, { path })
}

/** The keys of a map that have the same value in every header. */
function common<K extends 'pack' | 'codecs'>(key: K, known: readonly { header: MetaHeader }[]): Pick<MetaHeader, K> | Record<never, never> {
  const [first, ...others] = known.map(({ header }) => header[key] as Readonly<Record<string, unknown>> | undefined)
  if (!first) return {}
  const agreed = Object.entries(first).filter(([name, value]) => others.every((other) => JSON.stringify(other?.[name]) === JSON.stringify(value)))
  return agreed.length > 0 ? { [key]: Object.fromEntries(agreed) } : {}
}

/** Reads the ids from each .meta, or, where there is none, from the records. */
async function refuseDuplicateIds(paths: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  const table = new IndexTable()
  const ends: number[] = []
  for (const path of paths) {
    for await (const { id, offsetBytes } of idsOf(path, signal)) table.add(id, offsetBytes)
    ends.push(table.count)
  }
  const { count, pairs } = findDuplicateIds(table, 1)
  const [pair] = pairs
  if (!pair) return
  const place = (position: number): string => {
    const file = ends.findIndex((end) => position < end)
    return `${paths[file]} (record ${position - (ends[file - 1] ?? 0)} at byte ${table.offsetBytes(position)})`
  }
  const more = count > 1 ? `, and ${count - 1} more ids occur twice` : ''
  throw new RecordError('REC_DUPLICATE_ID', `id ${pair.id}: expected it once, found it in ${place(pair.first)} and in ${place(pair.second)}${more}; give the records new ids first (merge --renumber)`)
}

async function* idsOf(path: string, signal: AbortSignal | undefined): AsyncGenerator<{ id: bigint; offsetBytes: number }> {
  const meta = await openMeta(siblingPath(path, '.meta'))
  if (!meta) return yield* readSoundRecords(path, { signal })
  try {
    for (let ordinal = 0; ordinal < meta.count; ordinal++) yield await meta.entry(ordinal)
  } finally {
    await meta.close()
  }
}
