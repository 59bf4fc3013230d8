// The rectifier's gradient: dy where y > 0, else 0.

import type { TensorInfo } from '@tensorflow/tfjs-core'
import type { Heap } from './heap.js'

export function reluGradient(heap: Heap, dy: TensorInfo, y: TensorInfo): TensorInfo {
  const dx = heap.allocate(y.shape)
  const [gradients, values, result] = heap.views(dy, y, dx)
  for (let index = 0; index < result.length; index++) result[index] = values[index]! > 0 ? gradients[index]! : 0
  return dx
}
