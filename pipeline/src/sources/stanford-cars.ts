// The `stanford-cars` source: photos of cars with make, model and year, and a box around each, from the
// authors' MATLAB files (stanford-cars-file.ts), or with make and model from a table complete_dataset.csv
// (filename, make, model, …).

import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ClassNames, readClassNames } from '../class-names.js'
import { PipelineError } from '../errors.js'
import { isFolder, openImages } from '../providers/open-images.js'
import type { ImageProvider } from '../providers/image-provider.js'
import type { Source } from '../sample.js'
import { annotatedSource } from './annotated-source.js'
import { annotateBoxes } from './boxes.js'
import { makeAndModel } from './car-names.js'
import { checkRoot, type Annotation } from './join-images.js'
import { orRejecting } from './or-rejecting.js'
import type { SourceOptions } from './source-options.js'
import { carsError, placeOf, readCarAnnotations, type CarAnnotations, type CarEntry } from './stanford-cars-file.js'
import { openCarTable } from './stanford-cars-table.js'

export type StanfordCarsOptions = Pick<SourceOptions, 'images' | 'root' | 'followLinks' | 'classNames' | 'split' | 'task' | 'badBoxes' | 'where' | 'delimiter' | 'signal'>

/** What `task` can be. */
const carTasks = ['make-model', 'class', 'boxes'] as const
type Task = (typeof carTasks)[number]

/** What a folder can hold, and where the images lie in it, beyond what the annotations say; the first that is there counts. */
const layouts = [
  [{ name: 'cars_annos.mat', imageFolder: '' }],
  [{ name: 'cars_train_annos.mat', imageFolder: 'cars_train/' }, { name: 'cars_test_annos_withlabels.mat', imageFolder: 'cars_test/' }],
  [{ name: 'complete_dataset.csv', imageFolder: '' }],
] as const

/**
 * The samples of Stanford Cars. `path` is a .mat with annotations, the table, or the data set's folder: with
 * cars_annos.mat, else with the train and test files (or one), else with the table, there or in devkit/.
 *
 * Tasks: 'make-model' (the default), the class without year, body and trim, of the 164 in the order of their
 * names; 'class', the data set's own 196, numbered as it numbers them from 1, less 1; both keep the box as
 * the sample's region. 'boxes', a label of the box with its make and model. The table has make and model only.
 * Class names come from the files, or from `options.classNames`, a file of the 196.
 *
 * Ids are positions from 0 in the file, in the train file and then the test file where both are read. Parts:
 * 'train' and 'test', as the data set flags them; default all there are. An entry that cannot be understood,
 * an image for the second time, and by default one with an inverted box, gives a sample that rejects.
 * Memory: the annotations; of the table, 8 bytes a row.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_STANFORD_CARS, PIPE_EMPTY, PIPE_OPTION, PIPE_TABLE,
 *   PIPE_MATLAB_DAMAGED, PIPE_MATLAB_UNSUPPORTED, those of `readClassNames` and `openImages`
 */
export async function stanfordCars(path: string, options: StanfordCarsOptions = {}): Promise<Source> {
  const isWhole = await isFolder(path)
  const files = isWhole ? await findFiles(path) : [{ path, imageFolder: '' }]
  const images = await openImages(options.images ?? (isWhole ? path : dirname(path)), options)
  const root = checkRoot(options.root)
  const table = files.find((file) => /\.(?:csv|tsv)$/i.test(file.path))
  if (table === undefined) return openCarFiles(files, images, root, options)
  taskOf(options, ['make-model'])
  return openCarTable(table.path, images, root, options)
}

interface CarFile {
  readonly path: string
  readonly imageFolder: string
}

async function findFiles(folder: string): Promise<CarFile[]> {
  const find = async ({ name, imageFolder }: { readonly name: string; readonly imageFolder: string }): Promise<CarFile[]> => {
    for (const path of [join(folder, name), join(folder, 'devkit', name)]) if (await stat(path).then((found) => found.isFile(), () => false)) return [{ path, imageFolder }]
    return []
  }
  for (const layout of layouts) {
    const found = (await Promise.all(layout.map(find))).flat()
    if (found.length > 0) return found
  }
  throw new PipelineError('PIPE_SOURCE_MISSING', `${folder}: expected ${layouts.flat().map(({ name }) => name).join(', ')} in it or in devkit, found none of them; give the path of the annotations`, { path: folder })
}

async function openCarFiles(files: readonly CarFile[], images: ImageProvider, root: string, options: StanfordCarsOptions): Promise<Source> {
  if (options.where !== undefined || options.delimiter !== undefined) throw new PipelineError('PIPE_OPTION', 'where, delimiter: expected a table of Stanford Cars, found MATLAB files, which have no columns; leave them out')
  const task = taskOf(options)
  const sets: CarSet[] = []
  for (const file of files) sets.push({ ...file, annotations: await readCarAnnotations(file.path) })
  const classes = await planClasses(sets, task, options.classNames)
  const chosen = choose(sets, options.split)
  return annotatedSource({
    labelKind: task === 'boxes' ? 'boxes' : 'class',
    classNames: classes.names,
    count: chosen.length,
    annotations: (ignored) => annotate(chosen, { task, classes, badBoxes: options.badBoxes ?? 'reject', ignored }),
    images,
    root,
  })
}

async function* annotate(chosen: readonly ChosenEntry[], plan: CarPlan): AsyncGenerator<Annotation, void, undefined> {
  const firstPlaces = new Map<string, string>()
  for (const { id, set, index } of chosen) {
    const place = placeOf(set.path, index)
    const annotation = { id, key: place, from: place, label: { kind: 'class', value: 0 } } as const
    yield orRejecting(annotation, () => {
      const entry = set.annotations.entry(index)
      const key = set.imageFolder + entry.name
      const first = firstPlaces.get(key)
      if (first !== undefined) throw carsError(set.path, 'every image once', `${JSON.stringify(key)} again, as in ${first}`, index)
      firstPlaces.set(key, place)
      return { ...annotation, key, ...annotateCar(entry, index, set.path, plan) }
    })
  }
}

interface CarSet extends CarFile {
  readonly annotations: CarAnnotations
}

interface Classes {
  readonly names: readonly string[]
  /** The data set's own numbers, from 0, to those of the task. */
  readonly numbers: readonly number[]
}

async function planClasses(sets: readonly CarSet[], task: Task, namesPath: string | undefined): Promise<Classes> {
  const own = namesPath === undefined ? sets.find(({ annotations }) => annotations.classNames)?.annotations.classNames : await readClassNames(namesPath)
  if (own === undefined) throw carsError(sets[0]!.path, 'the names of the classes in it or in cars_meta.mat beside it', 'neither; put cars_meta.mat there, or give a file of the names (class names)')
  if (task === 'class') return { names: own, numbers: own.map((_, number) => number) }
  const models = own.map(makeAndModel)
  const classes = ClassNames.sorted(new Set(models))
  return { names: classes.names, numbers: models.map((model) => classes.numberOf(model)!) }
}

interface ChosenEntry {
  readonly id: bigint
  readonly set: CarSet
  readonly index: number
}

function choose(sets: readonly CarSet[], split: string | undefined): ChosenEntry[] {
  const all: (ChosenEntry & { readonly part: string | undefined })[] = []
  for (const set of sets) for (let index = 0; index < set.annotations.count; index++) all.push({ id: BigInt(all.length), set, index, part: partOf(set.annotations, index) })
  if (split === undefined) return all
  const chosen = all.filter(({ part }) => part === split || part === undefined) // an entry without a part rejects in each
  if (chosen.some(({ part }) => part === split)) return chosen
  throw new PipelineError('PIPE_OPTION', `split: expected ${[...new Set(all.flatMap(({ part }) => part ?? []))].join(' or ')}, as ${sets.map(({ path }) => path).join(' and ')} ${sets.length > 1 ? 'have' : 'has'}, found ${JSON.stringify(split)}; add the file of the other part`)
}

/** Undefined where the entry does not tell; reading it tells why. */
function partOf(annotations: CarAnnotations, index: number): 'train' | 'test' | undefined {
  try {
    return annotations.isTest(index) ? 'test' : 'train'
  } catch (error) {
    if (error instanceof PipelineError) return undefined
    throw error
  }
}

interface CarPlan {
  readonly task: Task
  readonly classes: Classes
  readonly badBoxes: 'reject' | 'drop'
  readonly ignored: Map<string, number>
}

function annotateCar(entry: CarEntry, index: number, path: string, { task, classes, badBoxes, ignored }: CarPlan): Pick<Annotation, 'label' | 'regions' | 'adjusted' | 'toLabel' | 'error'> {
  const value = classes.numbers[entry.class]
  if (value === undefined) throw carsError(path, `a class from 1 to ${classes.numbers.length}`, `${entry.class + 1}`, index)
  const from = placeOf(path, index)
  if (task === 'boxes') return annotateBoxes([{ class: value, ...entry.box }], undefined, { unit: 'pixels', from, badBoxes, ignored, classCount: classes.names.length })
  const label = { kind: 'class', value } as const
  const { xmin, ymin, xmax, ymax } = entry.box
  if (xmin < xmax && ymin < ymax) return { label, regions: [{ left: xmin, top: ymin, width: xmax - xmin, height: ymax - ymin }] }
  const error = new PipelineError('PIPE_BOX', `${from}: expected a box with xmin < xmax and ymin < ymax, found ${xmin},${ymin} to ${xmax},${ymax}; correct the annotation, or drop such boxes (bad boxes)`, { path })
  if (badBoxes === 'reject') return { label, error }
  ignored.set('inverted or empty box', (ignored.get('inverted or empty box') ?? 0) + 1)
  return { label, adjusted: `its box was dropped: ${error.message}` }
}

function taskOf({ task = carTasks[0] }: StanfordCarsOptions, possible: readonly Task[] = carTasks): Task {
  const found = possible.find((each) => each === task)
  if (found !== undefined) return found
  throw new PipelineError('PIPE_OPTION', `task: expected ${possible.join(' or ')}, found ${JSON.stringify(task)}`)
}
