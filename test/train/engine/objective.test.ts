// What training minimises: values and gradients of the cross-entropy, which heads count, and labels
// that are no class.

import t from 'tap'
import { inferShapes } from '@millrace/infer'
import { crossEntropy, objectiveOf, type Objective } from '../../../../train/dist/engine/objective.js'
import { createNetwork } from '@millrace/train'
import { classGraph } from '../../infer/networks.js'
import { assertClose, numericGradient, randomValues } from './plain-layers.js'

const digits = createNetwork('svhn-digits-linear')
const digitsObjective = objectiveOf(digits, inferShapes(digits))
const threeClasses = classGraph([1, 1, 3], [{ op: 'flatten', name: 'flat', input: 'image' }, { op: 'softmax', name: 'answer', input: 'flat' }], 3)
const classObjective = objectiveOf(threeClasses, inferShapes(threeClasses))

/** Loss and gradient of one head. */
function loss({ heads, labelWidth }: Objective, head: number, logits: ArrayLike<number>, labels: readonly number[]): { loss: number; gradient: Float32Array } {
  const gradient = new Float32Array(logits.length).fill(NaN)
  return { loss: crossEntropy(heads[head]!, Float32Array.from(logits), Float32Array.from(labels), labelWidth, gradient), gradient }
}

t.test('heads and labels of the tasks', (t) => {
  t.match(digitsObjective, { labelKind: 'digits', labelWidth: 6 })
  t.same(digitsObjective.heads.map(({ output, classes }) => [output, classes]), [['length', 7], ...[1, 2, 3, 4, 5].map((digit) => [`digit${digit}`, 11])])
  t.match(classObjective, { labelKind: 'class', labelWidth: 1, heads: [{ output: 'answer', classes: 3 }] })
  t.end()
})

t.test('values by hand', (t) => {
  const equal = loss(classObjective, 0, [5, 5, 5], [1])
  t.ok(Math.abs(equal.loss - Math.log(3)) < 1e-12)
  assertClose('gradient', equal.gradient, [1 / 3, -2 / 3, 1 / 3], 1e-7)
  const [first, second] = [Math.log(1 + Math.E + Math.E ** 2) - 2, Math.log(1 + Math.E + Math.E ** 2)]
  t.ok(Math.abs(loss(classObjective, 0, [0, 1, 2, 0, 1, 2], [2, 0]).loss - (first + second) / 2) < 1e-9, 'the mean of two images')
  const far = loss(classObjective, 0, [1000, -1000, 0], [1])
  t.equal(far.loss, 2000, 'large logits do not overflow')
  t.same([...far.gradient], [1, -1, 0])
  t.end()
})

t.test('the gradient is the numeric one', (t) => {
  const logits = randomValues([6, 7], 1).data
  const labels = [0, 1, 2, 3, 5, 6].flatMap((length) => [length, 1, 2, 3, 4, 5])
  // Logits are rounded to float32, so the step is a power of two that the sum holds exactly enough.
  const numeric = numericGradient(logits, () => loss(digitsObjective, 0, logits, labels).loss, 2 ** -8)
  assertClose('gradient', loss(digitsObjective, 0, logits, labels).gradient, numeric, 1e-5)
  t.pass()
  t.end()
})

t.test('digits past the length do not count', (t) => {
  const labels = [2, 7, 3, 10, 10, 10, 0, 10, 10, 10, 10, 10]
  const logits = randomValues([2, 11], 2).data
  const second = loss(digitsObjective, 2, logits, labels)
  t.ok(second.loss > 0)
  t.same([...second.gradient.subarray(11)], new Array(11).fill(0), 'the image without digits')
  t.ok(second.gradient.subarray(0, 11).some((value) => value !== 0))
  const alone = loss(digitsObjective, 2, logits.subarray(0, 11), labels.slice(0, 6))
  t.ok(Math.abs(second.loss - alone.loss / 2) < 1e-9, 'the mean is over the whole batch')
  const third = loss(digitsObjective, 3, logits, labels)
  t.equal(third.loss, 0)
  t.same([...third.gradient], new Array(22).fill(0))
  t.end()
})

t.test('length 6 stands for more than five: the sixth class, and five digits that count', (t) => {
  const labels = [6, 1, 2, 3, 4, 5]
  const { gradient } = loss(digitsObjective, 0, new Array(7).fill(0), labels)
  t.ok(gradient[6]! < 0)
  t.same(loss(digitsObjective, 0, new Array(7).fill(0), [9, 1, 2, 3, 4, 5]), loss(digitsObjective, 0, new Array(7).fill(0), labels), 'as does any greater length')
  for (const [position, digit] of [1, 2, 3, 4, 5].entries()) t.ok(loss(digitsObjective, 1 + position, new Array(11).fill(0), labels).gradient[digit]! < 0)
  t.end()
})

t.test('labels that are no class', (t) => {
  for (const label of [3, -1, 0.5, NaN, Infinity]) t.throws(() => loss(classObjective, 0, [1, 2, 3], [label]), { code: 'TRAIN_LABEL_RANGE', message: new RegExp(`"answer": label ${label} .*3 classes`) }, `class ${label}`)
  for (const length of [-1, 1.5, NaN]) t.throws(() => loss(digitsObjective, 0, new Array(7).fill(0), [length, 1, 2, 3, 4, 5]), { code: 'TRAIN_LABEL_RANGE' }, `length ${length}`)
  for (const digit of [11, -1, 2.5]) t.throws(() => loss(digitsObjective, 1, new Array(11).fill(0), [1, digit, 10, 10, 10, 10]), { code: 'TRAIN_LABEL_RANGE', message: /"digit1"/ }, `digit ${digit}`)
  t.end()
})

t.test('NaN in the logits is seen in the loss', (t) => {
  t.ok(Number.isNaN(loss(classObjective, 0, [1, NaN, 3], [0]).loss))
  t.notOk(Number.isFinite(loss(classObjective, 0, [1, Infinity, 3], [0]).loss))
  t.end()
})
