// Every error this package throws. A code is stable: programs may test it. docs/errors.md explains
// each to the person who meets it, and a test keeps the two in step.

export type RecordErrorCode = keyof typeof recordErrorCodes

/** Code → what it means in one line. */
export const recordErrorCodes = {
  REC_ABORTED: 'the caller asked for the work to stop',
} as const

/** Facts about the place of the error, for programs; the message says the same in words. */
export interface RecordErrorDetails {
  readonly path?: string
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
