// Lets calls of the file system fail or do less than asked, as a full disk, a broken one or a network does.
// Built-in modules can be changed in place, and their named imports follow.

import fs, { type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

/** One call, before it is done. */
export interface FileCall {
  readonly name: 'open' | 'rename' | 'rm' | 'write' | 'writev' | 'sync' | 'datasync' | 'truncate'
  readonly path: string
  /** From 0, over all calls of these names. */
  readonly index: number
}

/** What becomes of a call: an error, or, for a write, so many bytes of it only. */
export type Fault = (call: FileCall) => Error | number | undefined

/** An error as the system's own. */
export function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: injected`), { code })
}

type AnyFunction = (...values: never[]) => Promise<unknown>

/** Runs `work` with faults; tells how many calls there were. */
export async function withFaults(fault: Fault, work: () => Promise<unknown>): Promise<number> {
  const handles = new WeakMap<object, string>()
  let count = 0
  const handle = await fs.open(process.execPath)
  const prototype = Object.getPrototypeOf(handle) as Record<string, AnyFunction>
  await handle.close()
  const module = fs as unknown as Record<string, AnyFunction>
  const originals: [Record<string, AnyFunction>, string, AnyFunction][] = []
  const replace = (owner: Record<string, AnyFunction>, name: FileCall['name']): void => {
    const original = owner[name]!
    originals.push([owner, name, original])
    owner[name] = async function (this: object, ...values: never[]): Promise<unknown> {
      const path = owner === prototype ? (handles.get(this) ?? '') : String(values[0])
      const outcome = fault({ name, path, index: count++ })
      if (outcome instanceof Error) throw outcome
      if (typeof outcome === 'number') return original.apply(this, shorten(name, values, outcome))
      const result = await original.apply(this, values)
      if (name === 'open') handles.set(result as FileHandle, path)
      return result
    }
  }
  for (const name of ['open', 'rename', 'rm'] as const) replace(module, name)
  for (const name of ['write', 'writev', 'sync', 'datasync', 'truncate'] as const) replace(prototype, name)
  syncBuiltinESMExports()
  try {
    await work()
  } finally {
    for (const [owner, name, original] of originals) owner[name] = original
    syncBuiltinESMExports()
  }
  return count
}

/** The same write with its first bytes only. */
function shorten(name: string, values: readonly unknown[], bytes: number): never[] {
  const [data, from = 0, length = Infinity] = values as [Uint8Array | Uint8Array[], number?, number?]
  if (name === 'writev') return [[Buffer.concat(data as Uint8Array[]).subarray(0, bytes)]] as never[]
  return [(data as Uint8Array).subarray(from, from + Math.min(bytes, length))] as never[]
}
