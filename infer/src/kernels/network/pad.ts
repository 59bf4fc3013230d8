// Margins of one value round an image, where nobody can read past the image instead.

import { f32x4Const, branchIf, i32Add, i32Const, localGet, localSet, localTee, loop, v128Load, v128Store, type Code, type FunctionSpec } from '../assembler.js'
import { FunctionBuilder, move, point } from '../function-builder.js'
import { batchCount, inputAddress, kernelParameters, layoutKey, outputAddress, vectorChannels, type Kernel, type Layout } from './kernel.js'

export interface PadShape {
  readonly input: Layout
  readonly output: Layout
  /** Rows above the image, and columns left of it. */
  readonly top: number
  readonly left: number
  readonly value: number
}

export function padKernel(shape: PadShape): Kernel {
  const { input, output, top, left, value } = shape
  return {
    name: 'pad',
    key: ['pad', top, left, value, layoutKey(input), layoutKey(output)].join(';'),
    emit: () => emitPad(shape),
    weights: new Float32Array(0),
    multiplyAdds: 0,
  }
}

function emitPad({ input, output, top, left, value }: PadShape): FunctionSpec {
  const builder = new FunctionBuilder(kernelParameters)
  const [images, x, y] = builder.locals('i32', 3) as [number, number, number]
  const vectors = vectorChannels(output.channels) / 4
  const pixels = (columns: number, vector: Code, next: Code = [], nextPixel: Code = []): Code =>
    builder.times(columns, builder.times(vectors, localGet(y), vector, v128Store(), move(y, 16), next), move(y, output.pixelBytes - 16 * vectors), nextPixel)
  const margin = (columns: number): Code => pixels(columns, f32x4Const(value))
  const rowGap = move(y, output.rowBytes - output.width * output.pixelBytes)
  return builder.finish('pad',
    point(x, inputAddress), point(y, outputAddress), localGet(batchCount), localSet(images),
    loop(
      builder.times(top, margin(output.width), rowGap),
      builder.times(input.height,
        margin(left), pixels(input.width, [...localGet(x), ...v128Load()], move(x, 16), move(x, input.pixelBytes - 16 * vectors)), margin(output.width - left - input.width), rowGap,
        move(x, input.rowBytes - input.width * input.pixelBytes)),
      builder.times(output.height - top - input.height, margin(output.width), rowGap),
      move(x, input.imageBytes - input.height * input.rowBytes), move(y, output.imageBytes - output.height * output.rowBytes),
      localGet(images), i32Const(-1), i32Add, localTee(images), branchIf(0)))
}
