// The source formats by name, as `--format` takes them. A format's code loads when it is opened.

import type { Source } from '../sample.js'
import type { SourceOptions } from './source-options.js'

export interface SourceFormat {
  /** One line for --help. */
  readonly about: string
  /** What the path of the data set is. */
  readonly path: string
  /** Which options it reads. */
  readonly options: readonly (keyof SourceOptions)[]
  /** @throws PipelineError where the data set cannot be opened */
  open(path: string, options: SourceOptions): Promise<Source>
}

const forAll = ['images', 'root', 'followLinks', 'signal'] as const

/** Every format there is. */
export const sourceFormats: Readonly<Record<string, SourceFormat>> = {
  'digit-struct': {
    about: "SVHN's full numbers: the digits of each image from digitStruct.mat, left to right",
    path: 'a folder, .zip, .tar or .tar.gz with digitStruct.mat and the images, or the digitStruct.mat',
    options: forAll,
    open: async (path, options) => (await import('./digit-struct.js')).digitStruct(path, options),
  },
  list: {
    about: "im2rec's list: id, labels and path in a line",
    path: 'the .lst file',
    options: [...forAll, 'classNames', 'labelWidth', 'listFlavour'],
    open: async (path, options) => (await import('./list.js')).list(path, options),
  },
  folder: {
    about: "a tree of images, the first folder of an image's path is its class",
    path: 'the folder, .zip, .tar or .tar.gz',
    options: [...forAll, 'classNames', 'flat', 'extensions'],
    open: async (path, options) => (await import('./folder.js')).folder(path, options),
  },
  csv: {
    about: 'a table with named columns: image and class, image and values, or image, box and class',
    path: 'the table, with , ; tab or | between its fields',
    options: [...forAll, 'classNames', 'imageColumn', 'labelColumns', 'boxColumns', 'boxUnit', 'sizeColumns', 'delimiter'],
    open: async (path, options) => (await import('./csv.js')).csv(path, options),
  },
}
