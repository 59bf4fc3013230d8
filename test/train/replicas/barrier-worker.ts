// A thread of barrier.test.ts: in each round it counts itself in, and after the barrier looks whether
// all have; a second barrier keeps the quick ones from the next round.

import { parentPort, workerData } from 'node:worker_threads'
import { waitForAll } from '../../../../train/dist/replicas/barrier.js'

const { barrier, counts, rounds, self } = workerData as { barrier: Int32Array; counts: Int32Array; rounds: number; self: number }
let wrong = 0
for (let round = 1; round <= rounds; round++) {
  // One thread is late in each round, another each time.
  if (round % counts.length === self) for (const until = performance.now() + 0.2; performance.now() < until;);
  counts[self] = round
  waitForAll(barrier, counts.length)
  if (!counts.every((count) => count === round)) wrong++
  waitForAll(barrier, counts.length)
}
parentPort!.postMessage(wrong)
