// What a thread of a pool does: runs the network when told to.

import { createMemory } from './network-memory.js'
import type { FromReplica, ToReplica } from './replica-messages.js'
import { startSession, type NetworkFunctions } from './session.js'

/** The answer to a message: [reply, what of it is handed over rather than copied]. */
export type ReplicaReply = readonly [FromReplica, readonly ArrayBuffer[]]

/** What a thread does with a message, from its first one on. */
export function replica(): (message: ToReplica) => ReplicaReply {
  let run: (batch: number, input?: Float32Array) => ReplicaReply
  return (message) => {
    try {
      if (message.kind === 'run') return run(message.batch, message.input)
      run = message.kind === 'share' ? onSharedMemory(message) : onOwnMemory(message)
      return [{ kind: 'done' }, []]
    } catch (error) {
      return [{ kind: 'failed', message: (error as Error).message }, []]
    }
  }
}

function onSharedMemory({ module, memory, arena }: ToReplica & { kind: 'share' }): (batch: number) => ReplicaReply {
  const functions = new WebAssembly.Instance(module, { env: { memory, weights: 0, arena } }).exports as NetworkFunctions
  return (batch) => {
    functions['run']!(batch)
    return [{ kind: 'done' }, []]
  }
}

function onOwnMemory({ module, variant, weights, plan }: ToReplica & { kind: 'copy' }): (batch: number, input?: Float32Array) => ReplicaReply {
  const memory = createMemory(plan, { maxMemoryBytes: Infinity }) // the pool has counted it
  new Uint8Array(memory.buffer).set(weights)
  const session = startSession({ plan, memory, modules: new Map([[variant, module]]), path: 'the network' })
  return (batch, input) => {
    const outputs = session.run(input!, batch)
    return [{ kind: 'done', outputs }, Array.from(outputs.values(), ({ buffer }) => buffer as ArrayBuffer)]
  }
}
