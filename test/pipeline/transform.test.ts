// Ordered work on several items at a time.

import t from 'tap'
import { setTimeout } from 'node:timers/promises'
import { createTransform, mapOrdered } from '@millrace/pipeline'

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

t.test('results come in the order of the items, never more in work than asked for', async (t) => {
  for (const concurrency of [1, 2, 5]) {
    let inWork = 0
    let most = 0
    const slowest = mapOrdered(async (item: number) => {
      most = Math.max(most, ++inWork)
      await setTimeout((item * 7) % 5)
      inWork--
      return item * 10
    }, { concurrency })
    t.same(await collect(slowest(Array.from({ length: 30 }, (_, index) => index))), Array.from({ length: 30 }, (_, index) => index * 10))
    t.equal(most, concurrency)
  }
})

t.test('takes no more items than it works on', async (t) => {
  let taken = 0
  async function* items(): AsyncGenerator<number> {
    for (;;) yield taken++
  }
  const results = mapOrdered(async (item: number) => item, { concurrency: 3 })(items())
  await results.next()
  await setTimeout(5)
  t.equal(taken, 3)
  await results.return()
})

t.test('the first failure ends the stream, after what came before it and with nothing left in work', async (t) => {
  let inWork = 0
  const failing = mapOrdered(async (item: number) => {
    inWork++
    await setTimeout(item === 2 ? 1 : 5)
    inWork--
    if (item >= 2) throw new Error(`item ${item}`)
    return item
  }, { concurrency: 4 })
  const seen: number[] = []
  await t.rejects(async () => {
    for await (const item of failing([0, 1, 2, 3, 4])) seen.push(item)
  }, { message: 'item 2' })
  t.same(seen, [0, 1])
  t.equal(inWork, 0)
})

t.test('a transform of your own works on one item and on a stream', async (t) => {
  const double = createTransform(async (item: number) => item * 2)
  t.equal(await double.one(4), 8)
  t.same(await collect(double([1, 2, 3])), [2, 4, 6])
  for (const concurrency of [0, 1.5, NaN]) t.throws(() => createTransform(async () => 0, { concurrency }), { code: 'PIPE_OPTION' })
})

t.test('a source that breaks: what it gave before comes out first', async (t) => {
  const source = async function* (): AsyncGenerator<number> {
    for (let item = 0; item < 5; item++) yield item
    throw new Error('the source broke')
  }
  const slow = createTransform(async (item: number) => { await setTimeout(5); return item }, { concurrency: 4 })
  const seen: number[] = []
  await t.rejects(async () => { for await (const item of slow(source())) seen.push(item) }, { message: 'the source broke' })
  t.same(seen, [0, 1, 2, 3, 4])
})
