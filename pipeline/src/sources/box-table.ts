// A source made of a table with a box in each row: the rows of one image, wherever they stand, are one sample.

import type { ClassNames } from '../class-names.js'
import type { ImageProvider } from '../providers/image-provider.js'
import type { Source } from '../sample.js'
import { annotatedSource } from './annotated-source.js'
import { annotateRowsOfBoxes, BoxScan, type BoxPlan } from './csv-boxes.js'
import { LabelScan } from './csv-labels.js'
import type { SourceOptions } from './source-options.js'

export interface BoxTable extends BoxPlan {
  /** The place of the column with the box's class: numbers, or names. */
  readonly labelColumn: number
  readonly classes?: ClassNames | undefined
  readonly images: ImageProvider
  readonly root: string
  /** What the boxes are measured in where the options do not say. Default: told from the numbers. */
  readonly unit?: 'pixels' | 'share'
  /** Looks at every row of the first pass. Default: nobody does. */
  readonly look?: (row: Parameters<BoxScan['add']>[0]) => void
}

/**
 * The samples of a table of boxes. Ids are the images' positions, in the order of their last rows. A row
 * that cannot be understood rejects its whole image. Classes: those given, else the names found, sorted by
 * code point, or the numbers found. Memory: a name and a count for each image, and the boxes of images
 * whose rows lie apart.
 * @throws PipelineError PIPE_EMPTY, PIPE_TABLE
 */
export async function openBoxTable(boxTable: BoxTable, { boxUnit, badBoxes = 'reject' }: SourceOptions): Promise<Source> {
  const { table, labelColumn, classes, images, root, look } = boxTable
  const labelScan = new LabelScan(table.path, [labelColumn], classes)
  const boxScan = new BoxScan(boxTable)
  for await (const row of table.rows()) {
    look?.(row)
    labelScan.add(row)
    boxScan.add(row)
  }
  const count = boxScan.rowsOfImage.size + boxScan.namelessRows
  if (count === 0) throw table.empty()
  const labels = labelScan.plan()
  const unit = boxUnit ?? boxTable.unit ?? boxScan.unit
  return annotatedSource({
    labelKind: 'boxes',
    classNames: labels.classNames,
    count,
    annotations: (ignored) => annotateRowsOfBoxes(boxTable, boxScan, labels, { unit, badBoxes, ignored }),
    images,
    root,
  })
}
