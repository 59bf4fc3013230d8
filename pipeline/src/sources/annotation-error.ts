// The error for what stands in an annotation file of XML, JSON or YOLO's text.

import { PipelineError } from '../errors.js'

/** `place`: where in the file, such as "line 7"; empty for the file as a whole. */
export function annotationError(path: string, place: string, expected: string, found: string, cause?: unknown): PipelineError {
  const where = place === '' ? path : `${path}: ${place}`
  return new PipelineError('PIPE_ANNOTATION', `${where}: expected ${expected}, found ${found}; correct the annotation`, { path, cause })
}

/** What was found, short enough for a message. */
export function quote(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 100)
}
