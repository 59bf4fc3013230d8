// Enlarging and shrinking images: the nearest pixel, or four round a place weighted by how near they are.
// Where rows and columns come from is worked out when compiling, so that all coordinate rules run as one.
//
// Weights: for each row of the result, then for each of its columns
//
//   byte 0   4                8           12
//   [first]  [second: i32]    [1 − share] [share: f32]     offsets of two rows (columns), share of the second
//
//   image > row > pixel > 4 channels:   y = lerp(lerp(upper left, upper right), lerp(lower left, lower right))

import { branchIf, f32x4Add, f32x4Multiply, i32Add, i32Const, i32Load, localGet, localSet, localTee, loop, v128Load, v128Load32Splat, v128Store, type Code, type FunctionSpec } from '../assembler.js'
import { FunctionBuilder, move, point } from '../function-builder.js'
import { batchCount, inputAddress, kernelParameters, layoutKey, outputAddress, vectorChannels, weightsAddress, type Kernel, type Layout } from './kernel.js'

/** What a row (or column) of the result is made of: `first` and the one after it, which has `share` of the weight. */
export interface ResizePlace {
  readonly first: number
  readonly share: number
}

export interface ResizeShape {
  readonly method: 'nearest' | 'bilinear'
  readonly input: Layout
  readonly output: Layout
}

const entryBytes = 16

/** @param rows of the result, of its height; `columns` of its width; within the input */
export function resizeKernel(shape: ResizeShape, rows: readonly ResizePlace[], columns: readonly ResizePlace[]): Kernel {
  const { method, input, output } = shape
  return {
    name: `resize ${method}`,
    key: ['resize', method, layoutKey(input), layoutKey(output)].join(';'),
    emit: () => emitResize(shape),
    weights: packPlaces([
      ...rows.map((place) => ({ ...place, size: input.height, bytes: input.rowBytes })),
      ...columns.map((place) => ({ ...place, size: input.width, bytes: input.pixelBytes })),
    ]),
    multiplyAdds: 0,
  }
}

function packPlaces(places: readonly (ResizePlace & { readonly size: number; readonly bytes: number })[]): Float32Array {
  const packed = new Float32Array(4 * places.length)
  const offsets = new Int32Array(packed.buffer)
  for (const [index, { first, share, size, bytes }] of places.entries()) {
    offsets.set([first * bytes, Math.min(first + 1, size - 1) * bytes], 4 * index)
    packed.set([1 - share, share], 4 * index + 2)
  }
  return packed
}

function emitResize({ method, input, output }: ResizeShape): FunctionSpec {
  const builder = new FunctionBuilder(kernelParameters)
  const [images, imageInput, imageOutput, y, row, column] = builder.locals('i32', 6) as [number, number, number, number, number, number]
  const corners = builder.locals('i32', method === 'nearest' ? 1 : 4) // upper left, upper right, lower left, lower right
  const [up, down, left, right] = builder.locals('v128', 4) as [number, number, number, number]
  const vectors = vectorChannels(output.channels) / 4
  const corner = (index: number): Code => [
    ...localGet(imageInput), ...localGet(row), ...i32Load(index < 2 ? 0 : 4), ...i32Add, ...localGet(column), ...i32Load(index % 2 === 0 ? 0 : 4), ...i32Add, ...localSet(corners[index]!),
  ]
  const weight = (entry: number, offset: 8 | 12, into: number): Code => (method === 'nearest' ? [] : [...localGet(entry), ...v128Load32Splat(offset), ...localSet(into)])
  const across = (first: number): Code => [
    ...localGet(corners[first]!), ...v128Load(), ...localGet(left), ...f32x4Multiply, ...localGet(corners[first + 1]!), ...v128Load(), ...localGet(right), ...f32x4Multiply, ...f32x4Add,
  ]
  const vector: Code = method === 'nearest'
    ? [...localGet(corners[0]!), ...v128Load()]
    : [...across(0), ...localGet(up), ...f32x4Multiply, ...across(2), ...localGet(down), ...f32x4Multiply, ...f32x4Add]
  return builder.finish('resize',
    point(imageInput, inputAddress), point(imageOutput, outputAddress), localGet(batchCount), localSet(images),
    loop(
      point(row, weightsAddress), point(y, imageOutput),
      builder.times(output.height,
        weight(row, 8, up), weight(row, 12, down), point(column, weightsAddress, entryBytes * output.height),
        builder.times(output.width,
          weight(column, 8, left), weight(column, 12, right), corners.flatMap((_, index) => corner(index)),
          builder.times(vectors, localGet(y), vector, v128Store(), corners.flatMap((place) => move(place, 16)), move(y, 16)),
          move(y, output.pixelBytes - 16 * vectors), move(column, entryBytes)),
        move(y, output.rowBytes - output.width * output.pixelBytes), move(row, entryBytes)),
      move(imageInput, input.imageBytes), move(imageOutput, output.imageBytes),
      localGet(images), i32Const(-1), i32Add, localTee(images), branchIf(0)))
}
