// What can be wrong with a record file, and a list of it that stays short.

/**
 * - frame: bytes that are no record, or not all of one
 * - checksum: a record's bytes are not those whose checksum the .meta lists
 * - header: a record is shorter than its image header says
 * - label: a label is not of the kind or width that the .meta says
 * - image: an image was refused
 * - meta, index: the .meta or .idx does not agree with the records
 */
export type FaultKind = 'frame' | 'checksum' | 'header' | 'label' | 'image' | 'meta' | 'index'

export interface Fault {
  readonly kind: FaultKind
  /** What was expected and what was found; the place is in the other fields. */
  readonly message: string
  readonly path: string
  /** Ordinal from 0: as the .meta lists it; without one, among the intact records. */
  readonly record?: number
  readonly offsetBytes?: number
  /** Of bytes that are no record. */
  readonly lengthBytes?: number
  /** How many records the .meta lists in these bytes. */
  readonly lostRecords?: number
  /** Of the record, or of the first 100 that are lost. */
  readonly ids?: readonly bigint[]
}

/** Keeps the first faults and counts all. */
export class FaultList {
  readonly counts: Partial<Record<FaultKind, number>> = {}
  readonly #listed: number
  readonly #faults: Fault[] = []

  constructor(listed: number) {
    this.#listed = listed
  }

  add(fault: Fault): void {
    this.counts[fault.kind] = (this.counts[fault.kind] ?? 0) + 1
    if (this.#faults.length < this.#listed) this.#faults.push(fault)
  }

  /** By place; those of the whole file first. */
  sorted(): Fault[] {
    return this.#faults.sort((a, b) => (a.offsetBytes ?? -1) - (b.offsetBytes ?? -1))
  }
}
