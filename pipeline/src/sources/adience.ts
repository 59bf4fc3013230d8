// The `adience` source: faces with an age range and a gender, from the fold files of the Adience benchmark.
//
//   user_id TAB original_image TAB face_id TAB age TAB gender TAB x TAB y TAB dx TAB dy …
//   30601258@N03    10399646885_67c7d20df9_o.jpg    1    (25, 32)    f    0    414    1086    1383 …
//
//   aligned/USER/landmark_aligned_face.FACE.IMAGE       the face turned upright
//   faces/USER/coarse_tilt_aligned_face.FACE.IMAGE      the face as it was found
//
// Eidinger et al., "Age and Gender Estimation of Unfiltered Faces", 2014. Its age ranges are not all alike:
// one belongs to the first of the eight below that contains it ("(8, 12)" is 8_13); some belong to none.

import { readdir } from 'node:fs/promises'
import { basename, dirname, join, posix } from 'node:path'
import { PipelineError } from '../errors.js'
import { compareNames } from '../providers/image-name.js'
import type { ImageProvider } from '../providers/image-provider.js'
import { isFolder, openImages } from '../providers/open-images.js'
import type { Source } from '../sample.js'
import { annotatedSource } from './annotated-source.js'
import { openTable, tableError, type CsvRow, type CsvTable } from './csv-table.js'
import { checkRoot, type Annotation } from './join-images.js'
import { RepeatScan } from './repeated-names.js'
import type { SourceOptions } from './source-options.js'

export type AdienceOptions = Pick<SourceOptions, 'images' | 'root' | 'followLinks' | 'split' | 'task' | 'where' | 'signal'>

const columns = ['user_id', 'original_image', 'face_id', 'age', 'gender'] as const
/** From and to, both inclusive. In order, so that one class off is one range older or younger. */
const ageRanges = [[0, 2], [4, 6], [8, 13], [15, 20], [25, 32], [38, 43], [48, 53], [60, Infinity]] as const
const genders = ['m', 'f']
const classNamesOf = {
  age: ageRanges.map(([from, to]) => `${from}_${to === Infinity ? 'inf' : to}`),
  gender: ['male', 'female'],
} as const
type Task = keyof typeof classNamesOf

const foldName = /^fold_(frontal_)?(\d{1,3})_data\.txt$/
/** An id is the fold's number times this, and the line's number. */
const idsPerFold = 1_000_000

/**
 * The samples of fold files, all together. `path` is a fold file, or the folder with them: its
 * fold_frontal_N_data.txt (split `frontal`, the default where there are such), or its fold_N_data.txt
 * (split `all`). Task `age` (default): eight classes from young to old; `gender`: male, female. For both,
 * only rows with an age range and the gender m or f count; the others are counted in `ignored`, and for
 * the age those whose range is within none of the eight. A row listed before, or that cannot be understood,
 * gives a sample that rejects. Ids are 1,000,000 · fold + line.
 *
 * Images: `options.images`, else the folder of the fold files; in it aligned/ or faces/, or the users'
 * folders themselves, whichever comes first in the order of names.
 *
 * Memory: 8 bytes a row. The folds are read through here and for each iteration.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_TABLE, PIPE_EMPTY, PIPE_OPTION, and those of `openImages`
 */
export async function adience(path: string, options: AdienceOptions = {}): Promise<Source> {
  const task = checkTask(options.task)
  const folder = (await isFolder(path)) ? path : dirname(path)
  const folds = await Promise.all((await findFolds(path, folder, options.split)).map((fold) => openFold(fold, options)))
  const { count, repeats } = await scan(folds, task)
  const images = await openImages(options.images ?? folder, options)
  const { root, start } = await findFaces(images, checkRoot(options.root))
  return annotatedSource({
    labelKind: 'class',
    classNames: classNamesOf[task],
    count,
    annotations: (ignored) => annotate(folds, task, start, repeats(), ignored),
    images,
    root,
  })
}

function checkTask(task: string = 'age'): Task {
  if (task === 'age' || task === 'gender') return task
  throw new PipelineError('PIPE_OPTION', `task: expected age or gender, found ${JSON.stringify(task)}`)
}

async function findFolds(path: string, folder: string, split: string | undefined): Promise<string[]> {
  if (split !== undefined && split !== 'frontal' && split !== 'all') throw new PipelineError('PIPE_OPTION', `split: expected frontal or all, found ${JSON.stringify(split)}`)
  if (path !== folder && split === undefined) return [path]
  const names = path === folder ? await readdir(folder) : [basename(path)]
  const kinds = { frontal: names.filter((name) => foldName.exec(name)?.[1] !== undefined), all: names.filter((name) => foldName.test(name) && !name.includes('frontal')) }
  const found = kinds[split ?? (kinds.frontal.length > 0 ? 'frontal' : 'all')]
  if (found.length === 0) throw new PipelineError('PIPE_SOURCE_MISSING', `${path}: expected ${split === 'all' ? 'fold_0_data.txt' : 'fold_frontal_0_data.txt'} and so on, found none; check the path`, { path })
  return found.sort(compareNames).map((name) => join(folder, name))
}

interface Fold {
  readonly table: CsvTable
  readonly firstId: bigint
  /** Places of `columns`. */
  readonly places: readonly number[]
}

async function openFold(path: string, { where, signal }: AdienceOptions): Promise<Fold> {
  const table = await openTable(path, { delimiter: '\t', where, signal })
  table.require(...columns)
  return { table, firstId: BigInt(foldName.exec(basename(path))?.[2] ?? 0) * BigInt(idsPerFold), places: columns.map((name) => table.column(name)) }
}

/** A row that is to be packed. */
interface Face {
  readonly user: string
  /** FACE.IMAGE */
  readonly file: string
  readonly class: number
}

type Repeats = ReturnType<ReturnType<RepeatScan['finish']>>

async function scan(folds: readonly Fold[], task: Task): Promise<{ readonly count: number; readonly repeats: () => Repeats }> {
  const names = new RepeatScan()
  let rows = 0
  let count = 0
  for (const fold of folds) {
    for await (const row of fold.table.rows()) {
      rows++
      const face = readRow(row, fold, task)
      if (typeof face !== 'string') count++
      if (typeof face !== 'string' && !(face instanceof PipelineError)) names.add(`${face.user}/${face.file}`)
    }
  }
  if (rows === 0) throw folds[0]!.table.empty()
  return { count, repeats: names.finish() }
}

async function* annotate(folds: readonly Fold[], task: Task, start: string, firstLine: Repeats, ignored: Map<string, number>): AsyncGenerator<Annotation, void, undefined> {
  for (const fold of folds) {
    const { path } = fold.table
    for await (const row of fold.table.rows()) {
      const { line } = row
      const face = readRow(row, fold, task)
      if (typeof face === 'string') {
        ignored.set(face, (ignored.get(face) ?? 0) + 1)
        continue
      }
      const annotation = { id: fold.firstId + BigInt(line), from: `${path} line ${line}` }
      if (face instanceof PipelineError) {
        yield { ...annotation, key: `${basename(path)} line ${line}`, label: { kind: 'class', value: 0 }, error: face }
        continue
      }
      const isRepeat = firstLine(`${face.user}/${face.file}`, line) !== undefined
      const error = isRepeat ? tableError(path, line, 'every face once', `${face.user} ${face.file} again`) : undefined
      yield { ...annotation, key: `${face.user}/${start}.${face.file}`, label: { kind: 'class', value: face.class }, ...(error && { error }) }
    }
  }
}

/** The face, or why it does not count, or why the row cannot be understood. */
function readRow({ line, fields }: CsvRow, { table, places }: Fold, task: Task): Face | string | PipelineError {
  const [user = '', image = '', face = '', age, gender] = places.map((place) => fields[place])
  if (line >= idsPerFold) return tableError(table.path, line, `fewer than ${idsPerFold} lines`, 'more')
  if (gender === undefined || age === undefined) return tableError(table.path, line, `${table.columns.length} fields between tabs`, `${fields.length}`)
  if (user === '' || image === '' || !/^\d+$/.test(face)) return tableError(table.path, line, 'a user, an image and the number of a face', JSON.stringify([user, image, face]).slice(0, 200))
  if (!age.startsWith('(')) return 'without an age range'
  if (!genders.includes(gender)) return 'without a gender'
  const range = /^\((\d+),\s*(\d+)\)$/.exec(age)
  if (range === null) return tableError(table.path, line, 'an age range such as (25, 32)', JSON.stringify(age.slice(0, 50)))
  if (task === 'gender') return { user, file: `${face}.${image}`, class: genders.indexOf(gender) }
  const value = ageRanges.findIndex(([from, to]) => Number(range[1]) >= from && Number(range[2]) <= to)
  return value < 0 ? 'with an age range within none of the classes' : { user, file: `${face}.${image}`, class: value }
}

const faceName = /^(?:(.*)\/)?[^/]+\/(landmark_aligned_face|coarse_tilt_aligned_face)\.[^/]+$/

/** Where the users' folders lie, and what the names in them start with; the published way where there is none. */
async function findFaces(images: ImageProvider, root: string): Promise<{ readonly root: string; readonly start: string }> {
  for await (const name of images.names()) {
    const found = root === '' || name.startsWith(`${root}/`) ? faceName.exec(name) : null
    if (found !== null) return { root: found[1] ?? '', start: found[2]! }
  }
  return { root: posix.join(root, 'aligned'), start: 'landmark_aligned_face' }
}
