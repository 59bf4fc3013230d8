// Whole networks on the embedded engine. Losses, statistics and every gradient are held against a
// float64 run of the same graph and its central differences: differences of the engine's own float32
// losses would drown in rounding (a loss near 3 is exact to 2e-7, divided by a step of 1e-3 that is an
// error of 1e-4), those of float64 with a step of 1e-6 are right to about 1e-9. The engine's own rounding
// remains: 1e-5 of the largest gradient.

import t from 'tap'
import * as tf from '@tensorflow/tfjs-core'
import { inferShapes, runReference, type Graph } from '@millrace/infer'
import { createNetwork } from '@millrace/train'
import type { Batch, Gradients, Program, StepKey } from '../../../../train/dist/engine/engine.js'
import { initialiseWeights } from '../../../../train/dist/engine/initialise.js'
import { layoutWeights, weightsByName, type NetworkState, type WeightLayout } from '../../../../train/dist/engine/parameters.js'
import { openWasmEngine } from '../../../../train/dist/engine/wasm/wasm-engine.js'
import { randomWeights } from '../../infer/networks.js'
import { assertClose, numericGradient, randomValues } from './plain-layers.js'
import { branchedGraph, plainGraph, runPlain } from './plain-network.js'

interface Setting {
  readonly graph: Graph
  readonly layout: WeightLayout
  readonly program: Program
  readonly state: NetworkState
  readonly batch: Batch
  readonly gradients: Gradients
}

const key: StepKey = { seed: 3, step: 17, replica: 1 }

/** A network with random weights (biases, betas and statistics too) and a batch of random images. */
async function prepare(graph: Graph, count: number): Promise<Setting> {
  const layout = layoutWeights(graph)
  const state = { trained: new Float32Array(layout.trainedSize), statistics: new Float32Array(layout.statisticsSize) }
  const weights = randomWeights(graph, 5)
  for (const [name, values] of weightsByName(layout, state)) values.set(weights.get(name)!)
  const labels = graph.task.kind === 'class' ? [2, 0, 1, 1, 2, 0] : [1, 7, 10, 2, 0, 9, 3, 4, 5, 0, 10, 10, 2, 1, 1, 1, 3, 10]
  const batch = {
    count,
    images: Float32Array.from(randomValues([count, ...graph.input.shape], 6).data),
    labels: Float32Array.from(labels).subarray(0, (labels.length / 6) * count),
  }
  const gradients = { trained: new Float32Array(layout.trainedSize).fill(NaN), statistics: new Float32Array(layout.statisticsSize).fill(NaN) }
  return { graph, layout, program: (await openWasmEngine()).compile(graph), state, batch, gradients }
}

for (const [name, graph, count] of [['branched, digits', branchedGraph(), 6], ['branched, one image', branchedGraph(), 1], ['plain, classes', plainGraph(), 3]] as const) {
  t.test(`losses, statistics and gradients: ${name}`, async (t) => {
    const { layout, program, state, batch, gradients } = await prepare(graph, count)
    const losses = program.step(state, batch, key, gradients)

    const trained = Float64Array.from(state.trained)
    const images = { shape: [count, ...graph.input.shape], data: Float64Array.from(batch.images) }
    const expected = runPlain(graph, trained, images, batch.labels, key)
    await t.resolves(async () => assertClose('losses', losses, expected.losses, 1e-6))
    await t.resolves(async () => assertClose('statistics', gradients.statistics, expected.statistics, 1e-6))
    const total = (): number => runPlain(graph, trained, images, batch.labels, key).losses.reduce((sum, loss) => sum + loss, 0)
    const numeric = numericGradient(trained, total, 1e-6)
    for (const place of layout.weights.filter(({ trainable }) => trainable)) {
      const end = place.begin + place.size
      await t.resolves(async () => assertClose(place.name, gradients.trained.subarray(place.begin, end), numeric.subarray(place.begin, end), 1e-5), place.name)
    }
    t.ok(numeric.some((value) => Math.abs(value) > 0.01), 'gradients that can be told from 0')
  })
}

t.test('the demo network falls along its gradient as fast as the gradient is long', async (t) => {
  const graph = createNetwork('svhn-digits')
  const layout = layoutWeights(graph)
  const state = { trained: new Float32Array(layout.trainedSize), statistics: new Float32Array(layout.statisticsSize) }
  initialiseWeights(layout, state, 1)
  const program = (await openWasmEngine()).compile(graph)
  const batch = { count: 8, images: Float32Array.from(randomValues([8, 32, 32, 1], 1).data), labels: Float32Array.from({ length: 48 }, (_, index) => (index * 5) % 6) }
  const gradients = { trained: new Float32Array(layout.trainedSize), statistics: new Float32Array(layout.statisticsSize) }
  const scratch = { trained: new Float32Array(layout.trainedSize), statistics: new Float32Array(layout.statisticsSize) }
  const total = (weights: Float32Array): number => program.step({ ...state, trained: weights }, batch, key, scratch).reduce((sum, loss) => sum + loss, 0)
  program.step(state, batch, key, gradients)
  const length = Math.sqrt(gradients.trained.reduce((sum, value) => sum + value * value, 0))
  // On a way long enough for float32 losses some of the rectifiers and pools change sides: a hundredth is
  // what can be asked.
  const h = 2e-3
  const along = (distance: number): Float32Array => state.trained.map((value, index) => value + (distance * gradients.trained[index]!) / length)
  const slope = (total(along(h)) - total(along(-h))) / (2 * h)
  t.ok(Math.abs(slope / length - 1) < 0.01, `slope ${slope}, length ${length}`)
})

t.test('the same step again, and from a shared slot: the same bits', async (t) => {
  const { program, state, batch, gradients } = await prepare(branchedGraph(), 4)
  const losses = program.step(state, batch, key, gradients)
  const first = { trained: gradients.trained.slice(), statistics: gradients.statistics.slice() }
  const shared = new Float32Array(new SharedArrayBuffer(4 * (batch.images.length + batch.labels.length + 7)))
  shared.set(batch.images, 3)
  shared.set(batch.labels, batch.images.length + 3)
  const share = { count: 4, images: shared.subarray(3, batch.images.length + 3), labels: shared.subarray(batch.images.length + 3) }
  t.same(program.step(state, share, key, gradients), losses)
  t.same(gradients, first)
  t.notSame(program.step(state, batch, { ...key, step: 18 }, gradients), losses, 'another step drops other values')
})

for (const graph of [branchedGraph(), plainGraph(), createNetwork('svhn-digits'), createNetwork('svhn-digits-linear')]) {
  t.test(`inference as the reference executor does it: ${graph.name}`, async (t) => {
    const weights = randomWeights(graph, 8)
    const layout = layoutWeights(graph)
    const state = { trained: new Float32Array(layout.trainedSize), statistics: new Float32Array(layout.statisticsSize) }
    for (const [name, values] of weightsByName(layout, state)) values.set(weights.get(name)!.map((value) => (name.endsWith('/kernel') ? value / 8 : value)))
    const images = Float32Array.from(randomValues([3, ...graph.input.shape], 9).data)
    const outputs = (await openWasmEngine()).compile(graph).run(state, images, 3)
    const expected = runReference(graph, weightsByName(layout, state), images, 3)
    t.same([...outputs.keys()], graph.outputs)
    for (const [name, values] of expected) {
      await t.resolves(async () => assertClose(name, outputs.get(name)!, values, 1e-5), name)
      t.equal(values.length, 3 * inferShapes(graph).get(name)![0]!)
    }
  })
}

t.test('training and validation leave nothing on the heap', async (t) => {
  const { program, state, batch, gradients } = await prepare(branchedGraph(), 6)
  const count = (): number[] => [tf.memory().numTensors, tf.memory().numBytes, (tf.backend() as unknown as { numDataIds(): number }).numDataIds()]
  const rounds = (times: number): void => {
    for (let step = 0; step < times; step++) {
      program.step(state, batch, { ...key, step }, gradients)
      program.run(state, batch.images, 6)
    }
  }
  rounds(2)
  const before = count()
  rounds(50)
  t.same(count(), before)
  const wrong = { ...batch, labels: batch.labels.map(() => 99.5) }
  t.throws(() => program.step(state, wrong, key, gradients), { code: 'TRAIN_LABEL_RANGE' })
  t.same(count(), before, 'nor does a step that fails')
})

t.test('NaN weights end in a loss that is NaN', async (t) => {
  const { program, layout, state, batch, gradients } = await prepare(branchedGraph(), 6)
  weightsByName(layout, state).get('conv1/kernel')!.fill(NaN)
  t.same([...program.step(state, batch, key, gradients)], [NaN, NaN, NaN])
})
