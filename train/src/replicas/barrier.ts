// A meeting point of threads in shared memory: nobody passes until all have come. Two 32-bit words:
// how many have come, and how often the barrier has opened.

export const barrierWords = 2

export function waitForAll(words: Int32Array, parties: number): void {
  const opened = Atomics.load(words, 1)
  if (Atomics.add(words, 0, 1) === parties - 1) {
    Atomics.store(words, 0, 0)
    Atomics.add(words, 1, 1)
    Atomics.notify(words, 1)
    return
  }
  while (Atomics.load(words, 1) === opened) Atomics.wait(words, 1, opened)
}
