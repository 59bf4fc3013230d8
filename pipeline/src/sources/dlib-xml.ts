// The `dlib-xml` source: the XML of dlib's imglab.
//
//   <dataset><images>
//     <image file='a.jpg' width='500' height='375'>            size: in newer files only
//       <box top='90' left='-4' width='37' height='37' ignore='1'><label>rear</label><part name='eye' x='1' y='2'/></box>
//
// Boxes reach past the image on purpose: dlib's detectors want boxes of one shape. Edges are left + width and
// top + height, and clamped afterwards.

import { dirname } from 'node:path'
import { PipelineError } from '../errors.js'
import { ClassNames, maxClasses } from '../class-names.js'
import { openImages } from '../providers/open-images.js'
import type { Source } from '../sample.js'
import { annotatedSource } from './annotated-source.js'
import { annotationError, quote } from './annotation-error.js'
import type { AnnotatedBox, BoxesOptions } from './boxes.js'
import { parseNumber } from './csv-labels.js'
import { checkRoot, type Annotation } from './join-images.js'
import { measuredBoxes } from './measured-boxes.js'
import { orRejecting } from './or-rejecting.js'
import { RepeatScan } from './repeated-names.js'
import type { PixelSize, SourceOptions } from './source-options.js'
import { childOf, readXmlElements, type XmlElement } from './xml-elements.js'

/** The class of a box without a label, in a file of one class. */
const unlabelled = 'object'

/**
 * The samples of an imglab file: an image with its boxes, or with none. Ids are positions from 0. Classes:
 * the labels, sorted by code point, or those of `options.classNames`; a box without a label is of the class
 * "object". Boxes with `ignore` are kept and marked. An inverted or empty box, or one outside the image, is
 * dropped and counted, unless `options.badBoxes` is 'reject'. Landmarks (`part`) are counted in `ignored`.
 *
 * An image that the file lists a second time, or whose entry cannot be understood, gives a sample that
 * rejects with its line. The file is read once here and once for each iteration. Memory: the entry of an
 * image, and 8 bytes for each file name.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_ANNOTATION, PIPE_EMPTY, PIPE_OPTION, PIPE_CLASS_NAME, and
 *   those of `openImages`
 */
export async function dlibXml(path: string, options: SourceOptions = {}): Promise<Source> {
  const root = checkRoot(options.root)
  const given = options.classNames === undefined ? undefined : await ClassNames.read(options.classNames)
  const found = await scan(path, options)
  const classes = given ?? ClassNames.sorted(found.labels)
  const images = await openImages(options.images ?? dirname(path), options)
  return annotatedSource({
    labelKind: 'boxes',
    classNames: classes.names,
    count: found.count,
    images,
    root,
    annotations: (ignored) => annotate(path, classes, found.repeated(), options, ignored),
  })
}

interface Scan {
  readonly labels: ReadonlySet<string>
  readonly count: number
  /** For each pass: the line where a file came first, if it came before. */
  readonly repeated: () => (file: string, line: number) => number | undefined
}

async function scan(path: string, options: SourceOptions): Promise<Scan> {
  const repeats = new RepeatScan()
  const labels = new Set<string>()
  let count = 0
  for await (const image of readXmlElements(path, 'image', options)) {
    count++
    repeats.add(image.attributes['file'] ?? '')
    for (const box of boxesOf(image)) labels.add(labelOf(box))
    if (labels.size > maxClasses) throw annotationError(path, `line ${image.line}`, `at most ${maxClasses} different labels`, 'more')
  }
  if (count === 0) throw new PipelineError('PIPE_EMPTY', `${path}: expected <image> elements, found none; check the path`, { path })
  return { labels, count, repeated: repeats.finish() }
}

async function* annotate(path: string, classes: ClassNames, findFirst: ReturnType<Scan['repeated']>, options: SourceOptions, ignored: Map<string, number>): AsyncGenerator<Annotation, void, undefined> {
  let position = 0n
  for await (const image of readXmlElements(path, 'image', options)) {
    const id = position++
    const from = `${path} line ${image.line}`
    const file = image.attributes['file'] ?? ''
    const annotation = { id, key: file === '' ? `line ${image.line}` : file, from, label: noBoxes }
    yield orRejecting(annotation, () => {
      if (file === '') throw annotationError(path, `line ${image.line}`, 'an image with a file', 'none')
      const first = findFirst(file, image.line)
      if (first !== undefined) throw annotationError(path, `line ${image.line}`, 'an image that is listed once', `${quote(file)} again, as in line ${first}`)
      const boxes = boxesOf(image).map((box) => readBox(path, box, classes))
      countParts(image, ignored)
      const boxOptions: BoxesOptions = { unit: 'pixels', from, badBoxes: options.badBoxes ?? 'drop', ignored, classCount: classes.names.length }
      return { ...annotation, label: { ...noBoxes, boxes }, toLabel: measuredBoxes(boxes, sizeOf(image), boxOptions) }
    })
  }
}

const noBoxes = { kind: 'boxes', width: 0, height: 0, boxes: [] } as const

function boxesOf(image: XmlElement): XmlElement[] {
  return image.children.filter(({ name }) => name === 'box')
}

function labelOf(box: XmlElement): string {
  return childOf(box, 'label')?.text || unlabelled
}

function readBox(path: string, box: XmlElement, classes: ClassNames): AnnotatedBox {
  const [left, top, width, height] = ['left', 'top', 'width', 'height'].map((name) => numberOf(path, box, name))
  const number = classes.numberOf(labelOf(box))
  if (number === undefined) throw annotationError(path, `line ${box.line}`, `one of ${classes.names.length} class names`, quote(labelOf(box)))
  const { ignore } = box.attributes
  return {
    class: number,
    xmin: left!,
    ymin: top!,
    xmax: left! + width!,
    ymax: top! + height!,
    from: `${path} line ${box.line}`,
    ...(ignore !== undefined && ignore !== '0' && ignore !== 'false' && { ignore: true }),
  }
}

function numberOf(path: string, box: XmlElement, name: string): number {
  const number = parseNumber(box.attributes[name]?.trim())
  if (number !== undefined) return number
  throw annotationError(path, `line ${box.line}`, `a box whose ${name} is a number`, quote(box.attributes[name]))
}

function sizeOf({ attributes }: XmlElement): PixelSize | undefined {
  const [width, height] = [parseNumber(attributes['width']), parseNumber(attributes['height'])]
  return width !== undefined && height !== undefined ? { width, height } : undefined
}

function countParts(image: XmlElement, ignored: Map<string, number>): void {
  const parts = boxesOf(image).reduce((sum, box) => sum + box.children.filter(({ name }) => name === 'part').length, 0)
  if (parts > 0) ignored.set('landmark (part)', (ignored.get('landmark (part)') ?? 0) + parts)
}
