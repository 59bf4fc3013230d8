// Food on tables in the layout of the Snacks data set: a table for each part, a folder for each class.

import { partNames } from '../sample-folder.js'
import type { SampleRequest, WrittenPart } from '../sample-formats.js'
import { foodNames } from '../scenes/food.js'
import { drawMeal } from '../scenes/photos.js'
import { imageId, toShare } from './open-images.js'

const splits = { train: 'train', validation: 'val', test: 'test' } as const

/** DIR/annotations-{train,val,test}.csv and {train,val,test}/CLASS/IMAGE_ID.jpg. */
export async function writeSnacks({ folder, counts, size }: SampleRequest): Promise<WrittenPart[]> {
  const written: WrittenPart[] = []
  for (const [place, part] of partNames.entries()) {
    const split = splits[part]
    const photos = await folder.drawFiles(part, counts[part], (random, index) => {
      const first = foodNames[index % foodNames.length]!
      const id = imageId(folder.seed, place, index)
      const { image, seen } = drawMeal(random, size, first, foodNames)
      const rows = seen.map(({ kind, box: { left, top, right, bottom } }) => [id, toShare(left, image.width), toShare(right, image.width), toShare(top, image.height), toShare(bottom, image.height), kind, first].join(','))
      return { file: `${split}/${first}/${id}.jpg`, rows, image }
    })
    await folder.write(`annotations-${split}.csv`, `${['image_id,x_min,x_max,y_min,y_max,class_name,folder', ...photos.flatMap(({ rows }) => rows)].join('\n')}\n`)
    written.push({ part: split, images: photos.length, path: '', flags: ['--format', 'snacks', '--split', split] })
  }
  return written
}
