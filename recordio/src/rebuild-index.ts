// Makes the .idx and the .meta of a .rec anew, from the .rec alone.

import { open, readdir, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { guessedHeader } from './describe-records.js'
import { RecordError } from './errors.js'
import { formatIndexLine } from './index-file.js'
import { guessLabelKind, LabelCounter } from './label-statistics.js'
import { openMeta } from './meta-file.js'
import type { LabelKind, MetaHeader, MetaSummary } from './meta-layout.js'
import { MetaWriter } from './meta-writer.js'
import { PartialFile, previousPath, randomToken } from './partial-file.js'
import { discardRecords, publishRecords } from './partial-records.js'
import { siblingPath } from './sibling-path.js'
import { readSoundRecords, sizeOf, type RecordsProgress } from './sound-records.js'
import { describesFile } from './usable-meta.js'

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
 * channel statistics and count of rejected inputs only if it belongs to the .rec. Where a writer died
 * between giving the .rec its name and the .meta its own, the old .meta is the one it left (partial-records.ts).
 * Memory: the largest record; if ids do not ascend, 16 bytes a record.
 *
 * @throws RecordError as `readSoundRecords` without .meta; REC_FILE; the old files are then as they were
 */
export async function rebuildIndex(path: string, options: RebuildOptions = {}): Promise<RebuiltIndex> {
  const size = await sizeOf(path)
  const old = await chooseMeta(path, size)
  const { header, isLabelKindGuessed } = await chooseHeader(path, options, old?.header)
  const token = randomToken()
  try {
    const summary = await writeSiblings(path, token, header, options, old?.belongs ? old.summary : undefined)
    await publishRecords(path, token)
    if (old?.left !== undefined) await removeLeft(path, old.left)
    return { header, summary, isLabelKindGuessed }
  } catch (error) {
    await discardRecords(path, token)
    throw error
  }
}

interface OldMeta {
  readonly header: MetaHeader
  readonly summary: MetaSummary
  readonly belongs: boolean
  /** Where a writer left it, if not in its place. */
  readonly left?: string
}

/** The .meta in place, or one that a writer left and that belongs to the .rec where the other does not. */
async function chooseMeta(path: string, size: number): Promise<OldMeta | undefined> {
  const old = await oldMeta(siblingPath(path, '.meta'), path, size)
  if (old?.belongs) return old
  for (const left of await leftMetas(dirname(path))) {
    const found = await oldMeta(left, path, size)
    if (found?.belongs) return { ...found, left }
  }
  return old
}

/** A .meta that cannot be read is what a person wants replaced: it is no error here. */
async function oldMeta(metaPath: string, path: string, size: number): Promise<OldMeta | undefined> {
  try {
    const meta = await openMeta(metaPath)
    if (!meta) return undefined
    const handle = await open(path)
    const belongs = await describesFile(meta, handle).finally(async () => {
      await handle.close()
      await meta.close()
    })
    return { header: meta.header, summary: meta.summary, belongs: belongs && meta.recordsBytes === size }
  } catch (error) {
    if (error instanceof RecordError && error.code === 'REC_BAD_META') return undefined
    throw error
  }
}

/** Of any name: a shard can have been written under another than its last. */
async function leftMetas(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  return names.filter((name) => leftMeta.test(name)).sort().map((name) => join(folder, name))
}

const leftMeta = /(?<=^\..*)\.meta(?=\.(?:partial|previous)-[\w-]+$)/

/** The .meta that was taken, the .idx of the same writer, and what that writer had put aside. */
async function removeLeft(path: string, left: string): Promise<void> {
  const index = join(dirname(left), basename(left).replace(leftMeta, '.idx'))
  const token = /[\w-]+$/.exec(left)![0].replace(/^(?:partial|previous)-/, '')
  const previous = (['.meta', '.idx'] as const).map((extension) => previousPath(siblingPath(path, extension), token))
  for (const each of [left, index, ...previous]) await rm(each, { force: true }).catch(() => {})
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
