// A file that appears under its name only when it is whole: it is written beside it as
// `.NAME.partial-TOKEN`, made durable, then renamed. A caller that wants to go on after a crash names
// the token; else it is the process and a random number. Bytes are gathered and written by the
// megabyte, because one system call a record would cost more than the copying.

import { randomBytes } from 'node:crypto'
import { open, rm, stat, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileError } from './errors.js'

const batchBytes = 2 ** 20
/** A batch and a record more, unless that is larger. */
const blockBytes = 2 * batchBytes

export class PartialFile {
  readonly path: string
  readonly #temporary: string
  readonly #handle: FileHandle
  #pending: Uint8Array[] = []
  #pendingBytes = 0
  /** Where records are put together; the end of what is used of it; one to use next, which is written. */
  #block: Buffer | undefined
  #blockUsed = 0
  #spareBlock: Buffer | undefined
  #appendedBytes = 0
  #lastWrite: Promise<void> = Promise.resolve()
  #isOpen = true

  private constructor(path: string, temporary: string, handle: FileHandle) {
    this.path = path
    this.#temporary = temporary
    this.#handle = handle
  }

  /** @throws RecordError REC_FILE */
  static async create(path: string, token = randomToken()): Promise<PartialFile> {
    const temporary = partialPath(path, token)
    const handle = await open(temporary, 'w+').catch((cause: unknown) => {
      throw fileError(path, 'create it', cause)
    })
    return new PartialFile(path, temporary, handle)
  }

  /**
   * Goes on with what `create` began, after the first `bytes` bytes; what follows them is dropped.
   *
   * @throws RecordError REC_FILE, also when there are fewer bytes
   */
  static async reopen(path: string, token: string, bytes: number): Promise<PartialFile> {
    const temporary = partialPath(path, token)
    try {
      const { size } = await stat(temporary)
      if (size < bytes) throw new Error(`expected at least ${bytes} bytes in ${temporary}, found ${size}`)
      const handle = await open(temporary, 'a+')
      await handle.truncate(bytes)
      const file = new PartialFile(path, temporary, handle)
      file.#appendedBytes = bytes
      return file
    } catch (cause) {
      throw fileError(path, 'go on with it', cause)
    }
  }

  /** Bytes given so far, written or not. */
  get bytes(): number {
    return this.#appendedBytes
  }

  /**
   * Memory to put bytes together for `append`, which then need not be copied. It holds whatever it held
   * before, and may be given out again if something else is appended.
   */
  room(length: number): Buffer {
    this.#block ??= this.#spareBlock ?? Buffer.allocUnsafeSlow(blockBytes)
    if (this.#block === this.#spareBlock) this.#spareBlock = undefined
    const isRoom = this.#blockUsed + length <= blockBytes
    return isRoom ? this.#block.subarray(this.#blockUsed, this.#blockUsed + length) : Buffer.allocUnsafeSlow(length)
  }

  /** Takes the bytes over: they must not change any more. Does not wait; call `drain` after it. */
  append(bytes: Uint8Array): void {
    const isInBlock = bytes.buffer === this.#block?.buffer && bytes.byteOffset === this.#blockUsed
    const last = this.#pending.at(-1)
    if (isInBlock && last?.buffer === bytes.buffer && last.byteOffset + last.length === bytes.byteOffset) {
      this.#pending[this.#pending.length - 1] = this.#block!.subarray(last.byteOffset, last.byteOffset + last.length + bytes.length)
    } else this.#pending.push(bytes)
    if (isInBlock) this.#blockUsed += bytes.length
    this.#pendingBytes += bytes.length
    this.#appendedBytes += bytes.length
  }

  /** Whether `drain` has something to do. */
  get isFull(): boolean {
    return this.#pendingBytes >= batchBytes
  }

  /**
   * Once a megabyte waits, begins to write it, and resolves when the megabyte before is written: the
   * caller prepares the next meanwhile. An error of the write is thrown by the next call.
   */
  async drain(): Promise<void> {
    if (!this.isFull) return
    await this.#lastWrite
    this.flush().catch(() => {})
  }

  /** Resolves when all is written. Writes follow one another even if the caller does not wait. */
  flush(): Promise<void> {
    const [pending, block] = [this.#pending, this.#block]
    this.#pending = []
    this.#pendingBytes = 0
    this.#block = undefined
    this.#blockUsed = 0
    this.#lastWrite = this.#lastWrite.then(() => this.#write(pending)).then(() => {
      this.#spareBlock ??= block
    })
    return this.#lastWrite
  }

  /** Resolves when the disk has all that was given; tells how much that is. */
  async sync(): Promise<number> {
    const bytes = this.#appendedBytes
    await this.flush()
    await this.#handle.datasync().catch((cause: unknown) => {
      throw fileError(this.path, 'write it', cause)
    })
    return bytes
  }

  /** Reads back what was flushed, up to the end of the file. */
  async read(target: Uint8Array, offset: number): Promise<void> {
    try {
      for (let have = 0, more = -1; more !== 0 && have < target.length; have += more) {
        more = (await this.#handle.read(target, have, target.length - have, offset + have)).bytesRead
      }
    } catch (cause) {
      throw fileError(this.path, 'read it', cause)
    }
  }

  /** Writes the rest, waits until the disk has it, and closes the file. */
  async finish(): Promise<void> {
    await this.flush()
    await this.#handle.sync().catch((cause: unknown) => {
      throw fileError(this.path, 'write it', cause)
    })
    await this.#close()
  }

  /** Closes the file and leaves it for `reopen`. Never fails: it runs where something else has failed. */
  async suspend(): Promise<void> {
    this.#pending = []
    await this.#lastWrite.catch(() => {})
    await this.#close().catch(() => {})
  }

  /** Removes the file unless it is published. Never fails: it runs where something else has failed. */
  async discard(): Promise<void> {
    await this.suspend()
    await rm(this.#temporary, { force: true }).catch(() => {})
  }

  async #write(pending: readonly Uint8Array[]): Promise<void> {
    try {
      await writeFully(this.#handle, pending)
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

/** The system may take less than it is given: goes on until it has all, as long as it takes anything. */
async function writeFully(handle: FileHandle, chunks: readonly Uint8Array[]): Promise<void> {
  let rest = chunks
  for (let missing = totalBytes(rest); missing > 0;) {
    const { bytesWritten } = await handle.writev(rest)
    if (bytesWritten === 0) throw new Error(`the system took none of the ${missing} bytes it was given`)
    missing -= bytesWritten
    if (missing > 0) rest = [Buffer.concat(rest).subarray(bytesWritten)]
  }
}

function totalBytes(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, bytes) => sum + bytes.length, 0)
}

/** Where the file is while it is written. */
export function partialPath(path: string, token: string): string {
  return join(dirname(path), `.${basename(path)}.partial-${token}`)
}

/** Where a file that is being replaced is until the new ones are in their places. */
export function previousPath(path: string, token: string): string {
  return join(dirname(path), `.${basename(path)}.previous-${token}`)
}

/** A token that no other writer has. */
export function randomToken(): string {
  return `${process.pid}-${randomBytes(4).toString('hex')}`
}

/**
 * Makes renames in the folder of `path` durable, where the system can (Windows cannot open a folder, some
 * network drives cannot sync one).
 *
 * @throws RecordError REC_FILE where the disk fails
 */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path)).catch(() => undefined)
  try {
    await folder?.sync()
  } catch (cause) {
    if (diskFailures.has((cause as NodeJS.ErrnoException).code ?? '')) throw fileError(path, 'make its name durable', cause)
  } finally {
    await folder?.close()
  }
}

const diskFailures: ReadonlySet<string> = new Set(['EIO', 'ENOSPC', 'EDQUOT'])
