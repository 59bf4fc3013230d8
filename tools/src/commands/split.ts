// `millrace split IN.rec PREFIX`: one record file becomes several.

import type { SplitRule } from '@millrace/recordio'
import { Command } from 'commander'
import { CliError } from '../errors.js'
import { parseBytes, parseCount } from '../number-options.js'
import { createProgress } from '../progress.js'
import type { CommandFactory } from '../program.js'
import { grouped, jsonLine, share } from '../record-output.js'

interface SplitFlags {
  readonly shards?: number
  readonly bytes?: number
  readonly records?: number
  readonly json?: true
  readonly quiet?: true
}

export const splitCommand: CommandFactory = (signal) =>
  new Command('split')
    .description('Write the records of a file into several, PREFIX-00000-of-00004.rec and so on, each with .idx and .meta. Give one of --shards, --bytes, --records.')
    .argument('<in.rec>', 'the file to split')
    .argument('<prefix>', 'how the names of the new files begin')
    .option('--shards <count>', 'so many files, with equally many records (default: by another rule)', parseCount)
    .option('--bytes <size>', 'at most so many bytes a file, such as 500000, 64MB or 1GiB (default: by another rule)', parseBytes)
    .option('--records <count>', 'at most so many records a file (default: by another rule)', parseCount)
    .option('--json', 'print one JSON document (default: text)')
    .option('--quiet', 'show no progress (default: show it)')
    .action(async (input: string, prefix: string, flags: SplitFlags) => {
      const { splitRecords } = await import('@millrace/recordio')
      const rule = splitRule(flags)
      const progress = createProgress('split', { quiet: flags.quiet === true, unit: 'records' })
      const shards = await splitRecords(input, prefix, rule, {
        signal,
        onProgress: (done) => progress.update(done.records, share(done)),
      }).finally(() => progress.done())
      const lines = shards.map(({ path, count, bytes }) => `${path}: ${grouped(count)} records, ${grouped(bytes)} bytes\n`)
      process.stdout.write(flags.json ? jsonLine({ input, shards }) : lines.join(''))
    })

function splitRule({ shards, bytes, records }: SplitFlags): SplitRule {
  const rules: SplitRule[] = [
    ...(shards === undefined ? [] : [{ shards }]),
    ...(bytes === undefined ? [] : [{ bytes }]),
    ...(records === undefined ? [] : [{ records }]),
  ]
  const [rule, other] = rules
  if (!rule || other) throw new CliError('CLI_USAGE', `expected one of --shards, --bytes, --records, found ${rules.length}`)
  return rule
}
