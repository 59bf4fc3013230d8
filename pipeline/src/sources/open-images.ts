// The `open-images` source: Open Images' tables of boxes.
//
//   ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,…
//   000026e7ee790996,xclick,/m/07j7r,1,0.071875,0.1453125,0.20625,0.39166668,0,1,1,0,0
//
// Shares of the image, the x pair before the y pair. The image is ImageID.jpg. LabelName is a code; its word
// stands in class-descriptions-boxable.csv (version 7: oidv7-class-descriptions-boxable.csv): /m/07j7r,Tree

import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ClassNames } from '../class-names.js'
import { openImages } from '../providers/open-images.js'
import type { Source } from '../sample.js'
import { openBoxTable } from './box-table.js'
import { parseNumber } from './csv-labels.js'
import { openTable, readRows, tableError, type CsvRow, type CsvTable } from './csv-table.js'
import { checkRoot } from './join-images.js'
import type { SourceOptions } from './source-options.js'

const boxNames = ['XMin', 'YMin', 'XMax', 'YMax']
const descriptionNames = ['class-descriptions-boxable.csv', 'oidv7-class-descriptions-boxable.csv', 'class-descriptions.csv']

/**
 * The samples of an Open Images table: an image each, with its boxes; a box of a group (IsGroupOf) is one
 * not to be counted. Classes: the codes found, sorted, or the words for them where the table of class
 * descriptions lies beside; or those of `classNames`. An ImageID with an ending keeps it. Memory, ids and
 * errors as `openBoxTable`, and the descriptions.
 *
 * A table that has xmin, ymin, xmax, ymax under the four names in their order XMin, XMax, YMin, YMax is
 * refused: some of its boxes would look right.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_TABLE, PIPE_EMPTY, PIPE_CLASS_NAME, PIPE_OPTION
 */
export async function openImagesBoxes(path: string, options: SourceOptions = {}): Promise<Source> {
  const root = checkRoot(options.root)
  const opened = await openTable(path, options)
  opened.require('ImageID', 'LabelName', ...boxNames)
  const [imageColumn, labelColumn] = [opened.column('ImageID'), opened.column('LabelName')]
  const table = describeLabels(opened, labelColumn, await readDescriptions(dirname(path), options.signal))
  const boxColumns = boxNames.map((name) => table.column(name))
  const order = new ColumnOrder(boxColumns)
  const source = await openBoxTable({
    table,
    imageOf: ({ fields }) => toFileName(fields[imageColumn] ?? ''),
    boxColumns,
    ...(table.columns.includes('IsGroupOf') && { ignoreColumn: table.column('IsGroupOf') }),
    labelColumn,
    classes: options.classNames === undefined ? undefined : await ClassNames.read(options.classNames),
    images: await openImages(options.images ?? dirname(path), options),
    root,
    unit: 'share',
    look: (row) => order.look(row),
  }, options)
  if (order.isOther) throw tableError(path, order.firstInverted, 'XMin < XMax and YMin < YMax', 'xmin, ymin, xmax, ymax in their place, in every row; read it with --format csv --image-column ImageID --label-columns LabelName --box-columns XMin,XMax,YMin,YMax')
  return source
}

/** Whether the four columns hold what their names say. */
class ColumnOrder {
  firstInverted = 0
  #allFitOtherOrder = true
  readonly #columns: readonly number[]

  /** `columns`: those of xmin, ymin, xmax, ymax. */
  constructor(columns: readonly number[]) {
    this.#columns = columns
  }

  look({ fields, line }: CsvRow): void {
    const [xmin, ymin, xmax, ymax] = this.#columns.map((column) => parseNumber(fields[column]))
    if (xmin === undefined || ymin === undefined || xmax === undefined || ymax === undefined) return
    if (this.firstInverted === 0 && (xmin > xmax || ymin > ymax)) this.firstInverted = line
    this.#allFitOtherOrder &&= xmin < ymin && xmax < ymax // in the order of the columns: xmin, xmax | ymin, ymax
  }

  get isOther(): boolean {
    return this.firstInverted > 0 && this.#allFitOtherOrder
  }
}

function toFileName(imageId: string): string {
  return imageId === '' || /\.(jpe?g|png|webp)$/i.test(imageId) ? imageId : `${imageId}.jpg`
}

/** The table with words in place of codes. */
function describeLabels(table: CsvTable, labelColumn: number, descriptions: ReadonlyMap<string, string>): CsvTable {
  if (descriptions.size === 0) return table
  return {
    ...table,
    async *rows() {
      for await (const { line, fields } of table.rows()) {
        yield { line, fields: fields.map((field, column) => (column === labelColumn ? (descriptions.get(field) ?? field) : field)) }
      }
    },
  }
}

/** Codes to words; none where no table of descriptions is there. A word that two codes share stands with its code. */
async function readDescriptions(folder: string, signal: AbortSignal | undefined): Promise<ReadonlyMap<string, string>> {
  const words = new Map<string, string>()
  const codes = new Map<string, string>()
  const twice = new Set<string>()
  for (const name of descriptionNames) {
    const path = join(folder, name)
    if (!(await stat(path).then((found) => found.isFile(), () => false))) continue
    for await (const { fields: [code = '', word = ''], line } of readRows(path, ',', signal)) {
      if (code === 'LabelName' && line === 1) continue
      if (code === '' || word === '') throw tableError(path, line, 'a code and its word', `${JSON.stringify(code)} and ${JSON.stringify(word)}`)
      if ((codes.get(word) ?? code) !== code) twice.add(word)
      codes.set(word, code)
      words.set(code, word)
    }
    break
  }
  for (const [code, word] of words) if (twice.has(word)) words.set(code, `${word} (${code})`)
  return words
}
