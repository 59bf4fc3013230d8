// Faces with seven expressions in FER2013's table, and what ten taggers would say of them in FER+'s.
//
//   fer2013.csv      emotion,pixels,Usage
//   fer2013new.csv   Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF

import type { RawImage } from '@millrace/infer'
import { between, chance, pick, type Random } from '../random.js'
import { partNames } from '../sample-folder.js'
import type { SampleRequest, WrittenPart } from '../sample-formats.js'
import type { Expression } from '../scenes/face.js'
import { drawPortrait } from '../scenes/photos.js'

const side = 48
/** By FER2013's number. */
const emotions: readonly Expression[] = ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral']
/** FER+'s columns; the same feelings in another order. */
const columns: readonly Expression[] = ['neutral', 'happy', 'surprise', 'sad', 'angry', 'disgust', 'fear', 'contempt']
const usages = { train: 'Training', validation: 'PrivateTest', test: 'PublicTest' } as const
const splits = { train: 'train', validation: 'val', test: 'test' } as const

/** Both tables. Some of the neutral faces look down on one: FER2013 has no contempt, FER+ has. */
export async function writeFer2013({ folder, counts }: SampleRequest): Promise<WrittenPart[]> {
  const rows: string[] = ['emotion,pixels,Usage']
  const votes: string[] = ['Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF']
  const written: WrittenPart[] = []
  for (const part of partNames) {
    const faces = await folder.draw(part, counts[part], drawFerFace)
    for (const { emotion, pixels, tally } of faces) {
      votes.push(`${usages[part]},fer${`${rows.length - 1}`.padStart(7, '0')}.png,${tally.join(',')}`)
      rows.push(`${emotion},${pixels},${usages[part]}`)
    }
    written.push({ part: splits[part], images: faces.length, path: 'fer2013.csv', flags: ['--format', 'fer2013', '--split', splits[part]] })
  }
  await folder.write('fer2013.csv', `${rows.join('\n')}\n`)
  await folder.write('fer2013new.csv', `${votes.join('\n')}\n`)
  return written
}

function drawFerFace(random: Random, index: number): { readonly emotion: number; readonly pixels: string; readonly tally: readonly number[] } {
  const emotion = index % emotions.length
  const expression = emotions[emotion] === 'neutral' && chance(random, 0.25) ? 'contempt' : emotions[emotion]!
  const person = { expression, age: between(random, 4, 75), isFemale: chance(random, 0.5) }
  return { emotion, pixels: toGrey(drawPortrait(random, side, person, false)).join(' '), tally: drawVotes(random, expression) }
}

/** Ten votes: most for what was drawn, now and then so few that there is no majority. */
function drawVotes(random: Random, expression: Expression): number[] {
  const tally = new Array<number>(columns.length + 2).fill(0)
  const sure = chance(random, 0.06) ? 4 : Math.floor(between(random, 6, 11))
  tally[columns.indexOf(expression)]! += sure
  for (let vote = sure; vote < 10; vote++) tally[pick(random, [0, 3, 4, 6, 8])]!++
  return tally
}

/** BT.601's weights, as of every grey photo. */
function toGrey({ data }: RawImage): number[] {
  return Array.from({ length: data.length / 3 }, (_, pixel) => Math.round(0.299 * data[3 * pixel]! + 0.587 * data[3 * pixel + 1]! + 0.114 * data[3 * pixel + 2]!))
}
