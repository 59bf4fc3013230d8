// Threads that meet at a barrier: none passes before all have come, none is left behind, round after round.

import t from 'tap'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { barrierWords, waitForAll } from '../../../../train/dist/replicas/barrier.js'

const words = (count: number): Int32Array => new Int32Array(new SharedArrayBuffer(4 * count))

for (const parties of [2, 5]) {
  t.test(`${parties} threads`, async (t) => {
    const [barrier, counts] = [words(barrierWords), words(parties)]
    const rounds = 1000
    const wrong = await Promise.all(Array.from({ length: parties }, async (_, self) => {
      const worker = new Worker(new URL('./barrier-worker.js', import.meta.url), { workerData: { barrier, counts, rounds, self } })
      return (await once(worker, 'message'))[0] as number
    }))
    t.same(wrong, new Array(parties).fill(0))
    t.same([...counts], new Array(parties).fill(rounds))
    t.same([...barrier], [0, 2 * rounds], 'empty, and opened twice a round')
  })
}

t.test('alone, one passes at once', (t) => {
  const barrier = words(barrierWords)
  waitForAll(barrier, 1)
  waitForAll(barrier, 1)
  t.same([...barrier], [0, 2])
  t.end()
})
