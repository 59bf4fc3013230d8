// Frames of drives past American signs, in LISA's table: semicolons, and a comma inside the seventh field.

import type { SampleRequest, WrittenPart } from '../sample-formats.js'
import { chance } from '../random.js'
import { drawDrive } from '../scenes/photos.js'
import { americanSigns } from '../scenes/sign.js'
import { inPixels } from './street-files.js'

const header = 'Filename;Annotation tag;Upper left corner X;Upper left corner Y;Lower right corner X;Lower right corner Y;Occluded,On another road;Origin file;Origin frame number;Origin track;Origin track frame number'
const tags = [...americanSigns.keys()]
const framesEach = 20

/** DIR/allAnnotations.csv and drives/driveN/TAG_N.avi_imageN.png. LISA has no parts: `pack` draws them by frame. */
export async function writeLisa({ folder, counts, size }: SampleRequest): Promise<WrittenPart[]> {
  const frames = await folder.drawFiles('train', counts.train, (random, index) => {
    const [drive, frame] = [Math.floor(index / framesEach), index % framesEach]
    const first = tags[index % tags.length]!
    const { image, seen } = drawDrive(random, size, first, americanSigns)
    const rows = seen.map(({ kind, box }) => ({ kind, ...inPixels(box), flags: `${chance(random, 0.1) ? 1 : 0},${chance(random, 0.05) ? 1 : 0}` }))
    return { file: `drives/drive${drive}/${first}_${drive}.avi_image${frame}.png`, drive, frame, rows, image }
  })
  const lines = frames.flatMap(({ file, drive, frame, rows }) =>
    rows.map(({ kind, left, top, right, bottom, flags }, place) => [file, kind, left, top, right, bottom, flags, `drives/drive${drive}.avi`, frame * 5, `${kind}_${drive}_${place}.avi`, frame].join(';')),
  )
  await folder.write('allAnnotations.csv', `${[header, ...lines].join('\n')}\n`)
  const test = Math.round(0.25 * frames.length) // as the format divides them
  const toPart = (part: string, images: number): WrittenPart => ({ part, images, path: 'allAnnotations.csv', flags: ['--format', 'lisa', '--split', part] })
  return [toPart('train', frames.length - test), toPart('test', test)]
}
