// The flags of `millrace pack` that tell what the data set is, and the source they make.

import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Source, SourceOptions } from '@millrace/pipeline'
import { CliError } from './errors.js'

export interface SourceFlags {
  readonly format?: string
  readonly images?: string
  readonly root?: string
  readonly followLinks?: true
  readonly classNames?: string
  readonly flat?: true
  readonly extensions?: string
  readonly labelWidth?: number
  readonly listFlavour?: 'im2rec.py' | 'im2rec.cc'
  readonly imageColumn?: string
  readonly labelColumns?: string
  readonly boxColumns?: string
  readonly boxUnit?: 'pixels' | 'share'
  readonly sizeColumns?: string
  readonly delimiter?: string
}

export interface OpenedSource {
  readonly source: Source
  readonly format: string
  /** Not named by a flag, but guessed from the path; digit-struct is the default. */
  readonly isGuessed: boolean
  /** What a resumed run must agree with. */
  readonly identity: Readonly<Record<string, unknown>>
}

/** @throws PipelineError where the data set cannot be opened; CliError CLI_USAGE */
export async function openSource(path: string, flags: SourceFlags, signal: AbortSignal): Promise<OpenedSource> {
  const { sourceFormats } = await import('@millrace/pipeline')
  const name = flags.format ?? guessFormat(path)
  const format = sourceFormats[name]
  if (!format) throw new CliError('CLI_USAGE', `--format: expected one of ${Object.keys(sourceFormats).join(', ')}, found ${name}`)
  const options = toOptions(flags)
  const unread = Object.keys(options).filter((option) => !format.options.some((each) => each === option))
  if (unread.length > 0) throw new CliError('CLI_USAGE', `--format ${name} does not read ${unread.map((option) => `--${toFlag(option)}`).join(', ')}; leave it out, or name another format`)
  const source = await format.open(path, { ...options, signal })
  return { source, format: name, isGuessed: flags.format === undefined && name !== 'digit-struct', identity: { path, format: name, options, ...fileIdentity(path) } }
}

/** What a data set seems to be, by its name and what lies in it. */
function guessFormat(path: string): string {
  if (/\.lst$/i.test(path)) return 'list'
  if (/\.(csv|tsv)$/i.test(path)) return 'csv'
  if (/\.mat$/i.test(path) || existsSync(join(path, 'digitStruct.mat')) || !existsSync(path)) return 'digit-struct'
  return 'folder'
}

function toOptions({ format: _, labelColumns, boxColumns, sizeColumns, extensions, ...flags }: SourceFlags): SourceOptions {
  const present = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined))
  return {
    ...present,
    ...(labelColumns !== undefined && { labelColumns: splitNames(labelColumns) }),
    ...(boxColumns !== undefined && { boxColumns: splitNames(boxColumns, 4) as unknown as readonly [string, string, string, string] }),
    ...(sizeColumns !== undefined && { sizeColumns: splitNames(sizeColumns, 2) as unknown as readonly [string, string] }),
    ...(extensions !== undefined && { extensions: splitNames(extensions).map((each) => (each.startsWith('.') ? each : `.${each}`)) }),
  }
}

function splitNames(text: string, count?: number): string[] {
  const names = text.split(',').map((name) => name.trim())
  if (names.includes('') || (count !== undefined && names.length !== count)) throw new CliError('CLI_USAGE', `expected ${count ?? 'one or more'} names with commas between them, found ${JSON.stringify(text)}`)
  return names
}

function toFlag(option: string): string {
  return option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** A file's size and time; a folder's would change when the records are written into it. */
function fileIdentity(path: string): { readonly bytes?: number; readonly modified?: number } {
  const found = statSync(path, { throwIfNoEntry: false })
  return found?.isFile() ? { bytes: found.size, modified: found.mtimeMs } : {}
}
