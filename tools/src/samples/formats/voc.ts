// Streets in the layout of Pascal VOC. A box's edges are its first and last pixel, counted from 1.

import { partNames } from '../sample-folder.js'
import type { SampleRequest, WrittenPart } from '../sample-formats.js'
import { drawStreetFiles, type BoxedThing, type StreetFile } from './street-files.js'

const splits = { train: 'train', validation: 'val', test: 'test' } as const

/** DIR/Annotations/NAME.xml, JPEGImages/NAME.jpg, ImageSets/Main/{train,val,trainval,test}.txt. */
export async function writeVoc({ folder, counts, size }: SampleRequest): Promise<WrittenPart[]> {
  const lists = new Map<string, readonly string[]>()
  const written: WrittenPart[] = []
  let first = 1
  for (const part of partNames) {
    const start = first
    const names = (index: number): string => `2012_${`${start + index}`.padStart(6, '0')}`
    const files = await drawStreetFiles(folder, part, counts[part], size, (_, index) => `JPEGImages/${names(index)}.jpg`)
    for (const [index, file] of files.entries()) await folder.write(`Annotations/${names(index)}.xml`, toXml(names(index), file))
    lists.set(splits[part], files.map((_, index) => names(index)))
    written.push({ part: splits[part], images: files.length, path: '', flags: ['--format', 'voc', '--split', splits[part]] })
    first += files.length
  }
  lists.set('trainval', [...lists.get('train')!, ...lists.get('val')!])
  for (const [name, names] of lists) await folder.write(`ImageSets/Main/${name}.txt`, names.map((each) => `${each}\n`).join(''))
  return written
}

function toXml(name: string, { width, height, things }: StreetFile): string {
  const size = `\t<size>\n\t\t<width>${width}</width>\n\t\t<height>${height}</height>\n\t\t<depth>3</depth>\n\t</size>\n`
  return `<annotation>\n\t<folder>VOC2012</folder>\n\t<filename>${name}.jpg</filename>\n\t<source>\n\t\t<database>millrace sample</database>\n\t</source>\n${size}\t<segmented>0</segmented>\n${things.map(toObject).join('')}</annotation>\n`
}

function toObject({ kind, left, top, right, bottom, isTruncated, isSmall }: BoxedThing): string {
  const box = `\t\t<bndbox>\n\t\t\t<xmin>${left + 1}</xmin>\n\t\t\t<ymin>${top + 1}</ymin>\n\t\t\t<xmax>${right}</xmax>\n\t\t\t<ymax>${bottom}</ymax>\n\t\t</bndbox>\n`
  return `\t<object>\n\t\t<name>${kind}</name>\n\t\t<pose>Unspecified</pose>\n\t\t<truncated>${isTruncated ? 1 : 0}</truncated>\n\t\t<difficult>${isSmall ? 1 : 0}</difficult>\n${box}\t</object>\n`
}
