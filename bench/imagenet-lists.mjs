// Writes lists of the size and shape of ImageNet's: 1,281,167 training images of 1,000 classes, 50,000
// validation images with their ground truth and a blacklist; no images.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const trainImages = 1_281_167
const validationImages = 50_000
const classes = 1_000

export async function writeImageNetLists(folder) {
  const ids = Array.from({ length: classes }, (_, index) => `n${String(1_440_764 + index * 7_919).padStart(8, '0')}`)
  const train = Array.from({ length: trainImages }, (_, index) => {
    const id = ids[Math.floor((index * classes) / trainImages)]
    return `${id}/${id}_${index * 7 + 3} ${index + 1}\n`
  })
  const validation = Array.from({ length: validationImages }, (_, index) => `ILSVRC2012_val_${String(index + 1).padStart(8, '0')} ${index + 1}\n`)
  const [lists, kit] = [join(folder, 'ImageSets', 'CLS-LOC'), join(folder, 'devkit', 'data')]
  for (const each of [lists, kit]) await mkdir(each, { recursive: true })
  await writeFile(join(lists, 'train_cls.txt'), train.join(''))
  await writeFile(join(lists, 'val.txt'), validation.join(''))
  await writeFile(join(kit, 'map_clsloc.txt'), ids.map((id, index) => `${id} ${((index * 389) % classes) + 1} thing_${index}\n`).join(''))
  await writeFile(join(kit, 'ILSVRC2015_clsloc_validation_ground_truth.txt'), validation.map((_, index) => `${((index * 7) % classes) + 1}\n`).join(''))
  await writeFile(join(kit, 'ILSVRC2015_clsloc_validation_blacklist.txt'), Array.from({ length: 1_762 }, (_, index) => `${index * 28 + 36}\n`).join(''))
}
