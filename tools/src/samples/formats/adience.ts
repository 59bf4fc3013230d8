// Faces of many ages in Adience's folds, each person in one fold.
//
//   fold_frontal_0_data.txt … 4   user_id TAB original_image TAB face_id TAB age TAB gender TAB x TAB y …
//   aligned/USER/landmark_aligned_face.FACE.IMAGE

import { between, chance, createRandom, pick, type Random } from '../random.js'
import type { SampleRequest, WrittenPart } from '../sample-formats.js'
import { drawPortrait } from '../scenes/photos.js'

const header = ['user_id', 'original_image', 'face_id', 'age', 'gender', 'x', 'y', 'dx', 'dy', 'tilt_ang', 'fiducial_yaw_angle', 'fiducial_score']
/** As published; the last has no end of its own there. */
const ages = [[0, 2], [4, 6], [8, 12], [15, 20], [25, 32], [38, 43], [48, 53], [60, 100]] as const
const foldCount = 5
const facesEach = 4
/** Random streams of people, apart from those of images. */
const peopleStream = 1000

/** The folds and the faces. One face in forty has no range of ages, one in forty no gender; they are not packed. */
export async function writeAdience({ folder, counts, size }: SampleRequest): Promise<WrittenPart[]> {
  const faces = await folder.drawFiles('train', counts.train, (random, index) => {
    const person = Math.floor(index / facesEach)
    const identity = createRandom(folder.seed, peopleStream, person)
    const [user, isFemale, range] = [`${10000000 + person * 7919}@N0${person % 10}`, chance(identity, 0.5), ages[person % ages.length]!]
    const image = drawPortrait(random, size, { expression: pick(random, ['neutral', 'happy', 'neutral', 'surprise', 'sad'] as const), age: between(identity, range[0] + 0.2, Math.min(85, range[1])), isFemale }, true, identity)
    const photo = `${1000000000 + index}_${person.toString(16).padStart(6, '0')}_o.jpg`
    const fields = [user, photo, `${person + 1}`, toAge(random, range), chance(random, 0.025) ? pick(random, ['u', '']) : isFemale ? 'f' : 'm']
    return { file: `aligned/${user}/landmark_aligned_face.${person + 1}.${photo}`, fold: person % foldCount, fields, image }
  })
  for (let fold = 0; fold < foldCount; fold++) {
    const rows = faces.filter((face) => face.fold === fold).map(({ fields }) => [...fields, 0, 0, size, size, 0, 0, 50].join('\t'))
    await folder.write(`fold_frontal_${fold}_data.txt`, `${[header.join('\t'), ...rows].join('\n')}\n`)
  }
  const counted = faces.filter(({ fields: [, , , age, gender] }) => age!.startsWith('(') && (gender === 'm' || gender === 'f')).length
  const format = ['--format', 'adience']
  return [{ part: 'age', images: counted, path: '', flags: format }, { part: 'gender', images: counted, path: '', flags: [...format, '--task', 'gender'] }]
}

function toAge(random: Random, [from, to]: readonly [number, number]): string {
  return chance(random, 0.025) ? pick(random, ['None', `${Math.floor(between(random, from, to))}`]) : `(${from}, ${to})`
}
