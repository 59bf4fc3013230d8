// Where packed records go: into files that appear at the end (file-output.ts), or as bare frames into a
// stream (stream-output.ts).

import type { MetaSummary, NewImageRecord } from '@millrace/recordio'
import { PipelineError } from '../errors.js'
import type { Sample } from '../sample.js'
import type { PackedFacts, TallyState } from './pack-tally.js'
import type { RejectedSample } from './reject-list.js'

/** Takes what became of the samples, in the order of the source. */
export interface PackOutput {
  /** The position of the first sample to pack: later than the layout's where a run is resumed. */
  readonly from: number
  /** Samples so far, those of a run that is resumed included. */
  readonly counts: Pick<TallyState, 'packed' | 'rejected' | 'adjusted' | 'placeholders' | 'roundedLabels'>
  /**
   * Passes over a sample that the resumed run had done, or, with the first that it had not, compares.
   * @throws PipelineError PIPE_RESUME if the samples before it were not the same
   */
  pass(sample: Sample | undefined): void
  /** Why a record does not belong with the others, if so: it is to be rejected. */
  refusal(sample: Sample, record: NewImageRecord): PipelineError | undefined
  pack(record: NewImageRecord, facts: PackedFacts): Promise<void>
  reject(rejected: RejectedSample): Promise<void>
  /** After each sample, packed or rejected. */
  settle(sample: Sample): Promise<void>
  /** Ends the output. */
  finish(): Promise<FinishedOutput>
  /** Keeps what a later run can go on with (then true), or else leaves nothing. Never fails. */
  abort(): Promise<boolean>
}

export interface FinishedOutput {
  readonly summary: MetaSummary
  /** The record files, in order; empty for a stream. */
  readonly files: readonly string[]
  /** The list of rejects, if there is one. */
  readonly rejectsPath?: string
  /** The files were there already; nothing was packed. */
  readonly alreadyComplete?: true
}

/** Why a run without a single record ends with an error. `first` is what it rejected first, where that is known. */
export function nothingPacked(rejected: number, first: RejectedSample | undefined): PipelineError {
  if (rejected === 0) return new PipelineError('PIPE_EMPTY', 'expected a data set with samples, found none; check the source')
  const because = first ? `, the first because: ${first.reason}` : '; see the list of rejects'
  return new PipelineError('PIPE_ALL_REJECTED', `expected at least one usable sample, found all ${rejected} rejected${because}`)
}
