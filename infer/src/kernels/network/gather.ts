// Moves single values: each value of the result is one of the input, or a constant. Slow and general, for
// what networks seldom do: reshapes across gaps, transposes, slices, padding by other values, enlarging.
//
// Weights: for each value of an image of the result, the byte offset of its source (as the bits of an
// i32), or −1 for the constant.

import { branchIf, f32Load, f32Store, f32Const, i32Add, i32Const, i32LessSigned, i32Load, ifThen, localGet, localSet, localTee, loop, type FunctionSpec } from '../assembler.js'
import { FunctionBuilder, move, point } from '../function-builder.js'
import { batchCount, inputAddress, kernelParameters, layoutKey, outputAddress, vectorChannels, weightsAddress, type Kernel, type Layout } from './kernel.js'

/** Where a value lies in an image of a layout. */
export function byteOffset({ rowBytes, pixelBytes }: Layout, row: number, column: number, channel: number): number {
  return row * rowBytes + column * pixelBytes + 4 * channel
}

/** @param source the byte offset in the input of a value of the result; −1 for `filler` */
export function gatherKernel(name: string, input: Layout, output: Layout, source: (row: number, column: number, channel: number) => number, filler = 0): Kernel {
  const { height, width, channels } = output
  const offsets = new Int32Array(height * width * channels)
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      for (let channel = 0; channel < channels; channel++) offsets[at++] = source(row, column, channel)
    }
  }
  return {
    name,
    key: ['gather', layoutKey(input), layoutKey(output), filler].join(';'),
    emit: () => emitGather(input, output, filler),
    weights: new Float32Array(offsets.buffer),
    multiplyAdds: 0,
  }
}

function emitGather(input: Layout, output: Layout, filler: number): FunctionSpec {
  const builder = new FunctionBuilder(kernelParameters)
  const [images, x, y, table, offset] = builder.locals('i32', 5) as [number, number, number, number, number]
  const value = builder.local('f32')
  const whole = vectorChannels(output.channels)
  const spare = output.pixelBytes === 4 * whole ? whole - output.channels : 0
  return builder.finish('gather',
    point(x, inputAddress), point(y, outputAddress), localGet(batchCount), localSet(images),
    loop(
      point(table, weightsAddress),
      builder.times(output.height,
        builder.times(output.width,
          builder.times(output.channels,
            f32Const(filler), localSet(value),
            [...localGet(table), ...i32Load(), ...localTee(offset), ...i32Const(0), ...i32LessSigned, 0x45], // not below 0
            ifThen(localGet(x), localGet(offset), i32Add, f32Load(), localSet(value)),
            [...localGet(y), ...localGet(value), ...f32Store()],
            move(y, 4), move(table, 4)),
          Array.from({ length: spare }, (_, lane) => [...localGet(y), ...f32Const(0), ...f32Store(4 * lane)]).flat(),
          move(y, output.pixelBytes - 4 * output.channels)),
        move(y, output.rowBytes - output.width * output.pixelBytes)),
      move(x, input.imageBytes), move(y, output.imageBytes - output.height * output.rowBytes),
      localGet(images), i32Const(-1), i32Add, localTee(images), branchIf(0)))
}
