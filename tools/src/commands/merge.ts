// `millrace merge OUT.rec A.rec B.rec…`: several record files become one.

import { Command } from 'commander'
import { createProgress } from '../progress.js'
import type { CommandFactory } from '../program.js'
import { grouped, jsonLine, share } from '../record-output.js'

interface MergeFlags {
  readonly renumber?: true
  readonly json?: true
  readonly quiet?: true
}

export const mergeCommand: CommandFactory = (signal) =>
  new Command('merge')
    .description('Write the records of several files into one, in the order given. Images are not encoded again.')
    .argument('<out.rec>', 'the new file; .idx and .meta are written beside it')
    .argument('<file.rec...>', 'the files to merge, with labels of one kind and the same class names')
    .option('--renumber', 'give the records new ids from 0 (default: keep them, and fail if one occurs twice)')
    .option('--json', 'print one JSON document (default: text)')
    .option('--quiet', 'show no progress (default: show it)')
    .action(async (out: string, files: string[], { renumber, json, quiet }: MergeFlags) => {
      const { mergeRecords } = await import('@millrace/recordio')
      const progress = createProgress('merge', { quiet: quiet === true, unit: 'records' })
      const summary = await mergeRecords(out, files, {
        renumber: renumber === true,
        signal,
        onProgress: (done) => progress.update(done.records, share(done)),
      }).finally(() => progress.done())
      process.stdout.write(json ? jsonLine({ output: out, summary }) : `${out}: ${grouped(summary.count)} records of ${files.length} files\n`)
    })
