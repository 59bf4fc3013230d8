// The `fer2013` source: faces of 48x48 grey pixels in a table, each with one of seven emotions.
//
//   emotion,pixels,Usage           emotion 0-6; 2,304 numbers 0-255, row by row; Training, PublicTest or PrivateTest
//   0,70 80 82 …,Training
//
// Goodfellow et al., "Challenges in Representation Learning", 2013. FER+ (fer-plus.ts) has other labels for
// the same rows.

import { dirname, join } from 'node:path'
import { PipelineError } from '../errors.js'
import type { RawImage } from '../images/raw-image.js'
import type { Label } from '../label.js'
import { isFolder } from '../providers/open-images.js'
import type { Source } from '../sample.js'
import { annotatedSource } from './annotated-source.js'
import { openTable, tableError, type CsvRow, type CsvTable } from './csv-table.js'
import { ferPlusEmotions, readFerPlus, type FerPlusVotes } from './fer-plus.js'
import type { Annotation } from './join-images.js'
import type { SourceOptions } from './source-options.js'

export type Fer2013Options = Pick<SourceOptions, 'split' | 'task' | 'where' | 'votes' | 'signal'>

const side = 48
const usages = { train: 'Training', val: 'PrivateTest', test: 'PublicTest' } as const
type Split = keyof typeof usages

const sevenEmotions = ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral']
/** Disgust, which has few images, is counted as anger. */
const sixEmotions = ['angry', 'scared', 'happy', 'sad', 'surprised', 'neutral']
const emotionsOf = { seven: sevenEmotions, six: sixEmotions, ferplus: ferPlusEmotions } as const
type Task = keyof typeof emotionsOf

/**
 * The samples of one part of a FER2013 table: raw grey pixels. `path` is the table, or the folder with
 * fer2013.csv. Split `train` (default; Usage Training), `val` (PrivateTest) or `test` (PublicTest); rows of
 * another part are counted in `ignored`, and one with another Usage is rejected in each. Task `seven`
 * (default) gives the emotions of the table, `six` the same with disgust as anger, `ferplus` those on which
 * FER+'s taggers agree, without the images on which they do not. Ids are line numbers.
 *
 * Memory: a row; with FER+, some 100 bytes for each. The table is read through here and for each iteration.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_TABLE, PIPE_EMPTY, PIPE_OPTION
 */
export async function fer2013(path: string, options: Fer2013Options = {}): Promise<Source> {
  const split = oneOf('split', Object.keys(usages) as Split[], options.split ?? 'train')
  const task = oneOf('task', Object.keys(emotionsOf) as Task[], options.task ?? 'seven')
  const file = (await isFolder(path)) ? join(path, 'fer2013.csv') : path
  const table = await openTable(file, { delimiter: ',', where: options.where, signal: options.signal })
  const votes = task === 'ferplus' ? await readFerPlus(options.votes ?? join(dirname(file), 'fer2013new.csv'), options.signal) : undefined
  const plan: Plan = { table, split, task, votes, ...findColumns(table, task) }
  return annotatedSource({
    labelKind: 'class',
    classNames: emotionsOf[task],
    count: await countRows(plan, (options.where ?? []).length > 0),
    annotations: (ignored) => annotate(plan, ignored),
  })
}

interface Plan extends Columns {
  readonly table: CsvTable
  readonly split: Split
  readonly task: Task
  readonly votes: FerPlusVotes | undefined
}

interface Columns {
  /** Undefined where FER+ tells. */
  readonly emotion: number | undefined
  readonly pixels: number
  readonly usage: number
}

function findColumns(table: CsvTable, task: Task): Columns {
  const usage = table.columns.includes('usage') ? 'usage' : 'Usage' // prints of the table have it in small letters
  table.require(...(task === 'ferplus' ? [] : ['emotion']), 'pixels', usage)
  return { emotion: task === 'ferplus' ? undefined : table.column('emotion'), pixels: table.column('pixels'), usage: table.column(usage) }
}

function oneOf<Name extends string>(option: string, names: readonly Name[], found: string): Name {
  const name = names.find((each) => each === found)
  if (name !== undefined) return name
  throw new PipelineError('PIPE_OPTION', `${option}: expected one of ${names.join(', ')}, found ${JSON.stringify(found)}`)
}

/** How many samples there will be. */
async function countRows(plan: Plan, isPartial: boolean): Promise<number> {
  const { table, votes } = plan
  let rows = 0
  let samples = 0
  for await (const row of table.rows()) {
    rows++
    if (typeof readLabel(row, plan) !== 'string') samples++
  }
  if (rows === 0) throw table.empty()
  if (votes && !isPartial && votes.count !== rows) throw new PipelineError('PIPE_TABLE', `${votes.path}: expected ${rows} rows, as ${table.path} has, found ${votes.count}; the rows of the two belong together: fetch both again`, { path: votes.path })
  return samples
}

async function* annotate(plan: Plan, ignored: Map<string, number>): AsyncGenerator<Annotation, void, undefined> {
  const { table, pixels } = plan
  for await (const row of table.rows()) {
    const label = readLabel(row, plan)
    if (typeof label === 'string') {
      ignored.set(label, (ignored.get(label) ?? 0) + 1)
      continue
    }
    const { line, fields } = row
    const annotation = { id: BigInt(line), key: `line ${line}`, from: `${table.path} line ${line}` }
    if (label instanceof PipelineError) yield { ...annotation, label: { kind: 'class', value: 0 }, error: label }
    else yield { ...annotation, label, image: async () => readPixels(fields[pixels] ?? '', table.path, line) }
  }
}

/** The label, why there is none, or why the row is passed over. */
function readLabel({ line, fields }: CsvRow, { table, split, task, votes, emotion, usage }: Plan): Label | PipelineError | string {
  const part = fields[usage] ?? ''
  if (!Object.values<string>(usages).includes(part)) return tableError(table.path, line, `a Usage of ${Object.values(usages).join(', ')}`, quote(part))
  if (part !== usages[split]) return 'of another part'
  if (votes) {
    const vote = votes.of(line, part)
    return typeof vote === 'number' ? { kind: 'class', value: vote } : vote
  }
  const text = fields[emotion ?? -1] ?? ''
  if (!/^[0-6]$/.test(text)) return tableError(table.path, line, 'an emotion from 0 to 6', quote(text))
  return { kind: 'class', value: task === 'six' ? toSix(Number(text)) : Number(text) }
}

function toSix(emotion: number): number {
  return emotion <= 1 ? 0 : emotion - 1
}

/** A number's digits between blanks; character by character, as splitting makes 2,304 strings. */
function readPixels(text: string, path: string, line: number): RawImage {
  const data = new Uint8Array(side * side)
  let count = 0
  for (let at = 0; at < text.length; ) {
    let value = 0
    let digits = 0
    for (let code = text.charCodeAt(at); code >= 0x30 && code <= 0x39; code = text.charCodeAt(++at)) {
      value = value * 10 + code - 0x30
      digits++
    }
    if (digits > 0) {
      if (value > 255 || digits > 3) throw tableError(path, line, 'pixels from 0 to 255', quote(text.slice(at - digits, at)))
      data[count++] = value
    } else if (text[at] === ' ') at++
    else throw tableError(path, line, 'pixels as numbers with blanks between', quote(text.slice(at, at + 20)))
  }
  if (count !== data.length) throw tableError(path, line, `${side}x${side} = ${data.length} pixels`, `${count}`)
  return { data, width: side, height: side, channels: 1 }
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 50))
}
