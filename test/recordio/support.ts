// What the tests of the record format share.

import { openRecords, RecordError, RecordWriter, type ImageRecord, type MetaHeader, type NewImageRecord, type RecordErrorCode, type RecordFile } from '@millrace/recordio'
import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { realData } from '../support.js'

/** Written by MXNet's own im2rec.cc; see the README there. */
export function golden(name: string): { path: string; skip: string | false } {
  return realData(`im2rec-golden/${name}`)
}

export const magic = Uint8Array.of(0x0a, 0x23, 0xd7, 0xce)

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = []
  for await (const item of items) collected.push(item)
  return collected
}

/** The bytes as a stream of chunks; sizes are taken in turn, the last one for the rest. */
export async function* inChunks(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = Math.max(1, sizes[Math.min(turn, sizes.length - 1)]!)
    yield bytes.slice(at, at + size)
    at += size
  }
}

/** A record in plain values that tap compares and prints well. */
export function plain({ id, id2 = 0n, label = 0, labels, image }: ImageRecord | NewImageRecord): unknown {
  return { id, id2, label, labels: [...(labels ?? [])], image: Buffer.from(image).toString('hex') }
}

/** The error that `work` ends with; anything but a RecordError is thrown on. */
export async function recordError(work: () => unknown): Promise<RecordError | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    if (error instanceof RecordError) return error
    throw error
  }
}

/** What a test expects of an error. */
export function matchError(code: RecordErrorCode, message: RegExp): { name: string; code: string; message: RegExp } {
  return { name: 'RecordError', code, message }
}

/** The fields of a .lst file of the golden set: id, labels, path. */
export function readList(path: string): { id: bigint; labels: number[]; path: string }[] {
  return readFileSync(path, 'utf8').trimEnd().split('\n').map((line) => {
    const fields = line.split('\t').map((field) => field.trim())
    return { id: BigInt(fields[0]!), labels: fields.slice(1, -1).map(Number), path: fields.at(-1)! }
  })
}

/** The header of what `written` writes. */
export const metaHeader: MetaHeader = { labelKind: 'class', labelWidth: 1, classNames: ['a', 'b'], pack: { resize: 64 }, codecs: { libvips: '8' } }

/** Writes `x.rec` and, for each way of opening it, a folder with the siblings that way needs. */
export async function written(t: Test, records: readonly NewImageRecord[]): Promise<Record<'meta' | 'idx' | 'scan', string>> {
  const folder = t.testdir({ meta: {}, idx: {}, scan: {} })
  const path = (way: string, extension = 'rec'): string => join(folder, way, `x.${extension}`)
  const writer = await RecordWriter.create(path('meta'), metaHeader)
  for (const record of records) await writer.write(record)
  await writer.close()
  for (const way of ['idx', 'scan']) copyFileSync(path('meta'), path(way))
  copyFileSync(path('meta', 'idx'), path('idx', 'idx'))
  return { meta: path('meta'), idx: path('idx'), scan: path('scan') }
}

/** Opens, works, closes. */
export async function using<T>(path: string, work: (file: RecordFile) => Promise<T>): Promise<T> {
  const file = await openRecords(path)
  try {
    return await work(file)
  } finally {
    await file.close()
  }
}

export function small(id: bigint, text = `image ${id}`): NewImageRecord {
  return { id, label: 1, image: Buffer.from(text) }
}
