// Every error this package throws. A code is stable: programs may test it. docs/errors.md explains
// each to the person who meets it, and a test keeps the two in step.

export type InferErrorCode = keyof typeof inferErrorCodes

/** Code → what it means in one line. */
export const inferErrorCodes = {
  INFER_ARGUMENT: 'an argument has the wrong size or lies outside its range',
  INFER_COMPILED: 'the compiled part of a model folder is missing, damaged or does not fit its graph',
  INFER_GRAPH_FORMAT: 'a document is not a Millrace graph that this version reads',
  INFER_GRAPH_INVALID: 'a node, output or preprocessing step does not fit the rest of the graph',
  INFER_IMAGE_TOO_SMALL: 'an image is smaller than the crop that the network takes of it',
  INFER_MEMORY: 'a network needs more memory than it may take or than there is',
  INFER_MODEL_CHANGED: 'a file of a model folder is not the one that the others were made with',
  INFER_MODEL_READ: 'a model folder, or a file in it, cannot be read',
  INFER_MODEL_WRITE: 'a model folder cannot be written',
  INFER_NOT_FINITE: 'a weight or an answer is NaN or infinite',
  INFER_SAFETENSORS: 'a safetensors file is damaged or holds what this version does not read',
  INFER_WEIGHTS: 'the weights are not those that the graph needs',
} as const

/** Facts about the place of the error, for programs; the message says the same in words. */
export interface InferErrorDetails {
  readonly path?: string
  /** The graph's node or the weight concerned. */
  readonly node?: string
  readonly cause?: unknown
}

/** The one error class of this package. `message` says where, what was expected, what was found, what to do. */
export class InferError extends Error {
  override readonly name = 'InferError'
  readonly code: InferErrorCode
  readonly details: InferErrorDetails

  constructor(code: InferErrorCode, message: string, details: InferErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.details = details
  }
}

/** What `work` gives; an error of this package that names no file is told again with the file before it. */
export function inFile<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof InferError) || error.details.path !== undefined) throw error
    throw new InferError(error.code, `${path}: ${error.message}`, { ...error.details, path, cause: error })
  }
}
