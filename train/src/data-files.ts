// The record files of a run: what they were when it began, and whether they still are.

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { openRecords } from '@millrace/recordio'
import type { Objective } from './engine/objective.js'
import { TrainError } from './errors.js'
import { labelShapeOf, recordLabels } from './loader/record-labels.js'
import type { DataFile } from './run-config.js'

/**
 * Counts the records of files, and sees from the manifest or the first record whether the network can
 * learn their labels.
 * @throws TrainError TRAIN_LABEL_KIND, TRAIN_LABEL_RANGE; RecordError for a file that cannot be read.
 */
export async function describeFiles(paths: readonly string[], objective: Objective): Promise<DataFile[]> {
  const files: DataFile[] = []
  for (const path of paths) files.push(await describeFile(path, objective))
  return files
}

/** @throws TrainError TRAIN_DATA_CHANGED if a file is not what it was, and as {@link describeFiles}. */
export async function requireUnchanged(files: readonly DataFile[], objective: Objective): Promise<void> {
  for (const file of files) {
    const now = await describeFile(file.path, objective)
    if (now.records !== file.records || now.bytes !== file.bytes) {
      throw changed(file, `the run began with ${file.records} records in ${file.bytes} bytes, found ${now.records} in ${now.bytes}`)
    }
    // A .meta may come or go; where both are known they hold the checksums of the same records.
    if (now.metaDigest !== undefined && file.metaDigest !== undefined && now.metaDigest !== file.metaDigest) {
      throw changed(file, 'its .meta is not the one that the run began with, so records or labels are others')
    }
  }
}

/** How many records the files hold together. */
export function countRecords(files: readonly DataFile[]): number {
  return files.reduce((sum, { records }) => sum + records, 0)
}

async function describeFile(path: string, objective: Objective): Promise<DataFile> {
  const records = await openRecords(path)
  try {
    const kind = records.meta?.header.labelKind
    if (kind !== undefined && kind !== objective.labelKind) {
      throw new TrainError('TRAIN_LABEL_KIND', `${path}: its labels are of kind "${kind}", the network learns "${objective.labelKind}"; choose records or a network to match`, { path })
    }
    if (records.count > 0) recordLabels(await records.read(0), labelShapeOf(objective), `${path}: record 0`)
    const { size } = await stat(path)
    return { path: resolve(path), records: records.count, bytes: size, ...(records.meta && { metaDigest: await digestOf(metaPath(path)) }) }
  } finally {
    await records.close()
  }
}

/** As recordio names it. */
function metaPath(path: string): string {
  return `${path.replace(/\.rec$/i, '')}.meta`
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

function changed({ path }: DataFile, fact: string): TrainError {
  return new TrainError('TRAIN_DATA_CHANGED', `${path}: ${fact}; restore the file or start a new run`, { path })
}
