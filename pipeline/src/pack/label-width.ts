// How many numbers stand in a label: what the first record has, all others must have. Boxes may differ,
// which width 0 says, and so may whatever begins with width 0.

import type { NewImageRecord } from '@millrace/recordio'
import { PipelineError } from '../errors.js'
import type { Sample } from '../sample.js'

export class LabelWidth {
  #width: number | undefined

  constructor(width?: number) {
    this.#width = width
  }

  /** Undefined before the first record. */
  get width(): number | undefined {
    return this.#width
  }

  /** Why the record does not belong with the others, or undefined where it does. */
  refusal({ label, key }: Sample, { labels }: NewImageRecord): PipelineError | undefined {
    const width = label.kind === 'boxes' ? 0 : Math.max(1, labels?.length ?? 0)
    this.#width ??= width
    if (this.#width === 0 || width === this.#width) return undefined
    return new PipelineError('PIPE_LABEL', `${key}: expected ${this.#width} label values as in the first record, found ${width}`, { path: key })
  }
}
