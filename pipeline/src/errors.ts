// Every error this package throws. A code is stable: programs may test it. docs/errors.md explains
// each to the person who meets it, and a test keeps the two in step.

export type PipelineErrorCode = keyof typeof pipelineErrorCodes

/** Code → what it means in one line. */
export const pipelineErrorCodes = {
  PIPE_ABORTED: 'the caller asked for the work to stop',
  PIPE_ALL_REJECTED: 'every sample of the data set was rejected, so there is nothing to write',
  PIPE_ANNOTATION: 'an annotation file (XML, JSON, YOLO), or an entry of it, cannot be understood',
  PIPE_ARCHIVE_DAMAGED: 'an archive of images is cut short or damaged',
  PIPE_ARCHIVE_LIMIT: 'an archive, or an entry of it, is larger or more compressed than allowed',
  PIPE_ARCHIVE_UNSUPPORTED: 'an archive, or an entry of it, uses a feature that is not read here',
  PIPE_BOX: 'a box of the annotation is inverted or empty, or an edge is no number',
  PIPE_BOX_OUTSIDE: 'a box of the annotation does not overlap its image',
  PIPE_CLASS_NAME: 'a class name is empty, stands twice, or has a line end',
  PIPE_CLASS_TOO_SMALL: 'a class has too few images to be divided as asked',
  PIPE_DIGIT_STRUCT: 'digitStruct.mat, or one entry of it, is not laid out as SVHN lays it out',
  PIPE_EMPTY: 'the data set holds no sample',
  PIPE_EXAMPLE: 'a record of a TFRecord file is no tf.train.Example',
  PIPE_HDF5_DAMAGED: 'an HDF5 file is cut short or damaged',
  PIPE_HDF5_UNSUPPORTED: 'an HDF5 file uses a feature outside the subset that is read here',
  PIPE_IDX: 'an idx file is cut short, is none, or does not fit the other of its pair',
  PIPE_IMAGE_DAMAGED: 'an image cannot be decoded to its end',
  PIPE_IMAGE_MISSING: 'the image that an annotation names is not there',
  PIPE_IMAGE_TOO_LARGE: 'an image has more bytes or pixels than allowed',
  PIPE_IMAGE_UNREADABLE: 'an image exists but cannot be read',
  PIPE_LABEL: 'a label does not fit the label kind of the data set',
  PIPE_LIST: 'a line of a list file is not understood, or cannot be written',
  PIPE_MATLAB_DAMAGED: 'a MATLAB 5 file is cut short, damaged or none',
  PIPE_MATLAB_UNSUPPORTED: 'a MATLAB file is of another version, or larger than is read here',
  PIPE_NAME_OUTSIDE: 'an annotation names a file outside the data set',
  PIPE_NO_BOXES: 'a sample to be cropped to its boxes has none',
  PIPE_OPTION: 'an option has a value outside its range',
  PIPE_OUTPUT: 'the output cannot be written',
  PIPE_RESUME: 'what an earlier run left cannot be gone on with',
  PIPE_SAMPLE: 'a sample of a TFRecord file or WebDataset shard lacks its image or label, or does not fit the others',
  PIPE_SOURCE_MISSING: 'the annotation file of a data set, or its images, are not there or cannot be read',
  PIPE_STANFORD_CARS: 'an annotation file of Stanford Cars, or one entry of it, is not laid out as its authors lay it out',
  PIPE_TABLE: 'a CSV table, or a row of it, cannot be understood',
  PIPE_TFRECORD_CUT: 'a TFRecord file ends inside a record',
  PIPE_TFRECORD_DAMAGED: 'a checksum of a TFRecord file, or its compression, does not match',
  PIPE_TFRECORD_TOO_LARGE: 'a record of a TFRecord file is longer than allowed',
  PIPE_THREAD_FAILED: 'a packing thread failed',
} as const

/** Facts about the place of the error, for programs; the message says the same in words. */
export interface PipelineErrorDetails {
  readonly path?: string
  /** Which entry of the annotation file, counted from 1. */
  readonly entry?: number
  readonly cause?: unknown
}

/** The one error class of this package. `message` says where, what was expected, what was found, what to do. */
export class PipelineError extends Error {
  override readonly name = 'PipelineError'
  readonly code: PipelineErrorCode
  readonly details: PipelineErrorDetails

  constructor(code: PipelineErrorCode, message: string, details: PipelineErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.details = details
  }
}

/**
 * Throws PIPE_ABORTED if the signal has been aborted.
 * @throws PipelineError PIPE_ABORTED, with the signal's reason as `cause`
 */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new PipelineError('PIPE_ABORTED', 'the packing was stopped before its end; run it again', { cause: signal.reason })
}
