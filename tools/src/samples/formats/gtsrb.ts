// German signs, cut out, in the tables of the benchmark as they are found on Kaggle:
// Width,Height,Roi.X1,Roi.Y1,Roi.X2,Roi.Y2,ClassId,Path. Signs come in tracks of five frames of one class.

import type { SampleRequest, WrittenPart } from '../sample-formats.js'
import { drawSignCrop } from '../scenes/photos.js'
import { germanSigns } from '../scenes/sign.js'
import { inPixels } from './street-files.js'

const numbers = [...germanSigns.keys()]
const framesEach = 5

/** DIR/Train.csv with Train/CLASS/CLASS_TRACK_FRAME.png, DIR/Test.csv with Test/NUMBER.png. */
export async function writeGtsrb({ folder, counts }: SampleRequest): Promise<WrittenPart[]> {
  const written: WrittenPart[] = []
  for (const [part, name] of [['train', 'Train'], ['test', 'Test']] as const) {
    const signs = await folder.drawFiles(part, counts[part], (random, index) => {
      const number = numbers[index % numbers.length]!
      const frame = Math.floor(index / numbers.length)
      const { image, seen } = drawSignCrop(random, germanSigns.get(number)!())
      return { file: part === 'train' ? `Train/${number}/${fiveDigits(number)}_${fiveDigits(Math.floor(frame / framesEach))}_${fiveDigits(frame % framesEach)}.png` : `Test/${fiveDigits(index)}.png`, number, width: image.width, height: image.height, box: inPixels(seen[0]!.box), image }
    })
    const rows = signs.map(({ file, number, width, height, box }) => [width, height, box.left, box.top, box.right, box.bottom, number, file].join(','))
    await folder.write(`${name}.csv`, `${['Width,Height,Roi.X1,Roi.Y1,Roi.X2,Roi.Y2,ClassId,Path', ...rows].join('\n')}\n`)
    written.push({ part, images: signs.length, path: `${name}.csv`, flags: ['--format', 'gtsrb'] })
  }
  return written
}

function fiveDigits(number: number): string {
  return `${number}`.padStart(5, '0')
}
