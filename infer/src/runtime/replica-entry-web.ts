// A pool's thread in a browser.

import type { ToReplica } from './replica-messages.js'
import { replica } from './replica-thread.js'

const answer = replica()
globalThis.onmessage = ({ data }: MessageEvent<ToReplica>) => {
  const [reply, transfer] = answer(data)
  globalThis.postMessage(reply, { transfer: [...transfer] })
}
