// Annotations and images become samples. Where images can be read by name, samples come in the order
// of the annotations and read their image when asked. A tar gives each image once, in its own order:
// there all annotations are held in memory, samples come in the tar's order, each with its bytes, and
// the annotations whose image did not come follow as samples that reject.

import { PipelineError } from '../errors.js'
import type { PixelBox, RawImage } from '../images/raw-image.js'
import type { Label } from '../label.js'
import { annotatedName, plainName } from '../providers/image-name.js'
import { fileImage } from '../providers/image-file.js'
import { missing, type ImageProvider, type RandomImages, type StreamedImages } from '../providers/image-provider.js'
import type { Sample, SampleImage } from '../sample.js'
import { readImageSize } from './image-size.js'
import type { PixelSize } from './source-options.js'

/** What an annotation file says of one image. */
export interface Annotation {
  readonly id: bigint
  /** The image's name as the annotation writes it. */
  readonly key: string
  /** Who names it, for errors: "digitStruct(17)". */
  readonly from: string
  /** With `toLabel`: its classes hold, all else is put in its place. With `error`: a stand-in. */
  readonly label: Label
  readonly regions?: readonly PixelBox[]
  /** Set where the annotation had to be bent, with what was done. */
  readonly adjusted?: string
  /** Makes the label where it depends on the image's size. @throws PipelineError where it does not fit */
  readonly toLabel?: (size: PixelSize) => SizedLabel
  /** The image, where the annotation file itself holds it; `key` then names no file. */
  readonly image?: () => Promise<Uint8Array | RawImage>
  /** Why the annotation cannot be used. */
  readonly error?: PipelineError
}

export type SizedLabel = Pick<Sample, 'label' | 'regions' | 'adjusted'>

/** A Map cannot hold more. */
const maxStreamedNames = 2 ** 24 - 1
/** Headers of so many images are read ahead, where labels need the size. */
const sizesAhead = 4

/**
 * The samples of annotations, `root` before each name; without `images`, every annotation has its own.
 * `onEnd` is called once the last has come.
 * Memory: nothing, or every annotation where the images are streamed.
 * @throws PipelineError what the annotations and a streamed archive throw; PIPE_ARCHIVE_LIMIT for more
 *   than 16,777,215 annotated names with a tar
 */
export function joinImages(annotations: AsyncIterable<Annotation>, images: ImageProvider | undefined, root: string, onEnd = (): void => {}): AsyncGenerator<Sample, void, undefined> {
  if (images?.access === 'streamed') return joinStream(annotations, images, root, onEnd)
  return joinRandom(annotations, images, root, onEnd)
}

/** @throws PipelineError PIPE_OPTION for a root that leaves the images */
export function checkRoot(root: string | undefined): string {
  if (root === undefined || /^(\.?\/)*\.?$/.test(root)) return ''
  const plain = plainName(root)
  if (plain !== undefined) return plain
  throw new PipelineError('PIPE_OPTION', `root: expected a folder inside the images, such as "train", found ${JSON.stringify(root)}; name a folder on the disk as the place of the images`)
}

/** Promises only where a size has to be read: lists of millions of images need none. */
async function* joinRandom(annotations: AsyncIterable<Annotation>, images: RandomImages | undefined, root: string, onEnd: () => void): AsyncGenerator<Sample, void, undefined> {
  const ahead: Promise<Sample>[] = []
  try {
    for await (const annotation of annotations) {
      const sample = joinOne(annotation, images, root)
      const isSized = needsSize(annotation)
      if (!isSized && ahead.length === 0) {
        yield sample
        continue
      }
      const joined = isSized ? joinSized(annotation, sample) : Promise.resolve(sample)
      joined.catch(() => {}) // it is reported when its turn comes
      ahead.push(joined)
      if (ahead.length >= sizesAhead) yield await ahead.shift()!
    }
    while (ahead.length > 0) yield await ahead.shift()!
    onEnd()
  } finally {
    await Promise.allSettled(ahead) // nothing goes on behind the caller's back
  }
}

function joinOne(annotation: Annotation, images: RandomImages | undefined, root: string): Sample {
  const { from, image, error } = annotation
  if (error !== undefined) return rejected(annotation, error)
  if (image !== undefined) return withImage(annotation, image)
  if (images === undefined) throw new TypeError(`${from}: an annotation without an image in a source without images`)
  const name = nameOf(annotation, root)
  return typeof name === 'string' ? withImage(annotation, imageOf(images, name, from)) : rejected(annotation, name)
}

function imageOf(images: RandomImages, name: string, from: string): SampleImage {
  const file = images.file?.(name, from)
  return file ? fileImage(file) : () => images.read(name, from)
}

function needsSize({ toLabel, image, error }: Annotation): boolean {
  return toLabel !== undefined && image === undefined && error === undefined
}

async function joinSized(annotation: Annotation, sample: Sample): Promise<Sample> {
  try {
    return { ...sample, ...(await measure(annotation, (await sample.image()) as Uint8Array)) }
  } catch (reason) {
    return rejected(annotation, reason)
  }
}

async function* joinStream(annotations: AsyncIterable<Annotation>, images: StreamedImages, root: string, onEnd: () => void): AsyncGenerator<Sample, void, undefined> {
  const waiting = new Map<string, Annotation[]>()
  for await (const annotation of annotations) {
    const name = nameOf(annotation, root)
    if (typeof name !== 'string') yield rejected(annotation, name)
    else if (waiting.has(name)) waiting.get(name)!.push(annotation)
    else if (waiting.size < maxStreamedNames) waiting.set(name, [annotation])
    else throw new PipelineError('PIPE_ARCHIVE_LIMIT', `${images.path}: expected at most ${maxStreamedNames} images to be named from a tar, found more; unpack it into a folder`, { path: images.path })
  }
  for await (const { name, refusal, read } of images.entries()) {
    const wanted = waiting.get(name)
    if (wanted === undefined) continue
    waiting.delete(name)
    const bytes = refusal ?? (await read())
    for (const annotation of wanted) yield bytes instanceof PipelineError ? rejected(annotation, bytes) : await withBytes(annotation, bytes)
  }
  for (const [name, left] of waiting) {
    for (const annotation of left) yield rejected(annotation, missing(`${images.path}: ${name}`, annotation.from))
  }
  onEnd()
}

function nameOf({ key, from, error }: Annotation, root: string): string | PipelineError {
  if (error !== undefined) return error
  try {
    return annotatedName(key, root, from)
  } catch (reason) {
    if (reason instanceof PipelineError) return reason
    throw reason
  }
}

async function withBytes(annotation: Annotation, bytes: Uint8Array): Promise<Sample> {
  try {
    const sized = annotation.toLabel && (await measure(annotation, bytes))
    return { ...withImage(annotation, () => Promise.resolve(bytes.slice())), ...sized } // a copy: the caller may give it away
  } catch (reason) {
    return rejected(annotation, reason)
  }
}

async function measure({ toLabel, key }: Annotation, bytes: Uint8Array): Promise<SizedLabel> {
  return toLabel!(await readImageSize(bytes, key))
}

function withImage({ id, key, label, regions, adjusted, error }: Annotation, image: Sample['image']): Sample {
  if (regions === undefined && adjusted === undefined && error === undefined) return { id, key, label, image } // most, and spreads take time
  return { id, key, label, ...(regions && { regions }), ...(adjusted !== undefined && { adjusted }), ...(error && { error }), image }
}

/** A sample whose image cannot be had; `reason` is thrown here if it is no PipelineError. */
function rejected(annotation: Annotation, reason: unknown): Sample {
  if (!(reason instanceof PipelineError)) throw reason
  return withImage(annotation, () => Promise.reject(reason))
}
