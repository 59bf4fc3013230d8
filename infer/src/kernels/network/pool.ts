// Pools: the largest or the mean of windows, four channels a vector, four vectors at a time. Windows are
// cut to the image where they reach past it, so that borders need not hold what a pool would want there.
//
//   image > output row > output pixel > 16 channels:
//     each row and column of the window within the image:   one load and maximum (or addition) a vector
//     mean: · 1/places;  store

import {
  block, branch, branchIf, f32Const, f32Divide, f32ConvertI32, f32x4Add, f32x4Const, f32x4Maximum, f32x4Multiply, f32x4Splat, i32Add, i32Const, i32GreaterSigned,
  i32LessSigned, i32Multiply, i32Subtract, localGet, localSet, localTee, loop, select, v128Load, v128Store, type Code, type FunctionSpec,
} from '../assembler.js'
import { FunctionBuilder, move, point } from '../function-builder.js'
import { batchCount, inputAddress, kernelParameters, layoutKey, outputAddress, vectorChannels, type Kernel, type Layout } from './kernel.js'

export interface PoolShape {
  readonly kind: 'max' | 'average'
  readonly input: Layout
  readonly output: Layout
  readonly poolSize: readonly [height: number, width: number]
  readonly strides: readonly [vertical: number, horizontal: number]
  readonly padding: readonly [top: number, left: number]
  /** average: divide by all places of a window, also those outside the image. */
  readonly countPadding: boolean
}

const vectorsAtOnce = 4

export function poolKernel(shape: PoolShape): Kernel {
  const { input, output, poolSize } = shape
  return {
    name: `${shape.kind} pool ${poolSize.join('x')}`,
    key: ['pool', shape.kind, layoutKey(input), layoutKey(output), poolSize, shape.strides, shape.padding, shape.countPadding].join(';'),
    emit: () => emitPool(shape),
    weights: new Float32Array(0),
    multiplyAdds: 0,
  }
}

/** The part of a window that lies in the image, along one axis: where it begins, and how many places it has. */
interface Span {
  readonly begin: number
  readonly count: number
}

function emitPool(shape: PoolShape): FunctionSpec {
  const { input, output, poolSize, strides, padding } = shape
  const builder = new FunctionBuilder(kernelParameters)
  const [images, imageInput, imageOutput, rowOutput, pixelOutput, row, column, place, windowRow] = builder.locals('i32', 9) as [number, number, number, number, number, number, number, number, number]
  const rows = { begin: builder.local('i32'), count: builder.local('i32') }
  const columns = { begin: builder.local('i32'), count: builder.local('i32') }
  const window = new WindowWriter(builder, shape, rows, columns, windowRow, pixelOutput)
  const vectors = vectorChannels(input.channels) / 4
  return builder.finish('pool',
    point(imageInput, inputAddress), point(imageOutput, outputAddress), localGet(batchCount), localSet(images),
    loop(
      i32Const(-padding[0]), localSet(row), point(rowOutput, imageOutput),
      builder.times(output.height,
        cut(rows, row, poolSize[0], input.height),
        i32Const(-padding[1]), localSet(column), point(pixelOutput, rowOutput),
        builder.times(output.width,
          cut(columns, column, poolSize[1], input.width),
          window.divisor(),
          [...localGet(imageInput), ...localGet(rows.begin), ...i32Const(input.rowBytes), ...i32Multiply, ...i32Add, ...localGet(columns.begin), ...i32Const(input.pixelBytes), ...i32Multiply, ...i32Add, ...localSet(place)],
          point(windowRow, place),
          builder.times(Math.floor(vectors / vectorsAtOnce), window.write(vectorsAtOnce)),
          vectors % vectorsAtOnce === 0 ? [] : window.write(vectors % vectorsAtOnce),
          move(pixelOutput, output.pixelBytes - 16 * vectors),
          move(column, strides[1])),
        move(row, strides[0]), move(rowOutput, output.rowBytes)),
      move(imageInput, input.imageBytes), move(imageOutput, output.imageBytes),
      localGet(images), i32Const(-1), i32Add, localTee(images), branchIf(0)))
}

/** begin = max(first, 0); count = min(first + window, size) − begin */
function cut({ begin, count }: Span, first: number, window: number, size: number): Code {
  const end: Code = [...localGet(first), ...i32Const(window), ...i32Add]
  return [
    ...localGet(first), ...i32Const(0), ...localGet(first), ...i32Const(0), ...i32GreaterSigned, ...select, ...localSet(begin),
    ...end, ...i32Const(size), ...end, ...i32Const(size), ...i32LessSigned, ...select, ...localGet(begin), ...i32Subtract, ...localSet(count),
  ]
}

class WindowWriter {
  readonly #shape: PoolShape
  readonly #rows: Span
  readonly #columns: Span
  readonly #first: number
  readonly #output: number
  readonly #place: number
  readonly #row: number
  readonly #rowsLeft: number
  readonly #columnsLeft: number
  readonly #values: readonly number[]
  readonly #share: number

  /** `first` holds the address of the window's first place and moves on by the vectors that are done, as `output` does. */
  constructor(builder: FunctionBuilder, shape: PoolShape, rows: Span, columns: Span, first: number, output: number) {
    this.#shape = shape
    this.#rows = rows
    this.#columns = columns
    this.#first = first
    this.#output = output
    ;[this.#place, this.#row, this.#rowsLeft, this.#columnsLeft] = builder.locals('i32', 4) as [number, number, number, number]
    this.#values = builder.locals('v128', vectorsAtOnce)
    this.#share = builder.local('v128')
  }

  /** 1 / places of the window, for a mean. */
  divisor(): Code {
    const { kind, countPadding, poolSize } = this.#shape
    if (kind === 'max') return []
    if (countPadding) return [...f32x4Const(1 / (poolSize[0] * poolSize[1])), ...localSet(this.#share)]
    return [...f32Const(1), ...localGet(this.#rows.count), ...localGet(this.#columns.count), ...i32Multiply, ...f32ConvertI32, ...f32Divide, ...f32x4Splat, ...localSet(this.#share)]
  }

  write(vectors: number): Code {
    const { kind, input } = this.#shape
    const values = this.#values.slice(0, vectors)
    const join = kind === 'max' ? f32x4Maximum : f32x4Add
    return [
      ...values.flatMap((value) => [...f32x4Const(kind === 'max' ? -Infinity : 0), ...localSet(value)]),
      ...point(this.#row, this.#first), ...localGet(this.#rows.count), ...localSet(this.#rowsLeft),
      ...countDown(this.#rowsLeft,
        point(this.#place, this.#row), localGet(this.#columns.count), localSet(this.#columnsLeft),
        countDown(this.#columnsLeft,
          values.flatMap((value, vector) => [...localGet(value), ...localGet(this.#place), ...v128Load(16 * vector), ...join, ...localSet(value)]),
          move(this.#place, input.pixelBytes)),
        move(this.#row, input.rowBytes)),
      ...(kind === 'max' ? [] : values.flatMap((value) => [...localGet(value), ...localGet(this.#share), ...f32x4Multiply, ...localSet(value)])),
      ...values.flatMap((value, vector) => [...localGet(this.#output), ...localGet(value), ...v128Store(16 * vector)]),
      ...move(this.#first, 16 * vectors), ...move(this.#output, 16 * vectors),
    ]
  }
}

/** Runs the body while the local, counted down, is above 0. */
function countDown(local: number, ...body: Code[]): Code {
  return block(loop(localGet(local), i32Const(1), i32LessSigned, branchIf(1), ...body, move(local, -1), branch(0)))
}
