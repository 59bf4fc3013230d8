// `millrace formats [NAME]`: the data set formats, what path each wants and which flags it reads.

import { Command } from 'commander'
import type { Part, SourceFormat } from '@millrace/pipeline'
import { CliError } from '../errors.js'
import type { CommandFactory } from '../program.js'
import { flagOf } from '../source-flags.js'

interface FormatsFlags {
  readonly json: boolean
}

export const formatsCommand: CommandFactory = () =>
  new Command('formats')
    .description('List the data set formats, with the path, the parts and the flags of each.')
    .argument('[name]', 'only this format (default: all)')
    .option('--json', 'print one JSON document', false)
    .action(listFormats)

async function listFormats(name: string | undefined, { json }: FormatsFlags): Promise<void> {
  const { sourceFormats } = await import('@millrace/pipeline')
  const names = Object.keys(sourceFormats)
  if (name !== undefined && !names.includes(name)) throw new CliError('CLI_USAGE', `formats: expected one of ${names.join(', ')}, found ${name}`)
  const wanted = names.filter((each) => name === undefined || each === name)
  const documents = wanted.map((each) => toDocument(each, sourceFormats[each]!))
  process.stdout.write(json ? `${JSON.stringify(documents, null, 2)}\n` : `${documents.map(describe).join('\n\n')}\n`)
}

interface FormatDocument {
  readonly name: string
  readonly about: string
  readonly path: string
  readonly parts: readonly string[]
  /** The parts that are drawn at random, such as "val 0.15, test 0.15". */
  readonly drawn?: string
  readonly tasks: readonly string[]
  /** In words where it follows from the data set. */
  readonly defaultTask?: string
  readonly flags: readonly string[]
}

function toDocument(name: string, { about, path, splits = [], drawn, tasks = [], defaultTask = tasks[0], options }: SourceFormat): FormatDocument {
  const amounts = drawn && [drawn.validation && `val ${amountOf(drawn.validation)}`, drawn.test && `test ${amountOf(drawn.test)}`].filter((each) => each !== undefined).join(', ')
  const drawnParts = drawn ? ['train', ...(drawn.validation ? ['val'] : []), ...(drawn.test ? ['test'] : [])] : []
  const read = new Set([...options, ...(drawn ? (['split', 'seed'] as const) : []), 'classes' as const].filter((option) => option !== 'signal'))
  return { name, about, path, parts: [...new Set([...splits, ...drawnParts])], ...(amounts && { drawn: amounts }), tasks, ...(defaultTask !== undefined && { defaultTask }), flags: [...[...read].map(flagOf), '--split-shares'] }
}

function amountOf(part: Part): string {
  return 'count' in part ? `${part.count} of each class` : `${part.share}`
}

function describe({ name, about, path, parts, drawn, tasks, defaultTask, flags }: FormatDocument): string {
  return [
    `${name}: ${about}`,
    `  path   ${path}`,
    ...(parts.length > 0 ? [`  split  ${parts.join(', ')}${drawn === undefined ? '' : ` (drawn at random: ${drawn}, the rest is train)`}`] : []),
    ...(tasks.length > 0 ? [`  task   ${tasks.join(', ')} (default: ${defaultTask})`] : []),
    `  flags  ${flags.join(' ')}`,
  ].join('\n')
}
