// What the labels of a record file mean: from its .meta, else guessed from its first records.

import { guessLabelKind } from './label-statistics.js'
import { openMeta } from './meta-file.js'
import type { LabelKind, MetaHeader, MetaSummary } from './meta-layout.js'
import { readSoundRecords } from './sound-records.js'
import { siblingPath } from './sibling-path.js'

export interface RecordsDescription {
  readonly header: MetaHeader
  /** From the .meta. */
  readonly summary: MetaSummary | undefined
  readonly isGuessed: boolean
  /** There is no record from which to guess: the header says nothing. */
  readonly isEmpty: boolean
}

/** So many records are looked at. */
const guessedFrom = 1000

/**
 * Header and summary of the .meta; without one, a guess from the first 1,000 records. Records of
 * different kinds are `values`; labels of different lengths have width 0.
 *
 * @throws RecordError as `readSoundRecords`
 */
export async function describeRecords(path: string, signal?: AbortSignal): Promise<RecordsDescription> {
  const meta = await openMeta(siblingPath(path, '.meta'))
  await meta?.close()
  if (meta) return { header: meta.header, summary: meta.summary, isGuessed: false, isEmpty: false }
  const kinds = new Set<LabelKind>()
  const widths = new Set<number>()
  for await (const record of readSoundRecords(path, { signal, useMeta: false })) {
    kinds.add(guessLabelKind(record))
    widths.add(Math.max(1, record.labels.length))
    if (record.ordinal + 1 === guessedFrom) break
  }
  return { header: guessedHeader(kinds, widths), summary: undefined, isGuessed: true, isEmpty: kinds.size === 0 }
}

/** The header of records whose labels have these kinds and widths. */
export function guessedHeader(kinds: ReadonlySet<LabelKind>, widths: ReadonlySet<number>): MetaHeader {
  const [first = 'class'] = kinds
  const labelKind = kinds.size > 1 ? 'values' : first
  return { labelKind, labelWidth: widths.size === 1 && labelKind !== 'boxes' ? [...widths][0]! : kinds.size === 0 ? 1 : 0 }
}
