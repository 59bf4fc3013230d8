// The samples of a list as im2rec takes them: the image's path is what the two programs make of root and
// path, wherever it leads, for the list is the user's own.

import { stat } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { PipelineError } from '../errors.js'
import { readListFile, type ListLine, type ReadListOptions } from '../list-file.js'
import { fileImage } from '../providers/image-file.js'
import type { Sample, Source } from '../sample.js'
import { linesOfPart } from './list-part.js'

export interface Im2recSourceOptions {
  readonly flavour: 'im2rec.py' | 'im2rec.cc'
  readonly root: string
  /** im2rec.cc: numbers before the path. Default 1. */
  readonly labelWidth?: number
  /** Keep all labels where there are more than one (im2rec.py), or always (im2rec.cc). Default: the first. */
  readonly packLabel?: boolean
  /** im2rec.cc: this part of the lines only. Default: all. */
  readonly part?: { readonly index: number; readonly count: number }
  /** im2rec.cc: puts root and path together without a separator, even where root is a folder. Default false. */
  readonly strictRoot?: boolean
  readonly signal?: AbortSignal
}

/**
 * A line that is not understood gives a sample that rejects, with the line's number as its id.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_OPTION
 */
export async function im2recSource(path: string, options: Im2recSourceOptions): Promise<Source> {
  const range = options.part ? await linesOfPart(path, options.part) : { from: 1, to: Infinity }
  const pathOf = await pathRule(options)
  const lines = (): AsyncGenerator<ListLine | PipelineError, void, undefined> => readLines(path, options, range)
  const isPacked = options.packLabel === true && (options.flavour === 'im2rec.cc' || (await hasSeveralLabels(lines())))
  return {
    labelKind: isPacked ? 'values' : 'class',
    async count() {
      let count = 0
      for await (const _ of lines()) count++
      return count
    },
    async *[Symbol.asyncIterator]() {
      for await (const line of lines()) yield line instanceof PipelineError ? misread(line, isPacked) : toSample(line, isPacked, pathOf(line.path), path)
    },
  }
}

async function* readLines(path: string, { flavour, labelWidth, signal }: Im2recSourceOptions, { from, to }: { from: number; to: number }): AsyncGenerator<ListLine | PipelineError, void, undefined> {
  const skipped: PipelineError[] = []
  const settings: ReadListOptions = { flavour, ...(labelWidth !== undefined && { labelWidth }), ...(signal && { signal }), onSkip: (error) => skipped.push(error) }
  const isWithin = (line: number): boolean => line >= from && line < to
  for await (const line of readListFile(path, settings)) {
    for (const error of skipped.splice(0)) if (isWithin(error.details.entry ?? 0)) yield error
    if (isWithin(line.line)) yield line
    if (line.line >= to) return
  }
  for (const error of skipped) if (isWithin(error.details.entry ?? 0)) yield error
}

/** Whether any line has more than one: lists of objects have as many as each image needs. */
async function hasSeveralLabels(lines: AsyncIterable<ListLine | PipelineError>): Promise<boolean> {
  for await (const line of lines) if (!(line instanceof PipelineError) && line.labels.length > 1) return true
  return false
}

async function pathRule({ flavour, root, strictRoot = false }: Im2recSourceOptions): Promise<(path: string) => string> {
  if (flavour === 'im2rec.py') return (path) => (isAbsolute(path) ? path : join(root, path))
  const needsSeparator = !strictRoot && root !== '' && !/[\\/]$/.test(root) && (await isFolder(root))
  return (path) => `${root}${needsSeparator ? '/' : ''}${path}`
}

async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.isDirectory() ?? false
}

function toSample({ id, labels, path: key, line }: ListLine, isPacked: boolean, imagePath: string, listPath: string): Sample {
  return {
    id,
    key,
    label: isPacked ? { kind: 'values', values: labels } : { kind: 'class', value: labels[0]! },
    image: fileImage({ path: imagePath, from: `${listPath} line ${line}` }),
  }
}

function misread(error: PipelineError, isPacked: boolean): Sample {
  const line = error.details.entry ?? 0
  return { id: BigInt(line), key: `line ${line}`, label: isPacked ? { kind: 'values', values: [] } : { kind: 'class', value: 0 }, image: () => Promise.reject(error) }
}
