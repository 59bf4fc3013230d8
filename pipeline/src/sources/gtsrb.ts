// The `gtsrb` source: the German Traffic Sign Recognition Benchmark, 43 classes, a sign in each image.
//
//   Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId     (also RoiX1 …, and a ; at the line's end)
//   00000.ppm;53;54;6;5;48;49;16
//
// As published: Final_Training/Images/00016/GT-00016.csv beside the images of a class, and for all test
// images GT-final_test.csv. On Kaggle: Train.csv and Test.csv, with commas and the image's Path.
//
// J. Stallkamp, M. Schlipsing, J. Salmen, C. Igel, "Man vs. computer: Benchmarking machine learning
// algorithms for traffic sign recognition", Neural Networks 32, 2012.

import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { ClassNames } from '../class-names.js'
import { PipelineError } from '../errors.js'
import type { ClassLabel } from '../label.js'
import { compareNames } from '../providers/image-name.js'
import { unreadableSource } from '../providers/image-provider.js'
import { isFolder, openImages } from '../providers/open-images.js'
import type { Source } from '../sample.js'
import { annotatedSource } from './annotated-source.js'
import { annotateBoxes } from './boxes.js'
import { parseNumber } from './csv-labels.js'
import { openTable, tableError, type CsvRow, type CsvTable } from './csv-table.js'
import { gtsrbClasses } from './gtsrb-classes.js'
import { checkRoot, type Annotation } from './join-images.js'
import { RepeatScan } from './repeated-names.js'
import type { SourceOptions } from './source-options.js'

/**
 * The samples of GTSRB: `path` is one of the tables, or a folder with GT-*.csv in it and in its folders
 * (Final_Training/Images). Images are named from the folder of their table.
 *
 * Task 'class' (the default): the image's class, with the sign's box as its region, so that cropping to the
 * regions cuts the border away, as much of it as one wants. Task 'boxes': a label of one box, its edges the
 * four numbers. Ids are positions from 0, table by table. Memory: 8 bytes an image.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_TABLE, PIPE_EMPTY, PIPE_CLASS_NAME, PIPE_OPTION
 */
export async function gtsrb(path: string, options: SourceOptions = {}): Promise<Source> {
  const root = checkRoot(options.root)
  const { task = 'class', badBoxes = 'reject' } = options
  if (task !== 'class' && task !== 'boxes') throw new PipelineError('PIPE_OPTION', `task: format gtsrb: expected class or boxes, found ${JSON.stringify(task)}`)
  const isInFolder = await isFolder(path)
  const paths = isInFolder ? (await findTables(path)).map((name) => ({ path: join(path, name), prefix: dirname(name) === '.' ? '' : `${dirname(name)}/` })) : [{ path, prefix: '' }]
  const tables: SignTable[] = []
  for (const each of paths) tables.push(await openSignTable(each.path, each.prefix, options))
  const repeats = new RepeatScan()
  let count = 0
  for (const table of tables) {
    for await (const row of table.rows()) {
      count++
      repeats.add(table.nameOf(row))
    }
  }
  if (count === 0) throw tables[0]!.empty()
  const classNames = options.classNames === undefined ? gtsrbClasses : (await ClassNames.read(options.classNames)).names
  const trackRepeats = repeats.finish()
  const settings: SignSettings = { task, badBoxes, classCount: classNames.length }
  return annotatedSource({
    labelKind: task,
    classNames,
    count,
    annotations: (ignored) => annotate(tables, { ...settings, ignored }, trackRepeats()),
    images: await openImages(options.images ?? (isInFolder ? path : dirname(path)), options),
    root,
  })
}

interface SignTable {
  readonly path: string
  rows(): AsyncIterable<CsvRow>
  empty(): PipelineError
  nameOf(row: CsvRow): string
  /** Of Width, Height, the box and ClassId. */
  readonly columns: readonly number[]
}

interface SignSettings {
  readonly task: 'class' | 'boxes'
  readonly badBoxes: 'reject' | 'drop'
  readonly classCount: number
  readonly ignored?: Map<string, number>
}

/** The names of the tables, sorted; GT-final_test.test.csv has no classes. */
async function findTables(folder: string): Promise<string[]> {
  const found: string[] = []
  const visit = async (inner: string, depth: number): Promise<void> => {
    const entries = await readdir(join(folder, inner), { withFileTypes: true }).catch((cause: unknown) => {
      throw unreadableSource(join(folder, inner), cause)
    })
    for (const entry of entries) {
      const name = inner === '' ? entry.name : `${inner}/${entry.name}`
      if (entry.isDirectory() && depth > 0) await visit(name, depth - 1)
      else if (/^GT-(\d+|final_test)\.csv$/.test(basename(name))) found.push(name)
    }
  }
  await visit('', 1)
  if (found.length === 0) throw new PipelineError('PIPE_SOURCE_MISSING', `${folder}: expected GT-*.csv in it or in its folders, found none; give a folder such as GTSRB/Final_Training/Images, or the table itself`, { path: folder })
  return found.sort(compareNames)
}

async function openSignTable(path: string, prefix: string, { delimiter, where, signal }: SourceOptions): Promise<SignTable> {
  const table: CsvTable = await openTable(path, { delimiter, where, signal })
  const nameColumn = table.column('Path', 'Filename')
  const edges = ['X1', 'Y1', 'X2', 'Y2'].map((edge) => table.column(`Roi.${edge}`, `Roi${edge}`))
  return {
    path,
    rows: () => table.rows(),
    empty: () => table.empty(),
    nameOf: ({ fields }) => (fields[nameColumn] ? `${prefix}${fields[nameColumn]}` : ''),
    columns: [table.column('Width'), table.column('Height'), ...edges, table.column('ClassId')],
  }
}

async function* annotate(tables: readonly SignTable[], settings: SignSettings, firstLineOf: (name: string, line: number) => number | undefined): AsyncGenerator<Annotation, void, undefined> {
  let position = 0n
  for (const table of tables) {
    for await (const row of table.rows()) {
      const name = table.nameOf(row)
      const from = `${table.path} line ${row.line}`
      const first = name === '' ? undefined : firstLineOf(name, row.line)
      const error = name === '' ? tableError(table.path, row.line, 'the name of an image', 'an empty field') : first === undefined ? undefined : tableError(table.path, row.line, 'every image once', `${JSON.stringify(name)} again, as in line ${first}`)
      const annotation = { id: position++, key: name === '' ? `line ${row.line}` : name, from }
      yield { ...annotation, ...readSign(table, row, from, settings), ...(error && { error }) }
    }
  }
}

function readSign(table: SignTable, { fields, line }: CsvRow, from: string, { task, ...settings }: SignSettings): Pick<Annotation, 'label' | 'regions' | 'adjusted' | 'error'> {
  const texts = table.columns.map((column) => fields[column])
  const [width, height, xmin, ymin, xmax, ymax, number] = texts.map(parseNumber)
  const standIn: ClassLabel = { kind: 'class', value: 0 }
  if (width === undefined || height === undefined || xmin === undefined || ymin === undefined || xmax === undefined || ymax === undefined || number === undefined) {
    return { label: standIn, error: tableError(table.path, line, 'numbers for size, box and class', texts.map((text) => JSON.stringify(text ?? null).slice(0, 50)).join(', ')) }
  }
  if (!(Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0)) return { label: standIn, error: tableError(table.path, line, 'the width and height of the image in whole pixels', `${width} and ${height}`) }
  if (!(Number.isInteger(number) && number >= 0 && number < settings.classCount)) return { label: standIn, error: tableError(table.path, line, `a class from 0 to ${settings.classCount - 1}`, `${number}`) }
  const boxed = annotateBoxes([{ class: number, xmin, ymin, xmax, ymax }], { width, height }, { unit: 'pixels', from, ...settings })
  return task === 'boxes' || boxed.error ? boxed : { ...boxed, label: { kind: 'class', value: number } }
}
