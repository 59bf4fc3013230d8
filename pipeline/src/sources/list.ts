// The `list` source: an im2rec list file (list-file.ts) and the images it names.

import { dirname } from 'node:path'
import { PipelineError } from '../errors.js'
import type { Label } from '../label.js'
import { readListFile, type ListLine, type ReadListOptions } from '../list-file.js'
import { openImages } from '../providers/open-images.js'
import type { Source } from '../sample.js'
import { readClassNames } from '../class-names.js'
import { checkRoot, joinImages, type Annotation } from './join-images.js'
import { RepeatScan } from './repeated-names.js'
import type { SourceOptions } from './source-options.js'

/**
 * The samples of a list. Ids are the list's. One label a line that is a whole number throughout is a
 * class, anything else values. A line that cannot be understood, or has too few labels, gives a sample
 * that rejects with its line; so does a line with the id of a line before, for records are found by their
 * ids. An image that two lines name is two samples, as for im2rec. Images: `options.images`, else the list's
 * folder. The list is read once here and once more for each iteration; 8 bytes a line are held.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_EMPTY, PIPE_OPTION, and those of `openImages`
 */
export async function list(path: string, options: SourceOptions = {}): Promise<Source> {
  const root = checkRoot(options.root)
  const plan = await scan(path, options)
  const images = await openImages(options.images ?? dirname(path), options)
  const classNames = options.classNames === undefined ? undefined : await readClassNames(options.classNames)
  return {
    labelKind: plan.kind,
    ...(classNames && { classNames }),
    ignored: images.ignored,
    count: () => Promise.resolve(plan.count),
    outlines: () => annotations(path, options, plan),
    [Symbol.asyncIterator]: () => joinImages(annotations(path, options, plan), images, root),
  }
}

interface Plan {
  readonly kind: 'class' | 'values'
  /** Labels a line; 0 where each line may have its own number. */
  readonly width: number
  /** Whether a line may have more labels than that, which then do not count. */
  readonly mayHaveMore: boolean
  readonly count: number
  /** For each pass: the line where an id came first. */
  readonly trackIds: () => (id: string, line: number) => number | undefined
}

async function scan(path: string, options: SourceOptions): Promise<Plan> {
  let width = checkWidth(options.labelWidth)
  let isWhole = true
  let count = 0
  const ids = new RepeatScan()
  for await (const line of lines(path, options)) {
    count++
    if (line instanceof PipelineError) continue
    ids.add(`${line.id}`)
    width ??= line.labels.length
    isWhole &&= Number.isInteger(line.labels[0])
  }
  if (count === 0) throw new PipelineError('PIPE_EMPTY', `${path}: expected lines "id TAB label TAB path", found none; check the path`, { path })
  width ??= 1
  return { kind: width === 1 && isWhole ? 'class' : 'values', width, mayHaveMore: options.labelWidth !== undefined, count, trackIds: ids.finish() }
}

function checkWidth(width: number | undefined): number | undefined {
  if (width === undefined || (Number.isInteger(width) && width >= 0)) return width
  throw new PipelineError('PIPE_OPTION', `labelWidth: expected a whole number from 0, found ${width}`)
}

/** Each line that names an image, or why it cannot be understood. */
async function* lines(path: string, { listFlavour, labelWidth, signal }: SourceOptions): AsyncGenerator<ListLine | PipelineError, void, undefined> {
  const skipped: PipelineError[] = []
  const settings: ReadListOptions = {
    ...(listFlavour && { flavour: listFlavour }),
    ...(labelWidth && { labelWidth }),
    ...(signal && { signal }),
    onSkip: (error) => skipped.push(error),
  }
  for await (const line of readListFile(path, settings)) {
    yield* skipped.splice(0)
    yield line
  }
  yield* skipped
}

async function* annotations(path: string, options: SourceOptions, plan: Plan): AsyncGenerator<Annotation, void, undefined> {
  const firstLineOf = plan.trackIds()
  for await (const line of lines(path, options)) {
    const first = line instanceof PipelineError ? undefined : firstLineOf(`${line.id}`, line.line)
    if (line instanceof PipelineError) yield misread(line, plan)
    else yield { ...annotate(path, line, plan), ...(first !== undefined && { error: repeated(path, line, first) }) }
  }
}

function annotate(path: string, { id, labels, path: key, line }: ListLine, { kind, width, mayHaveMore }: Plan): Annotation {
  const values = width === 0 ? labels : labels.slice(0, width)
  const label: Label = kind === 'class' ? { kind, value: values[0]! } : { kind, values }
  const annotation = { id, key, from: `${path} line ${line}`, label }
  if (width === 0 || labels.length === width || (labels.length > width && mayHaveMore)) return annotation
  const error = new PipelineError('PIPE_LABEL', `${path}: line ${line}: expected ${width} labels, found ${labels.length}; correct the line, or set the label width`, { path, entry: line })
  return { ...annotation, error }
}

function repeated(path: string, { id, line }: ListLine, first: number): PipelineError {
  return new PipelineError('PIPE_LIST', `${path}: line ${line}: expected an id that no other line has, found ${id}, as in line ${first}; number the lines anew`, { path, entry: line })
}

/** Its id could not be read, or is not to be trusted: the line's number stands for it. */
function misread(error: PipelineError, { kind }: Plan): Annotation {
  const line = error.details.entry ?? 0
  return { id: BigInt(line), key: `line ${line}`, from: `line ${line}`, label: kind === 'class' ? { kind, value: 0 } : { kind, values: [] }, error }
}
