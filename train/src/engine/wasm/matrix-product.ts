// Products of matrices with either side transposed, for dense layers and their gradients. The stock
// kernel of tfjs-backend-wasm takes a scalar path as soon as one side is transposed.

import type { TensorInfo } from '@tensorflow/tfjs-core'
import type { Heap } from './heap.js'

const floatBytes = 4

/** op(a)·op(b), where op transposes or not; a and b have two dimensions. */
export function multiplyMatrices(heap: Heap, a: TensorInfo, b: TensorInfo, transposeA: boolean, transposeB: boolean): TensorInfo {
  if (transposeB && !transposeA) return multiplyByTransposed(heap, a, b)
  const [aRows, aColumns] = a.shape as [number, number]
  const [m, k] = transposeA ? [aColumns, aRows] : [aRows, aColumns]
  const right = transposeB ? transpose(heap, b) : b
  const n = right.shape[1]!
  const c = heap.allocate([m, n])
  const [aRowBytes, aColumnBytes] = transposeA ? [floatBytes, aColumns * floatBytes] : [aColumns * floatBytes, floatBytes]
  heap.multiply(m, n, k, heap.address(a), aRowBytes, aColumnBytes, heap.address(right), n * floatBytes, heap.address(c), n * floatBytes, 0)
  if (right !== b) heap.free(right)
  return c
}

/** a·bᵀ as (b·aᵀ)ᵀ: a layer's gradient has few rows and its weights have many, so that turning a and the result is cheaper. */
function multiplyByTransposed(heap: Heap, a: TensorInfo, b: TensorInfo): TensorInfo {
  const turnedA = transpose(heap, a)
  const turned = multiplyMatrices(heap, b, turnedA, false, false)
  const c = transpose(heap, turned)
  heap.free(turnedA)
  heap.free(turned)
  return c
}

/** In blocks of 16 x 16, so that both sides stay in the cache. */
function transpose(heap: Heap, matrix: TensorInfo): TensorInfo {
  const [rows, columns] = matrix.shape as [number, number]
  const turned = heap.allocate([columns, rows])
  const from = heap.view(matrix)
  const to = heap.view(turned)
  const block = 16
  for (let row0 = 0; row0 < rows; row0 += block) {
    for (let column0 = 0; column0 < columns; column0 += block) {
      const rowEnd = Math.min(rows, row0 + block)
      const columnEnd = Math.min(columns, column0 + block)
      for (let row = row0; row < rowEnd; row++) {
        for (let column = column0; column < columnEnd; column++) to[column * rows + row] = from[row * columns + column]!
      }
    }
  }
  return turned
}
