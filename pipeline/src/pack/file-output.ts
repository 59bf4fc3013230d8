// Packed records into files: one, or shards. They get their names when all are whole; until then a
// journal (pack-journal.ts) says how far the disk has them, so that a run that died can be taken up.
//
// Order: records to the disk, the list of rejects to the disk, then the line in the journal that tells of
// them. At the end: a line that all are whole, the rejects under their name (records must never stand
// there without the list of what they lack), the shards under theirs, and the journal is removed. A crash
// between any two of these leaves what the next run can finish.

import { randomBytes } from 'node:crypto'
import { discardRecords, publishRecords, RecordWriter, retractRecords, type MetaHeader, type NewImageRecord } from '@millrace/recordio'
import { PipelineError } from '../errors.js'
import type { LabelKind } from '../label.js'
import type { Sample } from '../sample.js'
import { CompleteOutput } from './complete-output.js'
import { LabelWidth } from './label-width.js'
import { digestOf, PackJournal, readJournal, startOf, type FoundJournal, type JournalState } from './pack-journal.js'
import type { PackLayout } from './pack-layout.js'
import { nothingPacked, type FinishedOutput, type PackOutput } from './pack-output.js'
import { PackTally, type PackedFacts } from './pack-tally.js'
import { RejectList, rejectsPath, type RejectedSample } from './reject-list.js'
import { SampleDigest } from './sample-digest.js'

export interface FileOutputOptions {
  readonly layout: PackLayout
  /** Of every file, but for the width of the labels, which the first record tells. */
  readonly header: Omit<MetaHeader, 'labelWidth'>
  /** 0 where labels may differ in it; undefined: as the first. */
  readonly labelWidth: number | undefined
  /** Source, options and codecs, as plain data: a run is only taken up with the same. */
  readonly about: Readonly<Record<string, unknown>>
  /** Goes on with what an earlier run left, if there is anything. */
  readonly resume: boolean
  /** A batch for the journal, in samples. */
  readonly batchSamples: number
}

/** A batch also ends after so much, so that little is lost whatever the images are. */
const maxBatchBytes = 64 * 2 ** 20
const maxBatchMs = 10_000

/** Where the journal of an output is. */
function journalPath(layout: PackLayout): string {
  return `${layout.partPath}.partial`
}

export class FileOutput implements PackOutput {
  readonly from: number
  readonly #options: FileOutputOptions
  readonly #token: string
  readonly #journal: PackJournal
  readonly #rejects: RejectList
  readonly #seen: SampleDigest
  readonly #resumed: JournalState | undefined
  readonly #total: PackTally
  #tally: PackTally
  #shard: number
  readonly #width: LabelWidth
  /** Of the next sample. */
  #position: number
  #writer: RecordWriter | undefined
  #firstReject: RejectedSample | undefined
  /** The batch that is on its way to the disk. */
  #syncing: Promise<void> | undefined
  #syncFailure: unknown
  /** Nothing is left to go on with. */
  #isOver = false
  #batch = { samples: 0, startBytes: 0, startedAt: performance.now() }

  private constructor(options: FileOutputOptions, token: string, journal: PackJournal, rejects: RejectList, state: JournalState, resumed: JournalState | undefined) {
    this.#options = options
    this.#token = token
    this.#journal = journal
    this.#rejects = rejects
    this.#resumed = resumed
    this.from = state.position
    this.#shard = state.shard
    this.#position = state.position
    this.#seen = seenBy(options)
    this.#width = new LabelWidth(state.labelWidth ?? options.labelWidth)
    this.#tally = new PackTally(state.tally)
    this.#total = new PackTally(state.total)
  }

  /**
   * The output of a new run, or of the one to be resumed; where that has ended, its files.
   * @throws PipelineError PIPE_OUTPUT, PIPE_RESUME; RecordError where the records cannot be gone on with
   */
  static async open(options: FileOutputOptions): Promise<PackOutput> {
    const { layout, about, resume } = options
    const path = journalPath(layout)
    const digest = digestOf(about)
    const found = await readJournal(path).catch((error: unknown) => {
      if (resume) throw error
      return undefined
    })
    if (found && resume) return FileOutput.#takeUp(options, found, digest)
    const complete = resume ? await CompleteOutput.find(options, seenBy(options)) : undefined
    if (complete) return complete
    if (found) await discardLeftovers(layout, found)
    const token = randomBytes(6).toString('hex')
    const journal = await PackJournal.create(path, { token, digest, about })
    try {
      const rejects = await RejectList.open(rejectsPath(layout.partPath), token)
      return new FileOutput(options, token, journal, rejects, startOf(layout.from, layout.firstShard), undefined)
    } catch (error) {
      await journal.remove()
      throw error
    }
  }

  static async #takeUp(options: FileOutputOptions, found: FoundJournal, digest: string): Promise<FileOutput> {
    const { layout, about } = options
    const path = journalPath(layout)
    if (found.digest !== digest) throw differs(path, found.about, about)
    const state = found.state ?? startOf(layout.from, layout.firstShard)
    const journal = await PackJournal.reopen(path, found)
    let rejects: RejectList | undefined
    try {
      rejects = await RejectList.open(rejectsPath(layout.partPath), found.token, state.rejectBytes)
      const output = new FileOutput(options, found.token, journal, rejects, state, found.state)
      if (state.bytes > 0) output.#writer = await output.#openWriter(state.bytes)
      return output
    } catch (error) {
      await rejects?.suspend()
      await journal.suspend()
      throw error
    }
  }

  get counts(): PackOutput['counts'] {
    const [a, b] = [this.#total.state, this.#tally.state]
    return {
      packed: a.packed + b.packed,
      rejected: a.rejected + b.rejected,
      adjusted: a.adjusted + b.adjusted,
      placeholders: a.placeholders + b.placeholders,
      roundedLabels: a.roundedLabels + b.roundedLabels,
    }
  }

  pass(sample: Sample | undefined): void {
    if (sample) return this.#seen.add(sample)
    if (!this.#resumed || this.#seen.value === this.#resumed.seen) return
    throw new PipelineError('PIPE_RESUME', `${this.#journal.path}: expected the same first ${this.from} samples as in the run to be resumed, found others; the source has changed: pack without --resume`, { path: this.#journal.path })
  }

  refusal(sample: Sample, record: NewImageRecord): PipelineError | undefined {
    return this.#width.refusal(sample, record)
  }

  async pack(record: NewImageRecord, facts: PackedFacts): Promise<void> {
    const { shardBytes } = this.#options.layout
    if (shardBytes !== undefined && this.#writer && this.#writer.bytes + frameBytes(record) > shardBytes) await this.#finishShard()
    this.#writer ??= await this.#openWriter(0)
    await this.#writer.write(record)
    this.#tally.addPacked(facts)
  }

  async reject(rejected: RejectedSample): Promise<void> {
    this.#firstReject ??= rejected
    if (!rejected.placeholder) this.#tally.addRejected()
    await this.#rejects.add(rejected)
  }

  async settle(sample: Sample): Promise<void> {
    this.#seen.add(sample)
    this.#position++
    if (this.#syncFailure) throw this.#syncFailure
    if (this.#options.layout.shardEnd?.(this.#shard) === this.#position) return this.#finishShard()
    this.#batch.samples++
    if (this.#isBatchFull() && !this.#syncing) this.#beginSync()
  }

  async finish(): Promise<FinishedOutput> {
    const { layout } = this.#options
    if (this.counts.packed === 0) throw await this.#nothingPacked()
    if (this.#resumed?.shardsInAll === undefined) await this.#finishShards()
    const shardsInAll = layout.shardCount ?? this.#shard
    const files = Array.from({ length: this.#shard - layout.firstShard }, (_, index) => layout.finalPath(layout.firstShard + index, shardsInAll))
    await this.#rejects.publish()
    for (const [index, file] of files.entries()) await publishRecords(layout.workPath(layout.firstShard + index), this.#token, file)
    await this.#journal.remove()
    return { summary: this.#total.summary(), files, ...(this.#rejects.bytes > 0 && { rejectsPath: this.#rejects.path }) }
  }

  async abort(): Promise<boolean> {
    await this.#syncing
    if (this.#isOver || !this.#journal.hasState) {
      await this.#writer?.abort()
      await this.#rejects.discard()
      await this.#journal.remove()
      return false
    }
    await this.#writer?.suspend()
    await this.#rejects.suspend()
    await this.#journal.suspend()
    return true
  }

  /** Ends the shard that is being written, and those for which there were no samples any more. */
  async #finishShards(): Promise<void> {
    const { lastShard = this.#shard + (this.#writer ? 1 : 0), shardCount } = this.#options.layout
    while (this.#shard < lastShard) await this.#finishShard()
    await this.#settleSync()
    await this.#journal.add({ ...this.#state(), shardsInAll: shardCount ?? this.#shard })
  }

  async #finishShard(): Promise<void> {
    await this.#settleSync()
    this.#writer ??= await this.#openWriter(0)
    const { labelHistogram } = await this.#writer.finish({ ...this.#tally.summary(), samplesDigest: this.#seen.value })
    this.#total.addShard(this.#tally.state, labelHistogram)
    this.#tally = new PackTally()
    this.#writer = undefined
    this.#shard++
    await this.#rejects.sync()
    await this.#journal.add(this.#state())
    this.#batch = { samples: 0, startBytes: 0, startedAt: performance.now() }
  }

  #isBatchFull(): boolean {
    const { samples, startBytes, startedAt } = this.#batch
    const bytes = (this.#writer?.bytes ?? 0) - startBytes
    return samples >= this.#options.batchSamples || bytes >= maxBatchBytes || performance.now() - startedAt >= maxBatchMs
  }

  /** Sends what is written so far to the disk, while the next samples are worked on. */
  #beginSync(): void {
    const state = this.#state()
    this.#batch = { samples: 0, startBytes: state.bytes, startedAt: performance.now() }
    const records = this.#writer?.sync() // begun before anything else is written: it covers these bytes
    const work = async (): Promise<void> => {
      await records
      await this.#rejects.sync()
      await this.#journal.add(state)
    }
    const noteFailure = (error: unknown): void => { this.#syncFailure = error }
    this.#syncing = work().catch(noteFailure).finally(() => { this.#syncing = undefined })
  }

  async #settleSync(): Promise<void> {
    await this.#syncing
    if (this.#syncFailure) throw this.#syncFailure
  }

  #state(): JournalState {
    const { width } = this.#width
    return {
      position: this.#position,
      seen: this.#seen.value,
      shard: this.#shard,
      bytes: this.#writer?.bytes ?? 0,
      tally: this.#tally.state,
      total: this.#total.state,
      ...(width !== undefined && { labelWidth: width }),
      rejectBytes: this.#rejects.bytes,
    }
  }

  #openWriter(bytes: number): Promise<RecordWriter> {
    const { layout, header } = this.#options
    const path = layout.workPath(this.#shard)
    const meta: MetaHeader = { ...header, labelWidth: this.#width.width ?? usualWidth[header.labelKind] }
    return bytes > 0 ? RecordWriter.resume(path, meta, { token: this.#token, bytes }) : RecordWriter.create(path, meta, this.#token)
  }

  /** Leaves the list of rejects alone, under its name. */
  async #nothingPacked(): Promise<PipelineError> {
    await this.#settleSync()
    await this.#rejects.publish()
    this.#isOver = true
    return nothingPacked(this.counts.rejected, this.#firstReject)
  }
}

const usualWidth: Readonly<Record<LabelKind, number>> = { class: 1, values: 1, digits: 6, boxes: 0 }

/** What decides about the samples, and stands in no header of a record file. */
function seenBy({ layout, about }: FileOutputOptions): SampleDigest {
  return new SampleDigest({ labelLayout: about['labelLayout'], placeholders: about['onError'] === 'placeholder', shardBytes: layout.shardBytes })
}

/** Header, labels and image in one frame; a few more where the frame magic stands in them. */
function frameBytes({ labels, image }: NewImageRecord): number {
  return 8 + Math.ceil((24 + 4 * (labels?.length ?? 0) + image.length) / 4) * 4
}

async function discardLeftovers(layout: PackLayout, { token, state }: FoundJournal): Promise<void> {
  const { firstShard } = layout
  const { shard: last, shardsInAll } = state ?? { shard: firstShard }
  for (let shard = firstShard; shard <= last; shard++) {
    const path = layout.workPath(shard)
    if (shardsInAll === undefined || shard === last) await discardRecords(path, token)
    else await retractRecords(path, token, layout.finalPath(shard, shardsInAll)) // it died while it gave the names
  }
  const rejects = await RejectList.open(rejectsPath(layout.partPath), token)
  await rejects.discard()
}

function differs(path: string, found: Readonly<Record<string, unknown>>, now: Readonly<Record<string, unknown>>): PipelineError {
  const names = [...new Set([...Object.keys(found), ...Object.keys(now)])].filter((name) => digestOf(found[name] ?? null) !== digestOf(now[name] ?? null))
  return new PipelineError('PIPE_RESUME', `${path}: expected the source and options of the run to be resumed, found another ${names.join(', ')}; give the same, or pack without --resume`, { path })
}
