// The list of samples that could not be packed, `x.rejects.jsonl` beside `x.rec`: one JSON object a
// line, { key, id, code, reason }, in the order of the data set. No rejects, no file.

import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { PipelineError } from './errors.js'
import type { Sample } from './sample.js'

export interface RejectedSample {
  readonly key: string
  readonly id: bigint
  readonly code: string
  readonly reason: string
}

/** Why a sample was not packed, for the list. */
export function rejectedSample({ key, id }: Sample, { code, message }: PipelineError): RejectedSample {
  return { key, id, code, reason: message }
}

/** Where the list for a record file stands. */
export function rejectsPath(recordPath: string): string {
  return `${recordPath.replace(/\.rec$/i, '')}.rejects.jsonl`
}

/** Writes the list under a temporary name; `publish` gives it its own. */
export class RejectList {
  readonly path: string
  readonly #temporary: string
  #file: FileHandle | undefined

  constructor(path: string) {
    this.path = path
    this.#temporary = join(dirname(path), `.${basename(path)}.partial-${process.pid}`)
  }

  /** @throws PipelineError PIPE_OUTPUT */
  add({ key, id, code, reason }: RejectedSample): Promise<void> {
    const shownId = id <= Number.MAX_SAFE_INTEGER ? Number(id) : `${id}`
    return this.#attempt(async () => {
      this.#file ??= await open(this.#temporary, 'w')
      await this.#file.appendFile(`${JSON.stringify({ key, id: shownId, code, reason })}\n`)
    })
  }

  /** Puts the list in its place, or removes the list of an earlier run where there is nothing to list. */
  publish(): Promise<void> {
    return this.#attempt(async () => {
      if (this.#file === undefined) return rm(this.path, { force: true })
      await this.#file.sync()
      await this.#file.close()
      await rename(this.#temporary, this.path)
      this.#file = undefined
    })
  }

  /** Leaves nothing behind. Never fails: something else has failed already. */
  async discard(): Promise<void> {
    if (this.#file === undefined) return
    await this.#file.close().catch(() => {})
    await rm(this.#temporary, { force: true }).catch(() => {})
    this.#file = undefined
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (cause) {
      throw new PipelineError('PIPE_OUTPUT', `${this.path}: the list of rejected samples cannot be written (${(cause as Error).message}); check the folder and the space on the disk`, { path: this.path, cause })
    }
  }
}
