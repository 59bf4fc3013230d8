// Streets in COCO's instances files. Category ids have gaps, as COCO's have; boxes are left, top, width, height.

import type { SampleRequest, WrittenPart } from '../sample-formats.js'
import type { Thing } from '../scenes/street.js'
import { drawStreetFiles } from './street-files.js'

const categories: Readonly<Record<Thing, number>> = { person: 1, car: 3, sign: 13, tree: 64, house: 90 }
const firstIds = { train: 1, validation: 500_001 } as const
const splits = { train: 'train', validation: 'val' } as const

/** DIR/annotations/instances_{train,val}2017.json and {train,val}2017/000000000001.jpg. */
export async function writeCoco({ folder, counts, size }: SampleRequest): Promise<WrittenPart[]> {
  const written: WrittenPart[] = []
  for (const part of ['train', 'validation'] as const) {
    const split = splits[part]
    const nameOf = (id: number): string => `${`${id}`.padStart(12, '0')}.jpg`
    const files = await drawStreetFiles(folder, part, counts[part], size, (_, index) => `${split}2017/${nameOf(firstIds[part] + index)}`)
    const images = files.map(({ width, height }, index) => ({ id: firstIds[part] + index, file_name: nameOf(firstIds[part] + index), width, height, license: 1 }))
    const annotations = files.flatMap(({ things }, index) =>
      things.map(({ kind, left, top, right, bottom }) => ({ image_id: firstIds[part] + index, category_id: categories[kind], bbox: [left, top, right - left, bottom - top], area: (right - left) * (bottom - top), iscrowd: 0, segmentation: [] })),
    )
    const json = {
      info: { description: 'Drawn by millrace sample', version: '1.0', year: 2017 },
      licenses: [{ id: 1, name: 'none needed', url: '' }],
      images,
      annotations: annotations.map((annotation, place) => ({ id: firstIds[part] + place, ...annotation })),
      categories: Object.entries(categories).map(([name, id]) => ({ id, name, supercategory: 'street' })),
    }
    await folder.write(`annotations/instances_${split}2017.json`, JSON.stringify(json))
    written.push({ part: split, images: files.length, path: '', flags: ['--format', 'coco', '--split', split] })
  }
  return written
}
