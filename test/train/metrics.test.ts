// What counts as read right: whole numbers, digits up to the length, real images only.

import t from 'tap'
import { inferShapes } from '@millrace/infer'
import { createNetwork } from '@millrace/train'
import { objectiveOf } from '../../../train/dist/engine/objective.js'
import { MetricsCounter } from '../../../train/dist/metrics.js'
import { classGraph } from '../infer/networks.js'

const graph = createNetwork('svhn-digits-linear')
const objective = objectiveOf(graph, inferShapes(graph))
const blank = 10

/** A reading: the class that each head finds most probable, which has probability 0.9. */
interface Reading {
  readonly length: number
  readonly digits: readonly number[]
}

function outputs(readings: readonly Reading[]): Map<string, Float32Array> {
  const heads = (classes: number, best: (reading: Reading) => number): Float32Array =>
    Float32Array.from(readings.flatMap((reading) => Array.from({ length: classes }, (_, index) => (index === best(reading) ? 0.9 : 0.1 / (classes - 1)))))
  return new Map([
    ['length', heads(7, ({ length }) => length)],
    ...[0, 1, 2, 3, 4].map((position) => [`digit${position + 1}`, heads(11, ({ digits }) => digits[position] ?? blank)] as const),
  ])
}

/** [length, d1 … d5]; the length may differ from the number of digits given. */
const label = (length: number, ...digits: number[]): number[] => [length, ...Array.from({ length: 5 }, (_, position) => digits[position] ?? blank)]

function measure(readings: readonly Reading[], labels: readonly number[][], count = labels.length): MetricsCounter['result'] {
  const counter = new MetricsCounter(graph.task, objective)
  counter.add(outputs(readings), Float32Array.from(labels.flat()), count)
  return counter.result
}

t.test('the whole number or nothing', (t) => {
  const truth = [label(2, 4, 7)]
  t.equal(measure([{ length: 2, digits: [4, 7] }], truth).accuracy, 1)
  t.equal(measure([{ length: 2, digits: [4, 1] }], truth).accuracy, 0, 'a wrong digit')
  t.equal(measure([{ length: 1, digits: [4, 7] }], truth).accuracy, 0, 'a wrong length')
  t.equal(measure([{ length: 3, digits: [4, 7, 1] }], truth).accuracy, 0)
  t.equal(measure([{ length: 2, digits: [4, 7, 3, 3, 3] }], truth).accuracy, 1, 'what stands past the length is not asked')
  t.equal(measure([{ length: 0, digits: [] }], [label(0)]).accuracy, 1, 'no number at all')
  t.equal(measure([{ length: 5, digits: [1, 2, 3, 4, 5] }], [label(5, 1, 2, 3, 4, 5)]).accuracy, 1)
  t.equal(measure([{ length: 1, digits: [0] }], [label(1, 0)]).accuracy, 1, 'a zero')
  t.end()
})

t.test('more than five digits: length 6 and the first five', (t) => {
  const truth = [label(6, 1, 2, 3, 4, 5)]
  t.equal(measure([{ length: 6, digits: [1, 2, 3, 4, 5] }], truth).accuracy, 1)
  t.equal(measure([{ length: 6, digits: [1, 2, 3, 4, 6] }], truth).accuracy, 0)
  t.equal(measure([{ length: 5, digits: [1, 2, 3, 4, 5] }], truth).accuracy, 0)
  t.end()
})

t.test('head accuracy is of the images that have the digit; loss sums the heads', (t) => {
  const { headAccuracy, loss, images } = measure(
    [{ length: 2, digits: [4, 7] }, { length: 1, digits: [5, 9] }, { length: 1, digits: [3] }],
    [label(2, 4, 8), label(1, 5), label(2, 3, 3)],
  )
  t.equal(images, 3)
  t.same(headAccuracy, { length: 2 / 3, digit1: 1, digit2: 0, digit3: 0, digit4: 0, digit5: 0 })
  const [right, wrongLength, wrongDigit] = [-Math.log(0.9), -Math.log(0.1 / 6), -Math.log(0.1 / 10)]
  t.ok(Math.abs(loss - (5 * right + wrongLength + 2 * wrongDigit) / 3) < 1e-5)
  t.end()
})

t.test('padding of the last batch is not counted, and batches add up', (t) => {
  const counter = new MetricsCounter(graph.task, objective)
  const [right, wrong] = [{ length: 1, digits: [4] }, { length: 1, digits: [5] }]
  counter.add(outputs([right, right, wrong]), Float32Array.from([label(1, 4), label(1, 4), label(1, 4)].flat()), 3)
  counter.add(outputs([right, right, right]), Float32Array.from([label(1, 4), label(NaN), label(99)].flat()), 1)
  t.match(counter.result, { images: 4, accuracy: 3 / 4 })
  t.ok(Number.isFinite(counter.result.loss))
  t.end()
})

t.test('a probability of 0 for the truth is a large loss, not an infinite one', (t) => {
  const counter = new MetricsCounter(graph.task, objective)
  const probabilities = outputs([{ length: 1, digits: [4] }])
  probabilities.set('length', Float32Array.of(1, 0, 0, 0, 0, 0, 0))
  counter.add(probabilities, Float32Array.from(label(1, 4)), 1)
  t.ok(counter.result.loss > 80 && counter.result.loss < 100)
  t.end()
})

t.test('classes', (t) => {
  const classes = classGraph([1, 1, 3], [{ op: 'flatten', name: 'flat', input: 'image' }, { op: 'softmax', name: 'answer', input: 'flat' }], 3)
  const counter = new MetricsCounter(classes.task, objectiveOf(classes, inferShapes(classes)))
  counter.add(new Map([['answer', Float32Array.of(0.5, 0.25, 0.25, 0.25, 0.25, 0.5)]]), Float32Array.of(0, 1), 2)
  t.match(counter.result, { images: 2, accuracy: 0.5, headAccuracy: { answer: 0.5 } })
  t.ok(Math.abs(counter.result.loss - (Math.log(2) + Math.log(4)) / 2) < 1e-7)
  t.end()
})
