// The records of a .rec file as samples again, for the reports that take data sets and records alike.

import { basename } from 'node:path'
import { PipelineError, type ClassBox, type Label, type Sample, type Source } from '@millrace/pipeline'
import { describeRecords, openRecords, readRecords, type ImageRecord, type LabelKind, type MetaSummary } from '@millrace/recordio'

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
  const label = readLabel(record, kind)
  if (label !== undefined) return { ...base, label, image: () => Promise.resolve(record.image) }
  const found = [...(record.labels.length > 0 ? record.labels : [record.label])].slice(0, 12).join(', ')
  const error = new PipelineError('PIPE_LABEL', `${key}: expected a label of kind ${kind}, as the records are said to have, found ${found}; pack the records again`, { path: key })
  return { ...base, label: { kind: 'values', values: [] }, image: () => Promise.reject(error) }
}

/** The label as it was before it became floats; undefined where they are none of that kind. */
function readLabel({ label, labels }: ImageRecord, kind: LabelKind): Label | undefined {
  switch (kind) {
    case 'class':
      return { kind, value: labels[0] ?? label }
    case 'values':
      return { kind, values: labels.length > 0 ? [...labels] : [label] }
    case 'digits':
      return readDigits(labels)
    case 'boxes':
      return readBoxes(labels)
  }
}

function readDigits([length = -1, ...places]: Float32Array): Label | undefined {
  const digits = places.slice(0, Math.max(0, length))
  return length >= 0 && digits.every((digit) => Number.isInteger(digit) && digit >= 0 && digit <= 9) ? { kind: 'digits', digits } : undefined
}

/** [header width, object width, width, height, …], then objects: class, xmin, ymin, xmax, ymax, ignore. */
function readBoxes(labels: Float32Array): Label | undefined {
  const [headerWidth = 0, objectWidth = 0, width = 0, height = 0] = labels
  const count = (labels.length - headerWidth) / objectWidth
  if (!(Number.isInteger(headerWidth) && headerWidth >= 2 && objectWidth >= 5 && Number.isInteger(count) && count >= 0)) return undefined
  const boxes = Array.from({ length: count }, (_, index): ClassBox => {
    const [number = -1, xmin = 0, ymin = 0, xmax = 0, ymax = 0, ignore = 0] = labels.subarray(headerWidth + index * objectWidth, headerWidth + (index + 1) * objectWidth)
    return { class: number, xmin, ymin, xmax, ymax, ignore: ignore !== 0 }
  })
  const real = boxes.filter((box) => box.class >= 0) // MXNet fills labels up with class −1
  if (!real.every(({ xmin, ymin, xmax, ymax }) => [xmin, ymin, xmax, ymax].every(Number.isFinite))) return undefined
  return { kind: 'boxes', width: headerWidth >= 4 ? width : 0, height: headerWidth >= 4 ? height : 0, boxes: real }
}
