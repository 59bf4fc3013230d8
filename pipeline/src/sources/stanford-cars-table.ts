// Stanford Cars as a table with a row an image: filename, make, model, and more columns that are not read
// (type, year), though `where` can ask for them. The class is "make:model".

import { ClassNames } from '../class-names.js'
import { PipelineError } from '../errors.js'
import type { ImageProvider } from '../providers/image-provider.js'
import type { Source } from '../sample.js'
import { annotatedSource } from './annotated-source.js'
import { openTable, tableError, type CsvTable } from './csv-table.js'
import type { Annotation } from './join-images.js'
import { orRejecting } from './or-rejecting.js'
import { RepeatScan } from './repeated-names.js'
import type { SourceOptions } from './source-options.js'

/**
 * The samples of the table; ids are positions of rows from 0. Classes are sorted by name, or those of
 * `options.classNames`. A row without image, make or model, and an image's second row, give samples that
 * reject. Memory: 8 bytes a row, and the class names.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_TABLE, PIPE_EMPTY, PIPE_OPTION, PIPE_CLASS_NAME
 */
export async function openCarTable(path: string, images: ImageProvider, root: string, options: SourceOptions): Promise<Source> {
  if (options.split !== undefined) throw new PipelineError('PIPE_OPTION', `split: expected none, as ${path} does not tell train from test, found ${JSON.stringify(options.split)}; divide it by shares`)
  const table = await openTable(path, options)
  table.require('filename', 'make', 'model')
  const names = new Set<string>()
  const repeats = new RepeatScan()
  let count = 0
  for await (const { fileName, className } of cars(table)) {
    count++
    repeats.add(fileName)
    if (className !== undefined) names.add(className)
  }
  if (count === 0) throw table.empty()
  const classes = options.classNames === undefined ? ClassNames.sorted(names) : await ClassNames.read(options.classNames)
  const trackRepeats = repeats.finish()
  return annotatedSource({ labelKind: 'class', classNames: classes.names, count, annotations: () => annotate(table, classes, trackRepeats()), images, root })
}

interface CarRow {
  readonly line: number
  readonly fileName: string
  readonly className: string | undefined
}

async function* cars(table: CsvTable): AsyncGenerator<CarRow, void, undefined> {
  const [filename, make, model] = [table.column('filename'), table.column('make'), table.column('model')]
  for await (const { line, fields } of table.rows()) {
    yield { line, fileName: fields[filename] ?? '', className: fields[make] && fields[model] ? `${fields[make]}:${fields[model]}` : undefined }
  }
}

async function* annotate(table: CsvTable, classes: ClassNames, firstLineOf: (name: string, line: number) => number | undefined): AsyncGenerator<Annotation, void, undefined> {
  const { path } = table
  let position = 0n
  for await (const { line, fileName, className } of cars(table)) {
    const annotation = { id: position++, key: fileName || `line ${line}`, from: `${path} line ${line}`, label: { kind: 'class', value: 0 } } as const
    yield orRejecting(annotation, () => {
      if (fileName === '') throw tableError(path, line, 'the name of an image', 'an empty field')
      const first = firstLineOf(fileName, line)
      if (first !== undefined) throw tableError(path, line, 'every image once', `${JSON.stringify(fileName)} again, as in line ${first}`)
      if (className === undefined) throw tableError(path, line, 'a make and a model', 'an empty field')
      const value = classes.numberOf(className)
      if (value === undefined) throw tableError(path, line, `one of ${classes.names.length} class names`, JSON.stringify(className))
      return { ...annotation, label: { kind: 'class', value } }
    })
  }
}
