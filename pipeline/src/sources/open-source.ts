// Opens a data set by the name of its format, and chooses among its samples: what the commands call.

import { PipelineError } from '../errors.js'
import { askedParts, type PartName } from '../draw-parts.js'
import type { Source } from '../sample.js'
import { sourceFormats, type SourceFormat } from './registry.js'
import { selectClasses } from './select-classes.js'
import type { SourceOptions } from './source-options.js'
import { splitSource, type SplitShare } from './split-source.js'

export interface OpenSourceOptions extends SourceOptions {
  /** Divides the data set (with `split`: that part of its own) at random, and takes one part. Default: all of it. */
  readonly share?: SplitShare
}

/**
 * The samples of a data set: of the chosen part, then of the chosen classes, then of the wanted share.
 * `split` may also name a part of the division that users of the format agree on (`SourceFormat.drawn`).
 * @throws PipelineError PIPE_OPTION for an unknown format, an option that it does not read, a part or a
 *   class that the data set does not have; and what the format throws
 */
export async function openSource(name: string, path: string, options: OpenSourceOptions = {}): Promise<Source> {
  const format = sourceFormats[name]
  if (!format) throw new PipelineError('PIPE_OPTION', `format: expected one of ${Object.keys(sourceFormats).join(', ')}, found ${JSON.stringify(name)}`)
  const { share, classes, ...others } = options
  const drawn = share ?? drawnShare(name, format, others)
  const own = withoutUndefined(share ? others : toOwn(format, others, drawn !== undefined))
  const unread = unreadOptions(name, { ...own, ...(drawn && { share: drawn }) })
  if (unread.length > 0) throw new PipelineError('PIPE_OPTION', `format ${name}: does not read ${unread.join(', ')}; leave it out, or name another format`)
  const source = await format.open(path, own)
  const selected = classes ? selectClasses(source, classes) : source
  return drawn ? splitSource(selected, drawn, options.seed) : selected
}

/** The options that a format does not read, of those that are given; all of them, of an unknown format. */
export function unreadOptions(name: string, options: OpenSourceOptions): string[] {
  const format = sourceFormats[name]
  const read = new Set<string>(format && [...format.options, 'signal', 'classes', 'share', ...(options.share ? ['seed'] : []), ...(format.drawn ? ['seed', 'split'] : [])])
  return Object.entries(options).flatMap(([option, value]) => (value === undefined || read.has(option) ? [] : [option]))
}

/** The share that `split` names of the division that the format's users agree on. */
function drawnShare(name: string, { drawn, splits = [] }: SourceFormat, { split }: SourceOptions): SplitShare | undefined {
  const parts = drawn ? askedParts(drawn) : []
  if (split === undefined || splits.includes(split) && !parts.includes(split as PartName)) return undefined
  if (drawn && parts.includes(split as PartName)) return { ...drawn, part: split as PartName }
  const all = [...new Set([...splits, ...parts])]
  const expected = all.length > 0 ? `one of its parts (${all.join(', ')})` : 'no part, as it has none of its own (divide it by shares)'
  throw new PipelineError('PIPE_OPTION', `split: format ${name}: expected ${expected}, found ${JSON.stringify(split)}`)
}

/** What the format itself is told: for a drawn part, the part of its own that is divided. */
function toOwn({ drawn }: SourceFormat, { split, ...options }: SourceOptions, isDrawn: boolean): SourceOptions {
  const own = isDrawn ? drawn?.of : split
  return { ...options, ...(own !== undefined && { split: own }) }
}

function withoutUndefined(options: SourceOptions): SourceOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}
