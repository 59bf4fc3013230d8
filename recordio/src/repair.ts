// Saves every intact record of a damaged .rec into a new file, and says what was lost.

import { open } from 'node:fs/promises'
import { guessedHeader } from './describe-records.js'
import { RecordError } from './errors.js'
import { scanFrames, type DamagedBytes, type ScannedRecord } from './frame-scanner.js'
import { decodeImageRecord, type ImageRecord } from './image-header.js'
import { guessLabelKind } from './label-statistics.js'
import type { MetaIndex } from './meta-file.js'
import type { LabelKind, MetaHeader, MetaSummary } from './meta-layout.js'
import { RecordWriter } from './record-writer.js'
import { sizeOf, type RecordsProgress } from './sound-records.js'
import { openUsableMeta, type MetaState } from './usable-meta.js'

export interface RepairOptions {
  /** How many losses are listed; all are counted. Default 100. */
  readonly listed?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: RecordsProgress) => void
}

/** Bytes of the damaged file that did not come over. */
export interface Loss {
  readonly offsetBytes: number
  readonly lengthBytes: number
  readonly reason: string
  /** Records that the .meta lists there; `undefined` without a .meta. */
  readonly records: number | undefined
  /** Of the first 100 of them. */
  readonly ids: readonly bigint[]
}

export interface RepairReport {
  readonly summary: MetaSummary
  readonly lostBytes: number
  /** As the .meta lists them; `undefined` without a .meta. */
  readonly lostRecords: number | undefined
  readonly lossCount: number
  readonly losses: readonly Loss[]
  /** Whether the .meta was used; `unusable` when it is damaged itself or describes another file. */
  readonly meta: MetaState
  /** Records that were taken by their frames alone, because no .meta lists a checksum for them. */
  readonly unchecked: number
}

/**
 * Copies the intact records of `damaged` (frame-scanner.ts says which are) to `output` with its siblings.
 * Never writes to `damaged`. Without a .meta, damage inside an image is not seen.
 * Memory: the largest record.
 *
 * @throws RecordError REC_BAD_VALUE (both are one file), REC_FILE, REC_ABORTED
 */
export async function repairRecords(damaged: string, output: string, options: RepairOptions = {}): Promise<RepairReport> {
  await refuseSameFile(damaged, output)
  const { meta, state } = await openUsableMeta(damaged)
  try {
    const header = meta?.header ?? (await guessHeader(damaged, options.signal))
    const writer = await RecordWriter.create(output, header)
    try {
      const salvage = new Salvage(meta, state, options)
      await salvage.run(damaged, writer)
      return salvage.report(await writer.close({ rejected: meta?.summary.rejected ?? 0 }))
    } catch (error) {
      await writer.abort()
      throw error
    }
  } finally {
    await meta?.close()
  }
}

class Salvage {
  readonly #losses: Loss[] = []
  #lossCount = 0
  #lostBytes = 0
  #lostRecords = 0
  #unchecked = 0

  constructor(
    readonly meta: MetaIndex | undefined,
    readonly state: MetaState,
    readonly options: RepairOptions,
  ) {}

  async run(path: string, writer: RecordWriter): Promise<void> {
    const { signal, onProgress } = this.options
    const totalBytes = await sizeOf(path)
    let records = 0
    for await (const piece of scanFrames(path, { signal, meta: this.meta })) {
      const record = piece.kind === 'record' ? decoded(path, piece) : undefined
      if (piece.kind === 'damage') this.#lose(piece)
      else if (!record) this.#lose({ ...piece, lengthBytes: piece.frames.length, reason: 'the record is shorter than its image header says', lost: undefined })
      else {
        if (!piece.entry) this.#unchecked++
        await writer.copy(record, piece.frames)
        records++
      }
      onProgress?.({ records, bytes: piece.offsetBytes, totalBytes })
    }
  }

  report(summary: MetaSummary): RepairReport {
    return {
      summary,
      lostBytes: this.#lostBytes,
      lostRecords: this.meta && this.#lostRecords,
      lossCount: this.#lossCount,
      losses: this.#losses,
      meta: this.state,
      unchecked: this.#unchecked,
    }
  }

  #lose({ offsetBytes, lengthBytes, reason, lost }: Pick<DamagedBytes, 'offsetBytes' | 'lengthBytes' | 'reason' | 'lost'>): void {
    this.#lostBytes += lengthBytes
    this.#lostRecords += lost?.count ?? 0
    if (this.#lossCount++ < (this.options.listed ?? 100)) this.#losses.push({ offsetBytes, lengthBytes, reason, records: lost?.count, ids: lost?.ids ?? [] })
  }
}

function decoded(path: string, { payload, ordinal, offsetBytes }: ScannedRecord): ImageRecord | undefined {
  try {
    return decodeImageRecord(payload, { name: path, ordinal, offsetBytes })
  } catch {
    return undefined // REC_BAD_HEADER, the only error
  }
}

/** From the first 1,000 intact records. */
async function guessHeader(path: string, signal: AbortSignal | undefined): Promise<MetaHeader> {
  const kinds = new Set<LabelKind>()
  const widths = new Set<number>()
  for await (const piece of scanFrames(path, { signal })) {
    const record = piece.kind === 'record' ? decoded(path, piece) : undefined
    if (!record) continue
    kinds.add(guessLabelKind(record))
    widths.add(Math.max(1, record.labels.length))
    if (piece.kind === 'record' && piece.ordinal >= 999) break
  }
  return guessedHeader(kinds, widths)
}

async function refuseSameFile(damaged: string, output: string): Promise<void> {
  const [a, b] = await Promise.all([damaged, output].map((path) => identity(path)))
  if (a !== undefined && a === b) throw new RecordError('REC_BAD_VALUE', `${output}: expected another file than the damaged one; the damaged file is never changed`, { path: output })
}

async function identity(path: string): Promise<string | undefined> {
  const handle = await open(path).catch(() => undefined)
  const stats = await handle?.stat({ bigint: true })
  await handle?.close()
  return stats && `${stats.dev} ${stats.ino}`
}
