// Twelve of the classes of Stanford Cars, in one MATLAB file as the authors publish it, and as a table.
//
//   cars_annos.mat         annotations { relative_im_path, bbox_x1 …, class, test }, class_names
//   complete_dataset.csv   filename,make,model,type,year
//   car_ims/000001.jpg

import { encodeMatlab } from '../matlab-writer.js'
import type { SampleRequest, WrittenPart } from '../sample-formats.js'
import { carBodies, type CarShape } from '../scenes/car.js'
import { drawCarPhoto } from '../scenes/photos.js'
import { inPixels } from './street-files.js'

interface CarClass {
  readonly make: string
  readonly model: string
  /** The trim and the body at the end of the class's name. */
  readonly body: string
  readonly year: number
  readonly shape: CarShape
}

/** In the order of their names, from 1. */
const classes: readonly CarClass[] = [
  { make: 'AM General', model: 'Hummer', body: 'SUV', year: 2000, shape: { ...carBodies.suv, wheel: 0.1, roof: 0.44, belt: 0.31, nose: 0.28 } },
  { make: 'Audi', model: 'TT', body: 'RS Coupe', year: 2012, shape: { ...carBodies.coupe, roof: 0.3 } },
  { make: 'BMW', model: '3 Series', body: 'Wagon', year: 2012, shape: carBodies.wagon },
  { make: 'Bentley', model: 'Continental GT', body: 'Coupe', year: 2012, shape: { ...carBodies.coupe, windscreen: [0.1, -0.04], rearWindow: [-0.2, -0.36], roof: 0.27, wheel: 0.084 } },
  { make: 'Chevrolet', model: 'Silverado 1500', body: 'Hybrid Crew Cab', year: 2012, shape: { ...carBodies.pickup, rearWindow: [-0.12, -0.14], windows: 2 } },
  { make: 'Dodge', model: 'Caravan', body: 'Minivan', year: 1997, shape: carBodies.minivan },
  { make: 'FIAT', model: '500', body: 'Convertible', year: 2012, shape: { ...carBodies.convertible, windscreen: [0.22, 0.14], roof: 0.38, belt: 0.27, nose: 0.22, tail: 0.27 } },
  { make: 'Ford', model: 'E-Series Wagon', body: 'Van', year: 2012, shape: carBodies.van },
  { make: 'Ford', model: 'F-150', body: 'Regular Cab', year: 2012, shape: { ...carBodies.pickup, wheel: 0.088 } },
  { make: 'Honda', model: 'Accord', body: 'Sedan', year: 2012, shape: carBodies.sedan },
  { make: 'Hyundai', model: 'Veloster', body: 'Hatchback', year: 2012, shape: { ...carBodies.hatchback, windscreen: [0.2, 0.1], roof: 0.36, belt: 0.24, windows: 1, roundness: 2 } },
  { make: 'Volvo', model: '240', body: 'Sedan', year: 1993, shape: { ...carBodies.sedan, windscreen: [0.17, 0.09], rearWindow: [-0.24, -0.31], belt: 0.22, nose: 0.2, tail: 0.22, windows: 3, roundness: 0 } },
]

/** The three; the images of train come first. */
export async function writeStanfordCars({ folder, counts, size }: SampleRequest): Promise<WrittenPart[]> {
  const elements: (string | number)[][] = []
  const rows: string[] = ['filename,make,model,type,year']
  const written: WrittenPart[] = []
  for (const part of ['train', 'test'] as const) {
    const first = elements.length
    const cars = await folder.drawFiles(part, counts[part], (random, index) => {
      const number = index % classes.length
      const { image, seen } = drawCarPhoto(random, size, classes[number]!.shape)
      return { file: `car_ims/${`${first + index + 1}`.padStart(6, '0')}.jpg`, number, box: inPixels(seen[0]!.box), image }
    })
    for (const { file, number, box } of cars) {
      elements.push([file, box.left + 1, box.top + 1, box.right, box.bottom, number + 1, part === 'test' ? 1 : 0])
      const { make, model, body, year } = classes[number]!
      rows.push([file, make, model, body, year].join(','))
    }
    written.push({ part, images: cars.length, path: '', flags: ['--format', 'stanford-cars', '--split', part] })
  }
  const names = classes.map(({ make, model, body, year }) => `${make} ${model} ${body} ${year}`)
  const fields = ['relative_im_path', 'bbox_x1', 'bbox_y1', 'bbox_x2', 'bbox_y2', 'class', 'test']
  await folder.write('cars_annos.mat', encodeMatlab({ annotations: { fields, elements }, class_names: { cells: names } }))
  await folder.write('complete_dataset.csv', `${rows.join('\n')}\n`)
  return [...written, { part: 'all, from the table', images: elements.length, path: 'complete_dataset.csv', flags: ['--format', 'stanford-cars'] }]
}
