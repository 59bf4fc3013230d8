// Where the names of boxes stand: above the box, else in its top, else under it, never over another name.
// A name that finds no place is left out; its colour tells the class.

import type { Mark } from './sample-picture.js'

/** A name's rectangle, in pixels of the drawn image. */
export interface Tag {
  readonly mark: Mark
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

export interface TagSizes {
  /** Of the drawn image, pixels. */
  readonly width: number
  readonly height: number
  readonly tagHeight: number
  widthOf(name: string): number
}

/** Names of small boxes come first: a large box has more room for its own. */
export function placeTags(marks: readonly Mark[], { width, height, tagHeight, widthOf }: TagSizes): Tag[] {
  const placed: Tag[] = []
  const area = (mark: Mark): number => (mark.xmax - mark.xmin) * (mark.ymax - mark.ymin)
  for (const mark of [...marks].sort((a, b) => area(a) - area(b))) {
    const size = { width: Math.min(width, widthOf(mark.name)), height: tagHeight }
    const left = Math.max(0, Math.min(width - size.width, mark.xmin * width))
    const tops = [mark.ymin * height - tagHeight, mark.ymin * height, mark.ymax * height, mark.ymax * height - tagHeight]
    const tag = tops
      .filter((top) => top >= -0.5 && top + tagHeight <= height + 0.5)
      .map((top): Tag => ({ mark, left, top: Math.max(0, top), ...size }))
      .find((candidate) => placed.every((other) => !overlaps(candidate, other)))
    if (tag) placed.push(tag)
  }
  return placed
}

function overlaps(a: Tag, b: Tag): boolean {
  return a.left < b.left + b.width && b.left < a.left + a.width && a.top < b.top + b.height && b.top < a.top + a.height
}
