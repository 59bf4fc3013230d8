// Tables with named columns: one row an image with its class, or one row a box.

import type { SampleRequest, WrittenPart } from '../sample-formats.js'
import { partNames } from '../sample-folder.js'
import { drawFoodFiles } from './food-files.js'
import { drawStreetFiles } from './street-files.js'

/** DIR/{train,validation,test}.csv: image,label. */
export async function writeCsv({ folder, counts, size }: SampleRequest): Promise<WrittenPart[]> {
  const written: WrittenPart[] = []
  for (const part of partNames) {
    const files = await drawFoodFiles(folder, part, counts[part], size, (name) => `images/${part}/${name}`)
    await folder.write(`${part}.csv`, ['image,label', ...files.map(({ file, kind }) => `${file},${kind}`), ''].join('\n'))
    written.push({ part, images: files.length, path: `${part}.csv`, flags: ['--format', 'csv'] })
  }
  return written
}

/** DIR/{train,validation,test}.csv: image,width,height,label,xmin,ymin,xmax,ymax, in pixels. */
export async function writeCsvBoxes({ folder, counts, size }: SampleRequest): Promise<WrittenPart[]> {
  const written: WrittenPart[] = []
  const flags = ['--format', 'csv', '--box-columns', 'xmin,ymin,xmax,ymax', '--size-columns', 'width,height', '--box-unit', 'pixels']
  for (const part of partNames) {
    const files = await drawStreetFiles(folder, part, counts[part], size, (name) => `images/${part}/${name}`)
    const rows = files.flatMap(({ file, width, height, things }) => things.map(({ kind, left, top, right, bottom }) => [file, width, height, kind, left, top, right, bottom].join(',')))
    await folder.write(`${part}.csv`, ['image,width,height,label,xmin,ymin,xmax,ymax', ...rows, ''].join('\n'))
    written.push({ part, images: files.length, path: `${part}.csv`, flags })
  }
  return written
}
