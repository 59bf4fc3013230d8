// The weights of a TensorFlow.js model: model.json lists files and, in the order in which they lie one behind the
// other over all files of a group, each weight's name, shape and type. Quantised ones are value · scale + min, or
// float16.

import { dirname } from 'node:path'
import { pathWithin, readWhole } from '../files.js'
import { maxFileBytes, maxWeightValues } from '../limits.js'
import { shown, type Fail } from '../network-file.js'
import { float16 } from '../onnx/tensors.js'

export interface TfjsWeight {
  readonly shape: readonly number[]
  readonly data: Float32Array
}

interface Entry {
  readonly name: string
  readonly shape: readonly number[]
  readonly dtype: string
  readonly quantization?: { readonly dtype?: unknown; readonly scale?: unknown; readonly min?: unknown }
}

/** The weights of every group, by name; shards are read from the folder of `path`. */
export async function readTfjsWeights(path: string, manifest: unknown, fail: Fail): Promise<ReadonlyMap<string, TfjsWeight>> {
  if (!Array.isArray(manifest)) return fail('TRAIN_NETWORK_FILE', 'expected a weightsManifest, a list, found none')
  const weights = new Map<string, TfjsWeight>()
  for (const group of manifest as readonly unknown[]) {
    const { paths, weights: entries } = (group ?? {}) as { paths?: unknown; weights?: unknown }
    if (!Array.isArray(paths) || !Array.isArray(entries) || !paths.every((name) => typeof name === 'string')) return fail('TRAIN_NETWORK_FILE', 'expected paths and weights in each group of weightsManifest')
    const shards: Uint8Array[] = []
    let total = 0
    for (const name of paths as readonly string[]) {
      const shard = await readWhole(await pathWithin(dirname(path), name, fail), fail)
      total += shard.length
      if (total > maxFileBytes) fail('TRAIN_NETWORK_FILE', `its weights have more than ${maxFileBytes} bytes`)
      shards.push(shard)
    }
    readGroup(shards.length === 1 ? shards[0]! : Buffer.concat(shards), entries.map((entry) => checkedEntry(entry, fail)), weights, fail)
  }
  return weights
}

function checkedEntry(entry: unknown, fail: Fail): Entry {
  const { name, shape, dtype } = (entry ?? {}) as Partial<Record<keyof Entry, unknown>>
  const isShape = Array.isArray(shape) && shape.length <= 8 && shape.every((size) => Number.isSafeInteger(size) && size >= 0) && shape.reduce((product: number, size: number) => product * size, 1) <= maxWeightValues
  return typeof name === 'string' && isShape && typeof dtype === 'string' ? (entry as Entry) : fail('TRAIN_NETWORK_FILE', `expected name, shape and dtype of a weight, found ${shown(JSON.stringify(entry))}`)
}

const readers: Readonly<Record<string, { readonly bytes: number; readonly read: (view: DataView, at: number) => number }>> = {
  float32: { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  float16: { bytes: 2, read: (view, at) => float16(view.getUint16(at, true)) },
  int32: { bytes: 4, read: (view, at) => view.getInt32(at, true) },
  bool: { bytes: 1, read: (view, at) => view.getUint8(at) },
  uint8: { bytes: 1, read: (view, at) => view.getUint8(at) },
  uint16: { bytes: 2, read: (view, at) => view.getUint16(at, true) },
}

function readGroup(bytes: Uint8Array, entries: readonly Entry[], weights: Map<string, TfjsWeight>, fail: Fail): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  for (const { name, shape, dtype, quantization } of entries) {
    const stored = quantization === undefined ? dtype : quantization.dtype
    const reader = (typeof stored === 'string' && Object.hasOwn(readers, stored) ? readers[stored] : undefined) ?? fail('TRAIN_NETWORK_UNSUPPORTED', `weight ${shown(name)}: its type ${shown(stored)} is not read here`)
    const { scale = 1, min = 0 } = quantization ?? {}
    if (typeof scale !== 'number' || typeof min !== 'number') return fail('TRAIN_NETWORK_FILE', `weight ${shown(name)}: expected scale and min to be numbers`)
    const count = shape.reduce((product, size) => product * size, 1)
    if (at + count * reader.bytes > bytes.length) return fail('TRAIN_NETWORK_FILE', `weight ${shown(name)}: expected bytes ${at} to ${at + count * reader.bytes} of its group, found only ${bytes.length}`)
    const data = new Float32Array(count)
    for (let index = 0; index < count; index++, at += reader.bytes) data[index] = reader.read(view, at) * scale + min
    weights.set(name, { shape, data })
  }
  if (at !== bytes.length) fail('TRAIN_NETWORK_FILE', `expected ${at} bytes of weights, found ${bytes.length}`)
}
