// Streets in the tables of Open Images: shares of the image, the x pair before the y pair, codes for classes.

import { createRandom } from '../random.js'
import { partNames } from '../sample-folder.js'
import type { SampleRequest, WrittenPart } from '../sample-formats.js'
import type { Thing } from '../scenes/street.js'
import { drawStreetFiles } from './street-files.js'

const header = 'ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside'
/** Open Images' own codes and words. */
const labels: Readonly<Record<Thing, readonly [code: string, word: string]>> = {
  car: ['/m/0k4j', 'Car'],
  house: ['/m/03jm5', 'House'],
  person: ['/m/01g317', 'Person'],
  sign: ['/m/01mqdt', 'Traffic sign'],
  tree: ['/m/07j7r', 'Tree'],
}

/** DIR/{train,validation,test}-annotations-bbox.csv, their images in folders of these names, class-descriptions-boxable.csv. */
export async function writeOpenImages({ folder, counts, size }: SampleRequest): Promise<WrittenPart[]> {
  const written: WrittenPart[] = []
  for (const [place, part] of partNames.entries()) {
    const files = await drawStreetFiles(folder, part, counts[part], size, (_, index) => `${part}/${imageId(folder.seed, place, index)}.jpg`)
    const rows = files.flatMap(({ width, height, things }, index) =>
      things.map(({ kind, left, top, right, bottom, isTruncated }) => [imageId(folder.seed, place, index), 'xclick', labels[kind][0], 1, toShare(left, width), toShare(right, width), toShare(top, height), toShare(bottom, height), 0, isTruncated ? 1 : 0, 0, 1, 0].join(',')),
    )
    await folder.write(`${part}-annotations-bbox.csv`, `${[header, ...rows].join('\n')}\n`)
    written.push({ part, images: files.length, path: `${part}-annotations-bbox.csv`, flags: ['--format', 'open-images', '--root', part] })
  }
  await folder.write('class-descriptions-boxable.csv', Object.values(labels).map(([code, word]) => `${code},${word}\n`).join(''))
  return written
}

/** Sixteen hexadecimal digits; the last eight keep ids apart. */
export function imageId(seed: number, part: number, index: number): string {
  const random = createRandom(seed, part, index, 1)
  return `${Math.floor(random() * 2 ** 32).toString(16).padStart(8, '0')}${(part * 2 ** 28 + index).toString(16).padStart(8, '0')}`
}

/** An edge by the image's side, to six places. */
export function toShare(edge: number, side: number): string {
  return `${Number((edge / side).toFixed(6))}`
}
