// What is published about ImageNet's validation images, whose list names only numbers: their classes and
// which of them are not to be used.
//
//   ILSVRC2015_clsloc_validation_ground_truth.txt   a number of the kit a line; line k is image k
//   ILSVRC2015_clsloc_validation_blacklist.txt      an image's number a line
//   LOC_val_solution.csv                            ImageId,PredictionString: "NAME,WNID x1 y1 x2 y2 WNID …"

import { PipelineError } from '../errors.js'
import { openTable, tableError } from './csv-table.js'
import type { ImageNetClasses } from './imagenet-classes.js'
import { lineError, readTextLines } from './text-lines.js'

/** The class of an image, or why it has none. */
export type ValidationLabels = (image: { readonly name: string; readonly number: number }) => number | PipelineError

/** A hundred times the images there are. */
const maxImages = 5_000_000

/**
 * The labels by number. Memory: 8 bytes an image.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_LIST, PIPE_ABORTED
 */
export async function readGroundTruth(path: string, { ofNumber }: ImageNetClasses, signal?: AbortSignal): Promise<ValidationLabels> {
  const numbers = await readNumbers(path, signal)
  return ({ number }) => {
    const label = numbers[number - 1]
    if (label === undefined) return new PipelineError('PIPE_LABEL', `${path}: expected a line for image ${number}, found ${numbers.length} lines; fetch the file again`, { path })
    return ofNumber.get(label) ?? new PipelineError('PIPE_LABEL', `${path}: line ${number}: expected the number of a class from 1 to ${ofNumber.size}, found ${label}; fetch the file again`, { path, entry: number })
  }
}

/**
 * The numbers of the images that are not to be used.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_LIST, PIPE_ABORTED
 */
export async function readBlacklist(path: string, signal?: AbortSignal): Promise<ReadonlySet<number>> {
  return new Set(await readNumbers(path, signal))
}

/**
 * The labels by name, the class of an image's first box. Memory: a name and a class for each image.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_TABLE, PIPE_ABORTED
 */
export async function readSolution(path: string, { ofId }: ImageNetClasses, signal?: AbortSignal): Promise<ValidationLabels> {
  const table = await openTable(path, { delimiter: ',', signal })
  const [nameColumn, boxColumn] = [table.column('ImageId'), table.column('PredictionString')]
  const labels = new Map<string, string>()
  for await (const { line, fields } of table.rows()) {
    const name = fields[nameColumn] ?? ''
    if (labels.has(name)) throw tableError(path, line, 'every image once', `${JSON.stringify(name)} again`)
    labels.set(name, (fields[boxColumn] ?? '').split(' ', 1)[0]!)
    if (labels.size > maxImages) throw tableError(path, line, `at most ${maxImages} images`, 'more')
  }
  return ({ name }) => {
    const id = labels.get(name)
    if (id === undefined) return new PipelineError('PIPE_LABEL', `${path}: expected a row for ${name}, found none; fetch the file again`, { path })
    return ofId.get(id) ?? new PipelineError('PIPE_LABEL', `${path}: ${name}: expected the WordNet id of one of ${ofId.size} classes, found ${JSON.stringify(id)}; fetch the file again`, { path })
  }
}

async function readNumbers(path: string, signal: AbortSignal | undefined): Promise<number[]> {
  const numbers: number[] = []
  for await (const { first, lines } of readTextLines(path, signal)) {
    for (const [index, text] of lines.entries()) {
      const trimmed = text.trim()
      if (!/^[1-9]\d{0,8}$/.test(trimmed)) throw lineError(path, first + index, 'a whole number from 1', JSON.stringify(text.slice(0, 100)))
      if (numbers.push(Number(trimmed)) > maxImages) throw lineError(path, first + index, `at most ${maxImages} numbers`, 'more')
    }
  }
  return numbers
}
