// `millrace inspect FILE.rec`: what a packed record file holds. Works without its .idx and .meta;
// with a .meta it also shows the label kind, class names and channel statistics that stand there.

import type { RecordPreview, RecordsSummary } from '@millrace/recordio'
import { Command } from 'commander'
import { parseWhole } from '../number-options.js'
import type { CommandFactory } from '../program.js'
import { grouped } from '../record-output.js'

export const inspectCommand: CommandFactory = (signal) =>
  new Command('inspect')
    .description('Show what a record file holds: count, sizes, labels, means, first records. The file is read once.')
    .argument('<file.rec>', 'the record file; - reads standard input')
    .option('--first <count>', 'how many records to list', parseWhole, 5)
    .option('--json', 'print one JSON document; ids are strings, because they have 64 bits', false)
    .action(async (file: string, { first, json }: { first: number; json: boolean }) => {
      const isStdin = file === '-'
      const name = isStdin ? 'standard input' : file
      const { summarizeRecords } = await import('@millrace/recordio')
      const summary = await summarizeRecords(isStdin ? process.stdin : file, { first, signal, name })
      process.stdout.write(json ? toJson(name, summary) : toText(name, summary))
    })

function toJson(file: string, summary: RecordsSummary): string {
  const plain = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value ?? null)
  return `${JSON.stringify({ file, ...summary }, plain, 2)}\n`
}

function toText(file: string, summary: RecordsSummary): string {
  const { smallest, mean, largest, total } = summary.imageBytes
  const types = Object.entries(summary.imageTypes).filter(([, count]) => count > 0).map(([type, count]) => `${grouped(count)} ${type}`)
  const lines = [
    `${file}: ${grouped(summary.count)} records`,
    `images    ${[...types, `${grouped(total)} bytes`].join(', ')}; smallest ${grouped(smallest)}, mean ${grouped(mean)}, largest ${grouped(largest)}`,
    ...labelLines(summary),
    ...metaLines(summary),
    ...firstLines(summary.first),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

function labelLines({ labelKind, isLabelKindGuessed, histogram, meta }: RecordsSummary): string[] {
  const kind = `labels    ${labelKind ?? 'none'}${isLabelKindGuessed && labelKind ? ' (guessed: there is no .meta)' : ''}`
  const names = meta?.header.classNames ?? []
  const title = (key: string): string => labelKind === 'digits' ? `length ${key}` : names[Number(key)] ?? key
  return [
    kind,
    ...histogramLines(histogram?.labels ?? {}, title),
    ...histogramLines(histogram?.digits ?? {}, (key) => `digit ${key}`),
  ]
}

const mostLines = 20

/** One line a label, with its count and share. */
function histogramLines(counts: Readonly<Record<string, number>>, title: (key: string) => string): string[] {
  const entries = Object.entries(counts)
  const total = entries.reduce((sum, [, count]) => sum + count, 0)
  const shown = entries.slice(0, mostLines).map(([key, count]) => {
    const share = ((100 * count) / total).toFixed(1)
    return `  ${title(key).padEnd(16)} ${grouped(count).padStart(9)} ${share.padStart(6)} %`
  })
  return entries.length > mostLines ? [...shown, `  … and ${grouped(entries.length - mostLines)} more (--json lists all)`] : shown
}

function metaLines({ meta }: RecordsSummary): string[] {
  if (!meta) return []
  const { channelMean, channelStd, rejected } = meta.summary
  return [
    ...(channelMean ? [`means     ${channelMean.map((mean) => mean.toFixed(2)).join(' ')} (red green blue, 0 to 255)`] : []),
    ...(channelStd ? [`deviation ${channelStd.map((deviation) => deviation.toFixed(2)).join(' ')}`] : []),
    `rejected  ${grouped(rejected)} inputs when it was packed`,
  ]
}

function firstLines(first: readonly RecordPreview[]): string[] {
  if (first.length === 0) return []
  const rows = first.map(({ ordinal, id, label, imageBytes, image }) => [
    String(ordinal), String(id), shortLabel(label), grouped(imageBytes), image ? `${image.type} ${image.width}x${image.height}` : 'other',
  ])
  return ['first records', ...aligned([['#', 'id', 'label', 'bytes', 'image'], ...rows])]
}

/** Float32 has seven digits; a detection label can have hundreds of numbers. */
function shortLabel(label: readonly number[]): string {
  const numbers = label.slice(0, 12).map((value) => String(Number(value.toPrecision(7))))
  return label.length > 12 ? `${numbers.join(' ')} … (${label.length})` : numbers.join(' ')
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ').trimEnd()}`)
}
