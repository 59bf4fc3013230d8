// The lists that `im2rec.py --list` writes: PREFIX.lst, or PREFIX_0.lst … for several chunks, each cut
// into _train, _val and _test by ratios. Ids are positions in the order found; a label is the number of
// the image's folder in the order of Python's os.walk (top down, names sorted by code point, links
// followed), counting folders with an image in them; without `recursive` every label is 0.

import { readdir, realpath, stat } from 'node:fs/promises'
import { extname, join, relative } from 'node:path'
import { PipelineError, throwIfAborted } from '../errors.js'
import { formatListLine } from '../list-file.js'
import { writeWholeFile } from '../whole-file.js'
import { PythonRandom } from './python-random.js'

export interface MakeListOptions {
  /** Endings that an image's name may have, with the dot. Default .jpeg, .jpg, .png. */
  readonly extensions?: readonly string[]
  /** Compares the endings as given, so that .JPG never matches, as in im2rec.py. Default false. */
  readonly strictExtensions?: boolean
  /** Default 1. */
  readonly chunks?: number
  /** Share of each chunk for _train; 1 writes a single file. Default 1. */
  readonly trainRatio?: number
  /** Share of each chunk for _test. Default 0. */
  readonly testRatio?: number
  /** Looks into folders, each of which is a class. Default false. */
  readonly recursive?: boolean
  /** Default true, always in the same order. */
  readonly shuffle?: boolean
  readonly signal?: AbortSignal
}

export interface MadeLists {
  /** The files written, in order. */
  readonly files: readonly string[]
  readonly images: number
  /** The folders by label, relative to the root. */
  readonly folders: readonly string[]
}

interface FoundImage {
  readonly id: number
  readonly path: string
  readonly label: number
}

/** im2rec.py's. */
const shuffleSeed = 100

/**
 * Writes the lists of the images under `root`.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_EMPTY, PIPE_LIST for a name that no list can hold, PIPE_OPTION
 */
export async function makeIm2recList(prefix: string, root: string, options: MakeListOptions = {}): Promise<MadeLists> {
  const { chunks = 1, trainRatio = 1, testRatio = 0, shuffle = true } = options
  if (!Number.isInteger(chunks) || chunks < 1) throw new PipelineError('PIPE_OPTION', `chunks: expected a whole number from 1, found ${chunks}`)
  const folders: string[] = []
  const images: FoundImage[] = []
  for await (const { folder, path } of findImages(root, options)) {
    if (folder !== folders.at(-1)) folders.push(folder)
    images.push({ id: images.length, path, label: options.recursive ? folders.length - 1 : 0 })
  }
  if (images.length === 0) throw new PipelineError('PIPE_EMPTY', `${root}: expected images, found none${options.recursive ? '' : ' in the folder itself'}; check the path, --exts and --recursive`, { path: root })
  if (shuffle) new PythonRandom(shuffleSeed).shuffle(images)
  const files: string[] = []
  for (const { name, part } of divide(images, { chunks, trainRatio, testRatio })) {
    const path = `${prefix}${name}.lst`
    await writeWholeFile(path, part.map((image) => formatListLine({ id: BigInt(image.id), labels: [image.label], path: image.path })))
    files.push(path)
  }
  return { files, images: images.length, folders }
}

function* divide(images: readonly FoundImage[], { chunks, trainRatio, testRatio }: { chunks: number; trainRatio: number; testRatio: number }): Generator<{ name: string; part: readonly FoundImage[] }> {
  const chunkSize = Math.ceil(images.length / chunks)
  const trainSize = Math.trunc(chunkSize * trainRatio)
  const testSize = Math.trunc(chunkSize * testRatio)
  for (let index = 0; index < chunks; index++) {
    const chunk = images.slice(index * chunkSize, (index + 1) * chunkSize)
    const name = chunks > 1 ? `_${index}` : ''
    if (trainRatio === 1) {
      yield { name, part: chunk }
      continue
    }
    if (testRatio > 0) yield { name: `${name}_test`, part: chunk.slice(0, testSize) }
    if (trainRatio + testRatio < 1) yield { name: `${name}_val`, part: chunk.slice(testSize + trainSize) }
    yield { name: `${name}_train`, part: chunk.slice(testSize, testSize + trainSize) }
  }
}

async function* findImages(root: string, options: MakeListOptions): AsyncGenerator<{ folder: string; path: string }> {
  const { extensions = ['.jpeg', '.jpg', '.png'], strictExtensions = false, recursive = false, signal } = options
  const endings = new Set(strictExtensions ? extensions : extensions.map((each) => each.toLowerCase()))
  const walk = async function* (folder: string, ancestors: readonly string[]): AsyncGenerator<{ folder: string; path: string }> {
    throwIfAborted(signal)
    const { files, folders } = await listFolder(folder)
    for (const name of files) {
      if (endings.has(extname(name).toLowerCase())) yield { folder: relative(root, folder) || '.', path: relative(root, join(folder, name)) }
    }
    if (!recursive) return
    const here = [...ancestors, await realpath(folder)]
    for (const name of folders) {
      const inner = join(folder, name)
      if (!here.includes(await realpath(inner))) yield* walk(inner, here) // a link to a folder above would never end
    }
  }
  yield* walk(root, [])
}

async function listFolder(path: string): Promise<{ files: string[]; folders: string[] }> {
  const entries = await readdir(path, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    throw new PipelineError('PIPE_SOURCE_MISSING', `${path}: expected a folder of images, found nothing that can be read (${cause.code}); check the path`, { path, cause })
  })
  const files: string[] = []
  const folders: string[] = []
  for (const entry of entries) {
    const found = entry.isSymbolicLink() ? await stat(join(path, entry.name)).catch(() => undefined) : entry
    if (found?.isDirectory()) folders.push(entry.name)
    else if (found?.isFile()) files.push(entry.name)
  }
  return { files: files.sort(byCodePoint), folders: folders.sort(byCodePoint) }
}

/** As Python compares strings; JavaScript compares UTF-16 units. */
function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
