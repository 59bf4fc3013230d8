// A model answers for one image and for many, and whatever computes can be exchanged.

import t from 'tap'
import { type Answer, createModel, decodeDigits, preprocessImage, runReference, type Executor, type Graph, type RawImage } from '@millrace/infer'
import { classGraph, digitsGraph, randomNumbers, randomWeights } from './networks.js'

function photo(width: number, height: number, seed: number): RawImage {
  const random = randomNumbers(seed)
  return { data: Uint8Array.from({ length: width * height * 3 }, () => 256 * random()), width, height, channels: 3 }
}

const classes: Graph = classGraph([2, 2, 3], [
  { op: 'flatten', name: 'flat', input: 'image' },
  { op: 'dense', name: 'dense', input: 'flat', units: 3, bias: true },
  { op: 'softmax', name: 'answer', input: 'dense' },
], 3)

t.test('reads digits: preprocessing, network and decoding in a row', (t) => {
  const graph = digitsGraph()
  const weights = randomWeights(graph)
  const image = photo(31, 17, 1)
  const outputs = runReference(graph, weights, preprocessImage(image, graph.preprocessing), 1)
  const expected = decodeDigits(outputs.get('length')!, [outputs.get('digit1')!, outputs.get('digit2')!])
  t.same(createModel(graph, weights, { execute: (input, batch) => runReference(graph, weights, input, batch) }).predict(image), { kind: 'digits', ...expected })
  const compiled = createModel(graph, weights).predict(image)
  t.ok(compiled.kind === 'digits' && compiled.digits === expected.digits && Math.abs(compiled.probability - expected.probability) < 1e-5, 'the compiled network reads the same')
  t.end()
})

t.test('many images are read as one by one, in their order', (t) => {
  const graph = digitsGraph()
  const model = createModel(graph, randomWeights(graph))
  const images = Array.from({ length: 70 }, (_, seed) => photo(8 + seed, 12, seed))
  t.same(model.predict(images), images.map((image) => model.predict(image)))
  t.same(model.predict([]), [])
  t.end()
})

t.test('names the most probable class', (t) => {
  const weights = new Map([['dense/kernel', new Float32Array(36)], ['dense/bias', Float32Array.of(0, Math.log(2), 0)]])
  const answer = createModel(classes, weights).predict(photo(2, 2, 1))
  t.match(answer, { kind: 'class', classIndex: 1, className: 'class 1' })
  t.ok(answer.kind === 'class' && Math.abs(answer.probability - 0.5) < 1e-6 && answer.probabilities.length === 3)
  t.end()
})

t.test('another executor takes the place of the reference, a bounded batch at a time', (t) => {
  const graph = digitsGraph()
  const weights = randomWeights(graph)
  const batches: number[] = []
  const execute: Executor = (input, batch) => {
    batches.push(batch)
    return runReference(graph, weights, input, batch)
  }
  const model = createModel(graph, weights, { execute, batch: 32 })
  const images = Array.from({ length: 40 }, (_, seed) => photo(9, 9, seed))
  const digits = (answers: readonly Answer[]): unknown[] => answers.map((answer) => answer.kind === 'digits' && answer.digits)
  t.same(digits(model.predict(images)), digits(createModel(graph, weights).predict(images)))
  t.same(batches, [32, 8])
  t.equal(model.run, execute)
  t.end()
})

t.test('wrong weights and images are typed errors', (t) => {
  const weights = randomWeights(classes)
  t.throws(() => createModel(classes, new Map()), { code: 'INFER_WEIGHTS' })
  const model = createModel(classes, weights)
  t.throws(() => model.predict(photo(3, 2, 1)), { code: 'INFER_ARGUMENT', message: /expected an image that makes \[2, 2, 3\], found 3x2/ }, 'nothing resizes it')
  t.throws(() => model.predict({ ...photo(2, 2, 1), width: 5 }), { code: 'INFER_ARGUMENT' })
  const withAlpha = { data: new Uint8Array(16), width: 2, height: 2, channels: 4 } as unknown as RawImage
  t.throws(() => model.predict([withAlpha, photo(2, 2, 1)]), { code: 'INFER_ARGUMENT', message: /expected an image of 3 channels .*found 4/ }, 'whose fourth channel would run into the next image')
  const broken = createModel(classes, new Map([...weights, ['dense/bias', Float32Array.of(0, NaN, 0)]]))
  t.throws(() => broken.predict(photo(2, 2, 1)), { code: 'INFER_NOT_FINITE', message: /output answer/ })
  const digits = digitsGraph()
  const cropping: Graph = { ...digits, preprocessing: digits.preprocessing.slice(1) }
  t.throws(() => createModel(cropping, randomWeights(cropping)).predict(photo(20, 7, 1)), { code: 'INFER_IMAGE_TOO_SMALL' })
  t.end()
})

t.test('a graph without a reading gives its outputs', (t) => {
  const weights = new Map([['dense/kernel', new Float32Array(36)], ['dense/bias', Float32Array.of(1, 2, 3)]])
  const graph = { ...classes, outputs: ['dense'], nodes: classes.nodes.slice(0, -1), task: { kind: 'tensors' as const } }
  const answer = createModel(graph, weights).predict(photo(2, 2, 1))
  t.ok(answer.kind === 'tensors')
  t.same(answer.kind === 'tensors' && [...answer.outputs].map(([name, values]) => [name, ...values]), [['dense', 1, 2, 3]])
  t.end()
})
