// Threads in a browser: Web Workers.

import type { FromReplica, ReplicaEvents, ReplicaThread } from './replica-messages.js'

export const processors = globalThis.navigator?.hardwareConcurrency ?? 1

/** A browser says nothing of a worker's end, which may come a moment after it was told to. */
const endMs = 2000

export function startThread({ onMessage, onEnd }: ReplicaEvents): ReplicaThread {
  const worker = new Worker(new URL('./replica-entry-web.js', import.meta.url), { type: 'module', name: 'millrace-pool' })
  let hasEnded = false
  const end = (reason: string): void => {
    if (hasEnded) return
    hasEnded = true
    worker.terminate()
    setTimeout(() => onEnd(reason), endMs)
  }
  worker.onmessage = ({ data }: MessageEvent<FromReplica>) => onMessage(data)
  worker.onerror = (event) => end(event.message || 'its script cannot be had')
  worker.onmessageerror = () => end('a message could not be read')
  return {
    post: (message, transfer = []) => worker.postMessage(message, [...transfer]),
    keepAlive: () => undefined,
    stop: () => end('it was stopped'),
  }
}
