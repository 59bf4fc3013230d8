// im2rec's lists, id TAB class TAB path, beside their images; the names of the classes in classes.txt.

import type { SampleRequest, WrittenPart } from '../sample-formats.js'
import { partNames } from '../sample-folder.js'
import { foodNames } from '../scenes/food.js'
import { drawFoodFiles } from './food-files.js'

/** DIR/{train,validation,test}.lst, images/PART/00001.jpg, classes.txt. */
export async function writeList({ folder, counts, size }: SampleRequest): Promise<WrittenPart[]> {
  const written: WrittenPart[] = []
  for (const part of partNames) {
    const files = await drawFoodFiles(folder, part, counts[part], size, (name) => `images/${part}/${name}`)
    await folder.write(`${part}.lst`, files.map(({ file, label }, index) => `${index}\t${label}\t${file}\n`).join(''))
    written.push({ part, images: files.length, path: `${part}.lst`, flags: ['--format', 'list'], classNames: 'classes.txt' })
  }
  await folder.write('classes.txt', foodNames.map((name) => `${name}\n`).join(''))
  return written
}
