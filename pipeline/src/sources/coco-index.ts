// What an instances file of COCO says, held compactly, as it says it in any order: its images, its boxes
// (those of one image far apart) and its categories.
//
//   { "images":      [ { "id", "file_name", "width", "height" }, … ],
//     "annotations": [ { "id", "image_id", "category_id", "bbox": [left, top, width, height], "iscrowd" }, … ],
//     "categories":  [ { "id", "name" }, … ] }
//
// Memory: 24 bytes a box and about 130 an image; 35 MB for the 860,001 boxes and 118,287 images of 2017.

import type { PipelineError } from '../errors.js'
import type { AnnotatedBox } from './boxes.js'
import { annotationError, quote } from './annotation-error.js'
import { readJsonArrays } from './json-arrays.js'
import { NameColumn } from './name-column.js'
import { NumberColumn } from './number-column.js'
import { RepeatScan } from './repeated-names.js'
import type { PixelSize } from './source-options.js'

/** An image and its boxes; `class` of a box is its category's place in `categories`. */
export interface CocoImage {
  readonly id: number
  readonly name: string
  /** Undefined where the file does not say it. */
  readonly size: PixelSize | undefined
  readonly boxes: readonly AnnotatedBox[]
  /** Why the image cannot be used: its entry, or one of its annotations, is not understood. */
  readonly error?: PipelineError
}

/** Where the entry stands: "annotations[17]". */
export interface StrayEntry {
  readonly from: string
  readonly error: PipelineError
}

export interface CocoCategory {
  readonly id: number
  readonly name: string
}

/** A Map cannot hold more. */
const maxImages = 2 ** 24 - 1
/** Entries that belong to no known image are kept by name up to here; with more, the file is none of COCO. */
const maxStray = 10_000
/** PATH_MAX of Linux. */
const maxNameLength = 4096
const maxBoxes = 2 ** 27
const maxCategories = 100_000

/**
 * Reads an instances file.
 * @throws PipelineError PIPE_ANNOTATION for a file that is not laid out so, PIPE_SOURCE_MISSING, PIPE_ABORTED
 */
export async function readCocoIndex(path: string, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<CocoIndex> {
  const index = new CocoIndex(path)
  const found = await readJsonArrays(path, index.readers, options)
  for (const name of ['images', 'annotations', 'categories']) {
    if (!found.has(name)) throw annotationError(path, '', `the array ${JSON.stringify(name)} of a COCO instances file`, 'none')
  }
  return index
}

export class CocoIndex {
  readonly path: string
  readonly #categories = new Map<number, string>()
  /** Category ids in the order in which boxes name them: their places stand in the boxes. */
  readonly #categoryPlaces = new Map<number, number>()
  /** Image ids, of entries and of annotations, whichever comes first → slots. */
  readonly #slots = new Map<number, number>()
  readonly #names = new NameColumn()
  readonly #repeats = new RepeatScan()
  readonly #ids = new NumberColumn('f64')
  readonly #widths = new NumberColumn('u32')
  readonly #heights = new NumberColumn('u32')
  /** Of each image, the places of its first and last box, from 1; 0: none. */
  readonly #first = new NumberColumn('u32')
  readonly #last = new NumberColumn('u32')
  /** 1 where an entry lists the image, 0 where only annotations name it. */
  readonly #listed = new NumberColumn('u32')
  /** Slots in the order of the entries. */
  readonly #order = new NumberColumn('u32')
  readonly #faults = new Map<number, Fault>()
  readonly #stray: Fault[] = []
  /** Four to a box: xmin, ymin, xmax, ymax in pixels; records hold no more digits. */
  readonly #edges = new NumberColumn('f32')
  /** Category place · 2 + iscrowd. */
  readonly #kinds = new NumberColumn('u32')
  /** The place of the image's next box, from 1; 0: none. */
  readonly #next = new NumberColumn('u32')

  constructor(path: string) {
    this.path = path
  }

  readonly readers = {
    images: (entry: unknown, index: number): void => this.#addImage(entry, `images[${index}]`),
    annotations: (entry: unknown, index: number): void => this.#addAnnotation(entry, `annotations[${index}]`),
    categories: (entry: unknown, index: number): void => this.#addCategory(entry, `categories[${index}]`),
  }

  /** How many entries of images can be told apart. */
  get imageCount(): number {
    return this.#order.length
  }

  /** By id. */
  get categories(): readonly CocoCategory[] {
    return [...this.#categories].map(([id, name]) => ({ id, name })).sort((a, b) => a.id - b.id)
  }

  /** Entries that cannot be used and belong to no image that can be told: where they stand, and why. */
  get stray(): readonly StrayEntry[] {
    return this.#stray.map((fault) => ({ from: fault.from, error: this.#toError(fault) }))
  }

  /** How many annotations belong to an image that the file does not list. */
  countLost(): number {
    let lost = 0
    for (let slot = 0; slot < this.#listed.length; slot++) {
      if (this.#listed.at(slot) === 1) continue
      if (this.#faults.has(slot)) lost++
      for (let box = this.#first.at(slot); box > 0; box = this.#next.at(box - 1)) lost++
    }
    return lost
  }

  /** The images in the order of their entries. `classOf`: the class of a category's id. */
  *images(classOf: (category: number) => number | PipelineError): Generator<CocoImage, void, undefined> {
    const classes = [...this.#categoryPlaces.keys()].map(classOf)
    const findFirst = this.#repeats.finish()()
    for (let place = 0; place < this.#order.length; place++) {
      const slot = this.#order.at(place)
      const [width, height] = [this.#widths.at(slot), this.#heights.at(slot)]
      const { boxes, error } = this.#boxesOf(slot, classes)
      const name = this.#names.at(slot)
      const first = name === '' ? undefined : findFirst(name, place)
      const repeated = first === undefined ? undefined : { from: `images[${place}]`, expected: 'an image that is listed once', found: `${quote(name)} for the second time` }
      const fault = this.#faults.get(slot) ?? repeated
      yield {
        id: this.#ids.at(slot),
        name: name || `image ${this.#ids.at(slot)}`,
        size: width > 0 && height > 0 ? { width, height } : undefined,
        boxes,
        ...(fault ? { error: this.#toError(fault) } : error && { error }),
      }
    }
  }

  #boxesOf(slot: number, classes: readonly (number | PipelineError)[]): { boxes: AnnotatedBox[]; error?: PipelineError } {
    const boxes: AnnotatedBox[] = []
    for (let box = this.#first.at(slot); box > 0; box = this.#next.at(box - 1)) {
      const kind = this.#kinds.at(box - 1)
      const number = classes[kind >>> 1]!
      if (typeof number !== 'number') return { boxes: [], error: number }
      const edge = (box - 1) * 4
      const corners = { xmin: this.#edges.at(edge), ymin: this.#edges.at(edge + 1), xmax: this.#edges.at(edge + 2), ymax: this.#edges.at(edge + 3) }
      boxes.push({ class: number, ...corners, ...(kind % 2 === 1 && { ignore: true }) })
    }
    return { boxes }
  }

  #addImage(entry: unknown, from: string): void {
    const { id, file_name: name, width, height } = fieldsOf(entry)
    if (!isId(id)) return this.#addStray(from, 'an "id" that is a whole number from 0 below 2^53', quote(id))
    const slot = this.#slotOf(id)
    if (this.#listed.at(slot) === 1) return this.#addStray(from, 'an image with an id of its own', `${id} for the second time`)
    this.#listed.set(slot, 1)
    this.#order.push(slot)
    this.#widths.set(slot, isSide(width) ? width : 0)
    this.#heights.set(slot, isSide(height) ? height : 0)
    if (typeof name !== 'string' || name === '' || name.length > maxNameLength) return this.#fault(slot, from, `a "file_name" of at most ${maxNameLength} characters`, quote(name))
    this.#names.set(slot, name)
    this.#repeats.add(name)
  }

  #addAnnotation(entry: unknown, from: string): void {
    const { image_id: image, category_id: category, bbox, iscrowd } = fieldsOf(entry)
    if (!isId(image)) return this.#addStray(from, 'an "image_id" that is a whole number from 0 below 2^53', quote(image))
    const slot = this.#slotOf(image)
    if (!isId(category)) return this.#fault(slot, from, 'a "category_id" that is a whole number from 0 below 2^53', quote(category))
    if (!isBox(bbox)) return this.#fault(slot, from, 'a "bbox" of four numbers (is this an instances file?)', quote(bbox))
    if (this.#next.length === maxBoxes) throw annotationError(this.path, from, `at most ${maxBoxes} boxes`, 'more; split the file')
    const [left, top, width, height] = bbox
    for (const edge of [left, top, left + width, top + height]) this.#edges.push(edge)
    this.#kinds.push(this.#placeOfCategory(category) * 2 + (iscrowd === 1 || iscrowd === true ? 1 : 0))
    this.#next.push(0)
    const box = this.#next.length
    if (this.#first.at(slot) === 0) this.#first.set(slot, box)
    else this.#next.set(this.#last.at(slot) - 1, box)
    this.#last.set(slot, box)
  }

  #addCategory(entry: unknown, from: string): void {
    const { id, name } = fieldsOf(entry)
    if (!isId(id) || typeof name !== 'string' || name.trim() === '') throw annotationError(this.path, from, 'a category with an "id" (a whole number from 0) and a "name"', quote(entry))
    if (this.#categories.has(id)) throw annotationError(this.path, from, 'a category with an id of its own', `${id} for the second time`)
    if (this.#categories.size === maxCategories) throw annotationError(this.path, from, `at most ${maxCategories} categories`, 'more')
    this.#categories.set(id, name)
  }

  #placeOfCategory(category: number): number {
    const known = this.#categoryPlaces.get(category)
    if (known !== undefined) return known
    if (this.#categoryPlaces.size === maxCategories) throw annotationError(this.path, 'annotations', `boxes of at most ${maxCategories} categories`, 'more')
    this.#categoryPlaces.set(category, this.#categoryPlaces.size)
    return this.#categoryPlaces.size - 1
  }

  #slotOf(image: number): number {
    const known = this.#slots.get(image)
    if (known !== undefined) return known
    const slot = this.#slots.size
    if (slot === maxImages) throw annotationError(this.path, '', `at most ${maxImages} images`, 'more; split the file')
    this.#slots.set(image, slot)
    this.#names.push()
    this.#ids.push(image)
    for (const column of [this.#widths, this.#heights, this.#first, this.#last, this.#listed]) column.push(0)
    return slot
  }

  /** The first fault of an image: it is rejected, never packed with some of its boxes. */
  #fault(slot: number, from: string, expected: string, found: string): void {
    if (!this.#faults.has(slot)) this.#faults.set(slot, { from, expected, found })
  }

  #addStray(from: string, expected: string, found: string): void {
    if (this.#stray.length === maxStray) throw annotationError(this.path, from, `${expected}, in all but ${maxStray} entries`, found)
    this.#stray.push({ from, expected, found })
  }

  #toError({ from, expected, found }: Fault): PipelineError {
    return annotationError(this.path, from, expected, found)
  }
}

/** Kept so, and not as an error with its stack, for there can be one to each image. */
interface Fault {
  readonly from: string
  readonly expected: string
  readonly found: string
}

function fieldsOf(entry: unknown): Readonly<Record<string, unknown>> {
  return typeof entry === 'object' && entry !== null ? (entry as Record<string, unknown>) : {}
}

/** Larger numbers are not told apart when they are read. */
function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isSide(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) < 2 ** 31
}

function isBox(value: unknown): value is [number, number, number, number] {
  return Array.isArray(value) && value.length === 4 && value.every((side) => typeof side === 'number')
}
