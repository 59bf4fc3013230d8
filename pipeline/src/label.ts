// What a sample's label can be, and how each kind lies in a record: the float in the image header
// and the labels after it (none: header flag 0).
//
//   class    header = the class                  values   labels = the numbers
//   digits   labels = [length, d1 … d5], a digit 0-9, no digit 10; a number of six digits keeps its
//            length and its first five digits; 6 also stands for more, as the length head has 7 places
//            (Goodfellow et al., "Multi-digit Number Recognition from Street View Imagery", 2014)
//   boxes    labels = [4, 6, width, height, (class, xmin, ymin, xmax, ymax, ignore)*], MXNet's
//            detection layout, coordinates 0..1

import { PipelineError } from './errors.js'

export type Label = ClassLabel | ValuesLabel | DigitsLabel | BoxesLabel
export type LabelKind = Label['kind']

export interface ClassLabel {
  readonly kind: 'class'
  /** A record holds it as float32: integers above 2^24 are rounded there. */
  readonly value: number
}

export interface ValuesLabel {
  readonly kind: 'values'
  readonly values: readonly number[]
}

export interface DigitsLabel {
  readonly kind: 'digits'
  /** 0-9, left to right, all of them. */
  readonly digits: readonly number[]
}

export interface BoxesLabel {
  readonly kind: 'boxes'
  /** Pixels of the annotated image. */
  readonly width: number
  readonly height: number
  readonly boxes: readonly ClassBox[]
}

/** Coordinates 0..1 of the image. */
export interface ClassBox {
  readonly class: number
  readonly xmin: number
  readonly ymin: number
  readonly xmax: number
  readonly ymax: number
  /** Not to be counted (PASCAL's "difficult"). Default false. */
  readonly ignore?: boolean
}

/** A label as the fields of a record. */
export interface RecordLabel {
  readonly label: number
  readonly labels: Float32Array
  /** Integers that float32 rounds: their places in the label and what they were. Absent if none. */
  readonly rounded?: readonly RoundedLabel[]
}

export interface RoundedLabel {
  /** From 0. */
  readonly place: number
  readonly value: number
}

/**
 * Whether a number is what its text says. Every whole number up to 2^53 is; a larger one that is not would
 * become another in silence, so lists and tables refuse it.
 */
export function isExact(text: string, value: number): boolean {
  return text.length < 16 || !/^[+-]?\d+$/.test(text) || BigInt(text.replace('+', '')) === BigInt(value)
}

const digitPlaces = 5
const maxLength = 6
const blankDigit = 10
const noLabels = new Float32Array(0)

/**
 * @throws PipelineError PIPE_LABEL for a digit that is not 0-9 or a number beyond float32
 */
export function toRecordLabel(label: Label, key: string): RecordLabel {
  switch (label.kind) {
    case 'class':
      return { label: toFloat(label.value, key), labels: noLabels, ...findRounded([label.value]) }
    case 'values':
      return { label: 0, labels: Float32Array.from(label.values, (value) => toFloat(value, key)), ...findRounded(label.values) }
    case 'digits':
      return { label: 0, labels: digitLabels(label.digits, key) }
    case 'boxes':
      return { label: 0, labels: boxLabels(label) }
  }
}

function toFloat(value: number, key: string): number {
  const float = Math.fround(value)
  if (Number.isFinite(value) && !Number.isFinite(float)) throw wrong(key, 'labels that float32 can hold', value)
  return float
}

function findRounded(values: readonly number[]): { readonly rounded?: readonly RoundedLabel[] } {
  const rounded = values.flatMap((value, place) => (Number.isInteger(value) && Math.fround(value) !== value ? [{ place, value }] : []))
  return rounded.length > 0 ? { rounded } : {}
}

function digitLabels(digits: readonly number[], key: string): Float32Array {
  for (const digit of digits) {
    if (!Number.isInteger(digit) || digit < 0 || digit > 9) throw wrong(key, 'digits of 0 to 9', digit)
  }
  const places = Array.from({ length: digitPlaces }, (_, place) => digits[place] ?? blankDigit)
  return Float32Array.of(Math.min(digits.length, maxLength), ...places)
}

function boxLabels({ width, height, boxes }: BoxesLabel): Float32Array {
  const objects = boxes.flatMap((box) => [box.class, box.xmin, box.ymin, box.xmax, box.ymax, box.ignore ? 1 : 0])
  return Float32Array.of(4, 6, width, height, ...objects)
}

function wrong(key: string, expected: string, found: number): PipelineError {
  return new PipelineError('PIPE_LABEL', `${key}: expected ${expected}, found ${found}; correct the annotation`, { path: key })
}
