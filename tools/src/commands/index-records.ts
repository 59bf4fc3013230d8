// `millrace index FILE.rec`: makes the .idx and the .meta of a record file anew.

import { readFile } from 'node:fs/promises'
import type { LabelKind } from '@millrace/recordio'
import { Command, Option } from 'commander'
import { CliError } from '../errors.js'
import { createProgress } from '../progress.js'
import type { CommandFactory } from '../program.js'
import { grouped, jsonLine, share } from '../record-output.js'

interface IndexFlags {
  readonly labelKind?: LabelKind
  readonly classes?: string
  readonly json?: true
  readonly quiet?: true
}

export const indexCommand: CommandFactory = (signal) =>
  new Command('index')
    .description('Make the .idx and .meta of a record file anew. The .rec stays as it is. Class names and pack options come from the old .meta, or from one that an interrupted writer left beside it.')
    .argument('<file.rec>', 'the record file')
    .addOption(new Option('--label-kind <kind>', 'what the labels are (default: as the old .meta says, else guessed from all of them)').choices(['class', 'values', 'digits', 'boxes']))
    .option('--classes <file>', 'names of the classes, one a line, the first for class 0 (default: as the old .meta says, else none)')
    .option('--json', 'print one JSON document (default: text)')
    .option('--quiet', 'show no progress (default: show it)')
    .action(async (path: string, { labelKind, classes, json, quiet }: IndexFlags) => {
      const { rebuildIndex } = await import('@millrace/recordio')
      const classNames = classes === undefined ? undefined : await readClassNames(classes)
      const progress = createProgress('index', { quiet: quiet === true, unit: 'records' })
      const rebuilt = await rebuildIndex(path, {
        ...(labelKind && { labelKind }),
        ...(classNames && { classNames }),
        signal,
        onProgress: (done) => progress.update(done.records, share(done)),
      }).finally(() => progress.done())
      const { header, summary, isLabelKindGuessed } = rebuilt
      const kind = `labels of kind ${header.labelKind}${isLabelKindGuessed ? ' (guessed; --label-kind sets it)' : ''}`
      process.stdout.write(json ? jsonLine({ path, ...rebuilt }) : `${path}: ${grouped(summary.count)} records in .idx and .meta, ${kind}, ${grouped(header.classNames?.length ?? 0)} class names\n`)
    })

async function readClassNames(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch((cause: Error) => {
    throw new CliError('CLI_USAGE', `--classes ${path}: cannot read it: ${cause.message}`, { cause })
  })
  const lines = text.split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop()
  return lines
}
