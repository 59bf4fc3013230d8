// The `yolo` source: images and a text file of boxes for each, as YOLO's trainers take them.
//
//   ROOT/images/train2017/1.jpg     ROOT/labels/train2017/1.txt     ROOT/data.yaml (yolo-data.ts)
//
//   class x y width height          the box's centre and size, as shares (0..1) of the image's
//   class x1 y1 x2 y2 x3 y3 …       a polygon of three points or more: its box is taken

import { readFile, readdir, stat } from 'node:fs/promises'
import { basename, dirname, extname, join, posix } from 'node:path'
import { ClassNames, maxClasses } from '../class-names.js'
import { imageExtensions } from '../class-folders.js'
import { PipelineError } from '../errors.js'
import { annotatedName, compareNames, plainName } from '../providers/image-name.js'
import { unreadableSource, type ImageProvider } from '../providers/image-provider.js'
import { isFolder, openImages } from '../providers/open-images.js'
import type { Source } from '../sample.js'
import { annotatedSource } from './annotated-source.js'
import { annotationError, quote } from './annotation-error.js'
import { boxesLabel, type AnnotatedBox, type BoxesOptions } from './boxes.js'
import { parseNumber } from './csv-labels.js'
import { checkRoot, type Annotation } from './join-images.js'
import type { SourceOptions } from './source-options.js'
import { readTextLines } from './text-lines.js'
import { readYoloData, type YoloData } from './yolo-data.js'

/**
 * The samples of a YOLO data set: an image with its boxes; one without a label file has none. `path`: the
 * data.yaml, the folder with one, a folder with images/ and labels/, or a text file that names an image a line.
 * `options.split` takes a part: of the data.yaml (default there: train), else the folder in images/ whose name
 * begins so. Images are those below the part's folders by name, or those of its lists; ids are positions from 0.
 * The label file of images/a/1.jpg is labels/a/1.txt, and lies beside an image that is in no folder `images`.
 *
 * Classes: `options.classNames`, else the names in data.yaml, else classes.txt or obj.names, else the numbers
 * that the labels hold. An image with a line that cannot be understood gives a sample that rejects. Polygons
 * become their boxes; images without a label file, and label files without an image, are counted in `ignored`.
 *
 * Label files are read once for each iteration, and once here where nothing names the classes. Memory: all
 * names of images.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_ANNOTATION, PIPE_EMPTY, PIPE_OPTION, PIPE_CLASS_NAME, and
 *   those of `openImages`
 */
export async function yolo(path: string, options: SourceOptions = {}): Promise<Source> {
  const root = checkRoot(options.root)
  const { base, data, list } = await findDataSet(path)
  const images = await openImages(options.images ?? base, options)
  const places = list === undefined ? await findPart(base, data, options, images, root) : [list]
  const names = await imageNames(base, places, images, root, options)
  if (names.length === 0) throw new PipelineError('PIPE_EMPTY', `${images.path}: expected images in ${places.join(', ') || 'it'}, found none; check the path`, { path: images.path })
  const labels = await LabelFiles.open(base, names)
  const classes = (await findClassNames(base, data, options)) ?? (await labels.classNumbers(names))
  return annotatedSource({
    labelKind: 'boxes',
    classNames: classes.names,
    count: names.length,
    images,
    root,
    async *annotations(ignored) {
      const unused = await labels.countUnused(names, places)
      if (unused > 0) ignored.set('label file without an image', unused)
      const seen = new Set<string>()
      const boxOptions = { unit: 'share', badBoxes: options.badBoxes ?? 'reject', ignored, classCount: classes.names.length } as const
      for (const [position, name] of names.entries()) {
        yield await annotate(BigInt(position), name, seen.has(name), labels, boxOptions)
        seen.add(name)
      }
    },
  })
}

interface DataSet {
  readonly base: string
  readonly data?: YoloData
  /** A text file with the images' names, in `base`. */
  readonly list?: string
}

async function findDataSet(path: string): Promise<DataSet> {
  if (!(await isFolder(path))) {
    const base = dirname(path)
    if (/\.ya?ml$/i.test(path)) return { base, data: await readYoloData(path) }
    if (/\.txt$/i.test(path)) return { base, list: basename(path) }
    throw new PipelineError('PIPE_SOURCE_MISSING', `${path}: expected a data.yaml, a .txt with the names of images, or a folder, found another file; give one of these, an archive unpacked`, { path })
  }
  const found = (await readdir(path)).filter((name) => /\.ya?ml$/i.test(name))
  const file = found.find((name) => /^data\.ya?ml$/i.test(name)) ?? (found.length === 1 ? found[0] : undefined)
  return { base: path, ...(file !== undefined && { data: await readYoloData(join(path, file)) }) }
}

/** The folders and lists of the part, as names in the images; '' is all. */
async function findPart(base: string, data: YoloData | undefined, options: SourceOptions, images: ImageProvider, root: string): Promise<string[]> {
  if (data !== undefined && data.parts.size > 0) {
    const part = options.split ?? 'train'
    const wanted = data.parts.get(part)
    if (wanted === undefined) throw noPart(base, options.split, [...data.parts.keys()])
    return Promise.all(wanted.map((place) => resolvePlace(base, data.path, place, options.images !== undefined)))
  }
  if (options.split === undefined) return [await isFolder(join(base, 'images')).catch(() => false) && options.images === undefined ? 'images' : '']
  const folders = await foldersOf(images, root)
  const isPart = (name: string): boolean => name.startsWith(options.split!) || (options.split === 'val' && /^valid/.test(name))
  const found = folders.filter((folder) => folder.split('/').some(isPart))
  if (found.length === 0) throw noPart(base, options.split, folders)
  return found
}

function noPart(base: string, split: string | undefined, parts: readonly string[]): PipelineError {
  return new PipelineError('PIPE_OPTION', `split: expected one of the parts in ${base}: ${parts.slice(0, 20).join(', ') || 'none there'}, found ${split === undefined ? 'none' : JSON.stringify(split)}; name one with split (--split)`)
}

/**
 * Where a data.yaml's place lies. Its `path`, and steps up, are those of the machine that the file was written
 * for: where they lead nowhere, the place is looked for beside the file.
 */
async function resolvePlace(base: string, path: string | undefined, place: string, isElsewhere: boolean): Promise<string> {
  const candidates = [...(path === undefined ? [] : [posix.join(path, place)]), place, place.replace(/^(\.\.?\/)+/, '')]
  for (const candidate of candidates) {
    const name = /^(\.?\/)*\.?$/.test(candidate) ? '' : plainName(candidate)
    if (name !== undefined && (isElsewhere || (await stat(join(base, name)).catch(() => undefined)))) return name
  }
  throw new PipelineError('PIPE_SOURCE_MISSING', `${base}: expected ${JSON.stringify(place)} of the data.yaml below its folder, found nothing there; move the data.yaml to its data set`, { path: base })
}

/** The folders with images in them, of the first two levels below the root or its `images`. */
async function foldersOf(images: ImageProvider, root: string): Promise<string[]> {
  const folders = new Set<string>()
  for await (const name of below(images, root)) {
    const steps = name.split('/')
    if (isImage(name) && steps.length > 1) folders.add(steps.slice(0, Math.min(2, steps.length - 1)).join('/'))
  }
  return [...folders].sort(compareNames)
}

async function imageNames(base: string, places: readonly string[], images: ImageProvider, root: string, options: SourceOptions): Promise<string[]> {
  const names: string[] = []
  const folders = places.filter((place) => !place.endsWith('.txt'))
  for (const list of places.filter((place) => place.endsWith('.txt'))) {
    for await (const { lines } of readTextLines(join(base, list), options.signal)) {
      for (const name of lines.map((line) => line.trim())) {
        if (name !== '') names.push(name.startsWith('/') ? name : posix.join(posix.dirname(list), name))
      }
    }
  }
  if (folders.length === 0) return names
  const found: string[] = []
  for await (const name of below(images, root)) {
    if (isImage(name) && folders.some((folder) => folder === '' || name.startsWith(`${folder}/`))) found.push(name)
  }
  return [...found.sort(compareNames), ...names]
}

async function* below(images: ImageProvider, root: string): AsyncGenerator<string, void, undefined> {
  const prefix = root === '' ? '' : `${root}/`
  for await (const name of images.names()) if (name.startsWith(prefix)) yield name.slice(prefix.length)
}

const extensions = new Set([...imageExtensions, '.jpe', '.jfif', '.gif', '.tif', '.tiff', '.avif', '.bmp'])

function isImage(name: string): boolean {
  return extensions.has(extname(name).toLowerCase())
}

async function findClassNames(base: string, data: YoloData | undefined, { classNames }: SourceOptions): Promise<ClassNames | undefined> {
  if (classNames !== undefined) return ClassNames.read(classNames)
  if (data?.names !== undefined) return new ClassNames(data.names)
  for (const file of ['classes.txt', join('labels', 'classes.txt'), 'obj.names']) {
    if (await stat(join(base, file)).catch(() => undefined)) return ClassNames.read(join(base, file))
  }
  return undefined
}

/** A polygon's file of a megabyte has 100,000 points. */
const maxLabelBytes = 2 ** 24

/** The label files, and how their names follow from those of the images. */
class LabelFiles {
  readonly #base: string
  readonly #hasFolder: boolean

  private constructor(base: string, hasFolder: boolean) {
    this.#base = base
    this.#hasFolder = hasFolder
  }

  /** @throws PipelineError PIPE_SOURCE_MISSING where no image has labels */
  static async open(base: string, names: readonly string[]): Promise<LabelFiles> {
    const files = new LabelFiles(base, await isFolder(join(base, 'labels')).catch(() => false))
    for (const name of names) {
      const file = files.fileOf(name)
      if (file !== undefined && (await stat(file).catch(() => undefined))) return files
    }
    throw new PipelineError('PIPE_SOURCE_MISSING', `${base}: expected label files such as ${files.fileOf(names[0]!) ?? 'labels/1.txt'}, found none for any of ${names.length} images; check the path`, { path: base })
  }

  /** Undefined for a name that leaves the data set. */
  fileOf(image: string): string | undefined {
    const name = plainName(image)
    if (name === undefined) return undefined
    const steps = name.slice(0, name.length - extname(name).length).split('/')
    const place = steps.slice(0, -1).lastIndexOf('images')
    if (place >= 0) steps[place] = 'labels'
    else if (this.#hasFolder) steps.unshift('labels')
    return `${join(this.#base, ...steps)}.txt`
  }

  /** How many label files, where those of the folders' images lie, belong to none of the images. */
  async countUnused(images: readonly string[], folders: readonly string[]): Promise<number> {
    const used = new Set(images.map((name) => this.fileOf(name)))
    const unused = new Set<string>()
    for (const folder of folders.filter((place) => !place.endsWith('.txt'))) {
      const place = dirname(this.fileOf(posix.join(folder, '1.jpg'))!)
      for (const name of await readdir(place, { recursive: true }).catch((): string[] => [])) {
        const file = join(place, name)
        if (name.endsWith('.txt') && basename(name) !== 'classes.txt' && !used.has(file)) unused.add(file)
      }
    }
    return unused.size
  }

  /** The lines of fields of an image; undefined where it has no label file. */
  async read(image: string): Promise<{ file: string; rows: { line: number; fields: string[] }[] } | undefined> {
    const file = this.fileOf(image)
    if (file === undefined) return undefined
    const found = await stat(file).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return undefined
      throw unreadableSource(file, cause)
    })
    if (found === undefined) return undefined
    if (!found.isFile() || found.size > maxLabelBytes) throw annotationError(file, '', `a file of at most ${maxLabelBytes} bytes`, found.isFile() ? `${found.size}` : 'something else')
    const text = (await readFile(file).catch((cause: unknown) => Promise.reject(unreadableSource(file, cause)))).toString('utf8')
    const rows = text.replace(/^\ufeff/, '').split('\n').map((line, index) => ({ line: index + 1, fields: line.trim().split(/\s+/) }))
    return { file, rows: rows.filter(({ fields }) => fields[0] !== '') }
  }

  /** The numbers from 0 to the largest, as names. Labels that cannot be read name none. */
  async classNumbers(names: readonly string[]): Promise<ClassNames> {
    let largest = 0
    for (const name of names) {
      const { rows } = (await this.read(name).catch(() => undefined)) ?? { rows: [] }
      for (const { fields } of rows) {
        const number = parseNumber(fields[0])
        if (number !== undefined && Number.isInteger(number) && number < maxClasses) largest = Math.max(largest, number)
      }
    }
    return new ClassNames(Array.from({ length: largest + 1 }, (_, number) => `${number}`))
  }
}

async function annotate(id: bigint, name: string, isRepeated: boolean, labels: LabelFiles, options: Omit<BoxesOptions, 'from'>): Promise<Annotation> {
  const from = labels.fileOf(name) ?? name
  const annotation: Annotation = { id, key: name, from, label: noBoxes }
  try {
    annotatedName(name, '', 'the list')
    if (isRepeated) throw annotationError(name, '', 'an image that is listed once', 'it again')
    const found = await labels.read(name)
    if (found === undefined) options.ignored?.set(noLabels, (options.ignored.get(noLabels) ?? 0) + 1)
    const boxes = found?.rows.map(({ line, fields }) => readBox(found.file, line, fields)) ?? []
    return { ...annotation, label: { ...noBoxes, boxes }, toLabel: (size) => boxesLabel(boxes, size, { ...options, from }) }
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    return { ...annotation, error }
  }
}

const noBoxes = { kind: 'boxes', width: 0, height: 0, boxes: [] } as const
const noLabels = 'image without a label file (packed without boxes)'

function readBox(file: string, line: number, fields: readonly string[]): AnnotatedBox {
  const from = `${file} line ${line}`
  const numbers = fields.map(parseNumber)
  const isPolygon = fields.length >= 7 && fields.length % 2 === 1
  if ((fields.length !== 5 && !isPolygon) || numbers.includes(undefined)) {
    throw annotationError(file, `line ${line}`, 'a class and four numbers, or three points or more', quote(fields.join(' ')))
  }
  const [number, ...places] = numbers as number[]
  return { class: number!, ...(isPolygon ? around(places) : fromCentre(places)), from }
}

function fromCentre([x, y, width, height]: readonly number[]): Edges {
  return snapped(x! - width! / 2, y! - height! / 2, x! + width! / 2, y! + height! / 2)
}

function around(points: readonly number[]): Edges {
  const [xs, ys] = [0, 1].map((odd) => points.filter((_, place) => place % 2 === odd))
  const least = (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b))
  const most = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b))
  return snapped(least(xs!), least(ys!), most(xs!), most(ys!))
}

type Edges = Pick<AnnotatedBox, 'xmin' | 'ymin' | 'xmax' | 'ymax'>

/** Of numbers with six digits, a box that ends at the border ends up to 0.75e-6 past it: that is no fault. */
const rounding = 1e-6

function snapped(xmin: number, ymin: number, xmax: number, ymax: number): Edges {
  const snap = (edge: number): number => (edge < 0 && edge > -rounding ? 0 : edge > 1 && edge < 1 + rounding ? 1 : edge)
  return { xmin: snap(xmin), ymin: snap(ymin), xmax: snap(xmax), ymax: snap(ymax) }
}
