// The `digit-struct` source: SVHN's full numbers, images with a digitStruct.mat, in a folder or as
// they are published, in one archive (train.tar.gz: train/digitStruct.mat somewhere among train/*.png).

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, posix } from 'node:path'
import { PipelineError } from '../errors.js'
import type { ImageArchive, ImageProvider } from '../providers/image-provider.js'
import { isFolder, openArchive, openImages } from '../providers/open-images.js'
import type { Source } from '../sample.js'
import { DigitStructFile, type DigitStructEntry } from './digit-struct-file.js'
import { checkRoot, joinImages, type Annotation } from './join-images.js'
import type { SourceOptions } from './source-options.js'

export type DigitStructOptions = Pick<SourceOptions, 'images' | 'root' | 'followLinks' | 'signal'>

const fileName = 'digitStruct.mat'
/** How the file writes the digit 0. */
const labelOfZero = 10

/**
 * The samples of an SVHN data set: `path` is a digitStruct.mat, or the folder or archive that holds
 * one. Ids are MATLAB's indices, from 1; digits stand from left to right. An entry that cannot be
 * understood still gives a sample, whose `image()` rejects with the reason. A file that cannot be read
 * at all throws while iterating.
 *
 * An archive is read through once for the .mat, which goes to a temporary file without a name (held
 * open as long as the process lives), so that it may stand anywhere in a tar; each iteration is one
 * more pass. Of several digitStruct.mat in an archive, `root` tells which.
 */
export function digitStruct(path: string, options: DigitStructOptions = {}): Source {
  let archived: Promise<DigitSet | undefined> | undefined
  const open = async (): Promise<DigitSet> => {
    const isInFolder = await isFolder(path)
    const kept = isInFolder ? undefined : await (archived ??= openArchivedSet(path, options))
    return kept ?? openFileSet(isInFolder ? join(path, fileName) : path, options)
  }
  const ignored = new Map<string, number>()
  return {
    labelKind: 'digits',
    ignored,
    async count() {
      const { file, close } = await open()
      close()
      return file.count
    },
    async *outlines() {
      const { file, close } = await open()
      try {
        for await (const { id, key, label, regions, error } of annotations(file)) yield { id, key, label, ...(regions && { regions }), ...(error && { error }) }
      } finally {
        close()
      }
    },
    async *[Symbol.asyncIterator]() {
      const { file, images, root, close } = await open()
      try {
        yield* joinImages(annotations(file), images, root)
      } finally {
        close()
        ignored.clear()
        for (const [reason, count] of images.ignored) ignored.set(reason, count)
      }
    },
  }
}

interface DigitSet {
  readonly file: DigitStructFile
  readonly images: ImageProvider
  /** Where names begin, within the images. */
  readonly root: string
  readonly close: () => void
}

async function openFileSet(path: string, options: DigitStructOptions): Promise<DigitSet> {
  const images = await openImages(options.images ?? dirname(path), options)
  const file = new DigitStructFile(path)
  return { file, images, root: checkRoot(options.root), close: () => file.close() }
}

/** Undefined where the file is no archive. */
async function openArchivedSet(path: string, options: DigitStructOptions): Promise<DigitSet | undefined> {
  const archive = await openArchive(path, options)
  if (archive === undefined) return undefined
  const { file, name } = await extractFile(archive, options.root)
  const images = options.images === undefined ? archive : await openImages(options.images, options)
  const root = options.images === undefined ? posix.dirname(name) : options.root
  return { file, images, root: checkRoot(root), close: () => {} }
}

async function extractFile(archive: ImageArchive, root: string | undefined): Promise<{ file: DigitStructFile; name: string }> {
  const only = root === undefined ? undefined : posix.join(checkRoot(root), fileName)
  const isWanted = (name: string): boolean => (only === undefined ? posix.basename(name) === fileName : name === only)
  const folder = await mkdtemp(join(tmpdir(), 'millrace-')).catch((cause: Error) => {
    throw new PipelineError('PIPE_OUTPUT', `${tmpdir()}: a temporary file cannot be written there (${cause.message}); set TMPDIR to a folder with space`, { path: tmpdir(), cause })
  })
  try {
    const target = join(folder, fileName)
    const names = await archive.copyFirst(isWanted, target)
    const name = names[0]
    if (name === undefined) throw new PipelineError('PIPE_SOURCE_MISSING', `${archive.path}: expected ${only ?? fileName} in the archive, found none; check the archive${only === undefined ? '' : ' and the root'}`, { path: archive.path })
    if (names.length > 1) throw new PipelineError('PIPE_OPTION', `${archive.path}: expected one ${fileName}, found ${names.slice(0, 5).join(', ')}; say which with the root, such as ${JSON.stringify(posix.dirname(name))}`, { path: archive.path })
    return { file: new DigitStructFile(target, `${archive.path}: ${name}`), name }
  } finally {
    await rm(folder, { recursive: true, force: true }) // the open file lives on without its name
  }
}

async function* annotations(file: DigitStructFile): AsyncGenerator<Annotation, void, undefined> {
  for (let number = 1; number <= file.count; number++) yield readAnnotation(file, number)
}

function readAnnotation(file: DigitStructFile, number: number): Annotation {
  const unnamed = { id: BigInt(number), key: `digitStruct(${number})`, from: `digitStruct(${number})`, label: { kind: 'digits', digits: [] } } as const
  let named: Annotation = unnamed
  try {
    const entry = file.entry(number)
    named = { ...unnamed, key: entry.name }
    return { ...named, ...readDigits(entry) }
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    return { ...named, error }
  }
}

function readDigits({ number, boxes }: DigitStructEntry): Pick<Annotation, 'label' | 'regions'> {
  const fromLeft = [...boxes].sort((a, b) => a.left - b.left)
  return {
    label: { kind: 'digits', digits: fromLeft.map(({ label }) => toDigit(label, `digitStruct(${number})`)) },
    regions: fromLeft.map(({ left, top, width, height }) => ({ left, top, width, height })),
  }
}

function toDigit(label: number, place: string): number {
  if (Number.isInteger(label) && label >= 1 && label <= labelOfZero) return label % labelOfZero
  throw new PipelineError('PIPE_DIGIT_STRUCT', `${place}: expected a label of 1 to 9, or 10 for the digit 0, found ${label}; correct the entry`)
}
