// Winograd convolution of stride 1: F(4x4,3x3) and F(2x2,5x5), which share their transform of 6x6 inputs.
// Of a tile of m x m outputs and a channel it makes 36 products, where the definition has 144 (m = 4) or
// 100 (m = 2).
//
//   block of tile rows, of all images together:
//     input     6x6 pixels of each tile and channel → V [36][tile][channel]
//     multiply  for each of 36:  M [tile][filter] = V [tile][channel] · U [channel][filter]
//     output    M → m x m pixels: bias, residual, activation, affine, store
//
// Blocks are small enough for V and M to stay in the second cache, and large enough that reading U, which
// streams past once a block, is paid for. Neighbouring tiles share input columns, so the vertical half of
// the input's transform is made once a column. Tiles that reach past the image take zeros for what they
// would read there and do not store what they would write there.

import {
  branchIf, f32x4Add, i32Const, i32EqualsZero, i32LessUnsigned, i32Multiply, i32Subtract, ifThen, localGet, localSet, localTee, loop, memoryFill, v128Load, v128Store, type Code, type FunctionSpec,
} from '../assembler.js'
import { each, minimum } from '../control.js'
import { FunctionBuilder, move, point } from '../function-builder.js'
import { epilogueKey, epilogueRows, finishVector } from './activation.js'
import type { ConvolutionShape } from './convolution.js'
import { batchCount, inputAddress, kernelParameters, layoutKey, outputAddress, secondAddress, weightsAddress, workspaceAddress, type Kernel, type Layout, type Variant } from './kernel.js'
import type { EpilogueWeights } from './panels.js'
import { columnBytes, columnsOf, lineVectors, planTiles, vectorBytes, type TilePlan } from './winograd-plan.js'
import { multiplyStage } from './winograd-product.js'
import { Factors, inputTransform, outputTransform, transformPoints } from './winograd-transform.js'
import { packWinograd } from './winograd-weights.js'

/**
 * @param kernel [size, size, channels, filters]
 * @param batch most images a call takes
 */
export function winogradKernel(shape: ConvolutionShape, batch: number, kernel: Float32Array, leading: EpilogueWeights): Kernel {
  const { input, output, kernelSize: [size], epilogue } = shape
  const plan = planTiles(shape, batch)
  return {
    name: `Winograd F(${plan.tile}x${plan.tile},${size}x${size})`,
    key: ['winograd', layoutKey(input), layoutKey(output), shape.residual ? layoutKey(shape.residual) : '', size, shape.padding, plan.blockRows, epilogueKey(epilogue)].join(';'),
    emit: (variant) => new WinogradWriter(shape, plan, variant).emit(),
    tile: (variant) => `${variant.tilePixels}x8`,
    weights: packWinograd(kernel, size, output.channels, epilogue, leading),
    workspaceBytes: () => plan.bytes,
    multiplyAdds: output.height * output.width * output.channels * size * size * input.channels,
  }
}

class WinogradWriter {
  readonly #shape: ConvolutionShape
  readonly #plan: TilePlan
  readonly #variant: Variant
  readonly #builder = new FunctionBuilder(kernelParameters)
  /** The block's tile rows. */
  readonly #rows = this.#builder.local('i32')
  readonly #vectors: readonly number[]
  readonly #spare: readonly number[]
  readonly #pixels: readonly number[]
  readonly #factors = new Factors(this.#builder)
  /** Never set. */
  readonly #zero = this.#builder.local('v128')

  constructor(shape: ConvolutionShape, plan: TilePlan, variant: Variant) {
    this.#shape = shape
    this.#plan = plan
    this.#variant = variant
    this.#vectors = this.#builder.locals('v128', transformPoints)
    this.#spare = this.#builder.locals('v128', 4)
    this.#pixels = this.#builder.locals('v128', plan.tile)
  }

  emit(): FunctionSpec {
    const { input, output, residual, padding } = this.#shape
    const { tileRows, tileColumns, blockRows } = this.#plan
    const [left, tiles] = this.#builder.locals('i32', 2) as [number, number]
    const read = new RowPointer(this.#builder, this.#plan, [[inputAddress, input]])
    const write = new RowPointer(this.#builder, this.#plan, [[outputAddress, output], ...(residual ? [[secondAddress, residual] as const] : [])])
    const stages: Code = [
      ...this.#inputStage(read),
      ...localGet(this.#rows), ...i32Const(tileColumns), ...i32Multiply, ...localSet(tiles),
      ...multiplyStage(this.#builder, this.#shape, this.#plan, this.#variant, tiles),
      ...this.#outputStage(write),
    ]
    return this.#builder.finish('winograd',
      read.begin, move(read.addresses[0]!, -(padding[0] * input.rowBytes + padding[1] * input.pixelBytes)), write.begin,
      this.#factors.begin(), this.#clearMissingColumns(),
      localGet(batchCount), i32Const(tileRows), i32Multiply, localSet(left),
      loop(
        minimum(i32Const(blockRows), localGet(left)), localSet(this.#rows),
        stages,
        localGet(left), localGet(this.#rows), i32Subtract, localTee(left), branchIf(0)))
  }

  /** Runs the body for each tile row of the block. */
  #eachRow(body: Code, rows: RowPointer): Code {
    const count = this.#builder.local('i32')
    return [...localGet(this.#rows), ...localSet(count), ...loop(body, rows.next, localGet(count), i32Const(1), i32Subtract, localTee(count), branchIf(0))]
  }

  /** Zeros in the scratch for the columns past the image's border, which no stage writes. */
  #clearMissingColumns(): Code {
    const { tile, tileColumns, columns } = this.#plan
    const [readable, all] = [this.#readableColumns(), columnsOf(tileColumns, tile)]
    if (readable === all) return []
    const at = this.#builder.local('i32')
    return [
      ...point(at, workspaceAddress, columns + readable * columnBytes),
      ...this.#builder.times(lineVectors, localGet(at), i32Const(0), i32Const((all - readable) * columnBytes), memoryFill, move(at, all * columnBytes)),
    ]
  }

  /** Columns that the definition reads: beyond them there may be no memory. */
  #readableColumns(): number {
    return this.#shape.output.width + this.#shape.kernelSize[1] - 1
  }

  /** Of each tile row, a cache line of channels at a time: Bᵀ d by columns into the scratch, then · B by tiles into V. */
  #inputStage(row: RowPointer): Code {
    const builder = this.#builder
    const { input, output, kernelSize: [size] } = this.#shape
    const { tile, tileRows, tileColumns, inputTileBytes } = this.#plan
    const [channel, values, left, group] = builder.locals('i32', 4) as [number, number, number, number]
    const channelVectors = Math.ceil(input.channels / 4)
    const lastRows = output.height - (tileRows - 1) * tile + size - 1
    return [
      ...point(values, workspaceAddress),
      ...this.#eachRow([
        ...point(channel, row.addresses[0]!), ...i32Const(channelVectors), ...localSet(left),
        ...loop(
          minimum(i32Const(lineVectors), localGet(left)), localSet(group),
          this.#columnTransforms(channel, group, lastRows, row),
          this.#tileTransforms(values, group),
          move(channel, lineVectors * vectorBytes), move(values, lineVectors * vectorBytes),
          localGet(left), localGet(group), i32Subtract, localTee(left), branchIf(0)),
        ...move(values, tileColumns * inputTileBytes - Math.ceil(channelVectors / lineVectors) * lineVectors * vectorBytes),
      ], row),
    ]
  }

  /** Bᵀ d of all columns and a group of channel vectors into the scratch: [vector][column][6]. */
  #columnTransforms(channel: number, group: number, lastRows: number, row: RowPointer): Code {
    const builder = this.#builder
    const { tile, tileColumns, columns } = this.#plan
    const [vectors, from, column, to] = builder.locals('i32', 4) as [number, number, number, number]
    const readable = this.#readableColumns()
    return [
      ...point(from, channel), ...point(to, workspaceAddress, columns), ...localGet(group), ...localSet(vectors),
      ...loop(
        point(column, from),
        builder.times(readable, this.#columnTransform(column, to, lastRows, row), move(column, this.#shape.input.pixelBytes), move(to, columnBytes)),
        move(from, vectorBytes), move(to, (columnsOf(tileColumns, tile) - readable) * columnBytes),
        localGet(vectors), i32Const(1), i32Subtract, localTee(vectors), branchIf(0)),
    ]
  }

  /** (Bᵀ d) B of all tiles and a group of channel vectors: from the scratch into V. */
  #tileTransforms(values: number, group: number): Code {
    const builder = this.#builder
    const { tile, tileColumns, inputTileBytes, inputBytes, columns } = this.#plan
    const [vectors, tileFrom, tileTo, from, to] = builder.locals('i32', 5) as [number, number, number, number, number]
    return [
      ...point(tileFrom, workspaceAddress, columns), ...point(tileTo, values),
      ...builder.times(tileColumns,
        point(from, tileFrom), point(to, tileTo), localGet(group), localSet(vectors),
        loop(
          this.#tileTransform(from, to), move(from, columnsOf(tileColumns, tile) * columnBytes - columnBytes), move(to, vectorBytes - transformPoints ** 2 * inputBytes),
          localGet(vectors), i32Const(1), i32Subtract, localTee(vectors), branchIf(0)),
        move(tileFrom, tile * columnBytes), move(tileTo, inputTileBytes)),
    ]
  }

  /** Six pixels of a column → six vectors in the scratch. The last tile row of an image has only `lastRows`. */
  #columnTransform(from: number, to: number, lastRows: number, row: RowPointer): Code {
    const { rowBytes } = this.#shape.input
    const load = (index: number): Code => [...localGet(from), ...v128Load(index * rowBytes), ...localSet(this.#vectors[index]!)]
    return [
      ...each(transformPoints, (index) => (index < lastRows ? load(index) : [...localGet(this.#zero), ...localSet(this.#vectors[index]!), ...row.unlessLast(load(index))])),
      ...inputTransform(this.#factors, this.#vectors, this.#spare, (at, value) => [...localGet(to), ...value, ...v128Store(at * vectorBytes)]),
    ]
  }

  /** Six columns of the scratch → 36 vectors of V; the addresses move by 6 vectors and 36. */
  #tileTransform(from: number, to: number): Code {
    const { inputBytes } = this.#plan
    return this.#builder.times(transformPoints,
      each(transformPoints, (column) => [...localGet(from), ...v128Load(column * columnBytes), ...localSet(this.#vectors[column]!)]),
      inputTransform(this.#factors, this.#vectors, this.#spare, (at, value) => [...localGet(to), ...value, ...v128Store(at * inputBytes)]),
      move(from, vectorBytes), move(to, transformPoints * inputBytes))
  }

  /** Of each tile, four filters at a time: Aᵀ M into the scratch, then · A by rows of pixels. */
  #outputStage(row: RowPointer): Code {
    const builder = this.#builder
    const { output } = this.#shape
    const { tile, tileRows, tileColumns, productTileBytes, products } = this.#plan
    const [sums, pixelRows, columnsLeft] = builder.locals('i32', 3) as [number, number, number]
    const tilePlaces = builder.locals('i32', row.addresses.length)
    const lastRows = output.height - (tileRows - 1) * tile
    return [
      ...point(sums, workspaceAddress, products),
      ...this.#eachRow([
        ...i32Const(lastRows), ...localSet(pixelRows), ...(lastRows === tile ? [] : row.unlessLast([...i32Const(tile), ...localSet(pixelRows)])),
        ...tilePlaces.flatMap((place, index) => point(place, row.addresses[index]!)),
        ...i32Const(output.width), ...localSet(columnsLeft),
        ...builder.times(tileColumns,
          this.#outputTile(sums, tilePlaces, pixelRows, columnsLeft),
          move(sums, productTileBytes), move(columnsLeft, -tile), tilePlaces.flatMap((place, index) => move(place, tile * row.layouts[index]!.pixelBytes))),
      ], row),
    ]
  }

  #outputTile(tileSums: number, tilePlaces: readonly number[], pixelRows: number, columnsLeft: number): Code {
    const builder = this.#builder
    const { output, epilogue } = this.#shape
    const { tile, productBytes, pixels } = this.#plan
    const [sums, leading, to] = builder.locals('i32', 3) as [number, number, number]
    const places = builder.locals('i32', tilePlaces.length)
    return [
      ...point(sums, tileSums), ...point(leading, weightsAddress), ...places.flatMap((place, index) => point(place, tilePlaces[index]!)),
      ...builder.times(Math.ceil(output.channels / 4),
        point(to, workspaceAddress, pixels),
        builder.times(transformPoints,
          each(transformPoints, (row) => [...localGet(sums), ...v128Load(row * transformPoints * productBytes), ...localSet(this.#vectors[row]!)]),
          outputTransform(this.#factors, tile, this.#vectors, this.#spare, (row, value) => [...localGet(to), ...value, ...v128Store(row * columnBytes)]),
          move(sums, productBytes), move(to, vectorBytes)),
        move(to, -columnBytes),
        this.#pixelRows(to, places, pixelRows, columnsLeft, leading),
        move(sums, vectorBytes - transformPoints * productBytes), places.flatMap((place) => move(place, vectorBytes)),
        move(leading, vectorBytes * epilogueRows(epilogue).length)),
    ]
  }

  /** The pixels of a tile that lie in the image, row by row from the scratch. */
  #pixelRows(from: number, tilePlaces: readonly number[], pixelRows: number, columnsLeft: number, leading: number): Code {
    const { output, residual, epilogue } = this.#shape
    const { tile, tileColumns } = this.#plan
    const rowOf = (name: 'bias' | 'alpha' | 'scale' | 'shift'): number => epilogueRows(epilogue).indexOf(name) * vectorBytes
    const left = this.#builder.local('i32')
    const places = this.#builder.locals('i32', tilePlaces.length)
    const [to, second] = places as [number, number]
    const pixels = this.#pixels
    const lastColumns = output.width - (tileColumns - 1) * tile
    /** Code for each column of the tile, which the last tile may not have. */
    const eachColumn = (code: (column: number, pixel: number) => Code): Code =>
      each(tile, (column) => (column < lastColumns ? code(column, pixels[column]!) : [...i32Const(column), ...localGet(columnsLeft), ...i32LessUnsigned, ...ifThen(code(column, pixels[column]!))]))
    return [
      ...places.flatMap((place, index) => point(place, tilePlaces[index]!)), ...localGet(pixelRows), ...localSet(left),
      ...loop(
        each(transformPoints, (column) => [...localGet(from), ...v128Load(column * vectorBytes), ...localSet(this.#vectors[column]!)]),
        outputTransform(this.#factors, tile, this.#vectors, this.#spare, (column, value) => [...value, ...localGet(leading), ...v128Load(rowOf('bias')), ...f32x4Add, ...localSet(pixels[column]!)]),
        // Every residual is loaded before the first sum is stored, as in the direct convolution.
        residual ? eachColumn((column, pixel) => [...localGet(pixel), ...localGet(second), ...v128Load(column * residual.pixelBytes), ...f32x4Add, ...localSet(pixel)]) : [],
        eachColumn((column, pixel) => [...finishVector(this.#builder, epilogue, pixel, leading, rowOf), ...localGet(to), ...localGet(pixel), ...v128Store(column * output.pixelBytes)]),
        move(from, columnBytes), move(to, output.rowBytes), residual ? move(second, residual.rowBytes) : [],
        localGet(left), i32Const(1), i32Subtract, localTee(left), branchIf(0)),
    ]
  }
}

/** Addresses that go down the tile rows of one image after the other. */
class RowPointer {
  readonly addresses: readonly number[]
  readonly layouts: readonly Layout[]
  readonly begin: Code
  /** To the next tile row, which may be the next image's first. */
  readonly next: Code
  readonly #left: number

  constructor(builder: FunctionBuilder, { tile, tileRows }: TilePlan, tensors: readonly (readonly [address: number, layout: Layout])[]) {
    this.addresses = builder.locals('i32', tensors.length)
    this.layouts = tensors.map(([, layout]) => layout)
    this.#left = builder.local('i32')
    const moveAll = (bytes: (layout: Layout) => number): Code => this.addresses.flatMap((address, index) => move(address, bytes(this.layouts[index]!)))
    const restart: Code = [...i32Const(tileRows), ...localSet(this.#left)]
    this.begin = [...tensors.flatMap(([from], index) => point(this.addresses[index]!, from)), ...restart]
    this.next = [
      ...moveAll(({ rowBytes }) => tile * rowBytes),
      ...localGet(this.#left), ...i32Const(1), ...i32Subtract, ...localTee(this.#left), ...i32EqualsZero,
      ...ifThen(moveAll(({ rowBytes, imageBytes }) => imageBytes - tileRows * tile * rowBytes), restart),
    ]
  }

  /** Runs the code in all but an image's last tile row. */
  unlessLast(code: Code): Code {
    return [...localGet(this.#left), ...i32Const(1), ...i32Subtract, ...ifThen(code)]
  }
}
