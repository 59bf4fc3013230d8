// The records of a .rec file as samples again, for the reports that take data sets and records alike.

import { basename } from 'node:path'
import { PipelineError, readLabel, type Sample, type Source } from '@millrace/pipeline'
import { describeRecords, labelValues, openRecords, readRecords, type ImageRecord, type LabelKind, type MetaSummary } from '@millrace/recordio'

/** A source whose samples can be read alone. */
export interface RecordSource extends Source {
  readonly path: string
  /** From the .meta. */
  readonly summary: MetaSummary | undefined
  /** The samples at these places, from 0, without reading those between. */
  samplesAt(places: readonly number[]): AsyncGenerator<Sample, void, undefined>
}

/** Label kind and class names stand in the .meta; without one the kind is guessed from the first records. */
export async function openRecordSource(path: string, signal: AbortSignal): Promise<RecordSource> {
  const { header, summary } = await describeRecords(path, signal)
  const toSample = (record: ImageRecord): Sample => recordSample(record, header.labelKind, `${basename(path)}#${record.id}`)
  return {
    path,
    summary,
    labelKind: header.labelKind,
    ...(header.classNames && { classNames: header.classNames }),
    async count() {
      const file = await openRecords(path)
      await file.close()
      return file.count
    },
    async *[Symbol.asyncIterator]() {
      for await (const record of readRecords(path, { signal })) yield toSample(record)
    },
    async *samplesAt(places) {
      const file = await openRecords(path)
      try {
        for (const place of places) {
          signal.throwIfAborted()
          yield toSample(await file.read(place))
        }
      } finally {
        await file.close()
      }
    },
  }
}

function recordSample(record: ImageRecord, kind: LabelKind, key: string): Sample {
  const base = { id: record.id, key }
  const label = readLabel(kind, labelValues(record))
  if (label !== undefined) return { ...base, label, image: () => Promise.resolve(record.image) }
  const found = [...labelValues(record)].slice(0, 12).join(', ')
  const error = new PipelineError('PIPE_LABEL', `${key}: expected a label of kind ${kind}, as the records are said to have, found ${found}; pack the records again`, { path: key })
  return { ...base, label: { kind: 'values', values: [] }, image: () => Promise.reject(error) }
}
