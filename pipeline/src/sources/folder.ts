// The `folder` source: images whose class is the first folder of their path, ROOT/CLASS/…/IMAGE, as
// torchvision's ImageFolder has it; the same inside a zip or a tar.

import { extname } from 'node:path'
import { PipelineError } from '../errors.js'
import { compareNames } from '../providers/image-name.js'
import type { ImageProvider, IgnoredReason } from '../providers/image-provider.js'
import { openImages } from '../providers/open-images.js'
import type { Source } from '../sample.js'
import { ClassNames, maxClasses } from '../class-names.js'
import { checkRoot, joinImages, type Annotation } from './join-images.js'
import type { SourceOptions } from './source-options.js'

/** What is taken for an image; one that cannot be decoded after all is rejected by name. */
const usualExtensions = ['.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.webp', '.gif', '.tif', '.tiff', '.avif', '.bmp', '.ppm', '.pgm']

/**
 * The samples of a tree of images. Ids are positions from 0 in the order of names (`compareNames`).
 * Classes: the folders with an image in them, sorted by code point, or those of `options.classNames`.
 * Without such folders, or with `options.flat`, every image is of class 0. An image beside the class
 * folders, or in one that the class names leave out, gives a sample that rejects. Hidden files and
 * files that are no images are counted in `ignored`.
 *
 * Memory: the names of the largest folder; of an archive, all names. A tar is read through once here
 * and once for each iteration.
 * @throws PipelineError PIPE_EMPTY, PIPE_OPTION, and those of `openImages` and its providers
 */
export async function folder(path: string, options: SourceOptions = {}): Promise<Source> {
  const root = checkRoot(options.root)
  const images = await openImages(options.images ?? path, options)
  const names = await imageNames(images, root, options.extensions ?? usualExtensions)
  const given = options.classNames === undefined ? undefined : await ClassNames.read(options.classNames)
  const found = await scan(names.all, images.path)
  const ignored = new Map<string, number>(images.ignored)
  if (names.otherFiles() > 0) ignored.set('no image' satisfies IgnoredReason, names.otherFiles())
  const isFlat = options.flat === true || found.folders.size === 0
  const classes = isFlat ? undefined : (given ?? ClassNames.sorted(found.folders))
  return {
    labelKind: 'class',
    ...(classes && { classNames: classes.names }),
    ignored,
    count: () => Promise.resolve(found.count),
    outlines: () => annotate(names.all, classes),
    [Symbol.asyncIterator]: () => joinImages(annotate(names.all, classes), images, root),
  }
}

interface ImageNames {
  /** Below the root, sorted; anew each time. */
  readonly all: () => AsyncIterable<string>
  /** How many names `all` has left out. */
  readonly otherFiles: () => number
}

async function imageNames(images: ImageProvider, root: string, extensions: readonly string[]): Promise<ImageNames> {
  const endings = new Set(extensions.map((extension) => extension.toLowerCase()))
  const prefix = root === '' ? '' : `${root}/`
  let otherFiles = 0
  const all = async function* (): AsyncGenerator<string, void, undefined> {
    otherFiles = 0
    for await (const name of images.names()) {
      if (!name.startsWith(prefix)) continue
      if (endings.has(extname(name).toLowerCase())) yield name.slice(prefix.length)
      else otherFiles++
    }
  }
  if (images.access === 'random') return { all, otherFiles: () => otherFiles }
  const sorted: string[] = []
  for await (const name of all()) sorted.push(name)
  sorted.sort(compareNames)
  return { all: async function* () { yield* sorted }, otherFiles: () => otherFiles }
}

async function scan(names: () => AsyncIterable<string>, path: string): Promise<{ folders: Set<string>; count: number }> {
  const folders = new Set<string>()
  let count = 0
  for await (const name of names()) {
    count++
    const top = topFolder(name)
    if (top !== undefined) folders.add(top)
    if (folders.size > maxClasses) throw new PipelineError('PIPE_LABEL', `${path}: expected at most ${maxClasses} class folders, found more; are the folders classes?`, { path })
  }
  if (count === 0) throw new PipelineError('PIPE_EMPTY', `${path}: expected images (${usualExtensions.slice(0, 5).join(' ')} …), found none; check the path`, { path })
  return { folders, count }
}

async function* annotate(names: () => AsyncIterable<string>, classes: ClassNames | undefined): AsyncGenerator<Annotation, void, undefined> {
  let position = 0n
  for await (const key of names()) {
    const annotation = { id: position++, key, from: 'its folder' }
    const value = classes === undefined ? 0 : classOf(key, classes)
    yield typeof value === 'number' ? { ...annotation, label: { kind: 'class', value } } : { ...annotation, label: { kind: 'class', value: 0 }, error: value }
  }
}

function classOf(name: string, classes: ClassNames): number | PipelineError {
  const top = topFolder(name)
  if (top === undefined) return new PipelineError('PIPE_LABEL', `${name}: expected an image in a folder of its class, found it beside those folders; move it into one, or pack with every image in class 0 (flat)`, { path: name })
  return classes.numberOf(top) ?? new PipelineError('PIPE_LABEL', `${name}: expected a folder that the class names name, found ${JSON.stringify(top)}; add the name, or leave out the folder`, { path: name })
}

/** Undefined for a name at the top, and for one that leaves the folder (which the provider refuses). */
function topFolder(name: string): string | undefined {
  const end = name.indexOf('/')
  const top = name.slice(0, Math.max(end, 0))
  return top === '' || top === '.' || top === '..' ? undefined : top
}
