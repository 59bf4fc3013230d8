// A file that appears under its name only when it is whole: it is written beside it as
// `.NAME.partial-PID-RANDOM`, made durable, then renamed. Bytes are gathered and written by the
// megabyte, because one system call a record would cost more than the copying.

import { randomBytes } from 'node:crypto'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileError } from './errors.js'

const batchBytes = 2 ** 20

export class PartialFile {
  readonly path: string
  readonly #temporary: string
  readonly #handle: FileHandle
  #pending: Uint8Array[] = []
  #pendingBytes = 0
  #appendedBytes = 0
  #lastWrite: Promise<void> = Promise.resolve()
  #isOpen = true

  private constructor(path: string, temporary: string, handle: FileHandle) {
    this.path = path
    this.#temporary = temporary
    this.#handle = handle
  }

  /** @throws RecordError REC_FILE */
  static async create(path: string): Promise<PartialFile> {
    const temporary = join(dirname(path), `.${basename(path)}.partial-${process.pid}-${randomBytes(4).toString('hex')}`)
    const handle = await open(temporary, 'wx+').catch((cause: unknown) => {
      throw fileError(path, 'create it', cause)
    })
    return new PartialFile(path, temporary, handle)
  }

  /** Bytes given so far, written or not. */
  get bytes(): number {
    return this.#appendedBytes
  }

  /** Takes the bytes over: they must not change any more. Does not wait; call `drain` after it. */
  append(bytes: Uint8Array): void {
    this.#pending.push(bytes)
    this.#pendingBytes += bytes.length
    this.#appendedBytes += bytes.length
  }

  /**
   * Once a megabyte waits, begins to write it, and resolves when the megabyte before is written: the
   * caller prepares the next meanwhile. An error of the write is thrown by the next call.
   */
  async drain(): Promise<void> {
    if (this.#pendingBytes < batchBytes) return
    await this.#lastWrite
    this.flush().catch(() => {})
  }

  /** Resolves when all is written. Writes follow one another even if the caller does not wait. */
  flush(): Promise<void> {
    const pending = this.#pending
    this.#pending = []
    this.#pendingBytes = 0
    this.#lastWrite = this.#lastWrite.then(() => this.#write(pending))
    return this.#lastWrite
  }

  /** Reads back what was flushed. */
  async read(target: Uint8Array, offset: number): Promise<void> {
    await this.#handle.read(target, 0, target.length, offset).catch((cause: unknown) => {
      throw fileError(this.path, 'read it', cause)
    })
  }

  /** Writes the rest, waits until the disk has it, and closes the file. */
  async finish(): Promise<void> {
    await this.flush()
    await this.#handle.sync().catch((cause: unknown) => {
      throw fileError(this.path, 'write it', cause)
    })
    await this.#close()
  }

  /** Gives the finished file its name, in place of any file that has it. */
  async publish(): Promise<void> {
    await rename(this.#temporary, this.path).catch((cause: unknown) => {
      throw fileError(this.path, 'rename it into place', cause)
    })
  }

  /** Removes the file unless it is published. Never fails: it runs where something else has failed. */
  async discard(): Promise<void> {
    this.#pending = []
    await this.#lastWrite.catch(() => {})
    await this.#close().catch(() => {})
    await rm(this.#temporary, { force: true }).catch(() => {})
  }

  async #write(pending: readonly Uint8Array[]): Promise<void> {
    if (pending.length === 0) return
    try {
      const { bytesWritten } = await this.#handle.writev(pending)
      const total = pending.reduce((sum, bytes) => sum + bytes.length, 0)
      if (bytesWritten < total) await this.#handle.writeFile(Buffer.concat(pending).subarray(bytesWritten)) // a short write: go on after it
    } catch (cause) {
      throw fileError(this.path, 'write it', cause)
    }
  }

  async #close(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    await this.#handle.close()
  }
}

/** Makes renames in the folder of `path` durable, where the system can (Windows cannot open a folder). */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path)).catch(() => undefined)
  await folder?.sync().catch(() => {})
  await folder?.close()
}
