// A chunked dataset put together: every chunk is found through a version 1 B-tree, taken through
// its filters and laid in its place. HDF5 File Format Specification 3.0, III.A.1 and IV.A.2.i.
//
// Key of a chunk: 4 stored bytes, 4 mask of skipped filters, 8 offset in each dimension, 8 zero.

import type { FileBytes } from './file-bytes.js'
import { readTree } from './b-tree.js'
import { undoFilters, type Filters } from './filters.js'

export interface ChunkedLayout {
  readonly treeAddress: number
  /** Elements of a chunk in each dimension. */
  readonly chunkShape: readonly number[]
  readonly shape: readonly number[]
  readonly elementBytes: number
  readonly filters: Filters
}

interface StoredChunk {
  readonly address: number
  readonly storedBytes: number
  readonly skipMask: number
  readonly offset: readonly number[]
}

/**
 * All elements in row-major order.
 * @throws PipelineError PIPE_HDF5_DAMAGED; PIPE_HDF5_UNSUPPORTED if some chunk was never written
 */
export function readChunks(file: FileBytes, layout: ChunkedLayout): Buffer {
  const { shape, chunkShape, elementBytes, filters, treeAddress } = layout
  const chunks = findChunks(file, layout)
  const expected = product(shape.map((size, axis) => Math.ceil(size / chunkShape[axis]!)))
  if (chunks.length !== expected) {
    throw file.unsupported(treeAddress, `a dataset of ${expected} chunks of which ${chunks.length} are stored`)
  }
  const chunkBytes = product(chunkShape) * elementBytes
  const bytes = chunks.map((chunk) => {
    try {
      return undoFilters(file.view(chunk.address, chunk.storedBytes, 'chunk'), filters, chunk.skipMask, elementBytes, chunkBytes)
    } catch (cause) {
      throw file.damaged(chunk.address, `a chunk of ${chunkBytes} bytes`, (cause as Error).message)
    }
  })
  const whole = Buffer.alloc(product(shape) * elementBytes)
  chunks.forEach((chunk, index) => placeChunk(whole, bytes[index]!, chunk.offset, layout))
  return whole
}

function findChunks(file: FileBytes, layout: ChunkedLayout): StoredChunk[] {
  const { shape, chunkShape, treeAddress } = layout
  const chunks: StoredChunk[] = []
  const places = new Set<string>()
  for (const { key, child } of readTree(file, treeAddress, 1, 8 + 8 * (shape.length + 1))) {
    const storedBytes = key.u32()
    const skipMask = key.u32()
    const offset = shape.map(() => key.length())
    const isInside = offset.every((start, axis) => start < shape[axis]! && start % chunkShape[axis]! === 0)
    if (!isInside || places.has(offset.join())) throw file.damaged(key.address, 'each chunk once, within the dataset', `one at [${offset.join(', ')}]`)
    places.add(offset.join())
    chunks.push({ address: child, storedBytes, skipMask, offset })
  }
  return chunks
}

/** Copies a chunk row by row (along the last axis); what reaches past the edge is padding. */
function placeChunk(whole: Buffer, chunk: Buffer, offset: readonly number[], layout: ChunkedLayout): void {
  const { shape, chunkShape, elementBytes } = layout
  const last = shape.length - 1
  const rowBytes = Math.min(chunkShape[last]!, shape[last]! - offset[last]!) * elementBytes
  const copy = (axis: number, from: number, to: number): void => {
    if (axis === last) {
      chunk.copy(whole, (to + offset[last]!) * elementBytes, from * elementBytes, from * elementBytes + rowBytes)
      return
    }
    const rows = Math.min(chunkShape[axis]!, shape[axis]! - offset[axis]!)
    for (let row = 0; row < rows; row++) {
      copy(axis + 1, (from + row) * chunkShape[axis + 1]!, (to + offset[axis]! + row) * shape[axis + 1]!)
    }
  }
  copy(0, 0, 0)
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total * size, 1)
}
