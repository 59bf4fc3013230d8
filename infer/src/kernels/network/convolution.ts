// Direct convolution: a tile of pixels x 8 filters is held in registers while the kernel's places and the
// channels run by. Nothing is gathered beforehand and no edge is tested, since the input carries a border
// of zeros as wide as the padding: of a window, each row of the kernel meets one run of memory.
//
//   block of images or rows > group > panel of 8 filters > image > row > tile:
//     sums = bias                                         tile · 2 vectors
//     each ky:  each (kx, channel) in a run:              one splat a pixel, two vectors of weights
//       sums[pixel] += input[pixel·stride + run] · weights[run]
//     + residual, activation, affine, store
//
// Pixels of a tile differ by a constant, which goes into the instruction; so two addresses move, input and
// weights. Rows of pixels are cut into tiles of at most two sizes (14 = 4+4+3+3). The loop over the run is
// not unrolled: Node 20's compiler then keeps too many loads in registers and spills.

import {
  branchIf, f32x4Add, f32x4Multiply, f32x4RelaxedMultiplyAdd, i32Add, i32Const, i32LessSigned, i32LessUnsigned, i32Multiply, i32Subtract, localGet, localSet, localTee, loop, select,
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

/** How much of input and output stays in a second cache while all panels of weights run past it. */
const blockBytes = 1 << 20

/** An image in pieces of rows that fit the cache, or so many images at a time where they are small. */
interface Blocks {
  readonly images: number
  readonly rows: number
}

function planBlocks({ input, output }: ConvolutionShape): Blocks {
  const imageBytes = input.imageBytes + output.height * output.width * 4 * output.channels
  if (imageBytes <= blockBytes) return { images: Math.floor(blockBytes / imageBytes), rows: output.height }
  const most = Math.max(1, Math.floor((output.height * blockBytes) / imageBytes))
  // Blocks of one size need one function; a rest is put up with where they would be too small.
  const even = Array.from({ length: Math.ceil(most / 2) }, (_, index) => most - index).find((rows) => output.height % rows === 0)
  return { images: 1, rows: even ?? most }
}

/** "4x8", "4+3x8" */
function tileName(shape: ConvolutionShape, { tilePixels }: Variant): string {
  const { width, channels } = shape.output
  const { rows } = planBlocks(shape)
  const row = width * (isOneRow(shape) ? rows : rowsAtOnce(rows, width, tilePixels))
  return `${cutRow(row, tilePixels).map(({ pixels }) => pixels).join('+')}x${Math.min(8, channels / shape.groups)}`
}

/** Where a row is less than half a tile, a tile takes several. */
const rowsAtOnce = (rows: number, width: number, tilePixels: number): number => Math.min(rows, Math.max(1, Math.floor(tilePixels / width)))

function emitConvolution(shape: ConvolutionShape, variant: Variant): FunctionSpec {
  return new ConvolutionWriter(shape, variant).write()
}

/** The loops round the tiles. */
class ConvolutionWriter {
  readonly #builder = new FunctionBuilder(kernelParameters)
  readonly #shape: ConvolutionShape
  readonly #variant: Variant
  readonly #tile: TileWriter
  readonly #blocks: Blocks
  readonly #panel = this.#builder.local('i32')
  readonly #imagesLeft = this.#builder.local('i32')
  readonly #blockImages = this.#builder.local('i32')
  readonly #image = this.#builder.local('i32')
  /** The values that move along: input, output, residual. */
  readonly #values: readonly Moving[]

  constructor(shape: ConvolutionShape, variant: Variant) {
    const { input, output, residual, strides } = shape
    this.#shape = shape
    this.#variant = variant
    this.#tile = new TileWriter(this.#builder, shape, variant, this.#panel)
    this.#blocks = planBlocks(shape)
    const moving = (layout: Layout, steps: readonly [number, number], tile: number): Moving => ({ layout, steps, tile, block: this.#builder.local('i32'), group: this.#builder.local('i32'), image: this.#builder.local('i32') })
    this.#values = [moving(input, strides, this.#tile.input), moving(output, [1, 1], this.#tile.output), ...(residual ? [moving(residual, [1, 1], this.#tile.residual)] : [])]
  }

  write(): FunctionSpec {
    const { input, output, padding } = this.#shape
    const { rows, images } = this.#blocks
    const begins = [[inputAddress, -(padding[0] * input.rowBytes + padding[1] * input.pixelBytes)], [outputAddress, 0], [secondAddress, 0]] as const
    const rest = output.height % rows
    return this.#builder.finish('convolution',
      ...this.#values.map(({ block }, index) => point(block, begins[index]![0], begins[index]![1])),
      localGet(batchCount), localSet(this.#imagesLeft),
      loop(
        smaller(this.#imagesLeft, images, this.#blockImages),
        this.#builder.times(Math.floor(output.height / rows), this.#block(rows), this.#each(({ block, layout, steps }) => move(block, rows * steps[0] * layout.rowBytes))),
        rest === 0 ? [] : this.#block(rest),
        this.#each(({ block, layout, steps }) => [...move(block, -(output.height - rest) * steps[0] * layout.rowBytes), ...localGet(block), ...localGet(this.#blockImages), ...i32Const(layout.imageBytes), ...i32Multiply, ...i32Add, ...localSet(block)]),
        localGet(this.#imagesLeft), localGet(this.#blockImages), i32Subtract, localTee(this.#imagesLeft), branchIf(0)))
  }

  #each(code: (value: Moving) => Code): Code {
    return this.#values.flatMap(code)
  }

  /** Every panel over so many rows of the block's images. */
  #block(rows: number): Code {
    const { input, output, groups } = this.#shape
    const filters = output.channels / groups
    return [
      ...point(this.#panel, weightsAddress), ...this.#each(({ group, block }) => point(group, block)),
      ...this.#builder.times(groups,
        this.#builder.times(Math.floor(filters / 8), this.#overImages(rows, 8)),
        filters % 8 === 0 ? [] : this.#overImages(rows, filters % 8),
        move(this.#values[0]!.group, (4 * input.channels) / groups)),
    ]
  }

  /** One panel, whose filters are stored as so many vectors; then the next. */
  #overImages(rows: number, filters: number): Code {
    return [
      ...this.#each(({ image, group }) => point(image, group)), ...localGet(this.#blockImages), ...localSet(this.#image),
      ...loop(
        this.#each(({ tile, image }) => point(tile, image)),
        this.#overRows(rows, filters),
        this.#each(({ image, layout }) => move(image, layout.imageBytes)),
        localGet(this.#image), i32Const(-1), i32Add, localTee(this.#image), branchIf(0)),
      ...move(this.#panel, panelBytes(panelShape(this.#shape), this.#shape.epilogue)),
      ...this.#values.slice(1).flatMap(({ group }) => move(group, 4 * filters)),
    ]
  }

  #overRows(rows: number, filters: number): Code {
    const { width } = this.#shape.output
    if (isOneRow(this.#shape)) return this.#row(rows * width, filters)
    const together = rowsAtOnce(rows, width, this.#variant.tilePixels)
    const some = (count: number): Code => (count === 1 ? this.#row(width, filters) : this.#tile.write(count * width, filters, width))
    const nextRow = (count: number): Code => this.#each(({ tile, layout, steps }) => move(tile, count * steps[0] * layout.rowBytes - width * steps[1] * layout.pixelBytes))
    return [
      ...this.#builder.times(Math.floor(rows / together), some(together), nextRow(together)),
      ...(rows % together === 0 ? [] : some(rows % together)),
    ]
  }

  #row(width: number, filters: number): Code {
    return cutRow(width, this.#variant.tilePixels).flatMap(({ pixels, count }) => this.#builder.times(count, this.#tile.write(pixels, filters, pixels)))
  }
}

/** A value's layout, how many of its rows and columns a pixel of the output goes on by, and where things are in it. */
interface Moving {
  readonly layout: Layout
  readonly steps: readonly [vertical: number, horizontal: number]
  readonly block: number
  readonly group: number
  readonly image: number
  readonly tile: number
}

/** into = min(local, most) */
function smaller(local: number, most: number, into: number): Code {
  return [...localGet(local), ...i32Const(most), ...localGet(local), ...i32Const(most), ...i32LessSigned, ...select, ...localSet(into)]
}

/** Whether pixels follow one another evenly from the first of an image to its last: a 1x1 kernel sees no rows. */
function isOneRow({ kernelSize, strides, padding, input, output, residual }: ConvolutionShape): boolean {
  const isPointwise = [...kernelSize, ...strides].every((size) => size === 1) && padding.every((size) => size === 0)
  const isWhole = input.width === output.width && input.height === output.height // a transposed convolution's phase may leave the end out
  return isPointwise && isWhole && [input, output, ...(residual ? [residual] : [])].every(isDense)
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

  /** So many pixels in rows of `width`; the addresses move on by a row's width. */
  write(pixels: number, filters: number, width: number): Code {
    const { input, output, residual, strides, epilogue } = this.#shape
    const vectors = filters > 4 ? 2 : 1
    const each = (code: (pixel: number, vector: number, sum: number) => Code): Code =>
      Array.from({ length: pixels * vectors }, (_, index) => code(Math.floor(index / vectors), index % vectors, this.#sums[index]!)).flat()
    const leading = (name: 'bias' | 'alpha' | 'scale' | 'shift', vector: number): number => leadingRow(epilogue, name) + 16 * vector
    const place = (layout: Layout, pixel: number): number => Math.floor(pixel / width) * layout.rowBytes + (pixel % width) * layout.pixelBytes
    return [
      ...each((_, vector, sum) => [...localGet(this.#panel), ...v128Load(leading('bias', vector)), ...localSet(sum)]),
      ...point(this.#weights, this.#panel, panelBytes(panelShape(this.#shape), epilogue) - panelShape(this.#shape).rows * panelRowBytes),
      ...this.#products(Array.from({ length: pixels }, (_, pixel) => strides[0] * Math.floor(pixel / width) * input.rowBytes + strides[1] * (pixel % width) * input.pixelBytes), vectors),
      // Every residual is loaded before the first sum is stored: mixed, they cost up to half the speed.
      ...(residual ? each((pixel, vector, sum) => [...localGet(sum), ...localGet(this.residual), ...v128Load(place(residual, pixel) + 16 * vector), ...f32x4Add, ...localSet(sum)]) : []),
      ...each((_, vector, sum) => finishVector(this.#builder, epilogue, sum, this.#panel, (name) => leading(name, vector))),
      ...each((pixel, vector, sum) => this.#store(sum, place(output, pixel) + 16 * vector, filters - 4 * vector)),
      ...move(this.input, width * strides[1] * input.pixelBytes), ...move(this.output, width * output.pixelBytes),
      ...(residual ? move(this.residual, width * residual.pixelBytes) : []),
    ]
  }

  /** A vector of at most `filters` sums; spare lanes are stored too where they fall on the pixel's own padding. */
  #store(sum: number, offsetBytes: number, filters: number): Code {
    const { output, groups } = this.#shape
    const isPadded = groups === 1 && output.pixelBytes === 4 * vectorChannels(output.channels)
    if (filters >= 4 || isPadded) return [...localGet(this.output), ...localGet(sum), ...v128Store(offsetBytes)]
    return Array.from({ length: filters }, (_, lane) => [...localGet(this.output), ...localGet(sum), ...v128Store32Lane(lane, offsetBytes + 4 * lane)]).flat()
  }

  /** All products of windows that lie so many bytes from the first: the kernel's rows, each in runs that lie together. */
  #products(pixels: readonly number[], vectors: number): Code {
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

  #run(length: number, pixels: readonly number[], vectors: number): Code {
    const { fusedMultiplyAdd } = this.#variant
    const product = (sum: number, vector: number): Code => fusedMultiplyAdd
      ? [...localGet(this.#splat), ...localGet(this.#loaded[vector]!), ...localGet(sum), ...f32x4RelaxedMultiplyAdd, ...localSet(sum)]
      : [...localGet(sum), ...localGet(this.#splat), ...localGet(this.#loaded[vector]!), ...f32x4Multiply, ...f32x4Add, ...localSet(sum)]
    const each = (count: number, code: (index: number) => Code): Code => Array.from({ length: count }, (_, index) => code(index)).flat()
    return [
      ...point(this.#end, this.#place, 4 * length),
      ...loop(
        each(vectors, (vector) => [...localGet(this.#weights), ...v128Load(16 * vector), ...localSet(this.#loaded[vector]!)]),
        pixels.flatMap((offsetBytes, pixel) => [
          ...localGet(this.#place), ...v128Load32Splat(offsetBytes), ...localSet(this.#splat),
          ...each(vectors, (vector) => product(this.#sums[pixel * vectors + vector]!, vector)),
        ]),
        move(this.#weights, panelRowBytes),
        localGet(this.#place), i32Const(4), i32Add, localTee(this.#place), localGet(this.#end), i32LessUnsigned, branchIf(0)),
    ]
  }
}
