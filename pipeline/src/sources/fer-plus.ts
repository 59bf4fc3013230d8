// FER+: what ten taggers saw in each image of FER2013, row for row.
//
//   Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF
//   Training,fer0000000.png,4,0,0,1,3,2,0,0,0,0
//
// The label is the majority's (Barsoum et al., "Training Deep Networks for Facial Expression Recognition
// with Crowd-Sourced Label Distribution", 2016): votes that stand alone do not count, and the emotion with
// more than half of the others is it. An image without such an emotion, whose majority says unknown or NF
// (no face), or that has no name, has no label.

import { PipelineError } from '../errors.js'
import { openTable, tableError, type CsvRow } from './csv-table.js'

/** By class, in the order of the columns. */
export const ferPlusEmotions: readonly string[] = ['neutral', 'happiness', 'surprise', 'sadness', 'anger', 'disgust', 'fear', 'contempt']

export interface FerPlusVotes {
  readonly path: string
  /** How many rows there are. */
  readonly count: number
  /**
   * The class of the image in that line, or why there is none: words where the taggers say so, an error
   * where the row cannot be understood or is not of that Usage.
   */
  of(line: number, usage: string): number | string | PipelineError
}

/** FER2013 has 35,887. */
const maxRows = 1_000_000

/**
 * Reads all votes. Memory: some 100 bytes a row.
 * @throws PipelineError PIPE_SOURCE_MISSING, PIPE_TABLE, PIPE_ABORTED
 */
export async function readFerPlus(path: string, signal?: AbortSignal): Promise<FerPlusVotes> {
  const table = await openTable(path, { delimiter: ',', signal })
  const names = [...ferPlusEmotions, 'unknown', 'NF']
  table.require('Usage', 'Image name', ...names)
  const columns = names.map((name) => table.column(name))
  const [usageColumn, nameColumn] = [table.column('Usage'), table.column('Image name')]
  const rows = new Map<number, { readonly usage: string; readonly outcome: number | string | PipelineError }>()
  for await (const row of table.rows()) {
    const outcome = row.fields[nameColumn] === '' ? noFace : majority(row, columns, path)
    rows.set(row.line, { usage: row.fields[usageColumn] ?? '', outcome })
    if (rows.size > maxRows) throw tableError(path, row.line, `at most ${maxRows} rows`, 'more')
  }
  return {
    path,
    count: rows.size,
    of(line, usage) {
      const row = rows.get(line)
      if (row?.usage === usage) return row.outcome
      return tableError(path, line, `the votes for an image with Usage ${usage}`, row === undefined ? 'no such line' : JSON.stringify(row.usage.slice(0, 50)))
    },
  }
}

const noFace = 'no face (FER+)'

function majority({ line, fields }: CsvRow, columns: readonly number[], path: string): number | string | PipelineError {
  const votes: number[] = []
  for (const column of columns) {
    const text = fields[column] ?? ''
    if (!/^\d{1,3}$/.test(text)) return tableError(path, line, `${columns.length} numbers of votes`, JSON.stringify(text.slice(0, 50)))
    votes.push(Number(text) > 1 ? Number(text) : 0)
  }
  const most = Math.max(...votes)
  if (most * 2 <= votes.reduce((sum, count) => sum + count, 0)) return 'no majority (FER+)'
  const winner = votes.indexOf(most)
  if (winner < ferPlusEmotions.length) return winner
  return winner === ferPlusEmotions.length ? 'unknown emotion (FER+)' : noFace
}
