// The `csv` source: a table with a column of image names and one or more of labels, or of boxes.

import { dirname } from 'node:path'
import { ClassNames } from '../class-names.js'
import { PipelineError } from '../errors.js'
import { openImages } from '../providers/open-images.js'
import type { Source } from '../sample.js'
import { annotatedSource } from './annotated-source.js'
import { openBoxTable } from './box-table.js'
import { LabelScan, type LabelPlan } from './csv-labels.js'
import { openTable, tableError, type CsvRow, type CsvTable } from './csv-table.js'
import { checkRoot, type Annotation } from './join-images.js'
import { RepeatScan } from './repeated-names.js'
import type { SourceOptions } from './source-options.js'

/**
 * The samples of a table. Ids are positions from 0: of rows, or of images where rows are boxes (which
 * then come in the order of their last rows). The label column holds class numbers (whole and not
 * negative throughout), class names or values (any other numbers). A row that cannot be understood
 * gives a sample that rejects with its line; for boxes, its whole image does. So does an image's second
 * row, where rows are no boxes: which label holds?
 *
 * Memory: 8 bytes for each image, as the table is read once here and once for each iteration; with boxes,
 * as `openBoxTable`.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_TABLE, PIPE_EMPTY, PIPE_OPTION, PIPE_CLASS_NAME, and
 *   those of `openImages`
 */
export async function csv(path: string, options: SourceOptions = {}): Promise<Source> {
  const root = checkRoot(options.root)
  const table = await openTable(path, options)
  const image = options.imageColumn ?? 'image'
  const { labelColumns: labelNames = ['label'], boxColumns: boxNames, sizeColumns: sizeNames = [] } = options
  if (labelNames.length === 0) throw new PipelineError('PIPE_OPTION', 'labelColumns: expected at least one column, found none')
  table.require(image, ...labelNames, ...(boxNames ?? []), ...(boxNames ? sizeNames : []))
  const imageColumn = table.column(image)
  const labelColumns = labelNames.map((name) => table.column(name))
  const classes = options.classNames === undefined ? undefined : await ClassNames.read(options.classNames)
  const images = await openImages(options.images ?? dirname(path), options)
  const imageOf = ({ fields }: CsvRow): string => fields[imageColumn] ?? ''
  if (boxNames === undefined) return openLabelTable({ table, imageOf, labels: new LabelScan(path, labelColumns, classes), images, root })
  if (labelColumns.length > 1) throw new PipelineError('PIPE_OPTION', `labelColumns: expected one column, the class of a box, found ${labelColumns.length}`)
  const boxColumns = boxNames.map((name) => table.column(name))
  const sizeColumns = sizeNames.length > 0 ? sizeNames.map((name) => table.column(name)) : undefined
  return openBoxTable({ table, imageOf, boxColumns, sizeColumns, labelColumn: labelColumns[0]!, classes, images, root }, options)
}

interface LabelTable {
  readonly table: CsvTable
  readonly imageOf: (row: CsvRow) => string
  readonly labels: LabelScan
  readonly images: Awaited<ReturnType<typeof openImages>>
  readonly root: string
}

async function openLabelTable({ table, imageOf, labels, images, root }: LabelTable): Promise<Source> {
  const repeats = new RepeatScan()
  let count = 0
  for await (const row of table.rows()) {
    count++
    labels.add(row)
    repeats.add(imageOf(row))
  }
  if (count === 0) throw table.empty()
  const plan = labels.plan()
  const trackRepeats = repeats.finish()
  return annotatedSource({
    labelKind: plan.kind,
    classNames: plan.classNames,
    count,
    annotations: () => annotateRows(table, imageOf, plan, trackRepeats()),
    images,
    root,
  })
}

async function* annotateRows(table: CsvTable, imageOf: (row: CsvRow) => string, labels: LabelPlan, firstLineOf: (name: string, line: number) => number | undefined): AsyncGenerator<Annotation, void, undefined> {
  let position = 0n
  for await (const row of table.rows()) {
    const label = readRow(table.path, row, imageOf(row), labels, firstLineOf)
    const name = imageOf(row)
    const annotation = { id: position++, key: name === '' ? `line ${row.line}` : name, from: `${table.path} line ${row.line}` }
    if (!(label instanceof PipelineError)) yield { ...annotation, label }
    else yield { ...annotation, label: labels.kind === 'class' ? { kind: 'class', value: 0 } : { kind: 'values', values: [] }, error: label }
  }
}

function readRow(path: string, row: CsvRow, name: string, labels: LabelPlan, firstLineOf: (name: string, line: number) => number | undefined): ReturnType<LabelPlan['read']> {
  if (name === '') return tableError(path, row.line, 'the name of an image', 'an empty field')
  const label = labels.read(row)
  const first = label instanceof PipelineError ? undefined : firstLineOf(name, row.line)
  return first === undefined ? label : tableError(path, row.line, 'every image once', `${JSON.stringify(name)} again, as in line ${first}`)
}
