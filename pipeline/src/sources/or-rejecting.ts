// An annotation that is read with care: where reading fails, it stays, with the reason.

import { PipelineError } from '../errors.js'
import type { Annotation } from './join-images.js'

/** What `read` gives; `annotation`, to be rejected, where it throws a PipelineError. Other errors pass. */
export function orRejecting(annotation: Annotation, read: () => Annotation): Annotation {
  try {
    return read()
  } catch (error) {
    if (error instanceof PipelineError) return { ...annotation, error }
    throw error
  }
}
