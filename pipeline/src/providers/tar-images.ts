// Images in a tar or tar.gz file, in its order: every look at it is a pass from its beginning.

import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { PipelineError } from '../errors.js'
import { isHidden, plainName } from './image-name.js'
import { countIgnored, maxImageBytes, tooLarge, unreadableSource, type IgnoredReason, type ImageArchive, type StreamedImage, type StreamedImages } from './image-provider.js'
import { readTar, type TarEntry, type TarOptions } from './tar-entries.js'

/** A Map cannot hold more. */
const maxEntries = 2 ** 24 - 1

/**
 * The images of a tar file. `names` is a pass through the whole file, and tells its damage.
 * Memory: the names, to notice a name that comes twice, and the image in work.
 */
export function tarImages(path: string, options: TarOptions = {}): StreamedImages & ImageArchive {
  const ignored = new Map<IgnoredReason, number>()
  return {
    access: 'streamed',
    path,
    ignored,
    async *names() {
      for await (const { name, entry } of distinctEntries(path, options, ignored)) {
        if (isHidden(name)) countIgnored(ignored, 'hidden')
        else yield plainName(entry.name) === undefined ? entry.name.slice(0, 200) : name
      }
    },
    async *entries() {
      for await (const { name, entry } of distinctEntries(path, options, ignored)) {
        if (plainName(entry.name) !== undefined) yield toImage(path, name, entry)
      }
    },
    async copyFirst(isWanted, target) {
      const wanted: string[] = []
      for await (const { name, entry } of distinctEntries(path, options, ignored)) {
        if (isWanted(name) && wanted.push(name) === 1) await copyEntry(path, entry, target)
      }
      return wanted
    },
  }
}

interface NamedEntry {
  /** Plain where that is possible, else as stored. */
  readonly name: string
  readonly entry: TarEntry
}

async function* distinctEntries(path: string, options: TarOptions, ignored: Map<IgnoredReason, number>): AsyncGenerator<NamedEntry, void, undefined> {
  ignored.clear()
  const seen = new Set<string>()
  for await (const entry of readTar(path, options)) {
    const name = plainName(entry.name) ?? entry.name.slice(0, 200)
    if (entry.kind === 'other') countIgnored(ignored, 'neither file nor folder')
    else if (seen.has(name)) countIgnored(ignored, 'a second file of the same name')
    else {
      if (seen.size === maxEntries) throw new PipelineError('PIPE_ARCHIVE_LIMIT', `${path}: expected at most ${maxEntries} files, found more; unpack it, or split it`, { path })
      seen.add(name)
      yield { name, entry }
    }
  }
}

function toImage(path: string, name: string, { kind, sizeBytes, content }: TarEntry): StreamedImage {
  const place = `${path}: ${name}`
  const image = { name, read: () => join(content) }
  if (kind === 'link') return { ...image, refusal: link(place) }
  return sizeBytes > maxImageBytes ? { ...image, refusal: tooLarge(place, sizeBytes) } : image
}

function link(place: string): PipelineError {
  return new PipelineError('PIPE_ARCHIVE_UNSUPPORTED', `${place}: expected a file, found a link; write the archive with links followed (tar --dereference --hard-dereference)`, { path: place })
}

/** In a buffer of its own, so that it may be given to another thread. */
async function join(content: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of content) chunks.push(chunk)
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0))
  let filled = 0
  for (const chunk of chunks) {
    bytes.set(chunk, filled)
    filled += chunk.length
  }
  return bytes
}

async function copyEntry(path: string, { name, kind, content }: TarEntry, target: string): Promise<void> {
  if (kind === 'link') throw link(`${path}: ${name}`)
  try {
    await pipeline(content, createWriteStream(target))
  } catch (error) {
    throw error instanceof PipelineError ? error : unreadableSource(target, error)
  }
}
