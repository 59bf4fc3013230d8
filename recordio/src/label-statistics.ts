// What kind of labels records carry, when no .meta says so, and how often each occurs.

import type { ImageRecord } from './image-header.js'
import type { LabelKind } from './meta-layout.js'

export interface LabelHistogram {
  /** Classes by number; digits by length of the number; boxes by class of each object. */
  readonly labels: Record<string, number>
  /** Kind `digits` only: how often each digit 0-9 stands in a number. */
  readonly digits?: Record<string, number>
}

/** More different labels than this are no classes (ids, perhaps): no histogram then. */
const maximumKeys = 100_000

/**
 * The kind that a record's label has the shape of. A guess: [2, 1, 9, 10, 10, 10] may be six values.
 *
 * - digits: [length 0 … 6, five of 0 … 10]
 * - boxes: [header width ≥ 2, object width ≥ 5, …] that divides into objects
 * - class: one whole number from 0
 * - values: anything else
 */
export function guessLabelKind(record: Pick<ImageRecord, 'label' | 'labels'>): LabelKind {
  const { label, labels } = record
  if (labels.length === 0) return isWhole(label, 0, 2 ** 24) ? 'class' : 'values'
  if (labels.length === 6 && isWhole(labels[0], 0, 6) && labels.subarray(1).every((digit) => isWhole(digit, 0, 10))) return 'digits'
  return boxClasses(labels) ? 'boxes' : 'values'
}

/** Counts labels of one kind; `values` are not counted. */
export class LabelCounter {
  readonly kind: LabelKind
  readonly #labels = new Map<number, number>()
  readonly #digits = new Map<number, number>()

  constructor(kind: LabelKind) {
    this.kind = kind
  }

  add(record: Pick<ImageRecord, 'label' | 'labels'>): void {
    if (this.kind === 'values' || this.#labels.size > maximumKeys) return
    if (this.kind === 'class') return increment(this.#labels, record.labels[0] ?? record.label)
    const [length = 0, ...digits] = record.labels
    const labels = this.kind === 'boxes' ? (boxClasses(record.labels) ?? []) : [length]
    for (const label of labels) increment(this.#labels, label)
    if (this.kind !== 'digits' || !isWhole(length, 0, 6)) return
    for (const digit of digits.slice(0, length)) if (isWhole(digit, 0, 9)) increment(this.#digits, digit)
  }

  /** `undefined` where a histogram says nothing: kind `values`, or too many different labels. */
  histogram(): LabelHistogram | undefined {
    if (this.kind === 'values' || this.#labels.size > maximumKeys) return undefined
    const labels = sorted(this.#labels)
    return this.kind === 'digits' ? { labels, digits: sorted(this.#digits) } : { labels }
  }
}

/** The class of each object, or `undefined` if the label has not the layout [A, B, …, objects of B]. */
function boxClasses(labels: Float32Array): number[] | undefined {
  const [headerWidth, objectWidth] = labels
  if (!isWhole(headerWidth, 2, labels.length) || !isWhole(objectWidth, 5, 2 ** 24)) return undefined
  const objects = (labels.length - headerWidth) / objectWidth
  if (!Number.isInteger(objects)) return undefined
  return Array.from({ length: objects }, (_, index) => labels[headerWidth + index * objectWidth]!)
}

function isWhole(value: number | undefined, low: number, high: number): value is number {
  return Number.isInteger(value) && value! >= low && value! <= high
}

function increment(counts: Map<number, number>, key: number): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

function sorted(counts: ReadonlyMap<number, number>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([a], [b]) => a - b).map(([key, count]) => [String(key), count]))
}
