// Depthwise convolution: each channel by its own kernel. Four channels make a vector, a tile is a run of
// pixels of one row; a column of the input is loaded once for all the pixels whose windows it lies in.
//
//   image > row > tile > 4 channels:
//     sums = bias                                     a vector a pixel
//     each ky:  weights of its places                 kw vectors
//       each column of the input under the tile:      one load, up to kw products
//     + residual, activation, affine, store
//
// Weights: for each 4 channels [bias 4][alpha 4?][scale 4?][shift 4?] then for each ky, kx [weight 4].

import { branchIf, f32x4Add, f32x4Multiply, f32x4RelaxedMultiplyAdd, i32Add, i32Const, localGet, localSet, localTee, loop, v128Load, v128Store, type Code, type FunctionSpec } from '../assembler.js'
import { FunctionBuilder, move, point } from '../function-builder.js'
import { epilogueKey, epilogueRows, finishVector } from './activation.js'
import { cutRow, type ConvolutionShape } from './convolution.js'
import { batchCount, inputAddress, kernelParameters, layoutKey, outputAddress, secondAddress, vectorChannels, weightsAddress, type Kernel, type Layout, type Variant } from './kernel.js'
import { packChannels, type EpilogueWeights } from './panels.js'

/** As many groups as channels and filters. */
export type DepthwiseShape = Omit<ConvolutionShape, 'groups'>

const tilePixels = 4
const vectorBytes = 16

/** @param kernel [kh, kw, 1, channels] */
export function depthwiseKernel(shape: DepthwiseShape, kernel: Float32Array, leading: EpilogueWeights): Kernel {
  const { input, output, kernelSize } = shape
  return {
    name: `depthwise ${kernelSize.join('x')}`,
    key: ['depthwise', layoutKey(input), layoutKey(output), shape.residual ? layoutKey(shape.residual) : '', kernelSize, shape.strides, shape.dilations, shape.padding, epilogueKey(shape.epilogue)].join(';'),
    emit: (variant) => emitDepthwise(shape, variant),
    weights: packVectors(shape, kernel, leading),
    multiplyAdds: output.height * output.width * output.channels * kernelSize[0] * kernelSize[1],
  }
}

function packVectors({ input: { channels }, kernelSize, epilogue }: DepthwiseShape, kernel: Float32Array, leading: EpilogueWeights): Float32Array {
  const places = kernelSize[0] * kernelSize[1]
  return packChannels(channels, [...epilogueRows(epilogue).map((name) => leading[name]!), ...Array.from({ length: places }, (_, place) => kernel.subarray(place * channels, (place + 1) * channels))])
}

function emitDepthwise(shape: DepthwiseShape, variant: Variant): FunctionSpec {
  const { input, output, residual, padding, strides } = shape
  const builder = new FunctionBuilder(kernelParameters)
  const [images, imageInput, imageOutput, imageResidual] = builder.locals('i32', 4) as [number, number, number, number]
  const tile = new DepthwiseTile(builder, shape, variant)
  const tiles = cutRow(output.width, tilePixels).map(({ pixels, count }) => builder.times(count, tile.write(pixels)))
  const toNextRow = (local: number, layout: Layout, rows: number, pixels: number): Code => move(local, rows * layout.rowBytes - pixels * layout.pixelBytes)
  return builder.finish('depthwise',
    point(imageInput, inputAddress, -(padding[0] * input.rowBytes + padding[1] * input.pixelBytes)),
    point(imageOutput, outputAddress), point(imageResidual, secondAddress),
    localGet(batchCount), localSet(images),
    loop(
      point(tile.input, imageInput), point(tile.output, imageOutput), point(tile.residual, imageResidual),
      builder.times(output.height, ...tiles,
        toNextRow(tile.input, input, strides[0], output.width * strides[1]),
        toNextRow(tile.output, output, 1, output.width),
        residual ? toNextRow(tile.residual, residual, 1, output.width) : []),
      move(imageInput, input.imageBytes), move(imageOutput, output.imageBytes), residual ? move(imageResidual, residual.imageBytes) : [],
      localGet(images), i32Const(-1), i32Add, localTee(images), branchIf(0)))
}

class DepthwiseTile {
  readonly input: number
  readonly output: number
  readonly residual: number
  readonly #builder: FunctionBuilder
  readonly #shape: DepthwiseShape
  readonly #variant: Variant
  readonly #place: number
  readonly #weights: number
  readonly #vector: number
  readonly #sums: readonly number[]
  readonly #kernelRow: readonly number[]
  readonly #column: number

  constructor(builder: FunctionBuilder, shape: DepthwiseShape, variant: Variant) {
    this.#builder = builder
    this.#shape = shape
    this.#variant = variant
    ;[this.input, this.output, this.residual, this.#place, this.#weights, this.#vector] = builder.locals('i32', 6) as [number, number, number, number, number, number]
    this.#sums = builder.locals('v128', tilePixels)
    this.#kernelRow = builder.locals('v128', shape.kernelSize[1])
    this.#column = builder.local('v128')
  }

  /** All channels of a tile; its addresses move on to the next. */
  write(pixels: number): Code {
    const { input, output, residual, strides, epilogue, kernelSize: [height, width] } = this.#shape
    const channelBytes = 4 * vectorChannels(output.channels)
    const leading = epilogueRows(epilogue)
    const row = (name: 'bias' | 'alpha' | 'scale' | 'shift'): number => vectorBytes * leading.indexOf(name)
    const each = (code: (sum: number, pixel: number) => Code): Code => this.#sums.slice(0, pixels).flatMap(code)
    return [
      ...point(this.#vector, weightsAddress),
      ...this.#builder.times(channelBytes / vectorBytes,
        each((sum) => [...localGet(this.#vector), ...v128Load(row('bias')), ...localSet(sum)]),
        point(this.#weights, this.#vector, vectorBytes * leading.length),
        this.#products(pixels),
        residual ? each((sum, pixel) => [...localGet(sum), ...localGet(this.residual), ...v128Load(pixel * residual.pixelBytes), ...f32x4Add, ...localSet(sum)]) : [],
        each((sum) => finishVector(this.#builder, epilogue, sum, this.#vector, row)),
        each((sum, pixel) => [...localGet(this.output), ...localGet(sum), ...v128Store(pixel * output.pixelBytes)]),
        move(this.#vector, vectorBytes * (leading.length + height * width)),
        move(this.input, vectorBytes), move(this.output, vectorBytes), residual ? move(this.residual, vectorBytes) : []),
      ...move(this.input, pixels * strides[1] * input.pixelBytes - channelBytes),
      ...move(this.output, pixels * output.pixelBytes - channelBytes),
      ...(residual ? move(this.residual, pixels * residual.pixelBytes - channelBytes) : []),
    ]
  }

  #products(pixels: number): Code {
    const { input, strides, dilations, kernelSize: [height, width] } = this.#shape
    const product = (sum: number, weight: number): Code => this.#variant.fusedMultiplyAdd
      ? [...localGet(this.#column), ...localGet(weight), ...localGet(sum), ...f32x4RelaxedMultiplyAdd, ...localSet(sum)]
      : [...localGet(sum), ...localGet(this.#column), ...localGet(weight), ...f32x4Multiply, ...f32x4Add, ...localSet(sum)]
    const columns = (pixels - 1) * strides[1] + (width - 1) * dilations[1] + 1
    const columnCode = (column: number): Code => {
      const products = this.#kernelRow.flatMap((weight, kx) => {
        const pixel = (column - kx * dilations[1]) / strides[1]
        return Number.isInteger(pixel) && pixel >= 0 && pixel < pixels ? product(this.#sums[pixel]!, weight) : []
      })
      return products.length === 0 ? [] : [...localGet(this.#place), ...v128Load(column * input.pixelBytes), ...localSet(this.#column), ...products]
    }
    return [
      ...point(this.#place, this.input),
      ...this.#builder.times(height,
        this.#kernelRow.flatMap((weight, kx) => [...localGet(this.#weights), ...v128Load(vectorBytes * kx), ...localSet(weight)]),
        Array.from({ length: columns }, (_, column) => columnCode(column)).flat(),
        move(this.#weights, vectorBytes * width),
        move(this.#place, dilations[0] * input.rowBytes)),
    ]
  }
}
