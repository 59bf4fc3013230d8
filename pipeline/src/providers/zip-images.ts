// Images in a zip file, any of them by name. An entry is read when asked for, with its own look at the
// file, so that nothing stays open:
//
//   local header, 30 bytes   u32 0x04034b50 | … | at 26: u16 name length, u16 extra length
//   name, extra, data        stored (method 0) or deflated (8); sizes and CRC-32 from the directory

import { promisify } from 'node:util'
import { inflateRaw } from 'node:zlib'
import { open, writeFile, type FileHandle } from 'node:fs/promises'
import { crc32 } from '@node-rs/crc32'
import { PipelineError } from '../errors.js'
import { annotatedName, compareNames, isHidden } from './image-name.js'
import { countIgnored, maxImageBytes, missing, tooLarge, unreadableSource, type IgnoredReason, type ImageArchive, type RandomImages } from './image-provider.js'
import { maxZipEntries, readZipDirectory, type ZipEntry } from './zip-directory.js'

export interface ZipImagesOptions {
  /** More entries are refused. Default 4,000,000. */
  readonly maxEntries?: number
}

const localHeaderBytes = 30
const localSignature = 0x04034b50
/** Deflate cannot do better than 1032:1; photos, already compressed, stay near 1:1. */
const maxRatio = 1000

/**
 * The images of a zip file. Of several entries with one name the first counts, the others are in
 * `ignored`. Encrypted entries, links and other methods than stored and deflated reject by name.
 * Memory: the directory, about 200 bytes an entry.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_ARCHIVE_DAMAGED, PIPE_ARCHIVE_LIMIT
 */
export async function zipImages(path: string, options: ZipImagesOptions = {}): Promise<RandomImages & ImageArchive> {
  const { entries, duplicates, unsafeNames } = await withFile(path, ({ fd }) => readZipDirectory(path, fd, options.maxEntries ?? maxZipEntries))
  const ignored = new Map<IgnoredReason, number>()
  const read = async (name: string, from: string): Promise<Uint8Array> => {
    const entry = entries.get(annotatedName(name, '', from))
    if (entry === undefined) throw missing(`${path}: ${name}`, from)
    return withFile(path, (file) => readEntry(file, entry, `${path}: ${name}`))
  }
  return {
    access: 'random',
    path,
    ignored,
    async *names() {
      ignored.clear()
      if (duplicates > 0) ignored.set('a second file of the same name', duplicates)
      for (const name of [...entries.keys(), ...unsafeNames].sort(compareNames)) {
        if (entries.has(name) && isHidden(name)) countIgnored(ignored, 'hidden')
        else yield name
      }
    },
    read,
    async copyFirst(isWanted, target) {
      const wanted = [...entries.keys()].filter(isWanted)
      if (wanted[0] !== undefined) await writeFile(target, await read(wanted[0], 'the data set'))
      return wanted
    },
  }
}

/** `place` names archive and entry for errors. */
async function readEntry(file: FileHandle, entry: ZipEntry, place: string): Promise<Uint8Array> {
  const { offset, compressedSize, size, crc, method } = entry
  checkEntry(entry, place)
  const header = await readExactly(file, offset, localHeaderBytes, place)
  if (header.readUInt32LE(0) !== localSignature) throw damaged(place, 'a local header', `other bytes at byte ${offset}`)
  const start = offset + localHeaderBytes + header.readUInt16LE(26) + header.readUInt16LE(28)
  const stored = await readExactly(file, start, compressedSize, place)
  const bytes = method === 0 ? stored : await inflate(stored, size, place)
  if (bytes.length !== size) throw damaged(place, `${size} bytes`, `${bytes.length}`)
  if (crc32(bytes) !== crc) throw damaged(place, `bytes with CRC-32 ${crc.toString(16)}`, 'others')
  return bytes
}

function checkEntry({ compressedSize, size, method, isEncrypted, isLink }: ZipEntry, place: string): void {
  if (isEncrypted) throw unsupported(place, 'an encrypted entry')
  if (isLink) throw unsupported(place, 'a symbolic link')
  if (method !== 0 && method !== 8) throw unsupported(place, `compression method ${method}`)
  if (Math.max(size, compressedSize) > maxImageBytes) throw tooLarge(place, Math.max(size, compressedSize))
  if (size > maxRatio * Math.max(compressedSize, 1)) throw new PipelineError('PIPE_ARCHIVE_LIMIT', `${place}: expected at most ${maxRatio} bytes for a compressed byte, found ${compressedSize} that promise ${size}; this is no photo, leave it out`, { path: place })
}

async function readExactly(file: FileHandle, position: number, length: number, place: string): Promise<Buffer> {
  const { size } = await file.stat()
  if (position + length > size) throw damaged(place, `${length} bytes at byte ${position}`, `a file of ${size}`)
  const buffer = Buffer.alloc(length)
  for (let filled = 0; filled < length; ) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled)
    if (bytesRead === 0) throw damaged(place, `${length} bytes at byte ${position}`, 'the end of the file')
    filled += bytesRead
  }
  return buffer
}

const inflateAll = promisify<Buffer, { maxOutputLength: number }, Buffer>(inflateRaw)

async function inflate(bytes: Buffer, size: number, place: string): Promise<Buffer> {
  try {
    return await inflateAll(bytes, { maxOutputLength: Math.max(size, 1) })
  } catch (cause) {
    throw damaged(place, `deflated data of ${size} bytes`, (cause as Error).message, cause)
  }
}

async function withFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  let file: FileHandle | undefined
  try {
    file = await open(path)
    return await use(file)
  } catch (error) {
    throw error instanceof PipelineError ? error : unreadableSource(path, error)
  } finally {
    await file?.close()
  }
}

function unsupported(place: string, found: string): PipelineError {
  return new PipelineError('PIPE_ARCHIVE_UNSUPPORTED', `${place}: expected an image, stored or deflated, found ${found}; unpack the archive and pack it again`, { path: place })
}

function damaged(place: string, expected: string, found: string, cause?: unknown): PipelineError {
  return new PipelineError('PIPE_ARCHIVE_DAMAGED', `${place}: expected ${expected}, found ${found}; fetch the archive again`, { path: place, cause })
}
