// The directory of a zip file (PKWARE APPNOTE 6.3, with zip64), read with node-stream-zip, and what is
// kept of it: about 200 bytes an entry (measured: 196).

import fs, { type NoParamCallback } from 'node:fs'
import StreamZip from 'node-stream-zip'
import { PipelineError } from '../errors.js'
import { plainName } from './image-name.js'

export interface ZipEntry {
  /** Byte offset of the local header. */
  readonly offset: number
  readonly compressedSize: number
  readonly size: number
  readonly crc: number
  readonly method: number
  readonly isEncrypted: boolean
  readonly isLink: boolean
}

export interface ZipDirectory {
  /** By plain name; of several entries with one name the first, the others in `duplicates`. */
  readonly entries: ReadonlyMap<string, ZipEntry>
  readonly duplicates: number
  /** Names that leave the archive's folder (`../x`, `/x`, with backslashes): never looked up, never read. */
  readonly unsafeNames: readonly string[]
}

/** Three times ImageNet's photos; such a directory takes some 800 MB. */
export const maxZipEntries = 4_000_000

const centralHeaderBytes = 46
/** node-stream-zip's most. By default it takes less for small files, and then fails at a name longer than that. */
const chunkSize = 2 ** 17
const unixLink = 0o120000
const unixTypeMask = 0o170000

/**
 * Reads the directory of an open zip file.
 * @throws PipelineError PIPE_ARCHIVE_DAMAGED, PIPE_ARCHIVE_LIMIT for more than `maxEntries`
 */
export async function readZipDirectory(path: string, descriptor: number, maxEntries = maxZipEntries): Promise<ZipDirectory> {
  const entries = new Map<string, ZipEntry>()
  const unsafeNames: string[] = []
  let duplicates = 0
  let count = 0
  await eachEntry(path, descriptor, (entry) => {
    if (++count > maxEntries) throw new PipelineError('PIPE_ARCHIVE_LIMIT', `${path}: expected at most ${maxEntries} entries, found more; unpack it, or split it`, { path })
    if (entry.isDirectory) return
    const name = plainName(entry.name)
    if (name === undefined) unsafeNames.push(entry.name.slice(0, 200))
    else if (entries.has(name)) duplicates++
    else entries.set(name, keep(entry))
  })
  return { entries, duplicates, unsafeNames }
}

function keep({ offset, compressedSize, size, crc, method, encrypted, attr }: StreamZip.ZipEntry): ZipEntry {
  return { offset, compressedSize, size, crc, method, isEncrypted: encrypted, isLink: ((attr >>> 16) & unixTypeMask) === unixLink }
}

/** What node-stream-zip has and its types leave out. */
interface HeaderLengths {
  readonly fnameLen: number
  readonly extraLen: number
  readonly comLen: number
}

function eachEntry(path: string, descriptor: number, take: (entry: StreamZip.ZipEntry) => void): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    let readBytes = 0
    const fail = (cause: unknown): void => reject(cause instanceof PipelineError ? cause : damaged(path, cause as Error))
    guarded.set(descriptor, fail)
    const zip = new StreamZip({ fd: descriptor, storeEntries: false, skipEntryNameValidation: true, chunkSize })
    zip.on('error', fail)
    zip.on('entry', (entry) => {
      const { fnameLen, extraLen, comLen } = entry as unknown as HeaderLengths
      readBytes += centralHeaderBytes + fnameLen + extraLen + comLen
      take(entry)
    })
    zip.on('ready', () => {
      // A directory can hold more than its end record says: the count has 16 bits where a tool did not write zip64.
      const { size } = (zip as unknown as { centralDirectory: { size: number } }).centralDirectory
      if (readBytes === size) resolve()
      else fail(new Error(`the directory has ${size} bytes, its ${zip.entriesCount} entries ${readBytes}`))
    })
  }).finally(() => guarded.delete(descriptor))
}

function damaged(path: string, cause: Error): PipelineError {
  return new PipelineError('PIPE_ARCHIVE_DAMAGED', `${path}: expected a zip file with its directory at the end, found none that can be read (${cause.message}); fetch the file again`, { path, cause })
}

// node-stream-zip 1.16 parses a zip64 directory inside callbacks of fs.read, where what it throws on a
// damaged file would end the process. Its reads of our files go through a guard that catches it.
type ReadCallback = (error: NodeJS.ErrnoException | null, count: number, buffer: Buffer) => void
const guarded = new Map<number, (cause: unknown) => void>() // by file descriptor

function guardedRead(descriptor: number, buffer: Buffer, offset: number, length: number, position: number, callback: ReadCallback): void {
  const fail = guarded.get(descriptor)
  if (fail === undefined) return fs.read(descriptor, buffer, offset, length, position, callback)
  fs.read(descriptor, buffer, offset, length, position, (error, count) => {
    try {
      callback(error, count, buffer)
    } catch (cause) {
      fail(cause)
    }
  })
}

interface ReplaceableFiles {
  setFs(files: { read: typeof guardedRead; open: typeof fs.open; fstat: typeof fs.fstat; close: (descriptor: number, done: NoParamCallback) => void }): void
}
;(StreamZip as unknown as ReplaceableFiles).setFs({ ...fs, read: guardedRead })
