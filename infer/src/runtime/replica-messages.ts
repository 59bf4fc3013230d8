// What a pool and its threads say to each other. Where memory is shared, numbers only: pixels and answers lie in
// the thread's arena.

import type { NetworkPlan, VariantName } from './plan.js'

export type ToReplica =
  /** Starts on an arena of the shared memory, which begins at byte `arena`. */
  | { readonly kind: 'share'; readonly module: WebAssembly.Module; readonly memory: WebAssembly.Memory; readonly arena: number }
  /** Starts on a memory of its own. */
  | { readonly kind: 'copy'; readonly module: WebAssembly.Module; readonly variant: VariantName; readonly weights: Uint8Array; readonly plan: NetworkPlan }
  /** Runs so many images: those in the arena, or those given. */
  | { readonly kind: 'run'; readonly batch: number; readonly input?: Float32Array }

export type FromReplica =
  /** It started, or ran; with the outputs where memory is not shared. */
  | { readonly kind: 'done'; readonly outputs?: Map<string, Float32Array> }
  | { readonly kind: 'failed'; readonly message: string }

/** A thread of the platform. */
export interface ReplicaThread {
  post(message: ToReplica, transfer?: readonly ArrayBuffer[]): void
  /** Told when it gets work and when it has done it: only then does a program wait for it before it ends. */
  keepAlive(isBusy: boolean): void
  /** Stops it, in the middle of a run too; `onEnd` then follows. */
  stop(): void
}

export interface ReplicaEvents {
  onMessage(message: FromReplica): void
  /** It will neither answer nor touch its memory any more. Called once, whatever the cause. */
  onEnd(reason: string): void
}
