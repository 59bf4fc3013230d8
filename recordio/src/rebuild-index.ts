// Makes the .idx and the .meta of a .rec anew, from the .rec alone.

import { guessedHeader } from './describe-records.js'
import { RecordError } from './errors.js'
import { formatIndexLine } from './index-file.js'
import { guessLabelKind, LabelCounter } from './label-statistics.js'
import { openMeta } from './meta-file.js'
import type { LabelKind, MetaHeader, MetaSummary } from './meta-layout.js'
import { MetaWriter } from './meta-writer.js'
import { PartialFile, randomToken } from './partial-file.js'
import { discardRecords, publishRecords } from './partial-records.js'
import { siblingPath } from './sibling-path.js'
import { readSoundRecords, sizeOf, type RecordsProgress } from './sound-records.js'

export interface RebuildOptions {
  /** Default: of the old .meta, else guessed from all records. */
  readonly labelKind?: LabelKind
  /** Name of class i. Default: of the old .meta, else none. */
  readonly classNames?: readonly string[]
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: RecordsProgress) => void
}

export interface RebuiltIndex {
  readonly header: MetaHeader
  readonly summary: MetaSummary
  readonly isLabelKindGuessed: boolean
}

/**
 * Reads `path` once, or twice if the label kind is to be guessed, and replaces its .idx and .meta, each
 * in one step. From an old .meta that can be read come class names, pack options and codecs; its
 * channel statistics and count of rejected inputs only if it belongs to the .rec.
 * Memory: the largest record; if ids do not ascend, 16 bytes a record.
 *
 * @throws RecordError as `readSoundRecords` without .meta; REC_FILE; the old files are then as they were
 */
export async function rebuildIndex(path: string, options: RebuildOptions = {}): Promise<RebuiltIndex> {
  const size = await sizeOf(path)
  const old = await oldMeta(path, size)
  const { header, isLabelKindGuessed } = await chooseHeader(path, options, old?.header)
  const token = randomToken()
  try {
    const summary = await writeSiblings(path, token, header, options, old?.belongs ? old.summary : undefined)
    await publishRecords(path, token)
    return { header, summary, isLabelKindGuessed }
  } catch (error) {
    await discardRecords(path, token)
    throw error
  }
}

/** A .meta that cannot be read is what a person wants replaced: it is no error here. */
async function oldMeta(path: string, size: number): Promise<{ header: MetaHeader; summary: MetaSummary; belongs: boolean } | undefined> {
  try {
    const meta = await openMeta(siblingPath(path, '.meta'))
    await meta?.close()
    return meta && { header: meta.header, summary: meta.summary, belongs: meta.recordsBytes === size }
  } catch (error) {
    if (error instanceof RecordError && error.code === 'REC_BAD_META') return undefined
    throw error
  }
}

async function chooseHeader(path: string, { labelKind, classNames, signal }: RebuildOptions, old: MetaHeader | undefined): Promise<{ header: MetaHeader; isLabelKindGuessed: boolean }> {
  const names = classNames && { classNames }
  if (old && (labelKind === undefined || labelKind === old.labelKind)) return { header: { ...old, ...names }, isLabelKindGuessed: false }
  const kinds = new Set<LabelKind>(labelKind && [labelKind])
  const widths = new Set<number>()
  for await (const record of readSoundRecords(path, { signal, useMeta: false })) {
    if (labelKind === undefined) kinds.add(guessLabelKind(record))
    widths.add(Math.max(1, record.labels.length))
  }
  return { header: { ...old, ...guessedHeader(kinds, widths), ...names }, isLabelKindGuessed: labelKind === undefined }
}

async function writeSiblings(path: string, token: string, header: MetaHeader, { signal, onProgress }: RebuildOptions, kept: MetaSummary | undefined): Promise<MetaSummary> {
  const totalBytes = await sizeOf(path)
  const index = await PartialFile.create(siblingPath(path, '.idx'), token)
  const meta = await MetaWriter.create(siblingPath(path, '.meta'), header, token).catch(async (error: unknown) => {
    await index.discard()
    throw error
  })
  const labels = new LabelCounter(header.labelKind)
  let [count, imageBytes, bytes] = [0, 0, 0]
  try {
    for await (const record of readSoundRecords(path, { signal, useMeta: false })) {
      const { id, offsetBytes, frames, image } = record
      meta.add({ id, offsetBytes, frames })
      index.append(Buffer.from(formatIndexLine(id, offsetBytes), 'latin1'))
      labels.add(record)
      imageBytes += image.length
      bytes += frames.length
      await index.drain()
      await meta.file.drain()
      count++
      onProgress?.({ records: count, bytes, totalBytes })
    }
    const histogram = labels.histogram()
    const summary: MetaSummary = { rejected: 0, ...(kept?.count === count && kept), count, imageBytes, ...(histogram && { labelHistogram: histogram.labels }) }
    await index.finish()
    await meta.finish(summary, bytes)
    return summary
  } catch (error) {
    await index.discard()
    await meta.file.discard()
    throw error
  }
}
