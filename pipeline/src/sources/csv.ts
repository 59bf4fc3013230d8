// The `csv` source: a table with a column of image names and one or more of labels, or of boxes.

import { dirname } from 'node:path'
import { PipelineError } from '../errors.js'
import { openImages } from '../providers/open-images.js'
import type { Source } from '../sample.js'
import { annotatedSource } from './annotated-source.js'
import { ClassNames } from '../class-names.js'
import { annotateRowsOfBoxes, BoxScan, type BoxPlan } from './csv-boxes.js'
import { LabelScan, type LabelPlan } from './csv-labels.js'
import { openTable, tableError, type CsvTable } from './csv-table.js'
import { checkRoot, type Annotation } from './join-images.js'
import type { SourceOptions } from './source-options.js'

/**
 * The samples of a table. Ids are positions from 0: of rows, or of images where rows are boxes (which
 * then come in the order of their last rows). The label column holds class numbers (whole and not
 * negative throughout), class names or values (any other numbers). A row that cannot be understood
 * gives a sample that rejects with its line; for boxes, its whole image does.
 *
 * Memory: nothing, as the table is read once here and once for each iteration; with boxes, a name and
 * a count for each image, and the boxes of images whose rows lie apart.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_TABLE, PIPE_EMPTY, PIPE_OPTION, PIPE_LABEL for a bad
 *   file of class names, and those of `openImages`
 */
export async function csv(path: string, options: SourceOptions = {}): Promise<Source> {
  const root = checkRoot(options.root)
  const table = await openTable(path, options)
  const imageColumn = table.column(options.imageColumn ?? 'image')
  const classes = options.classNames === undefined ? undefined : await ClassNames.read(options.classNames)
  const labelScan = new LabelScan(path, labelColumns(table, options), classes)
  const boxPlan = planBoxes(table, imageColumn, options)
  const boxScan = boxPlan && new BoxScan(boxPlan)
  let rows = 0
  for await (const row of table.rows()) {
    rows++
    labelScan.add(row)
    boxScan?.add(row)
  }
  if (rows === 0) throw new PipelineError('PIPE_EMPTY', `${path}: expected rows under the header line, found none; check the path`, { path })
  const labels = labelScan.plan()
  const images = await openImages(options.images ?? dirname(path), options)
  const badBoxes = options.badBoxes ?? 'reject'
  const unit = options.boxUnit ?? boxScan?.unit ?? 'pixels'
  return annotatedSource({
    labelKind: boxPlan ? 'boxes' : labels.kind,
    classNames: labels.classNames,
    count: boxScan ? boxScan.rowsOfImage.size + boxScan.namelessRows : rows,
    annotations: (ignored) => (boxPlan && boxScan ? annotateRowsOfBoxes(boxPlan, boxScan, labels, { unit, badBoxes, ignored }) : annotateRows(table, imageColumn, labels)),
    images,
    root,
  })
}

function labelColumns(table: CsvTable, { labelColumns: names = ['label'], boxColumns }: SourceOptions): number[] {
  if (names.length === 0) throw new PipelineError('PIPE_OPTION', 'labelColumns: expected at least one column, found none')
  if (boxColumns !== undefined && names.length > 1) throw new PipelineError('PIPE_OPTION', `labelColumns: expected one column, the class of a box, found ${names.length}`)
  return names.map((name) => table.column(name))
}

function planBoxes(table: CsvTable, imageColumn: number, { boxColumns, sizeColumns }: SourceOptions): BoxPlan | undefined {
  if (boxColumns === undefined) return undefined
  return {
    table,
    imageColumn,
    boxColumns: boxColumns.map((name) => table.column(name)),
    sizeColumns: sizeColumns?.map((name) => table.column(name)),
  }
}

async function* annotateRows(table: CsvTable, imageColumn: number, labels: LabelPlan): AsyncGenerator<Annotation, void, undefined> {
  let position = 0n
  for await (const row of table.rows()) {
    const name = row.fields[imageColumn] ?? ''
    const label = name === '' ? tableError(table.path, row.line, 'the name of an image', 'an empty field') : labels.read(row)
    const annotation = { id: position++, key: name === '' ? `line ${row.line}` : name, from: `${table.path} line ${row.line}` }
    if (!(label instanceof PipelineError)) yield { ...annotation, label }
    else yield { ...annotation, label: labels.kind === 'class' ? { kind: 'class', value: 0 } : { kind: 'values', values: [] }, error: label }
  }
}
