// Photos of one kind of food each, for the formats whose label is a class.

import { foodNames, foods, type Food } from '../scenes/food.js'
import { drawStill } from '../scenes/photos.js'
import type { PartName, SampleFolder } from '../sample-folder.js'
import type { Random } from '../random.js'
import type { RawImage } from '@millrace/infer'

export interface FoodFile {
  readonly file: string
  readonly kind: Food
  /** Its place among `foodNames`. */
  readonly label: number
}

/** Draws and writes the photos of a part, kind after kind by turns; `toFile` places a name such as 00001.jpg. */
export function drawFoodFiles(folder: SampleFolder, part: PartName, count: number, size: number, toFile: (name: string, kind: Food) => string): Promise<FoodFile[]> {
  return folder.drawFiles(part, count, (random, index) => {
    const { kind, label, image } = drawFood(random, index, size)
    return { file: toFile(`${index + 1}`.padStart(5, '0') + '.jpg', kind), kind, label, image }
  })
}

/** The photo with that index in its part. */
export function drawFood(random: Random, index: number, size: number): Omit<FoodFile, 'file'> & { readonly image: RawImage } {
  const label = index % foodNames.length
  const kind = foodNames[label]!
  return { kind, label, image: drawStill(random, size, foods[kind](random)) }
}
