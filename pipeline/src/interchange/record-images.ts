// Labelled images in a `.rec`, with what its .meta says of them.

import { stat } from 'node:fs/promises'
import { openRecords, RecordError, readRecords, RecordWriter, type MetaHeader, type MetaSummary } from '@millrace/recordio'
import { fromRecord, IdRule, sampleError, toRecord, type LabelledImage, type ReadImagesOptions, reject } from './labelled-image.js'

/** @throws RecordError as readRecords: what is damaged ends the reading */
export async function* readRecordImages(path: string, options: ReadImagesOptions = {}): AsyncGenerator<LabelledImage, void, undefined> {
  const { signal, labelKind = (await readMetaHeader(path))?.labelKind } = options
  const ids = new IdRule(options.ids)
  for await (const record of readRecords(path, signal ? { signal } : {})) {
    const image = fromRecord(record, path, labelKind)
    yield { ...image, id: ids.idOf(`${record.id}`, record.ordinal, image.key) }
  }
}

/** `undefined` for a `.rec` without a .meta. @throws RecordError */
export async function readMetaHeader(path: string): Promise<MetaHeader | undefined> {
  const isThere = await stat(`${path.replace(/\.rec$/i, '')}.meta`).then(() => true, () => false)
  if (!isThere) return undefined // and openRecords would read the whole file
  const file = await openRecords(path)
  await file.close()
  return file.meta?.header
}

export interface WriteRecordImagesOptions {
  readonly classNames?: readonly string[] | undefined
  /** Kept in the .meta: where the images came from. */
  readonly pack?: Readonly<Record<string, unknown>>
  /** Told of each image that does not fit the file: another label kind or width than the first has, or a value that a record cannot hold. Default: its error is thrown. */
  readonly onReject?: ReadImagesOptions['onReject']
  /** Asked before the file gets its name. */
  readonly beforeClose?: () => Promise<Partial<MetaSummary>>
}

/**
 * Writes a `.rec` with its siblings.
 * @throws PipelineError PIPE_SAMPLE; RecordError where the files cannot be written
 */
export async function writeRecordImages(path: string, images: AsyncIterable<LabelledImage>, options: WriteRecordImagesOptions = {}): Promise<void> {
  let file: { readonly writer: RecordWriter; readonly first: LabelledImage } | undefined
  try {
    for await (const image of images) {
      file ??= { writer: await RecordWriter.create(path, headerOf(image, options)), first: image }
      await write(file.writer, image, file.first, options.onReject)
    }
    const summary = await options.beforeClose?.()
    await file?.writer.close(summary)
  } catch (error) {
    await file?.writer.abort()
    throw error
  }
}

function headerOf(first: LabelledImage, { classNames, pack }: WriteRecordImagesOptions): MetaHeader {
  return { labelKind: first.labelKind, labelWidth: widthOf(first), ...(classNames && { classNames }), ...(pack && { pack }) }
}

/** Boxes differ from image to image, which width 0 says. */
function widthOf({ labelKind, labels }: LabelledImage): number {
  return labelKind === 'boxes' ? 0 : labels.length
}

async function write(writer: RecordWriter, image: LabelledImage, first: LabelledImage, onReject: ReadImagesOptions['onReject']): Promise<void> {
  const { id, key } = image
  try {
    if (image.labelKind !== first.labelKind || widthOf(image) !== widthOf(first)) {
      throw sampleError(key, `a label of kind ${first.labelKind} with ${first.labels.length} numbers, as the first has`, `one of kind ${image.labelKind} with ${image.labels.length}`)
    }
    await writer.write(toRecord(image))
  } catch (error) {
    const isUnfit = error instanceof RecordError && (error.code === 'REC_BAD_VALUE' || error.code === 'REC_TOO_LARGE')
    if (!isUnfit || !onReject) reject(error, id, key, onReject)
    else onReject({ id, key, code: error.code, reason: error.message })
  }
}
