// What the tests of the interchange formats share: small images, damage, collecting.

import { PipelineError } from '@millrace/pipeline'
import { RecordError, readRecords, RecordWriter, type MetaHeader, type NewImageRecord } from '@millrace/recordio'
import sharp from 'sharp'

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** A small image of one colour. */
export function picture(type: 'jpeg' | 'png' | 'webp', colour: number, width = 8, height = 6): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: { r: colour, g: 90, b: 255 - colour } } })[type]().toBuffer()
}

export async function writeRecords(path: string, records: Iterable<NewImageRecord>, header: MetaHeader): Promise<void> {
  const writer = await RecordWriter.create(path, header)
  for (const record of records) await writer.write(record)
  await writer.close()
}

/** Records in plain values that tap compares and prints well. */
export async function plainRecords(path: string): Promise<{ id: bigint; labels: number[]; image: string }[]> {
  const records = await collect(readRecords(path))
  return records.map(({ id, label, labels, image }) => ({ id, labels: labels.length > 0 ? [...labels] : [label], image: Buffer.from(image).toString('hex') }))
}

/** Every cut of the bytes, then every flipped bit. */
export function* damagedCopies(whole: Buffer): Generator<{ bytes: Buffer; what: string }> {
  for (let length = 0; length < whole.length; length++) yield { bytes: whole.subarray(0, length), what: `cut to ${length}` }
  for (let bit = 0; bit < 8 * whole.length; bit++) {
    const bytes = Buffer.from(whole)
    bytes[bit >> 3]! ^= 1 << (bit & 7)
    yield { bytes, what: `bit ${bit} flipped` }
  }
}

/** The typed error that `work` ends with; any other error is thrown on. */
export async function typedError(work: Promise<unknown>): Promise<PipelineError | RecordError | undefined> {
  try {
    await work
    return undefined
  } catch (error) {
    if (error instanceof PipelineError || error instanceof RecordError) return error
    throw error
  }
}
