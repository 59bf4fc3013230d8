// A pool's thread in Node (Deno, Bun).

import { parentPort } from 'node:worker_threads'
import type { ToReplica } from './replica-messages.js'
import { replica } from './replica-thread.js'

const answer = replica()
parentPort!.on('message', (message: ToReplica) => parentPort!.postMessage(...answer(message)))
