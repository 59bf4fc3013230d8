// Adds records to an existing file. The file itself is never written to: a new one, with the old
// records and the added ones, is made beside it and takes its name once it and its siblings are on the
// disk. So a crash at any moment leaves the old file or the new one, whole.
//
// Where the file system lets files share their bytes (Btrfs, XFS, APFS), the new one shares the old
// one's: only what is added is written. Elsewhere the old records are copied, which needs their space
// once more until the end.

import { stat } from 'node:fs/promises'
import { fileError, RecordError } from './errors.js'
import { planMerge, writeMerged, type MergeOptions } from './merge.js'
import type { MetaSummary } from './meta-layout.js'
import { RecordWriter } from './record-writer.js'

export interface AppendOptions extends Omit<MergeOptions, 'renumber'> {
  /** Makes a file with the bytes of another, or says that it cannot. Default: shares them on the disk. */
  readonly shareBytes?: (source: string, target: string) => Promise<boolean>
}

/**
 * `path` then holds its records and those of `inputs`, as `mergeRecords` would make it.
 *
 * @throws RecordError as `mergeRecords`; REC_FILE when something else has changed `path` meanwhile
 */
export async function appendRecords(path: string, inputs: readonly string[], options: AppendOptions = {}): Promise<MetaSummary> {
  const before = await stateOf(path)
  const all = [path, ...inputs]
  const plan = await planMerge(all, options)
  const writer = (await RecordWriter.clone(path, plan.header, path, options.shareBytes)) ?? (await RecordWriter.create(path, plan.header))
  return writeMerged(writer, all, plan, options, async () => {
    if ((await stateOf(path)) !== before) {
      throw new RecordError('REC_FILE', `${path}: expected nobody else to write it, found it changed meanwhile; nothing was added: append again`, { path })
    }
  })
}

/** Differs when the file was replaced or written to. */
async function stateOf(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true }).catch((cause: unknown) => {
    throw fileError(path, 'open it', cause)
  })
  return `${dev} ${ino} ${size} ${mtimeNs}`
}
