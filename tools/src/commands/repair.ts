// `millrace repair DAMAGED.rec OUT.rec`: the intact records of a damaged file, in a new one.

import type { Loss, RepairReport } from '@millrace/recordio'
import { Command } from 'commander'
import { parseWhole } from '../number-options.js'
import { createProgress } from '../progress.js'
import type { CommandFactory } from '../program.js'
import { grouped, jsonLine, share } from '../record-output.js'

interface RepairFlags {
  readonly list: number
  readonly json?: true
  readonly quiet?: true
}

export const repairCommand: CommandFactory = (signal) =>
  new Command('repair')
    .description('Save every intact record of a damaged file into a new one, and list what was lost. The damaged file is never changed. Exit code 3 if anything was lost.')
    .argument('<damaged.rec>', 'the damaged file; with its .meta beside it, each record is compared with its checksum')
    .argument('<out.rec>', 'the new file; .idx and .meta are written beside it')
    .option('--list <count>', 'how many losses to list; all are counted', parseWhole, 20)
    .option('--json', 'print one JSON document; ids are strings, because they have 64 bits (default: text)')
    .option('--quiet', 'show no progress (default: show it)')
    .action(async (damaged: string, out: string, flags: RepairFlags) => {
      const { repairRecords } = await import('@millrace/recordio')
      const progress = createProgress('repair', { quiet: flags.quiet === true, unit: 'records' })
      const report = await repairRecords(damaged, out, {
        listed: flags.list,
        signal,
        onProgress: (done) => progress.update(done.records, share(done)),
      }).finally(() => progress.done())
      process.stdout.write(flags.json ? jsonLine({ damaged, output: out, ...report }) : toText(damaged, out, report))
      if (report.lossCount > 0) process.exitCode = 3
    })

function toText(damaged: string, out: string, { summary, lostBytes, lostRecords, lossCount, losses, meta, unchecked }: RepairReport): string {
  const lost = lostRecords === undefined ? '' : `, ${grouped(lostRecords)} records that the .meta lists`
  const how = {
    used: unchecked === 0 ? 'all of them have the checksum that the .meta lists' : `${grouped(unchecked)} of them are not in the .meta and were taken by their frames alone`,
    none: 'there is no .meta, so they were taken by their frames alone: damage inside an image was not looked for',
    unusable: 'the .meta is damaged or of another file, so they were taken by their frames alone',
  }[meta]
  const lines = [
    `${out}: ${grouped(summary.count)} records saved from ${damaged}; ${how}`,
    lossCount === 0 ? 'nothing was lost' : `lost: ${grouped(lostBytes)} bytes in ${grouped(lossCount)} places${lost}`,
    ...losses.map((loss) => `  ${describe(loss)}`),
    ...(lossCount > losses.length ? [`  … and ${grouped(lossCount - losses.length)} more (--list shows more)`] : []),
  ]
  return `${lines.join('\n')}\n`
}

function describe({ offsetBytes, lengthBytes, reason, records, ids }: Loss): string {
  const lostIds = ids.length === 0 ? '' : `, ids ${ids.slice(0, 5).join(' ')}${records! > 5 ? ` … (${grouped(records!)})` : ''}`
  return `bytes ${offsetBytes} to ${offsetBytes + lengthBytes}${lostIds}: ${reason}`
}
