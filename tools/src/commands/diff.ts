// `millrace diff A.rec B.rec`: how two record files differ.

import type { DiffReport, ImageRecord, PixelComparison, RecordDifference } from '@millrace/recordio'
import { Command } from 'commander'
import { parseWhole } from '../number-options.js'
import { createProgress } from '../progress.js'
import type { CommandFactory } from '../program.js'
import { grouped, jsonLine, share } from '../record-output.js'

interface DiffFlags {
  readonly pixels?: true
  readonly list: number
  readonly json?: true
  readonly quiet?: true
}

export const diffCommand: CommandFactory = (signal) =>
  new Command('diff')
    .description('Show how two record files differ: records by id, their order, labels, images. Exit code 1 if they do.')
    .argument('<a.rec>', 'the one file')
    .argument('<b.rec>', 'the other')
    .option('--pixels', 'decode images whose bytes differ and compare their pixels (default: bytes only)')
    .option('--list <count>', 'how many differences of each kind to list; all are counted', parseWhole, 20)
    .option('--json', 'print one JSON document; ids are strings, because they have 64 bits (default: text)')
    .option('--quiet', 'show no progress (default: show it)')
    .action(async (a: string, b: string, flags: DiffFlags) => {
      const { diffRecords } = await import('@millrace/recordio')
      const comparePixels = flags.pixels && (await pixelComparison())
      const progress = createProgress('diff', { quiet: flags.quiet === true, unit: 'records' })
      const report = await diffRecords(a, b, {
        ...(comparePixels && { comparePixels }),
        listed: flags.list,
        signal,
        onProgress: (done) => progress.update(done.records, share(done)),
      }).finally(() => progress.done())
      process.stdout.write(flags.json ? jsonLine({ a, b, ...report }) : toText(a, b, report))
      if (!report.isSame) process.exitCode = 1
    })

/** Loaded only when asked for: decoding brings native code. */
async function pixelComparison(): Promise<(a: ImageRecord, b: ImageRecord) => Promise<PixelComparison>> {
  const { decodeImage } = await import('@millrace/pipeline/images')
  return async (recordA, recordB) => {
    try {
      const [a, b] = [await decodeImage(recordA.image), await decodeImage(recordB.image)]
      if (a.width !== b.width || a.height !== b.height) return { reason: `${a.width}x${a.height} and ${b.width}x${b.height} pixels` }
      return comparePixels(a.data, b.data)
    } catch (error) {
      return { reason: (error as Error).message }
    }
  }
}

/** PSNR = 10 · log10(255² / mean of squared differences), over all channels. */
function comparePixels(a: Uint8Array, b: Uint8Array): PixelComparison {
  let [maximumDifference, squares] = [0, 0]
  for (let index = 0; index < a.length; index++) {
    const difference = Math.abs(a[index]! - b[index]!)
    maximumDifference = Math.max(maximumDifference, difference)
    squares += difference * difference
  }
  return { maximumDifference, psnr: squares === 0 ? Infinity : 10 * Math.log10((255 ** 2 * a.length) / squares) }
}

function toText(a: string, b: string, { isSame, counts, common, differences, headerFields }: DiffReport): string {
  if (isSame) return `${a} and ${b}: the same ${grouped(common)} records\n`
  const lines = [
    `${a} and ${b}: ${grouped(counts.missing)} missing in the second, ${grouped(counts.added)} added, ${grouped(counts.changed)} changed, ${grouped(counts.moved)} moved, of ${grouped(common)} in both`,
    ...(headerFields.length > 0 ? [`  the .meta differs in ${headerFields.join(', ')}`] : []),
    ...differences.map((difference) => `  ${describe(difference)}`),
  ]
  const more = Object.values(counts).reduce((sum, count) => sum + count, 0) - differences.length
  if (more > 0) lines.push(`  … and ${grouped(more)} more (--list shows more)`)
  return `${lines.join('\n')}\n`
}

function describe({ kind, id, ordinals: [a, b], labels, id2, imageBytes, pixels }: RecordDifference): string {
  const place = [...(a === undefined ? [] : [`record ${a}`]), ...(b === undefined || b === a ? [] : [a === undefined ? `record ${b}` : `${b} in the second`])]
  const facts = [
    ...(labels ? [`label ${shortLabel(labels[0])} became ${shortLabel(labels[1])}`] : []),
    ...(id2 ? [`id2 ${id2[0]} became ${id2[1]}`] : []),
    ...(imageBytes ? [`image of ${imageBytes[0]} bytes became one of ${imageBytes[1]}`] : []),
    ...(pixels ? ['reason' in pixels ? `pixels not compared: ${pixels.reason}` : `pixels differ by at most ${pixels.maximumDifference}, PSNR ${pixels.psnr.toFixed(2)} dB`] : []),
  ]
  return `${kind}: id ${id}, ${place.join(', ')}${facts.length > 0 ? `: ${facts.join('; ')}` : ''}`
}

function shortLabel(label: readonly number[]): string {
  const numbers = label.slice(0, 8).map((value) => String(Number(value.toPrecision(7))))
  return `[${numbers.join(' ')}${label.length > 8 ? ` … ${label.length}` : ''}]`
}
