// The loops round a kernel that makes each pixel from the pixel at the same place.

import { branchIf, i32Add, i32Const, localGet, localSet, localTee, loop, type Code } from '../assembler.js'
import { move, point, type FunctionBuilder } from '../function-builder.js'
import { batchCount, inputAddress, outputAddress, type Layout } from './kernel.js'

/**
 * Runs `code` for each pixel of each image. It gets the locals that hold the addresses of the pixel in the input
 * and in the output, and leaves them as they were.
 */
export function eachPixel(builder: FunctionBuilder, input: Layout, output: Layout, code: (x: number, y: number) => Code): Code {
  const [images, x, y] = builder.locals('i32', 3) as [number, number, number]
  return [
    ...point(x, inputAddress), ...point(y, outputAddress), ...localGet(batchCount), ...localSet(images),
    ...loop(
      builder.times(output.height,
        builder.times(output.width, code(x, y), move(x, input.pixelBytes), move(y, output.pixelBytes)),
        move(x, input.rowBytes - input.width * input.pixelBytes), move(y, output.rowBytes - output.width * output.pixelBytes)),
      move(x, input.imageBytes - input.height * input.rowBytes), move(y, output.imageBytes - output.height * output.rowBytes),
      localGet(images), i32Const(-1), i32Add, localTee(images), branchIf(0)),
  ]
}
