// Adam and SGD against first steps worked out by hand and against loops as the textbooks write them.

import t from 'tap'
import { defaultAdam, defaultSgd, memoryArrays, updateWeights, type OptimiserConfig } from '../../../train/dist/optimiser.js'
import { randomNumbers } from '../infer/networks.js'

const configs: readonly OptimiserConfig[] = [defaultAdam, defaultSgd, { kind: 'sgd', momentum: 0, nesterov: false }, { kind: 'sgd', momentum: 0.9, nesterov: true }]
const describe = (config: OptimiserConfig): string => (config.kind === 'adam' ? 'Adam' : `SGD, momentum ${config.momentum}${config.nesterov ? ' after Nesterov' : ''}`)

/** Weights after some steps on the gradients. */
function run(config: OptimiserConfig, weights: readonly number[], gradients: readonly (readonly number[])[], learningRate: number): Float32Array {
  const values = Float32Array.from(weights)
  const memory = Array.from({ length: memoryArrays(config) }, () => new Float32Array(weights.length))
  for (const [step, gradient] of gradients.entries()) updateWeights(config, values, Float32Array.from(gradient), memory, { begin: 0, end: weights.length }, step, learningRate)
  return values
}

t.test('first steps by hand', (t) => {
  const near = (actual: Float32Array, expected: readonly number[], name: string): void => {
    t.ok(expected.every((value, index) => Math.abs(actual[index]! - value) < 1e-6), `${name}: ${actual.join(', ')}`)
  }
  // Adam's first step has the corrected moments g and g²: a whole learning rate against the sign of g.
  near(run(defaultAdam, [1, 1, 1], [[0.5, -20, 0]], 0.1), [0.9, 1.1, 1], 'Adam')
  // Then m = 0.9·0.05 + 0.1·1 = 0.145 over 1 − 0.81, v = 0.999·0.00025 + 0.001 over 1 − 0.998001.
  near(run(defaultAdam, [1], [[0.5], [1]], 0.1), [0.9 - (0.1 * (0.145 / 0.19)) / Math.sqrt(0.00124975 / 0.001999)], 'Adam, two steps')
  near(run({ ...defaultSgd, momentum: 0 } as OptimiserConfig, [1, 2], [[0.5, -1]], 0.1), [0.95, 2.1], 'SGD')
  near(run(defaultSgd, [1], [[1], [1]], 0.1), [1 - 0.1 - 0.19], 'momentum: the second step adds 0.9 of the first')
  near(run({ kind: 'sgd', momentum: 0.9, nesterov: true }, [1], [[1], [1]], 0.1), [1 - 0.19 - 0.271], 'Nesterov looks one step ahead')
  t.end()
})

for (const config of configs) {
  const random = randomNumbers(4)
  const size = 37
  const weights = Array.from({ length: size }, () => 2 * random() - 1)
  const gradients = Array.from({ length: 30 }, () => Array.from({ length: size }, () => 2 * random() - 1))

  t.test(`${describe(config)}: as the textbook writes it, 30 steps`, (t) => {
    const actual = run(config, weights, gradients, 0.01)
    const expected = weights.map((start, index) => {
      let [weight, first, second] = [start, 0, 0]
      for (const [step, gradient] of gradients.entries()) {
        const g = gradient[index]!
        if (config.kind === 'adam') {
          first = config.beta1 * first + (1 - config.beta1) * g
          second = config.beta2 * second + (1 - config.beta2) * g ** 2
          const [firstCorrected, secondCorrected] = [first / (1 - config.beta1 ** (step + 1)), second / (1 - config.beta2 ** (step + 1))]
          weight -= (0.01 * firstCorrected) / (Math.sqrt(secondCorrected) + config.epsilon)
        } else {
          first = config.momentum * first + g // Sutskever's velocity over the learning rate, which stays the same here
          weight -= 0.01 * (config.nesterov ? g + config.momentum * first : first)
        }
      }
      return weight
    })
    t.ok(expected.every((value, index) => Math.abs(actual[index]! - value) < 2e-6))
    t.end()
  })

  t.test(`${describe(config)}: two halves give the bits of the whole`, (t) => {
    const gradient = Float32Array.from(gradients[0]!)
    const [whole, halves] = [Float32Array.from(weights), Float32Array.from(weights)]
    const [memory, memoryOfHalves] = [0, 1].map(() => Array.from({ length: memoryArrays(config) }, () => new Float32Array(size))) as [Float32Array[], Float32Array[]]
    for (let step = 0; step < 5; step++) {
      updateWeights(config, whole, gradient, memory, { begin: 0, end: size }, step, 0.1)
      updateWeights(config, halves, gradient, memoryOfHalves, { begin: 17, end: size }, step, 0.1)
      updateWeights(config, halves, gradient, memoryOfHalves, { begin: 0, end: 17 }, step, 0.1)
    }
    t.same(halves, whole)
    t.same(memoryOfHalves, memory)
    t.end()
  })

  t.test(`${describe(config)}: nothing outside its share is touched`, (t) => {
    const values = new Float32Array(10).fill(1)
    const memory = Array.from({ length: memoryArrays(config) }, () => new Float32Array(10))
    updateWeights(config, values, new Float32Array(10).fill(1), memory, { begin: 3, end: 6 }, 0, 0.1)
    for (const array of [values, ...memory]) t.same([...array.keys()].filter((index) => array[index] !== array[0]), [3, 4, 5])
    updateWeights(config, values, new Float32Array(10).fill(1), memory, { begin: 4, end: 4 }, 0, 0.1)
    t.equal(values[4], values[3], 'an empty share')
    t.end()
  })
}
