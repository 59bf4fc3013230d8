// Threads in Node (Deno, Bun). In a browser worker-web.ts stands in its place: the package's `imports` say so.

import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { ReplicaEvents, ReplicaThread } from './replica-messages.js'

export const processors = availableParallelism()

/** Far away: all that a timer is here for is to keep the program alive, which costs 18 µs less a request than `worker.ref()`. */
const neverMs = 2 ** 31 - 1

export function startThread({ onMessage, onEnd }: ReplicaEvents): ReplicaThread {
  const worker = new Worker(new URL('./replica-entry.js', import.meta.url), { name: 'millrace-pool', execArgv: [] })
  worker.unref()
  const alive = setInterval(() => undefined, neverMs).unref()
  let reason = 'it was stopped'
  worker.on('message', onMessage)
  worker.on('messageerror', (error) => (reason = error.message))
  worker.on('error', (error) => (reason = (error as Error).message))
  worker.once('exit', () => {
    clearInterval(alive)
    onEnd(reason)
  })
  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer),
    keepAlive: (isBusy) => void (isBusy ? alive.ref() : alive.unref()),
    stop: () => void worker.terminate(),
  }
}
