// The memory of tfjs-backend-wasm, opened for our own kernels: they take and give tensors of the
// backend, and compute on its heap.

import type { TensorInfo } from '@tensorflow/tfjs-core'
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm'
import { createMatrixMultiply, type MatrixMultiply } from '@millrace/infer/kernels'
import { createRowKernels, type RowKernels } from './row-kernels.js'

/** Address, shape and kernels: what our kernels need of the backend. */
export interface Heap {
  readonly multiply: MatrixMultiply
  readonly rows: RowKernels
  /** Byte address of a tensor's first value. */
  address(tensor: TensorInfo): number
  /** A new tensor with undefined values. */
  allocate(shape: readonly number[]): TensorInfo
  free(tensor: TensorInfo): void
  addresses<T extends readonly TensorInfo[]>(...tensors: T): { [Index in keyof T]: number }
  /** A view of a tensor's values: take it after the last allocation, which may move the memory. */
  view(tensor: TensorInfo): Float32Array
  views<T extends readonly TensorInfo[]>(...tensors: T): { [Index in keyof T]: Float32Array }
}

export function openHeap(backend: BackendWasm): Heap {
  const memory = (backend.wasm as unknown as { asm: { memory: WebAssembly.Memory } }).asm.memory
  const address = (tensor: TensorInfo): number => backend.dataIdMap.get(tensor.dataId).memoryOffset
  const view = (tensor: TensorInfo): Float32Array => backend.typedArrayFromHeap(tensor) as Float32Array
  return {
    multiply: createMatrixMultiply(memory),
    rows: createRowKernels(memory),
    address,
    addresses: <T extends readonly TensorInfo[]>(...tensors: T) => tensors.map(address) as { [Index in keyof T]: number },
    allocate: (shape) => backend.makeOutput([...shape], 'float32'),
    free: (tensor) => void backend.disposeData(tensor.dataId),
    view,
    views: <T extends readonly TensorInfo[]>(...tensors: T) => tensors.map(view) as { [Index in keyof T]: Float32Array },
  }
}
