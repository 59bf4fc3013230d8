// A sample made ready to be looked at: its image shrunk, its label in words, and what the annotation marks
// in it. A sample that cannot be read is one too, with the reason.

import sharp from 'sharp'
import { readPixels, type ClassBox, type Label, type PixelBox, type Sample } from '@millrace/pipeline'
import { classesOf, type ChosenSample } from './choose-samples.js'

export interface SamplePicture {
  readonly split: string
  readonly key: string
  readonly id: string
  /** The label in words: its classes with how often each stands, or one text. */
  readonly words: readonly LabelWord[]
  /** Class numbers to filter by. */
  readonly classes: readonly number[]
  readonly marks: readonly Mark[]
  /** Marks beyond `maxMarks`, which are not drawn. */
  readonly moreMarks: number
  readonly adjusted?: string
  /** Absent where it cannot be read. */
  readonly thumbnail?: Thumbnail
  /** Why it cannot be read. */
  readonly reason?: string
}

export interface LabelWord {
  readonly text: string
  /** Its class, which gives it a colour. */
  readonly class?: number
  /** How many boxes have it; absent where nothing is counted. */
  readonly count?: number
}

/** A marked rectangle, 0..1 of the image. */
export interface Mark {
  readonly class: number
  readonly name: string
  readonly xmin: number
  readonly ymin: number
  readonly xmax: number
  readonly ymax: number
  readonly ignore: boolean
}

export interface Thumbnail {
  /** RGB, `width` times `height`. */
  readonly data: Uint8Array
  readonly width: number
  readonly height: number
  /** Of the image itself. */
  readonly originalWidth: number
  readonly originalHeight: number
}

/** Nobody can tell more apart in one image. */
const maxMarks = 400

/** @param longestSide the thumbnail's at most, pixels; smaller images stay as they are */
export async function pictureOf({ split, sample, classNames }: ChosenSample, longestSide: number): Promise<SamplePicture> {
  const base = { split, key: sample.key, id: `${sample.id}`, ...(sample.adjusted !== undefined && { adjusted: sample.adjusted }) }
  try {
    const thumbnail = await shrink(sample, longestSide)
    const marks = marksOf(sample, thumbnail, classNames)
    return { ...base, words: wordsOf(sample.label, classNames), classes: classesOf(sample.label), marks: marks.slice(0, maxMarks), moreMarks: Math.max(0, marks.length - maxMarks), thumbnail }
  } catch (error) {
    if (typeof (error as { code?: unknown }).code !== 'string') throw error // a fault of ours
    return { ...base, words: [], classes: [], marks: [], moreMarks: 0, reason: (error as Error).message }
  }
}

/** A class as a person knows it. */
export function nameClass(number: number, classNames: readonly string[]): string {
  return classNames[number] ?? `${Number(number.toPrecision(7))}`
}

async function shrink(sample: Sample, longestSide: number): Promise<Thumbnail> {
  const { data: pixels, width, height, channels } = await readPixels(sample)
  const scale = Math.min(1, longestSide / Math.max(width, height))
  const size = { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) }
  const { data } = await sharp(pixels, { raw: { width, height, channels }, limitInputPixels: false })
    .resize({ ...size, fit: 'fill' })
    .flatten({ background: '#808080' })
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true })
  return { data, ...size, originalWidth: width, originalHeight: height }
}

function marksOf({ label, regions = [] }: Sample, { originalWidth, originalHeight }: Thumbnail, classNames: readonly string[]): Mark[] {
  if (label.kind === 'boxes') return label.boxes.map((box) => toMark(box, nameClass(box.class, classNames)))
  const names = label.kind === 'digits' ? label.digits.map(String) : label.kind === 'class' ? [nameClass(label.value, classNames)] : []
  return regions.map((region, index) => {
    const name = names[index] ?? names[0] ?? ''
    const number = label.kind === 'digits' ? (label.digits[index] ?? 0) : label.kind === 'class' ? label.value : 0
    return toMark({ ...toShares(region, originalWidth, originalHeight), class: number }, name)
  })
}

/** An inverted box, which records may hold, is drawn where it is and called so. */
function toMark({ class: number, xmin, ymin, xmax, ymax, ignore = false }: ClassBox, name: string): Mark {
  const isInverted = xmin > xmax || ymin > ymax
  const edges = { xmin: Math.min(xmin, xmax), ymin: Math.min(ymin, ymax), xmax: Math.max(xmin, xmax), ymax: Math.max(ymin, ymax) }
  return { class: number, name: `${shorten(name)}${isInverted ? ' (inverted)' : ''}`, ...edges, ignore }
}

/** Letters of a name that a card has room for. */
const maxNameLength = 100

function shorten(name: string): string {
  return name.length <= maxNameLength ? name : `${name.slice(0, maxNameLength)}…`
}

function toShares({ left, top, width, height }: PixelBox, imageWidth: number, imageHeight: number): Omit<ClassBox, 'class'> {
  return { xmin: left / imageWidth, ymin: top / imageHeight, xmax: (left + width) / imageWidth, ymax: (top + height) / imageHeight }
}

const shownValues = 8

function wordsOf(label: Label, classNames: readonly string[]): LabelWord[] {
  switch (label.kind) {
    case 'class':
      return [{ text: shorten(nameClass(label.value, classNames)), class: label.value }]
    case 'digits':
      return [{ text: label.digits.length === 0 ? 'no digits' : label.digits.join('') }]
    case 'values': {
      const shown = label.values.slice(0, shownValues).map((value) => Number(value.toPrecision(4)))
      return [{ text: `${shown.join(', ')}${label.values.length > shownValues ? `, … (${label.values.length})` : ''}` }]
    }
    case 'boxes':
      return label.boxes.length === 0 ? [{ text: 'no boxes' }] : countBoxes(label.boxes, classNames)
  }
}

function countBoxes(boxes: readonly ClassBox[], classNames: readonly string[]): LabelWord[] {
  const counts = new Map<number, number>()
  for (const box of boxes) counts.set(box.class, (counts.get(box.class) ?? 0) + 1)
  return [...counts].sort(([a], [b]) => a - b).map(([number, count]) => ({ text: shorten(nameClass(number, classNames)), class: number, count }))
}
