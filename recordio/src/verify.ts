// Looks for everything that can be wrong with a record file and its siblings, and goes on after each
// fault to find the others.

import { stat } from 'node:fs/promises'
import { findDuplicateIds } from './duplicate-ids.js'
import { RecordError } from './errors.js'
import { FaultList, type Fault, type FaultKind } from './faults.js'
import { scanFrames, type DamagedBytes, type ScannedRecord } from './frame-scanner.js'
import { orderByKey } from './id-order.js'
import { decodeImageRecord, type ImageRecord } from './image-header.js'
import { readIndexFile } from './index-file.js'
import { labelFault } from './label-check.js'
import type { MetaIndex } from './meta-file.js'
import { IndexTable } from './record-index.js'
import { siblingPath } from './sibling-path.js'
import { sizeOf, type RecordsProgress } from './sound-records.js'
import { openUsableMeta, type UsableMeta } from './usable-meta.js'

export interface VerifyOptions {
  /**
   * Called for each intact record, four at a time; rejects with an Error whose message says what is
   * wrong with its image. Default: images are not looked at.
   */
  readonly checkImage?: (record: ImageRecord) => Promise<void>
  /** How many faults are listed; all are counted. Default 100. */
  readonly listed?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: RecordsProgress) => void
}

export interface VerifyReport {
  readonly path: string
  /** No fault was found. Warnings are no faults. */
  readonly isSound: boolean
  /** Intact records. */
  readonly count: number
  readonly bytes: number
  /** Bytes in no intact record. */
  readonly lostBytes: number
  readonly meta: UsableMeta['state']
  readonly hasIndex: boolean
  readonly faultCounts: Readonly<Partial<Record<FaultKind, number>>>
  readonly faults: readonly Fault[]
  /** Records with the id of one before them: legal, but by id only the last is found. */
  readonly duplicateIds: { readonly count: number; readonly first: readonly bigint[] }
}

/**
 * Reads all of `path` and its siblings. With a .meta, every byte of every record is under a checksum;
 * without, damage inside an image shows only to `checkImage`.
 *
 * Memory: the largest record (a few with `checkImage`), and 24 bytes a record for the ids, 40 with a .idx.
 *
 * @throws RecordError REC_FILE, REC_ABORTED; what is wrong with the file is reported, not thrown
 */
export async function verifyRecords(path: string, options: VerifyOptions = {}): Promise<VerifyReport> {
  const { listed = 100 } = options
  const bytes = await sizeOf(path)
  const { meta, state, fault } = await openUsableMeta(path)
  const pass = new Pass(path, meta, options)
  if (fault !== undefined) pass.faults.add({ kind: 'meta', path: siblingPath(path, '.meta'), message: fault })
  try {
    await pass.run(bytes)
    if (meta) await checkMeta(path, meta, pass, bytes)
  } finally {
    await meta?.close()
  }
  const hasIndex = await checkIndex(path, pass)
  const faults = pass.faults.sorted()
  const { count, pairs } = findDuplicateIds(pass.found, listed)
  return {
    path,
    isSound: faults.length === 0 && Object.keys(pass.faults.counts).length === 0,
    count: pass.found.count,
    bytes,
    lostBytes: pass.lostBytes,
    meta: state,
    hasIndex,
    faultCounts: pass.faults.counts,
    faults,
    duplicateIds: { count, first: pairs.map(({ id }) => id) },
  }
}

const checkedAtOnce = 4

/** One walk over the .rec. */
class Pass {
  readonly faults: FaultList
  /** The intact records. */
  readonly found = new IndexTable()
  imageBytes = 0
  lostBytes = 0
  /** Where bytes that are no record begin and end: pairs. */
  readonly #damage: number[] = []
  readonly #checks = new Set<Promise<void>>()

  constructor(
    readonly path: string,
    readonly meta: MetaIndex | undefined,
    readonly options: VerifyOptions,
  ) {
    this.faults = new FaultList(options.listed ?? 100)
  }

  async run(totalBytes: number): Promise<void> {
    const { signal, onProgress } = this.options
    for await (const piece of scanFrames(this.path, { signal, meta: this.meta })) {
      if (piece.kind === 'damage') this.#addDamage(piece)
      else await this.#addRecord(piece)
      onProgress?.({ records: this.found.count, bytes: piece.offsetBytes, totalBytes })
    }
    await Promise.all(this.#checks)
  }

  /** Asked with ascending offsets: whether a byte lies in no intact record. */
  damageFinder(): (offsetBytes: number) => boolean {
    let next = 0
    return (offsetBytes) => {
      while (next < this.#damage.length && this.#damage[next + 1]! <= offsetBytes) next += 2
      return next < this.#damage.length && this.#damage[next]! <= offsetBytes
    }
  }

  #addDamage({ offsetBytes, lengthBytes, reason, isChecksum, lost }: DamagedBytes): void {
    this.lostBytes += lengthBytes
    this.#damage.push(offsetBytes, offsetBytes + lengthBytes)
    const losses = lost && lost.count > 0 ? { lostRecords: lost.count, ids: lost.ids } : {}
    this.faults.add({ kind: isChecksum ? 'checksum' : 'frame', path: this.path, offsetBytes, lengthBytes, ...losses, message: reason })
  }

  async #addRecord({ ordinal, offsetBytes, frames, payload, entry }: ScannedRecord): Promise<void> {
    const place = { path: this.path, record: ordinal, offsetBytes }
    let record: ImageRecord
    try {
      record = decodeImageRecord(payload, { name: this.path, ordinal, offsetBytes })
    } catch {
      this.#damage.push(offsetBytes, offsetBytes + frames.length)
      this.faults.add({ kind: 'header', ...place, message: `expected an image header, its labels and an image, found a record of ${payload.length} bytes` })
      return
    }
    this.found.add(record.id, offsetBytes)
    this.imageBytes += record.image.length
    const ids = [record.id]
    if (this.meta) {
      const fault = labelFault(record, this.meta.header)
      if (fault !== undefined) this.faults.add({ kind: 'label', ...place, ids, message: fault })
      if (!entry) this.faults.add({ kind: 'meta', ...place, ids, message: 'expected an entry in the .meta that begins here, found none' })
      else if (entry.id !== record.id) this.faults.add({ kind: 'meta', ...place, ids, message: `expected id ${record.id} in the .meta as in the image header, found ${entry.id}` })
    }
    await this.#checkImage(record, (message) => this.faults.add({ kind: 'image', ...place, ids, message }))
  }

  /** Waits only while too many are under way. */
  async #checkImage(record: ImageRecord, report: (message: string) => void): Promise<void> {
    const { checkImage } = this.options
    if (!checkImage) return
    const check = checkImage(record)
      .catch((error: unknown) => report(error instanceof Error ? error.message : String(error)))
      .then(() => void this.#checks.delete(check))
    this.#checks.add(check)
    if (this.#checks.size >= checkedAtOnce) await Promise.race(this.#checks)
  }
}

/** What the .meta says of the file as a whole. Its entries were compared on the way. */
async function checkMeta(path: string, meta: MetaIndex, { faults, found, imageBytes }: Pass, bytes: number): Promise<void> {
  const metaPath = siblingPath(path, '.meta')
  const expect = (what: string, expected: number, listed: number): void => {
    if (listed !== expected) faults.add({ kind: 'meta', path: metaPath, message: `expected ${what} ${expected}, found ${listed}` })
  }
  expect('the bytes of the .rec,', bytes, meta.recordsBytes)
  if (found.count !== meta.count) return // the records that are missing have been reported
  expect('the count of records', found.count, meta.summary.count)
  expect('the bytes of all images,', imageBytes, meta.summary.imageBytes)
  const order = orderByKey(found.ids())
  for (let position = 0; position < found.count; position++) {
    const ordinal = await meta.ordinalAt(position)
    if (ordinal === (order ? order[position]! : position)) continue
    faults.add({ kind: 'meta', path: metaPath, message: `expected record ${order ? order[position]! : position} at position ${position} of the order by id, found record ${ordinal}` })
    return
  }
}

/** Compares the .idx, where there is one, with the intact records. Both are in the order of the file. */
async function checkIndex(path: string, pass: Pass): Promise<boolean> {
  const indexPath = siblingPath(path, '.idx')
  const isThere = await stat(indexPath).then(() => true, () => false)
  if (!isThere) return false
  const { found, faults } = pass
  let listed: IndexTable
  try {
    listed = await readIndexFile(indexPath)
  } catch (error) {
    if (!(error instanceof RecordError) || error.code !== 'REC_BAD_INDEX') throw error
    faults.add({ kind: 'index', path: indexPath, message: error.message })
    return true
  }
  const isDamaged = pass.damageFinder()
  const report = (record: number | undefined, offsetBytes: number, message: string): void =>
    faults.add({ kind: 'index', path: indexPath, ...(record !== undefined && { record }), offsetBytes, message })
  for (let record = 0, line = 0; record < found.count || line < listed.count;) {
    const at = record < found.count ? found.offsetBytes(record) : Infinity
    const lineAt = line < listed.count ? listed.offsetBytes(line) : Infinity
    if (at < lineAt) report(record, at, `expected a line for id ${found.id(record)}, found none`)
    else if (lineAt < at && !isDamaged(lineAt)) report(undefined, lineAt, `id ${listed.id(line)}: expected a record at the byte it gives, found none that begins there`)
    else if (at === lineAt && found.id(record) !== listed.id(line)) report(record, at, `expected id ${found.id(record)} as in the image header, found ${listed.id(line)}`)
    if (at <= lineAt) record++
    if (lineAt <= at) line++
  }
  return true
}
