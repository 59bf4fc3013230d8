// The `voc` source: Pascal VOC and what follows its layout.
//
//   ROOT/Annotations/NAME.xml   <annotation><size><width/><height/></size>
//                                 <object><name/><difficult/><bndbox><xmin/><ymin/><xmax/><ymax/></bndbox></object> …
//   ROOT/JPEGImages/NAME.jpg    ROOT/ImageSets/Main/train.txt: a NAME a line
//
// Coordinates are the first and the last pixel of a box, counted from 1 (VOC devkit, section 4.2): its edges
// are xmin - 1, ymin - 1, xmax and ymax. GluonCV and py-faster-rcnn take xmax - 1, the last pixel counted from
// 0, for the edge, and lose a pixel.

import { readdir, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { ClassNames, maxClasses } from '../class-names.js'
import { PipelineError, throwIfAborted } from '../errors.js'
import { compareNames } from '../providers/image-name.js'
import { unreadableSource } from '../providers/image-provider.js'
import { isFolder, openImages } from '../providers/open-images.js'
import type { Source } from '../sample.js'
import { annotatedSource } from './annotated-source.js'
import { annotationError, quote } from './annotation-error.js'
import type { AnnotatedBox, BoxesOptions } from './boxes.js'
import { parseNumber } from './csv-labels.js'
import { checkRoot, type Annotation } from './join-images.js'
import { measuredBoxes } from './measured-boxes.js'
import type { PixelSize, SourceOptions } from './source-options.js'
import { readTextLines } from './text-lines.js'
import { childOf, readXmlElements, type XmlElement } from './xml-elements.js'

/** VOC's own files have some kilobytes. */
const maxFileBytes = 2 ** 24
const maxImages = 2 ** 24 - 1

/**
 * The samples of a VOC folder: an image with its boxes, or with none. `options.split` takes the images of
 * ImageSets/Main/SPLIT.txt in its order; without it come all XML files, by name. Ids are positions from 0 among
 * all XML files by name, so that they are the same in every split. The image of NAME.xml is NAME with the
 * ending that <filename> has, else .jpg, as <filename> itself is often wrong. Classes: the names of all XML
 * files, sorted by code point, or those of `options.classNames`. `difficult` boxes are marked as ignored;
 * `truncated` is not kept. <size> is checked against the image (measured-boxes.ts).
 *
 * In a folder without Annotations, XML files and images lie in the folder itself. All XML files are read once
 * here, for their classes (not with `options.classNames`), and those of the split once for each iteration.
 * Memory: all names, and one XML file.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_EMPTY, PIPE_OPTION, PIPE_CLASS_NAME, and those of `openImages`
 */
export async function voc(path: string, options: SourceOptions = {}): Promise<Source> {
  const root = checkRoot(options.root)
  if (!(await isFolder(path))) throw new PipelineError('PIPE_SOURCE_MISSING', `${path}: expected a folder with Annotations, found a file; unpack it`, { path })
  const annotations = await folderOr(path, 'Annotations')
  const all = await annotatedNames(annotations)
  const ids = new Map(all.map((name, position) => [name, BigInt(position)]))
  const wanted = options.split === undefined ? all : await splitNames(path, options.split, options.signal)
  const classes = options.classNames === undefined ? await findClasses(annotations, all, options) : await ClassNames.read(options.classNames)
  const images = await openImages(options.images ?? (await folderOr(path, 'JPEGImages')), options)
  return annotatedSource({
    labelKind: 'boxes',
    classNames: classes.names,
    count: wanted.length,
    images,
    root,
    async *annotations(ignored) {
      const seen = new Set<string>()
      for (const [place, name] of wanted.entries()) {
        const id = seen.has(name) ? undefined : ids.get(name)
        const boxOptions = { unit: 'pixels', badBoxes: options.badBoxes ?? 'reject', ignored, classCount: classes.names.length } as const
        if (id !== undefined) yield await annotate(join(annotations, `${name}.xml`), name, id, classes, boxOptions, options)
        else yield { ...blank(BigInt(all.length + place), name), error: annotationError(join(path, imageSets, `${options.split}.txt`), `line ${place + 1}`, 'an image that is listed once, with its XML file', `${quote(name)} ${seen.has(name) ? 'again' : 'without one'}`) }
        seen.add(name)
      }
    },
  })
}

const imageSets = join('ImageSets', 'Main')

async function annotatedNames(folder: string): Promise<string[]> {
  const files = await readdir(folder).catch((cause: unknown) => Promise.reject(unreadableSource(folder, cause)))
  const names = files.filter((name) => /^[^.].*\.xml$/.test(name)).map((name) => name.slice(0, -4))
  if (names.length === 0) throw new PipelineError('PIPE_EMPTY', `${folder}: expected XML files, found none; check the path`, { path: folder })
  if (names.length > maxImages) throw new PipelineError('PIPE_OPTION', `${folder}: expected at most ${maxImages} XML files, found ${names.length}; divide them`, { path: folder })
  return names.sort(compareNames)
}

/** A line is a name, in the lists of one class also 1, 0 or -1. */
async function splitNames(path: string, split: string, signal: AbortSignal | undefined): Promise<string[]> {
  const folder = join(path, imageSets)
  const files = await readdir(folder).catch((): string[] => [])
  if (!files.includes(`${split}.txt`)) {
    const parts = ['train', 'val', 'trainval', 'test'].filter((part) => files.includes(`${part}.txt`))
    throw new PipelineError('PIPE_OPTION', `split: expected one of the lists in ${folder}: ${parts.join(', ') || 'none there'}, found ${JSON.stringify(split)}`)
  }
  const names: string[] = []
  for await (const { lines } of readTextLines(join(folder, `${split}.txt`), signal)) {
    for (const line of lines) {
      const name = line.trim().split(/\s/)[0]
      if (name) names.push(name)
    }
    if (names.length > maxImages) throw new PipelineError('PIPE_OPTION', `${folder}: expected at most ${maxImages} names in ${split}.txt, found more; divide it`)
  }
  if (names.length === 0) throw new PipelineError('PIPE_EMPTY', `${join(folder, `${split}.txt`)}: expected names, found none`, { path: folder })
  return names
}

/** XML files that cannot be read name no class: their images are rejected when their turn comes. */
async function findClasses(folder: string, names: readonly string[], { signal }: SourceOptions): Promise<ClassNames> {
  const found = new Set<string>()
  for (const name of names) {
    throwIfAborted(signal)
    try {
      for (const object of objectsOf(await readAnnotation(join(folder, `${name}.xml`), signal))) found.add(childOf(object, 'name')?.text ?? '')
    } catch (error) {
      if (!(error instanceof PipelineError) || error.code === 'PIPE_ABORTED') throw error
    }
    if (found.size > maxClasses) throw new PipelineError('PIPE_LABEL', `${folder}: expected at most ${maxClasses} different names of objects, found more`, { path: folder })
  }
  found.delete('')
  return ClassNames.sorted(found)
}

async function annotate(file: string, name: string, id: bigint, classes: ClassNames, boxOptions: Omit<BoxesOptions, 'from'>, { signal }: SourceOptions): Promise<Annotation> {
  try {
    const annotation = await readAnnotation(file, signal)
    const boxes = objectsOf(annotation).map((object) => readObject(file, object, classes))
    const ending = extname(childOf(annotation, 'filename')?.text ?? '')
    const key = `${name}${/^\.[a-z]{3,4}$/i.test(ending) ? ending : '.jpg'}`
    return { id, key, from: file, label: { kind: 'boxes', width: 0, height: 0, boxes }, toLabel: measuredBoxes(boxes, sizeOf(annotation), { ...boxOptions, from: file }) }
  } catch (error) {
    if (!(error instanceof PipelineError) || error.code === 'PIPE_ABORTED') throw error
    return { ...blank(id, name), error }
  }
}

function blank(id: bigint, name: string): Annotation {
  return { id, key: name, from: name, label: { kind: 'boxes', width: 0, height: 0, boxes: [] } }
}

async function readAnnotation(file: string, signal: AbortSignal | undefined): Promise<XmlElement> {
  const { size } = await stat(file).catch((cause: unknown) => Promise.reject(unreadableSource(file, cause)))
  if (size > maxFileBytes) throw annotationError(file, '', `at most ${maxFileBytes} bytes`, `${size}`)
  let found: XmlElement | undefined
  for await (const element of readXmlElements(file, 'annotation', { signal })) found ??= element
  if (found === undefined) throw annotationError(file, '', 'an <annotation>', 'none')
  return found
}

function objectsOf(annotation: XmlElement): XmlElement[] {
  return annotation.children.filter(({ name }) => name === 'object')
}

function readObject(file: string, object: XmlElement, classes: ClassNames): AnnotatedBox {
  const name = childOf(object, 'name')?.text ?? ''
  const number = classes.numberOf(name)
  if (number === undefined) throw annotationError(file, `line ${object.line}`, `an object of one of ${classes.names.length} classes`, quote(name))
  const corners = childOf(object, 'bndbox')
  const [xmin, ymin, xmax, ymax] = ['xmin', 'ymin', 'xmax', 'ymax'].map((edge) => {
    const text = corners && childOf(corners, edge)?.text
    const value = parseNumber(text)
    if (value === undefined) throw annotationError(file, `line ${object.line}`, `a number as ${edge} of the object`, quote(text))
    return value
  })
  const isDifficult = (childOf(object, 'difficult')?.text ?? '0') === '1'
  return { class: number, xmin: xmin! - 1, ymin: ymin! - 1, xmax: xmax!, ymax: ymax!, from: `${file} line ${object.line}`, ...(isDifficult && { ignore: true }) }
}

function sizeOf(annotation: XmlElement): PixelSize | undefined {
  const size = childOf(annotation, 'size')
  const [width, height] = ['width', 'height'].map((side) => parseNumber(size && childOf(size, side)?.text))
  return width !== undefined && height !== undefined ? { width, height } : undefined
}

async function folderOr(path: string, name: string): Promise<string> {
  const folder = join(path, name)
  return (await isFolder(folder).catch(() => false)) ? folder : path
}
