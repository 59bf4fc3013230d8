// Runs a kernel of the embedded engine by its name, on float64 arrays for convenience.

import * as tf from '@tensorflow/tfjs-core'
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm'
import { openHeap, type Heap } from '../../../../../train/dist/engine/wasm/heap.js'
import { openWasmEngine } from '../../../../../train/dist/engine/wasm/wasm-engine.js'
import type { Values } from '../plain-layers.js'

/** The kernel's outputs, in order. */
export async function runKernel(name: string, inputs: Readonly<Record<string, Values>>, attributes: Record<string, unknown> = {}): Promise<Values[]> {
  await openWasmEngine()
  let results: Values[] = []
  tf.tidy(() => {
    const tensors = Object.fromEntries(Object.entries(inputs).map(([input, values]) => [input, toTensor(values)]))
    const outputs = tf.engine().runKernel(name, tensors, attributes as never)
    results = [outputs].flat().map((tensor) => fromTensor(tensor as tf.Tensor))
  })
  return results
}

/** The engine's memory, with the kernels behind it, for functions that take it. */
export async function openEngineHeap(): Promise<Heap> {
  await openWasmEngine()
  return openHeap(tf.backend() as BackendWasm)
}

export function toTensor({ shape, data }: Values): tf.Tensor {
  return tf.tensor(Float32Array.from(data), [...shape])
}

/** The values of a tensor that a kernel left on the heap. */
export function readHeap(heap: Heap, tensor: tf.TensorInfo): Values {
  return { shape: tensor.shape, data: Float64Array.from(heap.view(tensor)) }
}

function fromTensor(tensor: tf.Tensor): Values {
  return { shape: tensor.shape, data: Float64Array.from(tensor.dataSync<'float32'>()) }
}
