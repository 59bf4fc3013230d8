// The `coco` source: instances files of COCO (coco-index.ts has their layout), alone or in the folders that
// COCO and its exporters make:
//
//   ROOT/annotations/instances_train2017.json + ROOT/train2017/*.jpg (or ROOT/images/train2017/*.jpg)
//   ROOT/train/_annotations.coco.json         + ROOT/train/*.jpg

import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { ClassNames } from '../class-names.js'
import { PipelineError } from '../errors.js'
import { isFolder, openImages } from '../providers/open-images.js'
import type { Source } from '../sample.js'
import { annotatedSource } from './annotated-source.js'
import { annotationError } from './annotation-error.js'
import { annotateBoxes, type BoxesOptions } from './boxes.js'
import { readCocoIndex, type CocoIndex } from './coco-index.js'
import { checkRoot, type Annotation } from './join-images.js'
import type { SourceOptions } from './source-options.js'

/**
 * The samples of an instances file: an image with its boxes, or with none, in the file's order. Ids are the
 * images' ids. Classes: the file's categories in the order of their ids, numbered from 0; with
 * `options.classNames`, those names. Boxes of a crowd (iscrowd) are marked as ignored.
 *
 * `path`: the file, or a folder with one for each part, of which `options.split` tells which. An image with
 * an annotation that cannot be understood, or of a category that is not listed, gives a sample that rejects,
 * as does the second entry of one id or file name, and an entry or annotation that names no image.
 * Annotations of images that are not listed are counted in `ignored`. Annotation ids are not looked at.
 *
 * The file is read once, here. Memory: 24 bytes a box and about 150 an image.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_ANNOTATION, PIPE_EMPTY, PIPE_OPTION, and those of `openImages`
 */
export async function coco(path: string, options: SourceOptions = {}): Promise<Source> {
  const root = checkRoot(options.root)
  const file = await findFile(path, options.split)
  const index = await readCocoIndex(file, options)
  const { stray } = index
  const count = index.imageCount + stray.length
  if (count === 0) throw new PipelineError('PIPE_EMPTY', `${file}: expected images, found none; check the path`, { path: file })
  const classes = await classesOf(index, options.classNames)
  const images = await openImages(options.images ?? (await imagesBeside(file)), options)
  return annotatedSource({
    labelKind: 'boxes',
    classNames: classes.names,
    count,
    images,
    root,
    async *annotations(ignored) {
      const lost = index.countLost()
      if (lost > 0) ignored.set('annotation of an image that is not listed', lost)
      yield* imageAnnotations(index, classes, { unit: 'pixels', badBoxes: options.badBoxes ?? 'reject', ignored })
      for (const [place, { from, error }] of stray.entries()) yield { id: firstStrayId + BigInt(place), key: from, from: `${file} ${from}`, label: noBoxes, error }
    },
  })
}

/** Above every id that an image can have. */
const firstStrayId = 2n ** 53n
const noBoxes = { kind: 'boxes', width: 0, height: 0, boxes: [] } as const

interface Classes {
  readonly names: readonly string[]
  /** The class of a category's id, or why it has none. */
  of(category: number): number | PipelineError
}

async function classesOf({ path, categories }: CocoIndex, namesFile: string | undefined): Promise<Classes> {
  const given = namesFile === undefined ? undefined : await ClassNames.read(namesFile)
  const known = new Map(categories.map(({ id, name }, place) => [id, given ? given.numberOf(name) : place]))
  const names = given?.names ?? categories.map(({ name }) => name)
  const wanted = given ? 'a category of the class names' : 'a category that the file lists'
  return { names, of: (category) => known.get(category) ?? annotationError(path, 'an annotation', wanted, `category_id ${category}`) }
}

function* imageAnnotations(index: CocoIndex, classes: Classes, options: Omit<BoxesOptions, 'from'>): Generator<Annotation, void, undefined> {
  for (const { id, name, size, boxes, error } of index.images(classes.of)) {
    const from = `${index.path} image ${id}`
    yield { id: BigInt(id), key: name, from, ...(error ? { label: noBoxes, error } : annotateBoxes(boxes, size, { ...options, from })) }
  }
}

/** The instances file of a part; the only one there is, where none is asked for. */
async function findFile(path: string, split: string | undefined): Promise<string> {
  if (!(await isFolder(path))) {
    if (split === undefined) return path
    throw new PipelineError('PIPE_OPTION', `split: expected none with a file, as the file is a part, found ${JSON.stringify(split)}; give the folder, or leave the part out`)
  }
  const found = new Map<string, string>()
  for (const folder of ['.', 'annotations']) {
    for (const name of await namesIn(join(path, folder))) {
      const part = /^instances_(train|val|test)[^/]*\.json$/.exec(name)?.[1]
      if (part !== undefined) found.set(part, join(path, folder, name))
    }
  }
  for (const [part, folder] of [['train', 'train'], ['val', 'valid'], ['val', 'val'], ['test', 'test']] as const) {
    if ((await namesIn(join(path, folder))).includes(exportedName)) found.set(part, join(path, folder, exportedName))
  }
  const parts = [...found.keys()].sort()
  if (parts.length === 0) throw new PipelineError('PIPE_SOURCE_MISSING', `${path}: expected annotations/instances_train*.json, or another part, found none; give the JSON file itself`, { path })
  const file = split === undefined && parts.length === 1 ? found.get(parts[0]!) : found.get(split ?? '')
  if (file !== undefined) return file
  throw new PipelineError('PIPE_OPTION', `split: expected one of the parts in ${path}: ${parts.join(', ')}, found ${split === undefined ? 'none' : JSON.stringify(split)}; name one with split (--split)`)
}

const exportedName = '_annotations.coco.json'

/** COCO's own folder of the part's images, else the folder of the file. */
async function imagesBeside(file: string): Promise<string> {
  const part = /^instances_(.+)\.json$/.exec(basename(file))?.[1]
  const above = basename(dirname(file)) === 'annotations' ? dirname(dirname(file)) : dirname(file)
  for (const folder of part === undefined ? [] : [join(above, part), join(above, 'images', part), join(above, 'images')]) {
    if (await isFolder(folder).catch(() => false)) return folder
  }
  return dirname(file)
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch((): string[] => [])).sort()
}
