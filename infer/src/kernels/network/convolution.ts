// Direct convolution: a tile of pixels x 8 filters is held in registers while the kernel's places and the
// channels run by. Nothing is gathered beforehand and no edge is tested, since the input carries a border
// of zeros as wide as the padding: of a window, each row of the kernel meets one run of memory.
//
//   group > panel of 8 filters > image > row > tile:
//     sums = bias                                         tile · 2 vectors
//     each ky:  each (kx, channel) in a run:              one splat a pixel, two vectors of weights
//       sums[pixel] += input[pixel·stride + run] · weights[run]
//     + residual, activation, affine, store
//
// Pixels of a tile differ by a constant, which goes into the instruction; so two addresses move, input and
// weights. Rows of pixels are cut into tiles of at most two sizes (14 = 4+4+3+3). The loop over the run is
// not unrolled: Node 20's compiler then keeps too many loads in registers and spills.

import {
  branchIf, f32x4Add, f32x4Multiply, f32x4RelaxedMultiplyAdd, i32Add, i32Const, i32LessUnsigned, localGet, localSet, localTee, loop,
  v128Load, v128Load32Splat, v128Store, v128Store32Lane, type Code, type FunctionSpec,
} from '../assembler.js'
import { FunctionBuilder, move, point } from '../function-builder.js'
import { epilogueKey, finishVector, type Epilogue } from './activation.js'
import { batchCount, inputAddress, isDense, kernelParameters, layoutKey, outputAddress, secondAddress, vectorChannels, weightsAddress, type Kernel, type Layout, type Variant } from './kernel.js'
import { leadingRow, packPanels, panelBytes, panelRowBytes, type EpilogueWeights, type PanelShape } from './panels.js'

export interface ConvolutionShape {
  readonly input: Layout
  readonly output: Layout
  /** Of the value that the epilogue adds. */
  readonly residual?: Layout
  readonly kernelSize: readonly [height: number, width: number]
  readonly strides: readonly [vertical: number, horizontal: number]
  readonly dilations: readonly [vertical: number, horizontal: number]
  /** Rows above and columns left of the first window's input; the input's border holds them. */
  readonly padding: readonly [top: number, left: number]
  readonly groups: number
  readonly epilogue: Epilogue
}

/** @param kernel [kh, kw, channels / groups, filters] */
export function convolutionKernel(shape: ConvolutionShape, kernel: Float32Array, leading: EpilogueWeights): Kernel {
  const { input, output, kernelSize, groups } = shape
  const [channels, filters] = [input.channels / groups, output.channels]
  const lying = lyingChannels(shape)
  const panel = panelShape(shape)
  const begin = (row: number): number => {
    const [place, channel] = [Math.floor(row / lying), row % lying]
    return channel < channels ? (place * channels + channel) * filters : -1
  }
  return {
    name: `direct ${kernelSize.join('x')}`,
    key: ['convolution', layoutKey(input), layoutKey(output), shape.residual ? layoutKey(shape.residual) : '', kernelSize, shape.strides, shape.dilations, shape.padding, groups, epilogueKey(shape.epilogue)].join(';'),
    emit: (variant) => emitConvolution(shape, variant),
    tile: (variant) => tileName(shape, variant),
    weights: packPanels(panel, shape.epilogue, leading, kernel, begin),
    multiplyAdds: output.height * output.width * filters * kernelSize[0] * kernelSize[1] * channels,
  }
}

/** Channels of a group with the zeros that fill their last vector, where reading those saves a loop. */
function lyingChannels({ input, groups }: ConvolutionShape): number {
  const whole = vectorChannels(input.channels)
  return groups === 1 && input.pixelBytes === 4 * whole ? whole : input.channels / groups
}

function panelShape(shape: ConvolutionShape): PanelShape {
  const { kernelSize, groups, output } = shape
  return { groups, filters: output.channels / groups, rows: kernelSize[0] * kernelSize[1] * lyingChannels(shape) }
}

/** Tiles of a row: `count` of `pixels`, then others; never more than two sizes. */
export function cutRow(width: number, tilePixels: number): { readonly pixels: number; readonly count: number }[] {
  const tiles = Math.ceil(width / tilePixels)
  const small = Math.floor(width / tiles)
  const larger = width % tiles
  return [{ pixels: small + 1, count: larger }, { pixels: small, count: tiles - larger }].filter(({ count }) => count > 0)
}

/** "4x8", "4+3x8" */
function tileName(shape: ConvolutionShape, variant: Variant): string {
  const tiles = cutRow(rowsOf(shape)[1], variant.tilePixels).map(({ pixels }) => pixels)
  return `${tiles.join('+')}x${Math.min(8, shape.output.channels / shape.groups)}`
}

/** Rows of pixels that are cut into tiles, and their width. */
function rowsOf(shape: ConvolutionShape): readonly [rows: number, width: number] {
  const { height, width } = shape.output
  return isOneRow(shape) ? [1, height * width] : [height, width]
}

function emitConvolution(shape: ConvolutionShape, variant: Variant): FunctionSpec {
  const { input, output, groups, padding } = shape
  const builder = new FunctionBuilder(kernelParameters)
  const [panel, groupInput, groupOutput, groupResidual, imageInput, imageOutput, imageResidual] = builder.locals('i32', 7) as [number, number, number, number, number, number, number]
  const tile = new TileWriter(builder, shape, variant, panel)
  const filters = output.channels / groups
  const isFlat = isOneRow(shape)
  const [rows, width] = rowsOf(shape)
  const rowGap = (layout: Layout, step: number, advanced: number): number => (isFlat ? 0 : layout.rowBytes * step - advanced)

  /** All pixels of one panel, whose filters are stored as so many vectors. */
  const panelCode = (filtersHere: number): Code => {
    const images = builder.local('i32')
    const tiles = cutRow(width, variant.tilePixels).map(({ pixels, count }) => builder.times(count, tile.write(pixels, filtersHere)))
    return [
      ...point(imageInput, groupInput), ...point(imageOutput, groupOutput), ...point(imageResidual, groupResidual),
      ...localGet(batchCount), ...localSet(images),
      ...loop(
        point(tile.input, imageInput), point(tile.output, imageOutput), point(tile.residual, imageResidual),
        builder.times(rows, ...tiles,
          move(tile.input, rowGap(input, shape.strides[0], width * shape.strides[1] * input.pixelBytes)),
          move(tile.output, rowGap(output, 1, width * output.pixelBytes)),
          shape.residual ? move(tile.residual, rowGap(shape.residual, 1, width * shape.residual.pixelBytes)) : []),
        move(imageInput, input.imageBytes), move(imageOutput, output.imageBytes), shape.residual ? move(imageResidual, shape.residual.imageBytes) : [],
        localGet(images), i32Const(-1), i32Add, localTee(images), branchIf(0)),
      ...move(panel, panelBytes(panelShape(shape), shape.epilogue)),
      ...move(groupOutput, 4 * filtersHere), ...move(groupResidual, 4 * filtersHere),
    ]
  }
  const whole = Math.floor(filters / 8)
  return builder.finish('convolution',
    point(panel, weightsAddress),
    point(groupInput, inputAddress, -(padding[0] * input.rowBytes + padding[1] * input.pixelBytes)),
    point(groupOutput, outputAddress), point(groupResidual, secondAddress),
    builder.times(groups,
      builder.times(whole, panelCode(8)),
      filters % 8 === 0 ? [] : panelCode(filters % 8),
      move(groupInput, (4 * input.channels) / groups)))
}

/** Whether pixels follow one another evenly from the first of an image to its last: a 1x1 kernel sees no rows. */
function isOneRow({ kernelSize, strides, padding, input, output, residual }: ConvolutionShape): boolean {
  const isPointwise = [...kernelSize, ...strides].every((size) => size === 1) && padding.every((size) => size === 0)
  return isPointwise && [input, output, ...(residual ? [residual] : [])].every(isDense)
}

/** Writes the code of one tile; its addresses move on to the next. */
class TileWriter {
  readonly input: number
  readonly output: number
  readonly residual: number
  readonly #builder: FunctionBuilder
  readonly #shape: ConvolutionShape
  readonly #variant: Variant
  readonly #panel: number
  readonly #place: number
  readonly #weights: number
  readonly #end: number
  readonly #sums: readonly number[]
  readonly #loaded: readonly number[]
  readonly #splat: number

  constructor(builder: FunctionBuilder, shape: ConvolutionShape, variant: Variant, panel: number) {
    this.#builder = builder
    this.#shape = shape
    this.#variant = variant
    this.#panel = panel
    ;[this.input, this.output, this.residual, this.#place, this.#weights, this.#end] = builder.locals('i32', 6) as [number, number, number, number, number, number]
    this.#sums = builder.locals('v128', 2 * variant.tilePixels)
    this.#loaded = builder.locals('v128', 2)
    this.#splat = builder.local('v128')
  }

  write(pixels: number, filters: number): Code {
    const { input, output, residual, strides, epilogue } = this.#shape
    const vectors = filters > 4 ? 2 : 1
    const each = (code: (pixel: number, vector: number, sum: number) => Code): Code =>
      Array.from({ length: pixels * vectors }, (_, index) => code(Math.floor(index / vectors), index % vectors, this.#sums[index]!)).flat()
    const leading = (name: 'bias' | 'alpha' | 'scale' | 'shift', vector: number): number => leadingRow(epilogue, name) + 16 * vector
    return [
      ...each((_, vector, sum) => [...localGet(this.#panel), ...v128Load(leading('bias', vector)), ...localSet(sum)]),
      ...point(this.#weights, this.#panel, panelBytes(panelShape(this.#shape), epilogue) - panelShape(this.#shape).rows * panelRowBytes),
      ...this.#products(pixels, vectors),
      // Every residual is loaded before the first sum is stored: mixed, they cost up to half the speed.
      ...(residual ? each((pixel, vector, sum) => [...localGet(sum), ...localGet(this.residual), ...v128Load(pixel * residual.pixelBytes + 16 * vector), ...f32x4Add, ...localSet(sum)]) : []),
      ...each((_, vector, sum) => finishVector(this.#builder, epilogue, sum, this.#panel, (name) => leading(name, vector))),
      ...each((pixel, vector, sum) => this.#store(sum, pixel * output.pixelBytes + 16 * vector, filters - 4 * vector)),
      ...move(this.input, pixels * strides[1] * input.pixelBytes), ...move(this.output, pixels * output.pixelBytes),
      ...(residual ? move(this.residual, pixels * residual.pixelBytes) : []),
    ]
  }

  /** A vector of at most `filters` sums; spare lanes are stored too where they fall on the pixel's own padding. */
  #store(sum: number, offsetBytes: number, filters: number): Code {
    const { output, groups } = this.#shape
    const isPadded = groups === 1 && output.pixelBytes === 4 * vectorChannels(output.channels)
    if (filters >= 4 || isPadded) return [...localGet(this.output), ...localGet(sum), ...v128Store(offsetBytes)]
    return Array.from({ length: filters }, (_, lane) => [...localGet(this.output), ...localGet(sum), ...v128Store32Lane(lane, offsetBytes + 4 * lane)]).flat()
  }

  /** All products of the window: the kernel's rows, each in runs that lie together. */
  #products(pixels: number, vectors: number): Code {
    const { input, kernelSize: [height, width], dilations } = this.#shape
    const channels = lyingChannels(this.#shape)
    const isOneRun = width === 1 || (dilations[1] === 1 && input.pixelBytes === 4 * channels)
    const [runs, runLength] = isOneRun ? [1, width * channels] : [width, channels]
    const ahead = isOneRun ? 4 * runLength : runs * dilations[1] * input.pixelBytes // what a kernel's row moves the address by
    return [
      ...point(this.#place, this.input),
      ...this.#builder.times(height,
        this.#builder.times(runs,
          this.#run(runLength, pixels, vectors),
          move(this.#place, isOneRun ? 0 : dilations[1] * input.pixelBytes - 4 * runLength)),
        move(this.#place, dilations[0] * input.rowBytes - ahead)),
    ]
  }

  #run(length: number, pixels: number, vectors: number): Code {
    const { input, strides } = this.#shape
    const { fusedMultiplyAdd } = this.#variant
    const product = (sum: number, vector: number): Code => fusedMultiplyAdd
      ? [...localGet(this.#splat), ...localGet(this.#loaded[vector]!), ...localGet(sum), ...f32x4RelaxedMultiplyAdd, ...localSet(sum)]
      : [...localGet(sum), ...localGet(this.#splat), ...localGet(this.#loaded[vector]!), ...f32x4Multiply, ...f32x4Add, ...localSet(sum)]
    const each = (count: number, code: (index: number) => Code): Code => Array.from({ length: count }, (_, index) => code(index)).flat()
    return [
      ...point(this.#end, this.#place, 4 * length),
      ...loop(
        each(vectors, (vector) => [...localGet(this.#weights), ...v128Load(16 * vector), ...localSet(this.#loaded[vector]!)]),
        each(pixels, (pixel) => [
          ...localGet(this.#place), ...v128Load32Splat(pixel * strides[1] * input.pixelBytes), ...localSet(this.#splat),
          ...each(vectors, (vector) => product(this.#sums[pixel * vectors + vector]!, vector)),
        ]),
        move(this.#weights, panelRowBytes),
        localGet(this.#place), i32Const(4), i32Add, localTee(this.#place), localGet(this.#end), i32LessUnsigned, branchIf(0)),
    ]
  }
}
