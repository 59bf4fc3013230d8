// Every error this package throws. A code is stable: programs may test it. docs/errors.md explains
// each to the person who meets it, and a test keeps the two in step.

export type RecordErrorCode = keyof typeof recordErrorCodes

/** Code → what it means in one line. */
export const recordErrorCodes = {
  REC_ABORTED: 'the caller asked for the work to stop',
  REC_FILE: 'the operating system refused to open, read, write or rename a file',
  REC_BAD_MAGIC: 'a frame does not start with the magic word',
  REC_BAD_FRAME: 'a frame head has a part flag that cannot stand there',
  REC_CUT: 'the data ends inside a record',
  REC_TOO_LARGE: 'a record is 2^29 bytes or longer',
  REC_BAD_HEADER: 'a record is shorter than its image header says',
  REC_BAD_VALUE: 'a value given to be stored, or a stream given to be read, is not usable',
  REC_BAD_INDEX: 'a line of a .idx file is not understood',
  REC_INDEX_MISMATCH: 'the .idx file does not belong to the .rec file',
  REC_BAD_META: 'the .meta file is damaged or no .meta file',
  REC_META_MISMATCH: 'the .meta file does not belong to the .rec file',
  REC_BAD_CHECKSUM: 'the bytes of a record are not those that were written',
  REC_LABEL_MISMATCH: 'record files that are to become one have labels of different kinds, widths or class names',
  REC_DUPLICATE_ID: 'two records of the files that are to become one have the same id',
  REC_NOT_FOUND: 'no record has the asked id or ordinal',
  REC_WRITER_CLOSED: 'a record was given to a writer that is closed, aborted or failed',
} as const

/** Facts about the place of the error, for programs; the message says the same in words. */
export interface RecordErrorDetails {
  readonly path?: string
  /** Ordinal of the record in the file, from 0. */
  readonly record?: number
  /** Byte offset in the file or stream. */
  readonly offsetBytes?: number
  /** Line of a text file, from 1. */
  readonly line?: number
  readonly cause?: unknown
}

/** The one error class of this package. `message` says where, what was expected, what was found, what to do. */
export class RecordError extends Error {
  override readonly name = 'RecordError'
  readonly code: RecordErrorCode
  readonly details: RecordErrorDetails

  constructor(code: RecordErrorCode, message: string, details: RecordErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.details = details
  }
}

/** An error of the operating system as one of this package. A RecordError passes unchanged. */
export function fileError(path: string, action: string, cause: unknown): RecordError {
  if (cause instanceof RecordError) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new RecordError('REC_FILE', `${path}: cannot ${action}: ${reason}; ${wayOut(cause)}`, { path, cause })
}

/** What a person does about an error of the operating system. */
function wayOut(cause: unknown): string {
  switch ((cause as NodeJS.ErrnoException).code) {
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return 'make room on the disk (or raise the limit), then run the command again'
    case 'EIO':
      return 'the disk or the network failed: look at the system log, then run the command again, elsewhere if need be'
    default:
      return 'check the path, its permissions and the free space'
  }
}
