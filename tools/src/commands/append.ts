// `millrace append INTO.rec FROM.rec…`: adds records to an existing file.

import { Command } from 'commander'
import { createProgress } from '../progress.js'
import type { CommandFactory } from '../program.js'
import { grouped, jsonLine, share } from '../record-output.js'

interface AppendFlags {
  readonly json?: true
  readonly quiet?: true
}

export const appendCommand: CommandFactory = (signal) =>
  new Command('append')
    .description('Add the records of other files to a file. A crash leaves the old file or the new one, whole. The space of the new file is needed until it is done, less where the file system can share bytes (Btrfs, XFS, APFS).')
    .argument('<into.rec>', 'the file to add to; it and its .idx and .meta are replaced at the end')
    .argument('<from.rec...>', 'the files to add, with labels of the same kind, the same class names, and other ids')
    .option('--json', 'print one JSON document (default: text)')
    .option('--quiet', 'show no progress (default: show it)')
    .action(async (into: string, files: string[], { json, quiet }: AppendFlags) => {
      const { appendRecords } = await import('@millrace/recordio')
      const progress = createProgress('append', { quiet: quiet === true, unit: 'records' })
      const summary = await appendRecords(into, files, {
        signal,
        onProgress: (done) => progress.update(done.records, share(done)),
      }).finally(() => progress.done())
      process.stdout.write(json ? jsonLine({ output: into, summary }) : `${into}: now ${grouped(summary.count)} records\n`)
    })
