// Random numbers: a pure function of the key, different for different keys, evenly spread.

import t from 'tap'
import fc from 'fast-check'
import { createRandom, drawInteger, drawNormal, permutation, type Random } from '../../../train/dist/random.js'

const draw = (random: Random, count: number): number[] => Array.from({ length: count }, () => random())

t.test('the same key, the same numbers', (t) => {
  t.same(draw(createRandom(1, 2, 3), 10), draw(createRandom(1, 2, 3), 10))
  // These must never change: a run that was begun with one version is resumed with another.
  t.same(draw(createRandom(1, 2, 3), 3).map((value) => value * 2 ** 32), [4219851947, 2733169702, 1310632214])
  t.end()
})

t.test('every part of the key counts, and so do its order, its length and what is above 32 bits', (t) => {
  const keys = [[], [0], [0, 0], [1], [1, 0], [0, 1], [1, 2, 3, 4], [2, 2, 3, 4], [1, 3, 3, 4], [1, 2, 4, 4], [1, 2, 3, 5], [4, 3, 2, 1], [2 ** 32], [2 ** 32 + 1], [2 ** 33], [1, 2 ** 32], [2 ** 53 - 1], [-1], [2 ** 31], [2 ** 32 - 1]]
  t.equal(new Set(keys.map((key) => draw(createRandom(...key), 2).join())).size, keys.length)
  t.doesNotThrow(() => fc.assert(fc.property(fc.array(fc.maxSafeInteger(), { minLength: 1, maxLength: 5 }), fc.nat(), fc.maxSafeInteger(), (key, place, value) => {
    const other = key.with(place % key.length, value)
    return value === key[place % key.length] || draw(createRandom(...key), 2).join() !== draw(createRandom(...other), 2).join()
  })))
  t.end()
})

/** Throws unless the values spread over [0, 1) as even numbers do: mean, variance and 16 bins, within five standard deviations. */
function assertEven(values: readonly number[]): void {
  const count = values.length
  const mean = values.reduce((sum, value) => sum + value, 0) / count
  const variance = values.reduce((sum, value) => sum + (value - 0.5) ** 2, 0) / count
  if (!values.every((value) => value >= 0 && value < 1)) throw new Error('outside [0, 1)')
  if (Math.abs(mean - 1 / 2) > 5 * Math.sqrt(1 / 12 / count)) throw new Error(`mean ${mean}`)
  if (Math.abs(variance - 1 / 12) > 5 * Math.sqrt(1 / 180 / count)) throw new Error(`variance ${variance}`)
  for (let bin = 0; bin < 16; bin++) {
    const share = values.filter((value) => Math.floor(value * 16) === bin).length / count
    if (Math.abs(share - 1 / 16) > 5 * Math.sqrt(15 / 256 / count)) throw new Error(`bin ${bin}: ${share}`)
  }
}

t.test('evenly spread: within a stream, and the first numbers of neighbouring keys', (t) => {
  const count = 50_000
  t.doesNotThrow(() => assertEven(draw(createRandom(7), count)))
  t.doesNotThrow(() => assertEven(draw(createRandom(0), count)))
  for (const [name, keyOf] of Object.entries({
    seed: (i: number) => [i, 0, 0, 0], epoch: (i: number) => [1, i, 0, 0], ordinal: (i: number) => [1, 2, 3, i], both: (i: number) => [1, i % 250, 0, Math.floor(i / 250)],
  })) {
    const firsts = Array.from({ length: count }, (_, index) => createRandom(...keyOf(index))())
    t.doesNotThrow(() => assertEven(firsts), name)
    const seconds = Array.from({ length: count }, (_, index) => draw(createRandom(...keyOf(index)), 2)[1]!)
    // A sum of two even numbers, modulo 1, is even unless they hang together.
    t.doesNotThrow(() => assertEven(firsts.map((value, index) => (value + seconds[index]!) % 1)), `${name}, with the second number`)
    t.doesNotThrow(() => assertEven(firsts.map((value, index) => (value + firsts[(index + 1) % count]!) % 1)), `${name}, with the neighbour's`)
  }
  t.end()
})

t.test('normal numbers: mean 0, variance 1, two thirds within 1', (t) => {
  const random = createRandom(3)
  const values = Array.from({ length: 50_000 }, () => drawNormal(random))
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const variance = values.reduce((sum, value) => sum + value ** 2, 0) / values.length
  t.ok(Math.abs(mean) < 5 / Math.sqrt(values.length), `mean ${mean}`)
  t.ok(Math.abs(variance - 1) < 5 * Math.sqrt(2 / values.length), `variance ${variance}`)
  t.ok(Math.abs(values.filter((value) => Math.abs(value) < 1).length / values.length - 0.6827) < 0.011)
  t.ok(Number.isFinite(drawNormal(() => 0)) && Number.isFinite(drawNormal(() => 1 - 2 ** -32)), 'finite at both ends')
  t.end()
})

t.test('integers: all of them, none beyond', (t) => {
  const random = createRandom(5)
  const counts = new Array<number>(11).fill(0)
  for (let draws = 0; draws < 11_000; draws++) counts[drawInteger(random, 11)]!++
  t.equal(counts.length, 11)
  t.ok(counts.every((count) => Math.abs(count - 1000) < 160), counts.join(', '))
  t.equal(drawInteger(random, 1), 0)
  t.end()
})

t.test('a permutation holds every number once, and every order is as likely', (t) => {
  t.doesNotThrow(() => fc.assert(fc.property(fc.integer({ min: 0, max: 300 }), fc.integer(), (count, seed) => {
    const order = permutation(count, createRandom(seed))
    return order.length === count && [...order].sort((a, b) => a - b).every((value, index) => value === index)
  })))
  const orders = new Map<string, number>()
  for (let seed = 0; seed < 6000; seed++) {
    const order = permutation(3, createRandom(seed)).join('')
    orders.set(order, (orders.get(order) ?? 0) + 1)
  }
  t.equal(orders.size, 6)
  t.ok([...orders.values()].every((count) => Math.abs(count - 1000) < 150), JSON.stringify([...orders]))
  t.end()
})
