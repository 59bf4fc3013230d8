// A data set small enough to train on within a test: numbers of one to three digits, drawn from 3x5 dots
// in grey on grey, 64x64 pixels, as digits-labelled records. And what the tests of a run look at.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { TrainError } from '@millrace/train'
import { encodeJpeg, type RawImage } from '@millrace/pipeline/images'
import { RecordError, RecordWriter, type LabelKind, type NewImageRecord } from '@millrace/recordio'
import { randomNumbers } from '../infer/networks.js'

/** Rows of three dots, top to bottom, as octal digits. */
const dots = ['75557', '26227', '71747', '71717', '55711', '74717', '74757', '71122', '75757', '75717']
const side = 64
const dot = 6

/** A number in its place on a background; `random` draws the colours and the place. */
export function drawNumber(digits: readonly number[], random: () => number): RawImage {
  const data = new Uint8Array(side * side * 3)
  const background = 40 + 80 * random()
  const ink = background + 90 + 40 * random()
  const left = Math.floor(random() * (side - digits.length * 4 * dot + dot))
  const top = Math.floor(random() * (side - 5 * dot))
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const [column, row] = [Math.floor((x - left) / dot), Math.floor((y - top) / dot)]
      const digit = digits[Math.floor(column / 4)]
      const isInk = digit !== undefined && row >= 0 && row < 5 && column % 4 < 3 && ((Number(dots[digit]![row]) >> (2 - (column % 4))) & 1) === 1
      data.fill((isInk ? ink : background) + 16 * random(), (y * side + x) * 3, (y * side + x) * 3 + 3)
    }
  }
  return { data, width: side, height: side, channels: 3 }
}

/** The label row of a number. */
export function digitLabels(digits: readonly number[]): Float32Array {
  return Float32Array.of(digits.length, ...Array.from({ length: 5 }, (_, place) => digits[place] ?? 10))
}

/** The same records for the same seed. */
export async function digitRecords(count: number, seed = 1): Promise<NewImageRecord[]> {
  const random = randomNumbers(seed)
  const records: NewImageRecord[] = []
  for (let id = 0; id < count; id++) {
    const digits = Array.from({ length: 1 + (id % 2) }, () => Math.floor(4 * random()))
    records.push({ id: BigInt(id), labels: digitLabels(digits), image: await encodeJpeg(drawNumber(digits, random)) })
  }
  return records
}

export async function writeRecords(path: string, records: readonly NewImageRecord[], labelKind: LabelKind = 'digits'): Promise<string> {
  const writer = await RecordWriter.create(path, { labelKind, labelWidth: records[0]?.labels?.length || 1 })
  for (const record of records) await writer.write(record)
  await writer.close()
  return path
}

/** The log, line by line, without what depends on the clock. */
export function readLog(run: string): Record<string, unknown>[] {
  return readFileSync(join(run, 'log.jsonl'), 'utf8').trimEnd().split('\n').map((line) => {
    const { imagesPerSecond: _, waitingShare: _share, seconds: _seconds, ...rest } = JSON.parse(line) as Record<string, unknown>
    return rest
  })
}

/** Everything in a checkpoint (or `best`), as text that is equal only for equal bytes. */
export function checkpointText(folder: string): Record<string, string> {
  return Object.fromEntries(readdirSync(folder).sort().map((name) => [name, readFileSync(join(folder, name), 'latin1')]))
}

/** The epochs that have a checkpoint, and nothing else that lies beside them. */
export function checkpoints(run: string): string[] {
  return readdirSync(join(run, 'checkpoints')).sort()
}

/** The error that `work` ends with; anything but a typed error is thrown on. */
export async function typedError(work: () => Promise<unknown>): Promise<{ code: string; message: string } | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    if (error instanceof TrainError || error instanceof RecordError) return error
    throw error
  }
}
