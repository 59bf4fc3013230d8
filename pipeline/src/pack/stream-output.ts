// Packed records as bare frames into a stream. The stream is not ended: it may be standard output, and
// more may follow.

import type { Writable } from 'node:stream'
import { encodeRecord, type NewImageRecord } from '@millrace/recordio'
import { PipelineError } from '../errors.js'
import type { Sample } from '../sample.js'
import { LabelWidth } from './label-width.js'
import { nothingPacked, type FinishedOutput, type PackOutput } from './pack-output.js'
import { PackTally, type PackedFacts } from './pack-tally.js'
import type { RejectedSample } from './reject-list.js'

export interface StreamOutputOptions {
  /** Position of the first sample. */
  readonly from: number
  /** 0 where labels may differ in it; undefined: as the first. */
  readonly labelWidth: number | undefined
  readonly signal: AbortSignal | undefined
}

export class StreamOutput implements PackOutput {
  readonly from: number
  readonly #stream: Writable
  readonly #signal: AbortSignal | undefined
  readonly #tally = new PackTally()
  readonly #width: LabelWidth
  #firstReject: RejectedSample | undefined

  constructor(stream: Writable, { from, labelWidth, signal }: StreamOutputOptions) {
    this.from = from
    this.#stream = stream
    this.#signal = signal
    this.#width = new LabelWidth(labelWidth)
    stream.on('error', ignore)
  }

  get counts(): PackOutput['counts'] {
    return this.#tally.state
  }

  pass(): void {}

  refusal(sample: Sample, record: NewImageRecord): PipelineError | undefined {
    return this.#width.refusal(sample, record)
  }

  /** @throws PipelineError PIPE_OUTPUT, PIPE_ABORTED while a reader that has stopped reading holds it up */
  async pack(record: NewImageRecord, facts: PackedFacts): Promise<void> {
    await writeBytes(this.#stream, encodeRecord(record), this.#signal)
    this.#tally.addPacked(facts)
  }

  async reject(rejected: RejectedSample): Promise<void> {
    this.#firstReject ??= rejected
    if (!rejected.placeholder) this.#tally.addRejected()
  }

  async settle(): Promise<void> {}

  async finish(): Promise<FinishedOutput> {
    if (this.counts.packed === 0) throw nothingPacked(this.counts.rejected, this.#firstReject)
    this.#stream.off('error', ignore)
    return { summary: this.#tally.summary(), files: [] }
  }

  async abort(): Promise<boolean> {
    if (!this.#stream.errored) this.#stream.off('error', ignore) // else its event is still to come, once the stream is closed
    return false
  }
}

/** Each write reports its own error; without a listener the process would end. */
function ignore(): void {}

function writeBytes(stream: Writable, bytes: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(new PipelineError('PIPE_ABORTED', 'the packing was stopped while it waited for the reader of its output', { cause: signal?.reason }))
    signal?.addEventListener('abort', stop, { once: true })
    stream.write(bytes, (cause) => {
      signal?.removeEventListener('abort', stop)
      if (cause) reject(new PipelineError('PIPE_OUTPUT', `the output stream failed (${cause.message}); the records written so far are not whole, run the command again`, { cause }))
      else resolve()
    })
  })
}
