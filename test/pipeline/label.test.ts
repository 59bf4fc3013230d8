// Labels as the fields of a record.

import t from 'tap'
import { toRecordLabel, type Label } from '@millrace/pipeline'

t.test('digits: length and five places, 10 = blank', (t) => {
  const labels = (digits: number[]): number[] => [...toRecordLabel({ kind: 'digits', digits }, '1.png').labels]
  t.same(labels([1, 9]), [2, 1, 9, 10, 10, 10])
  t.same(labels([0]), [1, 0, 10, 10, 10, 10])
  t.same(labels([]), [0, 10, 10, 10, 10, 10])
  t.same(labels([1, 2, 3, 4, 5]), [5, 1, 2, 3, 4, 5])
  t.same(labels([1, 2, 3, 4, 5, 6]), [6, 1, 2, 3, 4, 5], 'six digits keep their length and the first five')
  t.same(labels([1, 2, 3, 4, 5, 6, 7]), [6, 1, 2, 3, 4, 5], 'the length head ends at 6')
  for (const digit of [10, -1, 1.5, NaN]) t.throws(() => labels([digit]), { code: 'PIPE_LABEL', message: /^1\.png/ })
  t.end()
})

t.test('the other kinds', (t) => {
  const fields = (label: Label): [number, number[]] => {
    const record = toRecordLabel(label, '1.png')
    return [record.label, [...record.labels]]
  }
  t.same(fields({ kind: 'class', value: 7 }), [7, []])
  t.same(toRecordLabel({ kind: 'class', value: 2 ** 24 + 1 }, '1.png'), { label: 2 ** 24, labels: new Float32Array(0), rounded: [{ place: 0, value: 2 ** 24 + 1 }] })
  t.same(toRecordLabel({ kind: 'values', values: [0.1, 2 ** 25 + 3] }, '1.png').rounded, [{ place: 1, value: 2 ** 25 + 3 }], 'fractions are rounded without a word')
  t.throws(() => fields({ kind: 'class', value: 1e40 }), { code: 'PIPE_LABEL' })
  t.same(fields({ kind: 'values', values: [0.5, -2] }), [0, [0.5, -2]])
  const boxes = [{ class: 3, xmin: 0.25, ymin: 0.5, xmax: 0.75, ymax: 1 }, { class: 1, xmin: 0, ymin: 0, xmax: 1, ymax: 1, ignore: true }]
  t.same(fields({ kind: 'boxes', width: 40, height: 30, boxes }), [0, [4, 6, 40, 30, 3, 0.25, 0.5, 0.75, 1, 0, 1, 0, 0, 1, 1, 1]])
  t.end()
})
