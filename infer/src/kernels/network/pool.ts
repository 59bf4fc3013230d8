// Pools: the largest or the mean of windows, four channels a vector, four vectors at a time. Windows are
// cut to the image where they reach past it, so that borders need not hold what a pool would want there:
// rows while running, columns when compiling, since few windows of a row are cut.
//
//   image > output row > windows cut left | whole windows | windows cut right > 16 channels:
//     each row of the window within the image:   each of its columns: one load and maximum (or addition) a vector
//     mean: · 1/places;  store
//
// WebAssembly's f32x4.max is seven instructions on x86-64, for the sake of NaN; so the maximum is the one that
// is one instruction, and where a NaN was met is noted beside it.

import {
  branchIf, f32Const, f32Divide, f32ConvertI32, f32x4Add, f32x4Const, f32x4Multiply, f32x4NotEqual, f32x4PseudoMaximum, f32x4Splat, i32Add, i32Const, i32GreaterSigned,
  i32LessSigned, ifThen, i32Multiply, i32Subtract, localGet, localSet, localTee, loop, select, v128Load, v128Or, v128Store, type Code, type FunctionSpec,
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

function emitPool(shape: PoolShape): FunctionSpec {
  const { input, output, poolSize, strides, padding } = shape
  const builder = new FunctionBuilder(kernelParameters)
  const [images, imageInput, imageOutput, rowOutput, rowInput, row] = builder.locals('i32', 6) as [number, number, number, number, number, number]
  const window = new WindowWriter(builder, shape)
  return builder.finish('pool',
    point(imageInput, inputAddress), point(imageOutput, outputAddress), localGet(batchCount), localSet(images),
    loop(
      i32Const(-padding[0]), localSet(row), point(rowOutput, imageOutput),
      builder.times(output.height,
        window.cutRows(row, poolSize[0], input.height),
        [...localGet(imageInput), ...localGet(window.firstRow), ...i32Const(input.rowBytes), ...i32Multiply, ...i32Add, ...localSet(rowInput)],
        point(window.output, rowOutput),
        columnRuns(shape).map(({ first, count, columns }) => [
          ...point(window.first, rowInput, first * input.pixelBytes), ...window.divisor(columns),
          ...builder.times(count, window.write(columns), move(window.first, strides[1] * input.pixelBytes)),
        ]).flat(),
        move(row, strides[0]), move(rowOutput, output.rowBytes)),
      move(imageInput, input.imageBytes), move(imageOutput, output.imageBytes),
      localGet(images), i32Const(-1), i32Add, localTee(images), branchIf(0)))
}

/** Neighbouring windows of a row that have as many columns in the image: where the first begins, and how many there are. */
interface ColumnRun {
  readonly first: number
  count: number
  readonly columns: number
}

function columnRuns({ input, output, poolSize, strides, padding }: PoolShape): ColumnRun[] {
  const runs: ColumnRun[] = []
  for (let index = 0; index < output.width; index++) {
    const place = index * strides[1] - padding[1]
    const first = Math.max(place, 0)
    const columns = Math.min(place + poolSize[1], input.width) - first
    const last = runs.at(-1)
    if (last?.columns === columns && first === last.first + last.count * strides[1]) last.count++
    else runs.push({ first, count: 1, columns })
  }
  return runs
}

class WindowWriter {
  /** Address of a window's first place; `output` moves on from pixel to pixel. */
  readonly first: number
  readonly output: number
  /** The first row of the windows that lies in the image. */
  readonly firstRow: number
  readonly #builder: FunctionBuilder
  readonly #shape: PoolShape
  readonly #rows: number
  readonly #rowsLeft: number
  readonly #channel: number
  readonly #place: number
  readonly #values: readonly number[]
  readonly #nans: readonly number[]
  readonly #loaded: number
  readonly #share: number

  constructor(builder: FunctionBuilder, shape: PoolShape) {
    this.#builder = builder
    this.#shape = shape
    ;[this.first, this.output, this.firstRow, this.#rows, this.#rowsLeft, this.#channel, this.#place] = builder.locals('i32', 7) as [number, number, number, number, number, number, number]
    this.#values = builder.locals('v128', vectorsAtOnce)
    this.#nans = builder.locals('v128', vectorsAtOnce)
    ;[this.#loaded, this.#share] = builder.locals('v128', 2) as [number, number]
  }

  /** firstRow = max(row, 0); rows = min(row + window, size) − firstRow */
  cutRows(row: number, window: number, size: number): Code {
    const end: Code = [...localGet(row), ...i32Const(window), ...i32Add]
    return [
      ...localGet(row), ...i32Const(0), ...localGet(row), ...i32Const(0), ...i32GreaterSigned, ...select, ...localSet(this.firstRow),
      ...end, ...i32Const(size), ...end, ...i32Const(size), ...i32LessSigned, ...select, ...localGet(this.firstRow), ...i32Subtract, ...localSet(this.#rows),
    ]
  }

  /** 1 / places of windows of so many columns, for a mean. */
  divisor(columns: number): Code {
    const { kind, countPadding, poolSize } = this.#shape
    if (kind === 'max') return []
    if (countPadding) return [...f32x4Const(1 / (poolSize[0] * poolSize[1])), ...localSet(this.#share)]
    return [...f32Const(1), ...localGet(this.#rows), ...i32Const(columns), ...i32Multiply, ...f32ConvertI32, ...f32Divide, ...f32x4Splat, ...localSet(this.#share)]
  }

  /** A pixel from a window of so many columns. */
  write(columns: number): Code {
    const { input, output } = this.#shape
    const vectors = vectorChannels(input.channels) / 4
    return [
      ...point(this.#channel, this.first),
      ...this.#builder.times(Math.floor(vectors / vectorsAtOnce), this.#vectors(vectorsAtOnce, columns)),
      ...(vectors % vectorsAtOnce === 0 ? [] : this.#vectors(vectors % vectorsAtOnce, columns)),
      ...move(this.output, output.pixelBytes - 16 * vectors),
    ]
  }

  #vectors(count: number, columns: number): Code {
    const { kind, input } = this.#shape
    const values = this.#values.slice(0, count)
    const load = (index: number, vector: number): Code => [...localGet(this.#place), ...v128Load(index * input.pixelBytes + 16 * vector)]
    const join = (index: number, value: number, vector: number): Code => kind === 'max'
      ? [
        ...localGet(value), ...load(index, vector), ...localTee(this.#loaded), ...f32x4PseudoMaximum, ...localSet(value),
        ...localGet(this.#nans[vector]!), ...localGet(this.#loaded), ...localGet(this.#loaded), ...f32x4NotEqual, ...v128Or, ...localSet(this.#nans[vector]!),
      ]
      : [...localGet(value), ...load(index, vector), ...f32x4Add, ...localSet(value)]
    const column = (index: number): Code => values.flatMap((value, vector) => join(index, value, vector))
    // Wide windows take their columns in a loop, which costs little there.
    const row: Code = columns <= 4 ? Array.from({ length: columns }, (_, index) => column(index)).flat() : [...this.#builder.times(columns, column(0), move(this.#place, input.pixelBytes)), ...move(this.#place, -columns * input.pixelBytes)]
    return [
      ...values.flatMap((value, vector) => [...f32x4Const(kind === 'max' ? -Infinity : 0), ...localSet(value), ...f32x4Const(0), ...localSet(this.#nans[vector]!)]),
      ...point(this.#place, this.#channel),
      ...(columns > 0 ? whilePositive(this.#rowsLeft, this.#rows, row, move(this.#place, input.rowBytes)) : []),
      ...values.flatMap((value, vector) => [...localGet(value), ...(kind === 'max' ? [...localGet(this.#nans[vector]!), ...v128Or] : [...localGet(this.#share), ...f32x4Multiply]), ...localSet(value)]),
      ...values.flatMap((value, vector) => [...localGet(this.output), ...localGet(value), ...v128Store(16 * vector)]),
      ...move(this.#channel, 16 * count), ...move(this.output, 16 * count),
    ]
  }
}

/** Runs the body `count` times, if that is above 0; `left` counts down. */
function whilePositive(left: number, count: number, ...body: Code[]): Code {
  return [
    ...point(left, count), ...localGet(left), ...i32Const(0), ...i32GreaterSigned,
    ...ifThen(loop(...body, localGet(left), i32Const(-1), i32Add, localTee(left), branchIf(0))),
  ]
}
