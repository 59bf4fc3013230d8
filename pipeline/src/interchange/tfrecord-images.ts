// Labelled images in TFRecord files, one tf.train.Example each.

import { exampleOf, collectClassNames, readExampleImage } from './example-image.js'
import { IdRule, reject, type LabelledImage, type ReadImagesOptions } from './labelled-image.js'
import { decodeExample, encodeExample } from './tf-example.js'
import { encodeTfRecord, readTfRecords } from './tfrecord-file.js'

/**
 * The images of a TFRecord file. With `onReject`, also a record with a wrong checksum is passed over;
 * a file that is cut, or damaged in a length, ends with an error all the same.
 *
 * @throws PipelineError as readTfRecords; without `onReject` also PIPE_EXAMPLE and PIPE_SAMPLE
 */
export async function* readTfRecordImages(path: string, options: ReadImagesOptions = {}): AsyncGenerator<LabelledImage, void, undefined> {
  const { onReject, signal } = options
  const ids = new IdRule(options.ids)
  const keyOf = (ordinal: number): string => `${path}#${ordinal}`
  const records = readTfRecords(path, {
    ...(onReject && { onDamaged: (error, ordinal) => reject(error, BigInt(ordinal), keyOf(ordinal), onReject) }),
    ...(signal && { signal }),
  })
  for await (const { ordinal, data } of records) {
    const key = keyOf(ordinal)
    try {
      const { storedId, ...image } = readExampleImage(decodeExample(data, key), key, options)
      yield { id: ids.idOf(storedId, ordinal, key), key, ...image }
    } catch (error) {
      reject(error, BigInt(ordinal), key, onReject)
    }
  }
}

/** The bytes of a TFRecord file, a record at a time. */
export async function* encodeTfRecordImages(images: AsyncIterable<LabelledImage>, classNames?: readonly string[]): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const image of images) yield encodeTfRecord(encodeExample(exampleOf(image, classNames)))
}

/**
 * The class names that stand beside the labels, from one pass through the files if the first example of
 * all has any. Names for classes from 0 on; a class without one, or with several, has its number.
 *
 * @throws PipelineError as readTfRecords
 */
export async function readTfRecordClassNames(paths: readonly string[], signal?: AbortSignal): Promise<string[] | undefined> {
  const names = new Map<number, string>()
  let isFirst = true
  for (const path of paths) {
    for await (const { data } of readTfRecords(path, { onDamaged: () => {}, ...(signal && { signal }) })) {
      const example = tryDecode(data)
      if (example) collectClassNames(example, names)
      if (isFirst && names.size === 0) return undefined
      isFirst = false
    }
  }
  const highest = [...names.keys()].reduce((high, label) => Math.max(high, label), -1)
  const isPlain = highest >= 0 && highest < maximumClasses && [...names.keys()].every((label) => label >= 0)
  return isPlain ? Array.from({ length: highest + 1 }, (_, label) => names.get(label) || String(label)) : undefined
}

/** More are no classes. */
const maximumClasses = 2 ** 20

function tryDecode(data: Uint8Array): ReturnType<typeof decodeExample> | undefined {
  try {
    return decodeExample(data, '')
  } catch {
    return undefined // told when the images are read
  }
}
