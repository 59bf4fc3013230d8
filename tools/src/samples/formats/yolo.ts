// Streets in YOLO's layout: a text file for each image with class, centre and size in shares of the image.

import { partNames } from '../sample-folder.js'
import type { SampleRequest, WrittenPart } from '../sample-formats.js'
import { thingNames } from '../scenes/street.js'
import { drawStreetFiles, type StreetFile } from './street-files.js'

const splits = { train: 'train', validation: 'val', test: 'test' } as const

/** DIR/data.yaml, images/{train,val,test}/NAME.jpg, labels/{train,val,test}/NAME.txt. */
export async function writeYolo({ folder, counts, size }: SampleRequest): Promise<WrittenPart[]> {
  const written: WrittenPart[] = []
  for (const part of partNames) {
    const split = splits[part]
    const files = await drawStreetFiles(folder, part, counts[part], size, (name) => `images/${split}/${name}`)
    for (const file of files) await folder.write(file.file.replace(/^images/, 'labels').replace(/\.jpg$/, '.txt'), toLines(file))
    written.push({ part: split, images: files.length, path: 'data.yaml', flags: ['--format', 'yolo', '--split', split] })
  }
  const names = thingNames.map((name, number) => `  ${number}: ${name}\n`).join('')
  await folder.write('data.yaml', `path: .\ntrain: images/train\nval: images/val\ntest: images/test\nnames:\n${names}`)
  return written
}

function toLines({ width, height, things }: StreetFile): string {
  return things.map(({ kind, left, top, right, bottom }) => {
    const shares = [(left + right) / 2 / width, (top + bottom) / 2 / height, (right - left) / width, (bottom - top) / height]
    return `${thingNames.indexOf(kind)} ${shares.map((share) => share.toFixed(6)).join(' ')}\n`
  }).join('')
}
