// Writes WebDataset shards (web-dataset-reader.ts): ID.jpg and ID.cls, or ID.json where a label has
// several numbers; the id in nine digits. Times and owners are zero, so that the same records give the
// same bytes.

import { pack, type Pack } from 'tar-stream'
import { extensionOf } from './image-type.js'
import { reject, sampleError, type LabelledImage, type ReadImagesOptions } from './labelled-image.js'

/**
 * The bytes of a shard, as a stream. Memory: one image.
 *
 * @throws PipelineError PIPE_SAMPLE, unless `onReject` is told of it, for a label that JSON cannot hold and for a
 *   record with the same id as the one before, since both would be read as one sample
 */
export async function* encodeWebDataset(images: AsyncIterable<LabelledImage>, options: Pick<ReadImagesOptions, 'onReject'> = {}): AsyncGenerator<Uint8Array, void, undefined> {
  const archive = pack()
  const feeding = feed(archive, images, options.onReject)
  feeding.catch(() => {})
  try {
    for await (const chunk of archive as AsyncIterable<Uint8Array>) yield chunk
    await feeding
  } finally {
    archive.destroy()
    await feeding.catch(() => {}) // thrown above, unless the reader has stopped listening
  }
}

const keyWidth = 9

interface Member {
  readonly name: string
  readonly bytes: Uint8Array
}

/** An error ends the archive too, so that its reader does not wait. */
async function feed(archive: Pack, images: AsyncIterable<LabelledImage>, onReject: ReadImagesOptions['onReject']): Promise<void> {
  let last: bigint | undefined
  try {
    for await (const image of images) {
      for (const member of membersOf(image, last, onReject)) await add(archive, member)
      last = image.id
    }
    archive.finalize()
  } catch (error) {
    archive.destroy(error as Error)
    throw error
  }
}

function membersOf({ id, key, labelKind, labels, image }: LabelledImage, last: bigint | undefined, onReject: ReadImagesOptions['onReject']): Member[] {
  try {
    if (id === last) throw sampleError(key, `another id than ${id}, that of the record before`, 'the same', 'number the samples instead (--ids ordinal)')
    if (!labels.every(Number.isFinite)) throw sampleError(key, 'finite numbers, which JSON can hold', labels.join(' '))
  } catch (error) {
    reject(error, id, key, onReject)
    return []
  }
  const name = `${id}`.padStart(keyWidth, '0')
  const isClass = labelKind === 'class' && Number.isInteger(labels[0])
  const label = isClass ? `${labels[0]}` : JSON.stringify({ kind: labelKind, label: [...labels] })
  return [{ name: `${name}${extensionOf(image)}`, bytes: image }, { name: `${name}.${isClass ? 'cls' : 'json'}`, bytes: Buffer.from(label) }]
}

function add(archive: Pack, { name, bytes }: Member): Promise<void> {
  return new Promise((resolve, rejectPromise) => {
    const header = { name, mtime: new Date(0), mode: 0o644, uid: 0, gid: 0 }
    archive.entry(header, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), (error) => (error ? rejectPromise(error) : resolve()))
  })
}
