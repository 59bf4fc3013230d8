// Every error this package throws. A code is stable: programs may test it. docs/errors.md explains
// each to the person who meets it, and a test keeps the two in step.

export type TrainErrorCode = keyof typeof trainErrorCodes

/** Code → what it means in one line. */
export const trainErrorCodes = {
  TRAIN_ABORTED: 'the caller asked for the work to stop',
  TRAIN_DATA_CHANGED: 'a record file is not the one that the run began with',
  TRAIN_IMAGE_DAMAGED: "a record's image cannot be decoded",
  TRAIN_LABEL_KIND: "the records' labels are not what the network learns",
  TRAIN_LABEL_RANGE: 'a label is outside the classes of its head, or blank where a digit must be',
  TRAIN_LOADER_FAILED: 'a loader thread failed',
  TRAIN_LOSS_NOT_FINITE: 'the loss or a gradient became NaN or infinite',
  TRAIN_NETWORK_FILE: 'a file with a network is damaged, cannot be read, or does not hold together',
  TRAIN_NETWORK_UNSUPPORTED: 'a network has an operator, or a setting of one, that is not known here',
  TRAIN_NETWORK_UNKNOWN: 'no network has this name',
  TRAIN_NO_CHECKPOINT: 'the run has no such checkpoint',
  TRAIN_OPERATION: 'a network has an operation that this engine cannot train',
  TRAIN_OPTION: 'an option has a value outside its range',
  TRAIN_REPLICA_FAILED: 'a training thread failed',
  TRAIN_RUN_DAMAGED: 'a file or folder of the run is missing or cannot be read',
  TRAIN_RUN_EXISTS: 'the run folder is already in use',
  TRAIN_RUN_MISMATCH: 'the stored weights belong to another network',
  TRAIN_RUN_WRITE: 'the run folder cannot be written',
  TRAIN_STREAM_ONCE: 'a stream can be read only once',
  TRAIN_TOO_FEW_RECORDS: 'the records do not fill one batch',
} as const

/** Facts about the place of the error, for programs; the message says the same in words. */
export interface TrainErrorDetails {
  readonly path?: string
  readonly cause?: unknown
}

/** The one error class of this package. `message` says where, what was expected, what was found, what to do. */
export class TrainError extends Error {
  override readonly name = 'TrainError'
  readonly code: TrainErrorCode
  readonly details: TrainErrorDetails

  constructor(code: TrainErrorCode, message: string, details: TrainErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.details = details
  }
}
