// Labelled images as tf.train.Examples, with the names that TensorFlow's image models use.
//
//   image/encoded  image/format  image/width  image/height  image/filename  image/source_id (the id)
//   class     image/class/label, image/class/text
//   boxes     image/object/bbox/{xmin, ymin, xmax, ymax} (0..1), image/object/class/{label, text},
//             image/object/difficult
//   values, digits, boxes   label: the numbers as a record holds them; millrace/label_kind
//
// Reading prefers `label`, which is exact, then boxes, then the class. TensorFlow's own data sets
// number classes from 1: labels are taken as they are.

import { imageSize, type LabelKind } from '@millrace/recordio'
import { extensionOf, imageTypeOf } from './image-type.js'
import { classOf, kindOfNumbers, sampleError, toLabels, type LabelledImage, type ReadImagesOptions } from './labelled-image.js'
import type { Example, Feature } from './tf-example.js'

/** What an example says of its image and label; its id is the file's matter. */
export interface ExampleImage extends Pick<LabelledImage, 'labelKind' | 'labels' | 'image'> {
  /** image/source_id, else the name of the file without its ending. */
  readonly storedId: string | undefined
}

/** @throws PipelineError PIPE_SAMPLE where image or label are absent or of another type */
export function readExampleImage(example: Example, place: string, options: ReadImagesOptions = {}): ExampleImage {
  const image = readImage(example, options.imageKey ?? 'image/encoded', place)
  const label = options.labelKey !== undefined ? readNamedLabel(example, options.labelKey, place, options) : readUsualLabel(example, image, place, options)
  const labels = toLabels(label.numbers, label.kind, place)
  return { image, labelKind: label.kind, labels, storedId: storedIdOf(example) }
}

/** The features of an image; `classNames` adds the text of its classes. */
export function exampleOf({ id, labelKind, labels, image }: LabelledImage, classNames: readonly string[] | undefined): Map<string, Feature> {
  const size = imageSize(image)
  const type = imageTypeOf(image)
  return new Map<string, Feature>([
    ['image/encoded', { kind: 'bytes', values: [image] }],
    ...(type ? [['image/format', text(type.name)] as const] : []),
    ...(size ? [['image/width', integers(size.width)] as const, ['image/height', integers(size.height)] as const] : []),
    ['image/filename', text(`${id}${extensionOf(image)}`)],
    ['image/source_id', text(`${id}`)],
    ...labelFeatures(labelKind, labels, classNames),
  ])
}

/**
 * Adds the names that an example gives to its classes.
 * @param names class → name; a class with two names gets none (the empty text)
 */
export function collectClassNames(example: Example, names: Map<number, string>): void {
  for (const group of ['image/class', 'image/object/class']) {
    const [labels, texts] = [example.get(`${group}/label`), example.get(`${group}/text`)]
    if (labels?.kind !== 'integers' || texts?.kind !== 'bytes' || texts.values.length !== labels.values.length) continue
    for (const [index, label] of labels.values.entries()) {
      const name = Buffer.from(texts.values[index]!).toString()
      const known = names.get(Number(label))
      names.set(Number(label), known === undefined || known === name ? name : '')
    }
  }
}

interface NumberedLabel {
  readonly kind: LabelKind
  readonly numbers: readonly number[]
}

const kindFeature = 'millrace/label_kind'
const labelKinds: readonly string[] = ['class', 'values', 'digits', 'boxes'] satisfies LabelKind[]
const corners = ['xmin', 'ymin', 'xmax', 'ymax'] as const

function readImage(example: Example, name: string, place: string): Uint8Array {
  const feature = example.get(name)
  if (feature?.kind === 'bytes' && feature.values.length === 1) return feature.values[0]!
  throw sampleError(place, `the encoded image as one byte string in ${name}`, describe(feature, example), 'name the feature that holds it (--image-key)')
}

function readNamedLabel(example: Example, name: string, place: string, { labelKind, classNames }: ReadImagesOptions): NumberedLabel {
  const feature = example.get(name)
  if (feature?.kind === 'bytes' && feature.values.length === 1) return { kind: 'class', numbers: [classOf(Buffer.from(feature.values[0]!).toString(), classNames, place)] }
  if (!feature || feature.kind === 'bytes') throw sampleError(place, `numbers in ${name}`, describe(feature, example), 'name the feature that holds the label (--label-key)')
  const numbers = numbersOf(feature)
  return { kind: kindOfNumbers(numbers, labelKind), numbers }
}

function readUsualLabel(example: Example, image: Uint8Array, place: string, options: ReadImagesOptions): NumberedLabel {
  const labelKind = options.labelKind ?? kindIn(example)
  const known = { ...options, ...(labelKind && { labelKind }) }
  if (example.has('label')) return readNamedLabel(example, 'label', place, known)
  if (example.has('image/object/bbox/xmin')) return { kind: 'boxes', numbers: readBoxes(example, image, place) }
  if (example.has('image/class/label')) return readNamedLabel(example, 'image/class/label', place, known)
  throw sampleError(place, 'a label in label, image/class/label or image/object/bbox', describe(undefined, example), 'name the feature that holds it (--label-key)')
}

function kindIn(example: Example): LabelKind | undefined {
  const feature = example.get(kindFeature)
  const name = feature?.kind === 'bytes' && feature.values[0] ? Buffer.from(feature.values[0]).toString() : ''
  return labelKinds.includes(name) ? (name as LabelKind) : undefined
}

/** MXNet's layout: [4, 6, width, height, (class, xmin, ymin, xmax, ymax, ignore)*]. */
function readBoxes(example: Example, image: Uint8Array, place: string): number[] {
  const [xmin, ymin, xmax, ymax] = corners.map((corner) => numbersAt(example, `image/object/bbox/${corner}`)) as [number[], number[], number[], number[]]
  const classes = numbersAt(example, 'image/object/class/label')
  const difficult = numbersAt(example, 'image/object/difficult')
  const counts = [ymin, xmax, ymax, classes].map(({ length }) => length)
  if (counts.some((count) => count !== xmin.length)) throw sampleError(place, `${xmin.length} objects in image/object/bbox and image/object/class/label`, counts.join(', '))
  const size = imageSize(image)
  const width = numbersAt(example, 'image/width')[0] ?? size?.width ?? 0
  const height = numbersAt(example, 'image/height')[0] ?? size?.height ?? 0
  return [4, 6, width, height, ...xmin.flatMap((left, index) => [classes[index]!, left, ymin[index]!, xmax[index]!, ymax[index]!, difficult[index] ?? 0])]
}

function storedIdOf(example: Example): string | undefined {
  for (const name of ['image/source_id', 'image/filename']) {
    const feature = example.get(name)
    const value = feature?.kind === 'bytes' && feature.values[0] ? Buffer.from(feature.values[0]).toString() : ''
    if (value !== '') return value.replace(/\.[^.]*$/, '')
  }
  return undefined
}

function labelFeatures(kind: LabelKind, labels: Float32Array, classNames: readonly string[] | undefined): (readonly [string, Feature])[] {
  if (kind === 'class' && Number.isInteger(labels[0])) {
    const name = classNames?.[labels[0]!]
    return [['image/class/label', integers(labels[0]!)], ...(name ? [['image/class/text', text(name)] as const] : [])]
  }
  const exact = [['label', { kind: 'floats', values: labels }], [kindFeature, text(kind)]] as const
  return kind === 'boxes' ? [...exact, ...boxFeatures(labels, classNames)] : [...exact]
}

function boxFeatures(labels: Float32Array, classNames: readonly string[] | undefined): (readonly [string, Feature])[] {
  const objects = objectsOf(labels)
  if (!objects || !objects.every(([label]) => Number.isInteger(label))) return []
  const classes = objects.map((object) => object[0]!)
  const names = classes.map((label) => classNames?.[label])
  return [
    ...corners.map((corner, index) => [`image/object/bbox/${corner}`, { kind: 'floats', values: Float32Array.from(objects, (object) => object[1 + index]!) }] as const),
    ['image/object/class/label', integers(...classes)],
    ['image/object/difficult', integers(...objects.map((object) => (object[5] ? 1 : 0)))],
    ...(objects.length > 0 && names.every((name) => name) ? [['image/object/class/text', text(...(names as string[]))] as const] : []),
  ]
}

/** `undefined` for labels that have not the layout [A, B, …, objects of B]. */
function objectsOf(labels: Float32Array): Float32Array[] | undefined {
  const [headerWidth = 0, objectWidth = 0] = labels
  const count = (labels.length - headerWidth) / objectWidth
  if (!(headerWidth >= 2 && objectWidth >= 5 && Number.isInteger(headerWidth) && Number.isInteger(objectWidth) && Number.isInteger(count))) return undefined
  return Array.from({ length: count }, (_, index) => labels.subarray(headerWidth + index * objectWidth, headerWidth + (index + 1) * objectWidth))
}

function numbersAt(example: Example, name: string): number[] {
  const feature = example.get(name)
  return feature && feature.kind !== 'bytes' ? numbersOf(feature) : []
}

function numbersOf(feature: Exclude<Feature, { kind: 'bytes' }>): number[] {
  return Array.from<number | bigint, number>(feature.values, Number)
}

function text(...values: readonly string[]): Feature {
  return { kind: 'bytes', values: values.map((value) => Buffer.from(value)) }
}

function integers(...values: readonly number[]): Feature {
  return { kind: 'integers', values: BigInt64Array.from(values, BigInt) }
}

function describe(feature: Feature | undefined, example: Example): string {
  if (feature) return `${feature.values.length} ${feature.kind === 'bytes' ? 'byte strings' : feature.kind}`
  const names = [...example.keys()].slice(0, 20).map((name) => name.slice(0, 60)).join(', ')
  return names === '' ? 'an example without features' : `none among ${names}`
}
