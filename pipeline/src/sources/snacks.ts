// The `snacks` source: photos of 20 kinds of food, with boxes (a selection of Open Images).
//
//   annotations-train.csv, annotations-val.csv, annotations-test.csv, beside the folders train, val, test:
//   image_id,x_min,x_max,y_min,y_max,class_name,folder       the x pair stands before the y pair
//   009218ad38ab2010,0.19262,0.729831,0.127606,0.662219,cake,cake
//   the image: train/cake/009218ad38ab2010.jpg

import { basename, dirname, join } from 'node:path'
import { ClassNames } from '../class-names.js'
import { isFolder, openImages } from '../providers/open-images.js'
import type { Source } from '../sample.js'
import { openBoxTable } from './box-table.js'
import { openTable } from './csv-table.js'
import { checkRoot } from './join-images.js'
import type { SourceOptions } from './source-options.js'

const boxNames = ['x_min', 'y_min', 'x_max', 'y_max']

/**
 * The samples of a snacks table: an image each, with its boxes in shares. `path` is one of the tables, or
 * the folder that holds them: then `split` says which ('train' by default). A table of another name than
 * annotations-PART.csv names images as folder/image_id.jpg. Classes: the names in the table, sorted, or
 * those of `classNames`. Memory, ids and errors as `openBoxTable`.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_TABLE, PIPE_EMPTY, PIPE_CLASS_NAME, PIPE_OPTION
 */
export async function snacks(path: string, options: SourceOptions = {}): Promise<Source> {
  const root = checkRoot(options.root)
  const tablePath = await tableOf(path, options.split)
  const table = await openTable(tablePath, options)
  table.require('image_id', ...boxNames, 'class_name', 'folder')
  const [idColumn, folderColumn] = [table.column('image_id'), table.column('folder')]
  const part = /^annotations-(\w+)\.csv$/.exec(basename(tablePath))?.[1]
  const prefix = part === undefined ? '' : `${part}/`
  return openBoxTable({
    table,
    imageOf: ({ fields }) => (fields[idColumn] && fields[folderColumn] ? `${prefix}${fields[folderColumn]}/${fields[idColumn]}.jpg` : ''),
    boxColumns: boxNames.map((name) => table.column(name)),
    labelColumn: table.column('class_name'),
    classes: options.classNames === undefined ? undefined : await ClassNames.read(options.classNames),
    images: await openImages(options.images ?? dirname(tablePath), options),
    root,
    unit: 'share',
  }, options)
}

async function tableOf(path: string, split: string | undefined): Promise<string> {
  if (await isFolder(path)) return join(path, `annotations-${split ?? 'train'}.csv`)
  return split === undefined ? path : join(dirname(path), `annotations-${split}.csv`)
}
