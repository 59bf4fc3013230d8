// The `lisa` source: the LISA traffic signs, videos from cars in the US, 47 kinds of sign.
//
//   allAnnotations.csv, semicolons; the 7th column's name and values have a comma:
//   Filename;Annotation tag;Upper left corner X;Upper left corner Y;Lower right corner X;
//     Lower right corner Y;Occluded,On another road;Origin file;Origin frame number;…
//   frames/stop_1.avi_image0.png;stop;862;104;916;158;0,1;…
//
// A. Møgelmose, M. Trivedi, T. Moeslund, "Vision-Based Traffic Sign Detection and Analysis for Intelligent
// Driver Assistance Systems", IEEE Transactions on Intelligent Transportation Systems, 2012.

import { dirname } from 'node:path'
import { ClassNames } from '../class-names.js'
import { openImages } from '../providers/open-images.js'
import type { Source } from '../sample.js'
import { openBoxTable } from './box-table.js'
import { openTable } from './csv-table.js'
import { checkRoot } from './join-images.js'
import type { SourceOptions } from './source-options.js'

const boxNames = ['Upper left corner X', 'Upper left corner Y', 'Lower right corner X', 'Lower right corner Y']

/**
 * The samples of a LISA table: a frame each, with its boxes in pixels. Classes: the tags, sorted, or those
 * of `classNames`. Memory, ids and errors as `openBoxTable`; `dirname(path)` holds the frames by default.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_TABLE, PIPE_EMPTY, PIPE_CLASS_NAME, PIPE_OPTION
 */
export async function lisa(path: string, options: SourceOptions = {}): Promise<Source> {
  const root = checkRoot(options.root)
  const table = await openTable(path, { delimiter: ';', where: options.where, signal: options.signal })
  table.require('Filename', 'Annotation tag', ...boxNames)
  const imageColumn = table.column('Filename')
  return openBoxTable({
    table,
    imageOf: ({ fields }) => fields[imageColumn] ?? '',
    boxColumns: boxNames.map((name) => table.column(name)),
    labelColumn: table.column('Annotation tag'),
    classes: options.classNames === undefined ? undefined : await ClassNames.read(options.classNames),
    images: await openImages(options.images ?? dirname(path), options),
    root,
    unit: 'pixels',
  }, options)
}
