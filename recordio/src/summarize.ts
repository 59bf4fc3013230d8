// What a `.rec` holds, from one pass over it: the facts a person asks of an unknown file.

import type { ByteSource } from './byte-source.js'
import type { ReadOptions } from './frame-reader.js'
import { labelValues } from './image-header.js'
import { imageSize, type ImageSize } from './image-size.js'
import { guessLabelKind, LabelCounter, type LabelHistogram } from './label-statistics.js'
import { openMeta } from './meta-file.js'
import type { LabelKind, MetaHeader, MetaSummary } from './meta-layout.js'
import { readRecords, type StoredRecord } from './record-reader.js'
import { siblingPath } from './sibling-path.js'

export interface RecordsSummary {
  readonly count: number
  /** Sizes of the encoded images; zeros when there is no record. */
  readonly imageBytes: { readonly total: number; readonly smallest: number; readonly mean: number; readonly largest: number }
  /** Images by type; `other` is neither JPEG nor PNG. */
  readonly imageTypes: Readonly<Record<ImageSize['type'] | 'other', number>>
  /** From the .meta, else guessed from the labels' shape; `mixed` if they differ, `undefined` without records. */
  readonly labelKind: LabelKind | 'mixed' | undefined
  readonly isLabelKindGuessed: boolean
  readonly histogram: LabelHistogram | undefined
  readonly meta: { readonly header: MetaHeader; readonly summary: MetaSummary } | undefined
  readonly first: readonly RecordPreview[]
}

export interface RecordPreview {
  readonly ordinal: number
  readonly id: bigint
  readonly label: readonly number[]
  readonly imageBytes: number
  readonly image: ImageSize | undefined
}

export interface SummarizeOptions extends ReadOptions {
  /** How many records to list. Default 5. */
  readonly first?: number
}

/**
 * Reads all of `source` once; of a path, also its .meta. Memory: one record and the histogram.
 *
 * @throws RecordError as `readRecords`
 */
export async function summarizeRecords(source: ByteSource, options: SummarizeOptions = {}): Promise<RecordsSummary> {
  const meta = typeof source === 'string' ? await readMeta(source) : undefined
  const pass = new Pass(meta?.header.labelKind, options.first ?? 5)
  for await (const record of readRecords(source, options)) pass.add(record)
  return { ...pass.result(), meta }
}

async function readMeta(path: string): Promise<RecordsSummary['meta']> {
  const meta = await openMeta(siblingPath(path, '.meta'))
  await meta?.close()
  return meta && { header: meta.header, summary: meta.summary }
}

class Pass {
  count = 0
  #total = 0
  #smallest = Infinity
  #largest = 0
  readonly #types = { jpeg: 0, png: 0, other: 0 }
  readonly #first: RecordPreview[] = []
  readonly #guesses = new Set<LabelKind>()
  readonly #counters: readonly LabelCounter[] // one for the known kind, or one for each that it may be

  constructor(
    readonly knownKind: LabelKind | undefined,
    readonly firstCount: number,
  ) {
    const kinds: readonly LabelKind[] = knownKind ? [knownKind] : ['class', 'digits', 'boxes']
    this.#counters = kinds.map((kind) => new LabelCounter(kind))
  }

  add(record: StoredRecord): void {
    const image = imageSize(record.image)
    const imageBytes = record.image.length
    this.count++
    this.#total += imageBytes
    this.#smallest = Math.min(this.#smallest, imageBytes)
    this.#largest = Math.max(this.#largest, imageBytes)
    this.#types[image?.type ?? 'other']++
    const kind = this.knownKind ?? guessLabelKind(record)
    this.#guesses.add(kind)
    this.#counters.find((counter) => counter.kind === kind)?.add(record)
    if (this.#first.length < this.firstCount) {
      this.#first.push({ ordinal: record.ordinal, id: record.id, label: [...labelValues(record)], imageBytes, image })
    }
  }

  result(): Omit<RecordsSummary, 'meta'> {
    const labelKind = this.knownKind ?? (this.#guesses.size > 1 ? 'mixed' : [...this.#guesses][0])
    return {
      count: this.count,
      imageBytes: {
        total: this.#total,
        smallest: this.count === 0 ? 0 : this.#smallest,
        mean: this.count === 0 ? 0 : this.#total / this.count,
        largest: this.#largest,
      },
      imageTypes: this.#types,
      labelKind,
      isLabelKindGuessed: this.knownKind === undefined,
      histogram: this.#counters.find((counter) => counter.kind === labelKind)?.histogram(),
      first: this.#first,
    }
  }
}
