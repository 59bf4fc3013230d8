// The memory of tfjs-backend-wasm, opened for our own kernels: they take and give tensors of the
// backend, and compute on its heap.

import * as tf from '@tensorflow/tfjs-core'
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm'
import { createMatrixMultiply, type MatrixMultiply } from '@millrace/infer/kernels'

/** Address, shape and kernels: what our kernels need of the backend. */
export interface Heap {
  readonly multiply: MatrixMultiply
  /** Byte address of a tensor's first value. */
  address(tensor: tf.TensorInfo): number
  /** A new tensor with undefined values. */
  allocate(shape: readonly number[]): tf.TensorInfo
  free(tensor: tf.TensorInfo): void
  /** A view of a tensor's values: take it after the last allocation, which may move the memory. */
  view(tensor: tf.TensorInfo): Float32Array
}

/** Another tensor over the same values. */
export function shareWithShape(backend: BackendWasm, tensor: tf.TensorInfo, shape: number[]): tf.TensorInfo {
  backend.incRef(tensor.dataId)
  return { dataId: tensor.dataId, shape, dtype: tensor.dtype }
}

export function openHeap(backend: BackendWasm): Heap {
  const memory = (backend.wasm as unknown as { asm: { memory: WebAssembly.Memory } }).asm.memory
  return {
    multiply: createMatrixMultiply(memory),
    address: (tensor) => backend.dataIdMap.get(tensor.dataId).memoryOffset,
    allocate: (shape) => backend.makeOutput([...shape], 'float32'),
    free: (tensor) => void backend.disposeData(tensor.dataId),
    view: (tensor) => backend.typedArrayFromHeap(tensor) as Float32Array,
  }
}
