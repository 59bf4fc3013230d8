// Twelve classes of ImageNet in the tree of ILSVRC's development kit.
//
//   ImageSets/CLS-LOC/   train_cls.txt, val.txt
//   devkit/data/         map_clsloc.txt, ILSVRC2015_clsloc_validation_ground_truth.txt and _blacklist.txt
//   Data/CLS-LOC/        train/WNID/WNID_N.JPEG, val/ILSVRC2012_val_0000000N.JPEG

import type { RawImage } from '@millrace/infer'
import type { Figure } from '../figure.js'
import type { Random } from '../random.js'
import type { SampleRequest, WrittenPart } from '../sample-formats.js'
import { carBodies, type CarBody } from '../scenes/car.js'
import { foods, greenApple } from '../scenes/food.js'
import { drawCarPhoto, drawOutdoors, drawStill } from '../scenes/photos.js'
import { church, sign } from '../scenes/street.js'

interface SynsetClass {
  readonly id: string
  /** As the kit writes it. */
  readonly word: string
  draw(random: Random, size: number): RawImage
}

/** In the kit's order, which is not that of the ids; the first is number 1. */
const synsets: readonly SynsetClass[] = [
  { id: 'n03930630', word: 'pickup', draw: ofCar('pickup') },
  { id: 'n07753592', word: 'banana', draw: still(foods.banana) },
  { id: 'n03028079', word: 'church', draw: outdoors(church) },
  { id: 'n07747607', word: 'orange', draw: still(foods.orange) },
  { id: 'n03100240', word: 'convertible', draw: ofCar('convertible') },
  { id: 'n07742313', word: 'Granny_Smith', draw: still(greenApple) },
  { id: 'n07753275', word: 'pineapple', draw: still(foods.pineapple) },
  { id: 'n02814533', word: 'beach_wagon', draw: ofCar('wagon') },
  { id: 'n07745940', word: 'strawberry', draw: still(foods.strawberry) },
  { id: 'n06794110', word: 'street_sign', draw: outdoors(sign) },
  { id: 'n07614500', word: 'ice_cream', draw: still(foods['ice cream']) },
  { id: 'n03770679', word: 'minivan', draw: ofCar('minivan') },
]

const kit = 'devkit/data/ILSVRC2015_clsloc_validation'

/** The tree above; the second validation image of every hundred stands on the blacklist. */
export async function writeImageNet({ folder, counts, size }: SampleRequest): Promise<WrittenPart[]> {
  const train = await folder.drawFiles('train', counts.train, (random, index) => {
    const { id, draw } = synsets[index % synsets.length]!
    const name = `${id}/${id}_${Math.floor(index / synsets.length) + 1}`
    return { file: `Data/CLS-LOC/train/${name}.JPEG`, name, image: draw(random, size) }
  })
  const validation = await folder.drawFiles('validation', counts.validation, (random, index) => {
    const number = Math.floor(random() * synsets.length)
    const name = `ILSVRC2012_val_${`${index + 1}`.padStart(8, '0')}`
    return { file: `Data/CLS-LOC/val/${name}.JPEG`, name, number: number + 1, image: synsets[number]!.draw(random, size) }
  })
  const blacklist = validation.flatMap((_, index) => (index % 100 === 1 ? [index + 1] : []))
  await folder.write('ImageSets/CLS-LOC/train_cls.txt', train.map(({ name }) => name).sort().map((name, index) => `${name} ${index + 1}\n`).join(''))
  await folder.write('ImageSets/CLS-LOC/val.txt', validation.map(({ name }, index) => `${name} ${index + 1}\n`).join(''))
  await folder.write('devkit/data/map_clsloc.txt', synsets.map(({ id, word }, index) => `${id} ${index + 1} ${word}\n`).join(''))
  await folder.write(`${kit}_ground_truth.txt`, validation.map(({ number }) => `${number}\n`).join(''))
  await folder.write(`${kit}_blacklist.txt`, blacklist.map((number) => `${number}\n`).join(''))
  const format = ['--format', 'imagenet']
  return [
    { part: 'train', images: train.length, path: '', flags: format },
    { part: 'val', images: validation.length - blacklist.length, path: '', flags: [...format, '--split', 'val'] },
  ]
}

function ofCar(body: CarBody): SynsetClass['draw'] {
  return (random, size) => drawCarPhoto(random, size, carBodies[body]).image
}

function still(draw: (random: Random) => Figure): SynsetClass['draw'] {
  return (random, size) => drawStill(random, size, draw(random))
}

function outdoors(draw: (random: Random) => Figure): SynsetClass['draw'] {
  return (random, size) => drawOutdoors(random, size, draw(random))
}
