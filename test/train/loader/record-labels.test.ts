// Label rows as training takes them, and the records that it refuses.

import t from 'tap'
import { inferShapes } from '@millrace/infer'
import type { ImageRecord } from '@millrace/recordio'
import { createNetwork } from '@millrace/train'
import { objectiveOf } from '../../../../train/dist/engine/objective.js'
import { labelShapeOf, recordLabels, type LabelShape } from '../../../../train/dist/loader/record-labels.js'

const graph = createNetwork('svhn-digits-linear')
const digits = labelShapeOf(objectiveOf(graph, inferShapes(graph)))
const classes: LabelShape = { labelKind: 'class', labelWidth: 1, classes: [3] }

const record = (label: number, ...labels: number[]): ImageRecord => ({ id: 0n, id2: 0n, label, labels: Float32Array.from(labels), image: new Uint8Array(0) })
const labelsOf = (given: ImageRecord, shape: LabelShape): number[] => [...recordLabels(given, shape, 'a.rec: record 7')]

t.test('the row of a digits and of a class record', (t) => {
  t.same(digits, { labelKind: 'digits', labelWidth: 6, classes: [7, 11, 11, 11, 11, 11] })
  t.same(labelsOf(record(0, 2, 4, 7, 10, 10, 10), digits), [2, 4, 7, 10, 10, 10])
  t.same(labelsOf(record(0, 6, 1, 2, 3, 4, 5), digits), [6, 1, 2, 3, 4, 5])
  t.same(labelsOf(record(2), classes), [2], 'from the header')
  t.same(labelsOf(record(0, 1), classes), [1], 'or after it')
  t.end()
})

t.test('another width: labels of another kind', (t) => {
  t.throws(() => labelsOf(record(3), digits), { code: 'TRAIN_LABEL_KIND', message: /^a\.rec: record 7: .*digits labels of 6 values, found 1/ })
  t.throws(() => labelsOf(record(0, 1, 2), classes), { code: 'TRAIN_LABEL_KIND', message: /class labels of 1 value, found 2/ })
  t.end()
})

t.test('values that are no class', (t) => {
  for (const value of [3, -1, 0.5, NaN, Infinity]) t.throws(() => labelsOf(record(value), classes), { code: 'TRAIN_LABEL_RANGE', message: new RegExp(`record 7: expected a class from 0 to 2, found ${value}`) })
  t.throws(() => labelsOf(record(0, 7, 1, 2, 3, 4, 5), digits), { code: 'TRAIN_LABEL_RANGE', message: /a length from 0 to 6, found 7/ })
  t.throws(() => labelsOf(record(0, 1, 11, 10, 10, 10, 10), digits), { code: 'TRAIN_LABEL_RANGE', message: /digit 1 from 0 to 10, found 11/ })
  t.end()
})

t.test('a blank within the length; past it nothing is asked', (t) => {
  t.throws(() => labelsOf(record(0, 2, 4, 10, 10, 10, 10), digits), { code: 'TRAIN_LABEL_RANGE', message: /record 7: expected digit 2 of a number of 2 from 0 to 9, found 10 \(blank\)/ })
  t.throws(() => labelsOf(record(0, 6, 1, 2, 3, 4, 10), digits), { code: 'TRAIN_LABEL_RANGE', message: /digit 5 of a number of 6/ })
  t.same(labelsOf(record(0, 1, 4, 3, 10, 10, 10), digits), [1, 4, 3, 10, 10, 10])
  t.end()
})
