// Weights in two flat arrays, and their first values.

import t from 'tap'
import { weightSpecs } from '@millrace/infer'
import { createNetwork } from '@millrace/train'
import { initialiseWeights } from '../../../../train/dist/engine/initialise.js'
import { layoutWeights, weightsByName, type NetworkState } from '../../../../train/dist/engine/parameters.js'
import { branchedGraph } from './plain-network.js'

t.test('every weight has its own place, back to back in graph order', (t) => {
  const graph = branchedGraph()
  const { weights, trainedSize, statisticsSize } = layoutWeights(graph)
  t.same(weights.map(({ name, shape, trainable }) => ({ name, shape, trainable })), weightSpecs(graph))
  for (const [trainable, total] of [[true, trainedSize], [false, statisticsSize]] as const) {
    let end = 0
    for (const place of weights.filter((weight) => weight.trainable === trainable)) {
      t.equal(place.begin, end, place.name)
      end += place.size
    }
    t.equal(end, total)
  }
  const state = { trained: Float32Array.from({ length: trainedSize }, (_, index) => index), statistics: new Float32Array(statisticsSize) }
  const views = weightsByName(layoutWeights(graph), state)
  t.equal(views.get('conv1/kernel')![5], 5)
  views.get('norm1/mean')!.fill(7)
  t.same([...state.statistics.subarray(0, 5)], [7, 7, 7, 7, 0], 'a view, not a copy')
  t.end()
})

t.test('first values', (t) => {
  const graph = createNetwork('svhn-digits')
  const layout = layoutWeights(graph)
  const initialise = (seed: number): NetworkState => {
    const state = { trained: new Float32Array(layout.trainedSize).fill(NaN), statistics: new Float32Array(layout.statisticsSize).fill(NaN) }
    initialiseWeights(layout, state, seed)
    return state
  }
  const state = initialise(1)
  const views = weightsByName(layout, state)
  for (const [name, fanIn] of [['conv1/kernel', 9], ['conv2/kernel', 9 * 16], ['conv3/kernel', 9 * 32], ['dense1/kernel', 1024], ['heads/kernel', 256]] as const) {
    const values = views.get(name)!
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
    // Of n normal values, the mean scatters by σ/√n and the variance by σ²·√(2/n): five of each are allowed.
    t.ok(Math.abs(mean) < 5 * Math.sqrt(2 / fanIn / values.length), `${name}: mean ${mean}`)
    t.ok(Math.abs((variance * fanIn) / 2 - 1) < 5 * Math.sqrt(2 / values.length), `${name}: variance ${variance}, fan-in ${fanIn}`)
  }
  for (const [name, values] of views) {
    const part = name.slice(name.indexOf('/') + 1)
    if (part !== 'kernel') t.ok(values.every((value) => value === (part === 'gamma' || part === 'variance' ? 1 : 0)), name)
  }
  t.same(initialise(1), state, 'the same seed, the same weights')
  t.not(initialise(2).trained[0], state.trained[0])
  t.not(views.get('conv1/kernel')![0]! / views.get('dense1/kernel')![0]!, Math.sqrt(1024 / 9), 'each weight has random numbers of its own')
  t.end()
})
