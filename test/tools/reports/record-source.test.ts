// Labels come out of records as they went in.

import t from 'tap'
import { toRecordLabel, type Label, type Sample } from '@millrace/pipeline'
import { RecordWriter, type LabelKind } from '@millrace/recordio'
import { resolve } from 'node:path'
import { openRecordSource } from '../../../../tools/dist/reports/record-source.js'
import { boxesLabel } from './pictures.js'

const { signal } = new AbortController()

async function roundTrip(folder: string, labelKind: LabelKind, records: readonly { readonly label?: number; readonly labels?: Float32Array }[]): Promise<Sample[]> {
  const path = resolve(folder, `${labelKind}.rec`)
  const writer = await RecordWriter.create(path, { labelKind, labelWidth: 0 })
  for (const [index, record] of records.entries()) await writer.write({ id: BigInt(index), image: Buffer.from('x'), ...record })
  await writer.close()
  const samples: Sample[] = []
  for await (const sample of await openRecordSource(path, signal)) samples.push(sample)
  return samples
}

t.test('each kind', async (t) => {
  const labels: Label[] = [
    { kind: 'class', value: 7 }, { kind: 'values', values: [0.5, -2] }, { kind: 'digits', digits: [1, 0, 9] },
    boxesLabel([{ class: 2, xmin: 0.25, ymin: 0.5, xmax: 0.75, ymax: 1, ignore: true }, { class: 0, xmin: 0, ymin: 0, xmax: 1, ymax: 1 }]),
  ]
  for (const label of labels) {
    const [sample] = await roundTrip(t.testdir(), label.kind, [toRecordLabel(label, 'x')])
    t.same(sample!.label, label, label.kind)
    t.equal(sample!.key, `${label.kind}.rec#0`)
  }
})

t.test("MXNet's padding is no box; a label of another kind is a sample that says so", async (t) => {
  const padded = Float32Array.of(4, 6, 40, 30, 1, 0, 0, 1, 1, 0, -1, -1, -1, -1, -1, -1)
  const samples = await roundTrip(t.testdir(), 'boxes', [{ labels: padded }, { labels: Float32Array.of(4, 6, 40, 30, 1) }, { label: 3 }])
  t.match(samples[0]!.label, { kind: 'boxes', boxes: [{ class: 1 }] })
  t.same(samples[0]!.label.kind === 'boxes' && samples[0]!.label.boxes.length, 1)
  await t.rejects(samples[1]!.image(), { code: 'PIPE_LABEL', message: /boxes\.rec#1: expected a label of kind boxes.*found 4, 6, 40, 30, 1;/ })
  await t.rejects(samples[2]!.image(), { code: 'PIPE_LABEL' })
  const [unbounded] = await roundTrip(t.testdir(), 'boxes', [{ labels: Float32Array.of(4, 6, 40, 30, 1, 0, NaN, 1, 1, 0) }])
  await t.rejects(unbounded!.image(), { code: 'PIPE_LABEL' })
  const digits = await roundTrip(t.testdir(), 'digits', [{ labels: Float32Array.of(2, 1, 11, 10, 10, 10) }])
  await t.rejects(digits[0]!.image(), { code: 'PIPE_LABEL' })
})
