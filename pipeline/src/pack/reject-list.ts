// The list of samples that could not be packed, `x.rejects.jsonl` beside `x.rec`: one JSON object a
// line, { key, id, code, reason }, in the order of the data set; "placeholder": true where a grey image
// stands in for it. No rejects, no file.

import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { writeFully } from '../durable-write.js'
import { PipelineError } from '../errors.js'
import type { Sample } from '../sample.js'

export interface RejectedSample {
  readonly key: string
  readonly id: bigint
  readonly code: string
  readonly reason: string
  /** A record with a grey image stands in for it. */
  readonly placeholder?: true
}

/** Why a sample was not packed, for the list. */
export function rejectedSample({ key, id }: Sample, { code, message }: PipelineError, placeholder = false): RejectedSample {
  return { key, id, code, reason: message, ...(placeholder && { placeholder }) }
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
  #bytes = 0

  private constructor(path: string, temporary: string) {
    this.path = path
    this.#temporary = temporary
  }

  /**
   * @param token makes the temporary name this run's own
   * @param keepBytes so much of what a run with this token has written is kept
   * @throws PipelineError PIPE_OUTPUT
   */
  static async open(path: string, token: string, keepBytes = 0): Promise<RejectList> {
    const list = new RejectList(path, join(dirname(path), `.${basename(path)}.partial-${token}`))
    await list.#attempt(() => list.#keep(keepBytes))
    return list
  }

  /** Of the list so far. */
  get bytes(): number {
    return this.#bytes
  }

  /** @throws PipelineError PIPE_OUTPUT */
  add({ key, id, code, reason, placeholder }: RejectedSample): Promise<void> {
    const shownId = id <= Number.MAX_SAFE_INTEGER ? Number(id) : `${id}`
    const line = Buffer.from(`${JSON.stringify({ key, id: shownId, code, reason, placeholder })}\n`)
    return this.#attempt(async () => {
      this.#file ??= await open(this.#temporary, 'a')
      await writeFully(this.#file, line)
      this.#bytes += line.length
    })
  }

  /** Resolves when the disk has the list so far. @throws PipelineError PIPE_OUTPUT */
  sync(): Promise<void> {
    return this.#attempt(async () => this.#file?.datasync())
  }

  /** Puts the list in its place, or removes the list of an earlier run where there is nothing to list. */
  publish(): Promise<void> {
    return this.#attempt(async () => {
      if (this.#bytes === 0) return rm(this.path, { force: true })
      await this.#file?.sync()
      await this.suspend()
      const isThere = await stat(this.#temporary).catch(() => undefined)
      if (isThere) await rename(this.#temporary, this.path) // else a run that died had come so far
    })
  }

  /** Leaves the list for a later run. Never fails. */
  async suspend(): Promise<void> {
    await this.#file?.close().catch(() => {})
    this.#file = undefined
  }

  /** Leaves nothing behind. Never fails: something else has failed already. */
  async discard(): Promise<void> {
    await this.suspend()
    await rm(this.#temporary, { force: true }).catch(() => {})
  }

  async #keep(bytes: number): Promise<void> {
    if (bytes === 0) return rm(this.#temporary, { force: true })
    this.#bytes = bytes
    const found = await stat(this.#temporary).catch(() => undefined)
    if (!found) return // published already
    if (found.size < bytes) throw new Error(`expected ${bytes} bytes from the run to be resumed, found ${found.size}`)
    this.#file = await open(this.#temporary, 'a')
    await this.#file.truncate(bytes)
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (cause) {
      throw new PipelineError('PIPE_OUTPUT', `${this.path}: the list of rejected samples cannot be written (${(cause as Error).message}); check the folder and the space on the disk`, { path: this.path, cause })
    }
  }
}
