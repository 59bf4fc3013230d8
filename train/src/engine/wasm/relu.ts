// The rectifier and its gradient. The stock rectifier of tfjs-backend-wasm 4.22 makes 0 of a NaN whose
// sign bit is set, as x86-64 makes them, so that a network that diverges would go on with a finite loss.

import type { TensorInfo } from '@tensorflow/tfjs-core'
import type { Heap } from './heap.js'

/** max(x, 0); NaN stays NaN. */
export function rectify(heap: Heap, x: TensorInfo): TensorInfo {
  const y = heap.allocate(x.shape)
  const [values, result] = heap.views(x, y)
  const vectors = Math.floor(values.length / 4)
  heap.rows.rectify(heap.address(x), heap.address(y), vectors)
  for (let index = 4 * vectors; index < values.length; index++) result[index] = Math.max(values[index]!, 0)
  return y
}

/** dy where y > 0, else 0. */
export function reluGradient(heap: Heap, dy: TensorInfo, y: TensorInfo): TensorInfo {
  const dx = heap.allocate(y.shape)
  const [gradients, values, result] = heap.views(dy, y, dx)
  for (let index = 0; index < result.length; index++) result[index] = values[index]! > 0 ? gradients[index]! : 0
  return dx
}
