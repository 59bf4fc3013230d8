// The flags that tell what a data set is and which of its samples are wanted, the same for every command
// that reads one, and the source they make.

import { statSync } from 'node:fs'
import { InvalidArgumentError, Option, type Command } from 'commander'
import type { ColumnValue, OpenSourceOptions, Part, PartAmounts, PartName, Source } from '@millrace/pipeline'
import { CliError } from './errors.js'
import { parseWhole } from './number-options.js'

/** As commander gives them. */
export interface SourceFlags {
  readonly format?: string
  readonly images?: string
  readonly root?: string
  readonly followLinks?: true
  readonly classNames?: string
  readonly classes?: readonly string[]
  readonly split?: string
  readonly splitShares?: PartAmounts
  readonly splitOf?: string
  readonly seed?: number
  readonly task?: string
  readonly where?: readonly ColumnValue[]
  readonly badBoxes?: 'reject' | 'drop'
  readonly flat?: true
  readonly extensions?: readonly string[]
  readonly labelWidth?: number
  readonly listFlavour?: 'im2rec.py' | 'im2rec.cc'
  readonly imageColumn?: string
  readonly labelColumns?: readonly string[]
  readonly boxColumns?: readonly [string, string, string, string]
  readonly boxUnit?: 'pixels' | 'share'
  readonly sizeColumns?: readonly [string, string]
  readonly delimiter?: string
  readonly votes?: string
  readonly imageKey?: string
  readonly labelKey?: string
  readonly labelKind?: 'class' | 'values' | 'digits' | 'boxes'
}

export interface OpenedSource {
  readonly source: Source
  readonly format: string
  /** Not named by a flag, but guessed from the path; digit-struct is the default. */
  readonly isGuessed: boolean
  /** What a resumed run must agree with. */
  readonly identity: Readonly<Record<string, unknown>>
}

/** Adds the flags to a command whose argument is the path of a data set. */
export function addSourceFlags(command: Command): void {
  for (const option of sourceFlags()) command.addOption(option)
}

/** The flags of `addSourceFlags` among all that a command has. */
export function pickSourceFlags(flags: SourceFlags): SourceFlags {
  const names = new Set(sourceFlags().map((option) => option.attributeName()))
  return Object.fromEntries(Object.entries(flags).filter(([name, value]) => names.has(name) && value !== undefined))
}

/** The flag that sets an option of a source. */
export function flagOf(option: string): string {
  if (option === 'share') return '--split-shares'
  return `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** @throws PipelineError where the data set cannot be opened; CliError CLI_USAGE */
export async function openFlaggedSource(path: string, flags: SourceFlags, signal: AbortSignal): Promise<OpenedSource> {
  const { openSource, sourceFormats, unreadOptions } = await import('@millrace/pipeline')
  const options = toOptions(flags)
  const name = flags.format ?? (await guessFormat(path, options))
  const format = sourceFormats[name]
  if (!format) throw new CliError('CLI_USAGE', `--format: expected one of ${Object.keys(sourceFormats).join(', ')}, found ${name}; "millrace formats" tells what each reads`)
  const unread = unreadOptions(name, options)
  const hint = unread.includes('split') ? ', divide the data set with --split-shares' : ''
  if (unread.length > 0) throw new CliError('CLI_USAGE', `--format ${name} does not read ${unread.map(flagOf).join(', ')}; leave it out${hint}, or name another format ("millrace formats ${name}" tells what it reads)`)
  const source = await openSource(name, path, { ...options, signal })
  return { source, format: name, isGuessed: flags.format === undefined && name !== 'digit-struct', identity: { path, format: name, options, ...fileIdentity(path) } }
}

/** What a data set certainly is; else what is usual for a folder, an archive or a table. */
async function guessFormat(path: string, options: OpenSourceOptions): Promise<string> {
  const { guessFormats, unreadOptions } = await import('@millrace/pipeline')
  const certain = await guessFormats(path)
  const usual = /\.(csv|tsv)$/i.test(path) ? 'csv' : !statSync(path).isFile() || /\.(zip|tar|tgz|tar\.gz)$/i.test(path) ? 'folder' : undefined
  const guesses = certain.length > 1 ? [] : [...certain, ...(usual === undefined ? [] : [usual])]
  const guessed = guesses.find((name) => unreadOptions(name, options).length === 0) ?? guesses[0] // the error will tell what it does not read
  if (guessed !== undefined) return guessed
  const seems = certain.length > 0 ? `it could be ${certain.join(' or ')}` : 'its name and first bytes do not tell'
  throw new CliError('CLI_USAGE', `${path}: name its format with --format; ${seems} ("millrace formats" lists them)`)
}

function toOptions(flags: SourceFlags): OpenSourceOptions {
  const { format: _, split, splitShares, splitOf, ...options } = flags
  if (splitShares === undefined) {
    if (splitOf !== undefined) throw new CliError('CLI_USAGE', '--split-of names the part that --split-shares divides; give the shares too')
    return { ...options, ...(split !== undefined && { split }) }
  }
  if (split !== 'train' && split !== 'val' && split !== 'test') throw new CliError('CLI_USAGE', `--split-shares divides the data set; say which part is wanted with --split train, val or test${split === undefined ? '' : `, not ${split}`}`)
  return { ...options, share: { ...splitShares, part: split }, ...(splitOf !== undefined && { split: splitOf }) }
}

function sourceFlags(): Option[] {
  return [
    new Option('--format <name>', 'of the data set; "millrace formats" lists all, with what each reads (default: guessed from the source)'),
    new Option('--images <path>', 'where the images are: a folder, .zip, .tar or .tar.gz (default: beside the annotations)'),
    new Option('--root <folder>', 'the folder inside --images that names begin from (default: the top)'),
    new Option('--follow-links', 'follow symbolic links wherever they lead (default: only within the folder)'),
    new Option('--class-names <file>', 'the class names in order, one a line (default: those found, sorted)'),
    new Option('--classes <names>', 'only these classes, numbered in this order, such as cat,dog (default: all)').argParser(parseNames),
    new Option('--split <part>', "a part of the data set, such as train, val or test (default: the format's)"),
    new Option('--split-shares <shares>', 'divide the data set by class and image, such as train=0.8,test=0.2 or test=50-per-class; --split is the part wanted (default: as it is published)').argParser(parseShares),
    new Option('--split-of <part>', 'the published part that --split-shares divides (default: the format\'s)'),
    new Option('--seed <number>', 'of what is drawn at random (default: 42)').argParser(parseWhole),
    new Option('--task <name>', "which label, of formats with several (default: the format's)"),
    new Option('--where <column=value>', 'tables: only rows with this value; may be repeated (default: all rows)').argParser(parseWhere),
    new Option('--bad-boxes <what>', 'an image with an inverted, empty or outside box: reject the image, or drop the box (default: reject; dlib-xml: drop)').choices(['reject', 'drop']),
    new Option('--flat', 'folder: every image is of class 0 (default: the folders are classes)'),
    new Option('--extensions <list>', 'folder: endings of image files, such as .jpg,.png (default: all that decode)').argParser(parseExtensions),
    new Option('--label-width <count>', 'list: labels in each line; 0: as many as it has (default: those of the first)').argParser(parseWhole),
    new Option('--list-flavour <program>', 'list: whose rules the lines follow (default: im2rec.py)').choices(['im2rec.py', 'im2rec.cc']),
    new Option('--image-column <name>', 'csv: the column with the image (default: image)'),
    new Option('--label-columns <names>', 'csv: the column with the class, or several with numbers (default: label)').argParser(parseNames),
    new Option('--box-columns <names>', 'csv: xmin,ymin,xmax,ymax (default: no boxes)').argParser((text) => parseNames(text, undefined, 4)),
    new Option('--box-unit <unit>', 'of the boxes in a table (default: told from the numbers)').choices(['pixels', 'share']),
    new Option('--size-columns <names>', "csv: width,height of the image (default: from the image's header)").argParser((text) => parseNames(text, undefined, 2)),
    new Option('--delimiter <character>', 'tables: between fields (default: told from the first line)'),
    new Option('--votes <file>', 'fer2013: the votes of FER+ (default: fer2013new.csv beside the table)'),
    new Option('--image-key <name>', 'tfrecord: the feature with the encoded image (default: image/encoded); webdataset: the ending of the image (default: any)'),
    new Option('--label-key <name>', 'tfrecord: the feature with the label (default: label, image/object/bbox, image/class/label); webdataset: the field in .json (default: label)'),
    new Option('--label-kind <kind>', 'tfrecord, webdataset: what the labels are (default: as the first sample says)').choices(['class', 'values', 'digits', 'boxes']),
  ]
}

function parseNames(text: string, _previous: unknown, count?: number): string[] {
  const names = text.split(',').map((name) => name.trim())
  if (names.includes('') || (count !== undefined && names.length !== count)) throw new InvalidArgumentError(`Expected ${count ?? 'one or more'} names with commas between them.`)
  return names
}

function parseExtensions(text: string): string[] {
  return parseNames(text, undefined).map((each) => (each.startsWith('.') ? each : `.${each}`))
}

function parseWhere(text: string, previous: readonly ColumnValue[] = []): ColumnValue[] {
  const end = text.indexOf('=')
  if (end < 1) throw new InvalidArgumentError('Expected a column and a value such as Usage=Training.')
  return [...previous, { column: text.slice(0, end).trim(), value: text.slice(end + 1).trim() }]
}

/** `train=0.75,test=0.25`, `val=0.1,test=50-per-class`; the share of train may be left out. */
function parseShares(text: string): PartAmounts {
  const parts = new Map<PartName, Part>()
  for (const each of text.split(',')) {
    const match = /^\s*(train|val|test)\s*=\s*(?:(\d{1,9})-per-class|(0?\.\d+|0|1(?:\.0*)?))\s*$/.exec(each)
    const name = match?.[1] as PartName | undefined
    if (name === undefined || parts.has(name)) throw new InvalidArgumentError('Expected parts such as train=0.75,test=0.25 or test=50-per-class, each of train, val and test once.')
    parts.set(name, match![2] !== undefined ? { count: Number(match![2]) } : { share: Number(match![3]) })
  }
  const [train, validation, test] = [parts.get('train'), parts.get('val'), parts.get('test')]
  const shares = [train, validation, test].reduce((sum, part) => sum + (part && 'share' in part ? part.share : 0), 0)
  if (train && (!('share' in train) || parts.size === 1 || Math.abs(shares - 1) > 1e-9)) throw new InvalidArgumentError('Expected shares that add up to 1, as train is what the others leave; or leave train out.')
  return { ...(validation && { validation }), ...(test && { test }) }
}

/** A file's size and time; a folder's would change when the records are written into it. */
function fileIdentity(path: string): { readonly bytes?: number; readonly modified?: number } {
  const found = statSync(path, { throwIfNoEntry: false })
  return found?.isFile() ? { bytes: found.size, modified: found.mtimeMs } : {}
}
