// `millrace verify FILE.rec…`: everything that is wrong with record files and their siblings, and where.

import type { Fault, ImageRecord, VerifyReport } from '@millrace/recordio'
import { Command } from 'commander'
import { parseWhole } from '../number-options.js'
import { createProgress } from '../progress.js'
import type { CommandFactory } from '../program.js'
import { grouped, jsonLine, share } from '../record-output.js'

interface VerifyFlags {
  readonly images?: true
  readonly list: number
  readonly json?: true
  readonly quiet?: true
}

export const verifyCommand: CommandFactory = (signal) =>
  new Command('verify')
    .description('Show what is wrong with record files, and where: frames, checksums, image headers, labels, .idx and .meta. Nothing is changed.')
    .argument('<file.rec...>', 'the record files; .idx and .meta beside them are compared')
    .option('--images', 'also decode every image (default: look at the bytes only)')
    .option('--list <count>', 'how many faults of a file to list; all are counted', parseWhole, 20)
    .option('--json', 'print one JSON document; ids are strings, because they have 64 bits (default: text)')
    .option('--quiet', 'show no progress (default: show it)')
    .action(async (files: string[], flags: VerifyFlags) => {
      const { verifyRecords } = await import('@millrace/recordio')
      const checkImage = flags.images && (await imageCheck())
      const reports: VerifyReport[] = []
      for (const path of files) {
        const progress = createProgress('verify', { quiet: flags.quiet === true, unit: 'records' })
        const report = await verifyRecords(path, {
          ...(checkImage && { checkImage }),
          listed: flags.list,
          signal,
          onProgress: (done) => progress.update(done.records, share(done)),
        }).finally(() => progress.done())
        reports.push(report)
        if (!flags.json) process.stdout.write(toText(report))
      }
      if (flags.json) process.stdout.write(jsonLine({ files: reports }))
      if (reports.some(({ isSound }) => !isSound)) process.exitCode = 1
    })

/** Loaded only when asked for: decoding brings native code. */
async function imageCheck(): Promise<(record: ImageRecord) => Promise<void>> {
  const { decodeImage } = await import('@millrace/pipeline/images')
  return async ({ image }) => {
    await decodeImage(image)
  }
}

function toText({ path, isSound, count, bytes, lostBytes, meta, hasIndex, faultCounts, faults, duplicateIds }: VerifyReport): string {
  const siblings = { used: 'with .meta', none: 'no .meta: contents are not under a checksum', unusable: 'its .meta cannot be used' }[meta]
  const kinds = Object.entries(faultCounts).map(([kind, faultCount]) => `${grouped(faultCount)} ${kind}`)
  const total = Object.values(faultCounts).reduce((sum, faultCount) => sum + faultCount, 0)
  const lines = [
    `${path}: ${isSound ? 'sound' : `${grouped(total)} faults`}; ${grouped(count)} intact records, ${grouped(bytes)} bytes, ${siblings}, ${hasIndex ? 'with' : 'no'} .idx`,
    ...(isSound ? [] : [`  faults: ${kinds.join(', ')}; ${grouped(lostBytes)} bytes in no intact record`]),
    ...faults.map((fault) => `  ${describe(fault)}`),
    ...(total > faults.length ? [`  … and ${grouped(total - faults.length)} more (--list shows more)`] : []),
    ...(duplicateIds.count > 0 ? [`  warning: ${grouped(duplicateIds.count)} records have the id of one before them, the first of them id ${duplicateIds.first.join(', ') || '…'}`] : []),
    ...(isSound ? [] : [`  next: copy it again from its source; or "millrace repair ${path} OUT.rec" to keep the intact records; or "millrace index ${path}" if only .idx or .meta are wrong`]),
  ]
  return `${lines.join('\n')}\n`
}

function describe({ kind, path, record, offsetBytes, lengthBytes, lostRecords, ids = [], message }: Fault): string {
  const place = [
    ...(record === undefined ? [] : [`record ${record}`]),
    ...(offsetBytes === undefined ? [] : [lengthBytes === undefined ? `byte ${offsetBytes}` : `bytes ${offsetBytes} to ${offsetBytes + lengthBytes}`]),
    ...(ids.length === 0 ? [] : [lostRecords === undefined ? `id ${ids[0]}` : `lost ids ${shortList(ids, lostRecords)}`]),
  ]
  const where = kind === 'index' || kind === 'meta' ? `${path.split(/[\\/]/).at(-1)}: ` : ''
  return `${kind}: ${where}${place.join(', ')}${place.length > 0 ? ': ' : ''}${message}`
}

/** The first few ids of so many. */
function shortList(ids: readonly bigint[], count: number): string {
  const shown = ids.slice(0, 5).join(' ')
  return count > 5 ? `${shown} … (${grouped(count)})` : shown
}
