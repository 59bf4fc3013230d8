// Photos of streets with their boxes in whole pixels, for the formats of objects.

import type { PartName, SampleFolder } from '../sample-folder.js'
import type { Box } from '../figure.js'
import { drawPictureSize } from '../scenes/photos.js'
import { drawStreet, type Thing } from '../scenes/street.js'

export interface StreetFile {
  readonly file: string
  readonly width: number
  readonly height: number
  /** One or more. */
  readonly things: readonly BoxedThing[]
}

/** Edges in whole pixels; right and bottom are one past the last pixel. */
export interface BoxedThing extends Box {
  readonly kind: Thing
  readonly isTruncated: boolean
  readonly isSmall: boolean
}

/** Draws and writes the photos of a part; `toFile` places a name such as 000001.jpg. */
export function drawStreetFiles(folder: SampleFolder, part: PartName, count: number, size: number, toFile: (name: string, index: number) => string): Promise<StreetFile[]> {
  return folder.drawFiles(part, count, (random, index) => {
    const { width, height } = drawPictureSize(random, size)
    let photo = drawStreet(random, { width, height })
    while (photo.things.length === 0) photo = drawStreet(random, { width, height })
    const things = photo.things.map(({ kind, box, isTruncated, isSmall }) => ({ kind, isTruncated, isSmall, ...inPixels(box) }))
    return { file: toFile(`${index + 1}`.padStart(6, '0') + '.jpg', index), width, height, things, image: photo.image }
  })
}

/** The pixels that a box touches. */
export function inPixels({ left, top, right, bottom }: Box): Box {
  return { left: Math.floor(left), top: Math.floor(top), right: Math.ceil(right), bottom: Math.ceil(bottom) }
}
