// Threads in a browser: Web Workers.

import type { FromReplica, ReplicaEvents, ReplicaThread } from './replica-messages.js'

export const processors = globalThis.navigator?.hardwareConcurrency ?? 1

/** A browser says nothing of a worker's end. One that is at work may go on for a moment, and write to its arena. */
const endMs = 2000

export function startThread({ onMessage, onEnd }: ReplicaEvents): ReplicaThread {
  const worker = new Worker(new URL('./replica-entry-web.js', import.meta.url), { type: 'module', name: 'millrace-pool' })
  let isBusy = false
  let hasEnded = false
  const end = (reason: string): void => {
    if (hasEnded) return
    hasEnded = true
    worker.terminate()
    setTimeout(() => onEnd(reason), isBusy ? endMs : 0)
  }
  worker.onmessage = ({ data }: MessageEvent<FromReplica>) => onMessage(data)
  worker.onerror = (event) => end(event.message || 'its script cannot be had')
  worker.onmessageerror = () => end('a message could not be read')
  return {
    post: (message, transfer = []) => worker.postMessage(message, [...transfer]),
    keepAlive: (busy) => void (isBusy = busy),
    stop: () => end('it was stopped'),
  }
}
