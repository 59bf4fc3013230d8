// Where packed records go: to a file with its siblings, or as bare frames into a stream.

import type { Writable } from 'node:stream'
import { encodeRecord, RecordWriter, type MetaHeader, type MetaSummary, type NewImageRecord } from '@millrace/recordio'
import { PipelineError } from './errors.js'

export interface PackOutput {
  write(record: NewImageRecord): Promise<void>
  /** Ends the output; gives the summary with what only the writer knows. */
  close(summary: MetaSummary): Promise<MetaSummary>
  abort(): Promise<void>
}

/** PATH, and its .idx and .meta, which appear together at the end. */
export async function openFileOutput(path: string, meta: MetaHeader): Promise<PackOutput> {
  const writer = await RecordWriter.create(path, meta)
  return {
    write: (record) => writer.write(record),
    close: (summary) => writer.close(summary),
    abort: () => writer.abort(),
  }
}

/**
 * Frames only. The stream is not ended: it may be standard output, and more may follow.
 * @throws PipelineError PIPE_OUTPUT, PIPE_ABORTED while a reader that has stopped reading holds it up
 */
export function openStreamOutput(stream: Writable, signal: AbortSignal | undefined): PackOutput {
  const ignore = (): void => {} // each write reports its own error; without a listener the process would end
  stream.on('error', ignore)
  return {
    write: (record) => writeBytes(stream, encodeRecord(record), signal),
    close: async (summary) => {
      stream.off('error', ignore)
      return summary
    },
    abort: async () => {
      setImmediate(() => stream.off('error', ignore)) // the error of the last write comes after its callback
    },
  }
}

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
