// The entries of a .meta in the order of the file, beside a walk through its .rec.

import type { ListedEntry, MetaIndex } from './meta-file.js'

/** Records that a .meta lists where none is intact. */
export interface LostRecords {
  readonly count: number
  /** Of the first 100. */
  readonly ids: readonly bigint[]
}

const listedIds = 100

/** Moves forward through the entries as the walk does through the bytes. */
export class EntryCursor {
  readonly #meta: MetaIndex
  #next = 0
  #block: readonly ListedEntry[] = []
  #lost = noLosses()

  constructor(meta: MetaIndex) {
    this.#meta = meta
  }

  /** The entry of a record that begins at `offsetBytes`; entries before it count as lost. */
  async startingAt(offsetBytes: number): Promise<ListedEntry | undefined> {
    const entry = await this.#skipTo(offsetBytes)
    if (entry?.offsetBytes !== offsetBytes) return undefined
    return entry
  }

  /** Leaves the entries before `offsetBytes` behind; tells which were lost since the last call. */
  async passTo(offsetBytes: number): Promise<LostRecords> {
    await this.#skipTo(offsetBytes)
    const lost = this.#lost
    this.#lost = noLosses()
    return lost
  }

  /** The entry's record is intact. Any other that is left behind is lost. */
  take(entry: ListedEntry | undefined): void {
    if (entry) this.#next = entry.ordinal + 1
  }

  async #skipTo(offsetBytes: number): Promise<ListedEntry | undefined> {
    for (; this.#next < this.#meta.count; this.#next++) {
      const entry = await this.#entry(this.#next)
      if (entry.offsetBytes >= offsetBytes) return entry
      this.#lost.count++
      if (this.#lost.ids.length < listedIds) this.#lost.ids.push(entry.id)
    }
    return undefined
  }

  async #entry(ordinal: number): Promise<ListedEntry> {
    const first = this.#block[0]?.ordinal ?? 0
    if (ordinal >= first + this.#block.length) this.#block = await this.#meta.entriesFrom(ordinal)
    return this.#block[ordinal - this.#block[0]!.ordinal]!
  }
}

function noLosses(): { count: number; ids: bigint[] } {
  return { count: 0, ids: [] }
}
