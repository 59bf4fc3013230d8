// A source made of annotations and the images they name: what nearly every format comes to. A format's
// own file reads its annotations; the rest is here.

import type { LabelKind } from '../label.js'
import type { ImageProvider } from '../providers/image-provider.js'
import type { Source } from '../sample.js'
import { joinImages, type Annotation } from './join-images.js'

export interface AnnotatedSource {
  readonly labelKind: LabelKind
  /** The classes' names by number, wherever labels are classes or boxes. */
  readonly classNames?: readonly string[] | undefined
  /** How many annotations there are. */
  readonly count: number
  /**
   * The annotations, anew each time, every one with an id of its own that is the same each time. What is
   * passed over is counted in `ignored`, by reason.
   */
  annotations(ignored: Map<string, number>): AsyncIterable<Annotation>
  /** Where the images are. Default: each annotation has its own (`Annotation.image`). */
  readonly images?: ImageProvider
  /** The folder in `images` that names begin from, as `checkRoot` gives it. Default: the top. */
  readonly root?: string
}

/** The source; its outlines are the annotations, so that choosing among its samples reads no image. */
export function annotatedSource({ labelKind, classNames, count, annotations, images, root = '' }: AnnotatedSource): Source {
  const ignored = new Map<string, number>()
  return {
    labelKind,
    ...(classNames && { classNames }),
    ignored,
    count: () => Promise.resolve(count),
    async *outlines() {
      for await (const { id, key, label, error } of annotations(new Map())) yield error ? { id, key, label, error } : { id, key, label }
    },
    [Symbol.asyncIterator]() {
      const passedOver = new Map<string, number>()
      return joinImages(annotations(passedOver), images, root, () => {
        ignored.clear()
        for (const [reason, times] of [...passedOver, ...(images?.ignored ?? [])]) ignored.set(reason, (ignored.get(reason) ?? 0) + times)
      })
    },
  }
}
