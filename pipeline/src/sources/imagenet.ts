// The `imagenet` source: ILSVRC's classification images from the lists of the devkit or of Kaggle.
//
//   train_cls.txt   n01440764/n01440764_10026 1      the folder is the class; the number is not looked at
//   val.txt         ILSVRC2012_val_00000001 1        the number says which line of the ground truth is its class
//
// (Caffe's lists look alike but have the class in place of the number. Their names end in .JPEG: refused.)

import { existsSync } from 'node:fs'
import { basename, join, posix } from 'node:path'
import { PipelineError } from '../errors.js'
import type { ImageProvider } from '../providers/image-provider.js'
import { openImages } from '../providers/open-images.js'
import type { Source } from '../sample.js'
import { annotatedSource } from './annotated-source.js'
import { readImageNetClasses, type ImageNetClasses, type ImageNetOrder } from './imagenet-classes.js'
import { findImageNetFiles, type ImageNetFiles } from './imagenet-files.js'
import { readBlacklist, readGroundTruth, readSolution } from './imagenet-validation.js'
import { checkRoot, type Annotation } from './join-images.js'
import { RepeatScan } from './repeated-names.js'
import type { SourceOptions } from './source-options.js'
import { lineError, readTextLines } from './text-lines.js'

/**
 * The samples of a list of ImageNet: `path` is the folder of the data set, or the list. Split `train`
 * (default; the whole of the list) or `val`, without the images of the blacklist, which `ignored` counts.
 * Ids are the lines' numbers, from 1. Labels, from 0: the devkit's numbers less 1 where its map_clsloc.txt is
 * there (task `clsloc`), else, and with task `sorted`, the places of the WordNet ids in order.
 *
 * A line that cannot be understood, a class that the map does not have and an image that is listed before
 * give samples that reject. Images: `options.images`, else Data/CLS-LOC, else the folder; in it
 * train/WNID/NAME.JPEG and val/NAME.JPEG, or the same without the first step.
 *
 * Memory: 16 bytes a line while the list is looked through here; the labels of the validation images.
 * Each iteration reads the list anew.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_EMPTY, PIPE_OPTION, PIPE_LIST, PIPE_TABLE, and those of `openImages`
 */
export async function imagenet(path: string, options: SourceOptions = {}): Promise<Source> {
  const { signal } = options
  const files = await findImageNetFiles(path, options.split)
  const classes = await readImageNetClasses(files.classes.path, files.classes.hasNumbers, checkTask(options.task), signal)
  const readLine = files.isValidation ? await validationLines(files, classes, signal) : trainingLines(files.list, classes)
  const list: ImageList = { path: files.list, readLine, signal }
  const images = await openImages(options.images ?? files.images, options)
  const { count, repeats } = await scan(list)
  return annotatedSource({
    labelKind: 'class',
    classNames: classes.names,
    count,
    annotations: (ignored) => annotate(list, repeats, ignored),
    images,
    root: partRoot(images, checkRoot(options.root), files.isValidation ? 'val' : 'train'),
  })
}

function checkTask(task: string | undefined): ImageNetOrder | undefined {
  if (task === undefined || task === 'clsloc' || task === 'sorted') return task
  throw new PipelineError('PIPE_OPTION', `task: expected clsloc or sorted, found ${JSON.stringify(task)}`)
}

/** Where the names of a part begin: in train/ or val/, unless the images are that part alone. */
function partRoot({ path, access }: ImageProvider, root: string, part: 'train' | 'val'): string {
  if (basename(root) === part) return root
  const isAlone = access === 'random' && existsSync(join(path, root)) && !existsSync(join(path, root, part))
  return isAlone ? root : posix.join(root, part)
}

/** An image of a list; `class` holds the reason where it has none. */
interface ListedImage {
  readonly name: string
  readonly class: number | PipelineError
  readonly isBlacklisted?: boolean
}

interface ImageList {
  readonly path: string
  readonly readLine: (text: string, line: number) => ListedImage | PipelineError
  readonly signal: AbortSignal | undefined
}

function trainingLines(path: string, { ofId }: ImageNetClasses): ImageList['readLine'] {
  return (text, line) => {
    const found = /^(([^\s/]+)\/[^\s/.]+)(?:[ \t]+\d+)?\s*$/.exec(text)
    if (found === null) return lineError(path, line, '"WNID/NAME NUMBER", the name without an ending', quote(text))
    const [, name, id] = found
    return { name: name!, class: ofId.get(id!) ?? lineError(path, line, `the WordNet id of one of ${ofId.size} classes`, quote(id!)) }
  }
}

async function validationLines({ list: path, labels, blacklist }: ImageNetFiles, classes: ImageNetClasses, signal: AbortSignal | undefined): Promise<ImageList['readLine']> {
  const labelOf = await (labels!.kind === 'ground truth' ? readGroundTruth : readSolution)(labels!.path, classes, signal)
  const blacklisted = blacklist === undefined ? new Set<number>() : await readBlacklist(blacklist, signal)
  return (text, line) => {
    const found = /^([^\s/.]+?(\d*))(?:[ \t]+(\d+))?\s*$/.exec(text)
    if (found === null) return lineError(path, line, '"NAME NUMBER", the name without an ending', quote(text))
    const [, name, ending, listed] = found
    const number = Number(listed ?? ending)
    if (ending!.length === 8 && number !== Number(ending)) return lineError(path, line, `the number ${Number(ending)}, as in the image's name`, quote(text))
    return { name: name!, class: labelOf({ name: name!, number }), isBlacklisted: blacklisted.has(number) }
  }
}

type Repeats = ReturnType<RepeatScan['finish']>

/** Counts the images, and finds those that are listed twice. */
async function scan(list: ImageList): Promise<{ readonly count: number; readonly repeats: Repeats }> {
  const names = new RepeatScan()
  let lineCount = 0
  let blacklisted = 0
  for await (const { first, lines } of readTextLines(list.path, list.signal)) {
    for (const [index, text] of lines.entries()) {
      if (text === '') continue
      lineCount++
      const image = list.readLine(text, first + index)
      if (image instanceof PipelineError) continue
      names.add(image.name)
      if (image.isBlacklisted) blacklisted++
    }
  }
  if (lineCount === 0) throw new PipelineError('PIPE_EMPTY', `${list.path}: expected an image a line, found none; fetch the list again`, { path: list.path })
  return { count: lineCount - blacklisted, repeats: names.finish() }
}

async function* annotate({ path, readLine, signal }: ImageList, repeats: Repeats, ignored: Map<string, number>): AsyncGenerator<Annotation, void, undefined> {
  const firstLine = repeats()
  for await (const { first, lines } of readTextLines(path, signal)) {
    for (const [index, text] of lines.entries()) {
      const line = first + index
      if (text === '') continue
      const image = readLine(text, line)
      const before = image instanceof PipelineError ? undefined : firstLine(image.name, line)
      if (!(image instanceof PipelineError) && image.isBlacklisted) ignored.set(onBlacklist, (ignored.get(onBlacklist) ?? 0) + 1)
      else if (before !== undefined) yield { ...toAnnotation(image, path, line), error: lineError(path, line, 'every image once', `that of line ${before} again`) }
      else yield toAnnotation(image, path, line)
    }
  }
}

const onBlacklist = 'on the blacklist'

function toAnnotation(image: ListedImage | PipelineError, path: string, line: number): Annotation {
  const [id, from] = [BigInt(line), `${path} line ${line}`]
  const standIn = { kind: 'class', value: 0 } as const
  if (image instanceof PipelineError) return { id, key: `line ${line}`, from, label: standIn, error: image }
  const key = `${image.name}.JPEG`
  return typeof image.class === 'number' ? { id, key, from, label: { kind: 'class', value: image.class } } : { id, key, from, label: standIn, error: image.class }
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 100))
}
