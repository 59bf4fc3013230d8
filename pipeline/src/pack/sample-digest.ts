// A digest of what a source gives, sample by sample: tells a resumed run that the source is still the same,
// and whether files that are there were made from it.

import { createHash } from 'node:crypto'
import type { Sample } from '../sample.js'

export class SampleDigest {
  readonly #hash = createHash('sha256')

  /** `settings`: plain data that decides what becomes of the samples, and that the files do not tell otherwise. */
  constructor(settings: Readonly<Record<string, unknown>>) {
    this.#hash.update(`${JSON.stringify(settings)}\n`)
  }

  add({ id, key, label }: Sample): void {
    this.#hash.update(`${id}\t${key}\t${JSON.stringify(label)}\n`)
  }

  /** Of the samples so far. */
  get value(): string {
    return this.#hash.copy().digest('hex')
  }
}
