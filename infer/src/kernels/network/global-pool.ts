// The mean or the largest of each channel over a whole image, 32 channels at a time: pixel by pixel, so that
// memory is read in its order.

import { branchIf, f32x4Add, f32x4Const, f32x4Maximum, f32x4Multiply, i32Add, i32Const, localGet, localSet, localTee, loop, v128Load, v128Store, type Code } from '../assembler.js'
import { FunctionBuilder, move, point } from '../function-builder.js'
import { batchCount, inputAddress, kernelParameters, layoutKey, outputAddress, vectorChannels, type Kernel, type Layout } from './kernel.js'

const vectorsAtOnce = 8

export function globalPoolKernel(kind: 'max' | 'average', input: Layout, output: Layout): Kernel {
  return {
    name: `global ${kind} pool`,
    key: ['global pool', kind, layoutKey(input), layoutKey(output)].join(';'),
    emit: () => {
      const builder = new FunctionBuilder(kernelParameters)
      const [images, imageInput, imageOutput, first, place, target] = builder.locals('i32', 6) as [number, number, number, number, number, number]
      const values = builder.locals('v128', vectorsAtOnce)
      const share = f32x4Const(1 / (input.height * input.width))
      const join = kind === 'max' ? f32x4Maximum : f32x4Add
      const columns = (vectors: number): Code => [
        ...values.slice(0, vectors).flatMap((value) => [...f32x4Const(kind === 'max' ? -Infinity : 0), ...localSet(value)]),
        ...point(place, first),
        ...builder.times(input.height,
          builder.times(input.width,
            values.slice(0, vectors).flatMap((value, vector) => [...localGet(value), ...localGet(place), ...v128Load(16 * vector), ...join, ...localSet(value)]),
            move(place, input.pixelBytes)),
          move(place, input.rowBytes - input.width * input.pixelBytes)),
        ...values.slice(0, vectors).flatMap((value, vector) => [...localGet(target), ...localGet(value), ...(kind === 'max' ? [] : [...share, ...f32x4Multiply]), ...v128Store(16 * vector)]),
        ...move(first, 16 * vectors), ...move(target, 16 * vectors),
      ]
      const vectors = vectorChannels(input.channels) / 4
      return builder.finish('globalPool',
        point(imageInput, inputAddress), point(imageOutput, outputAddress), localGet(batchCount), localSet(images),
        loop(
          point(first, imageInput), point(target, imageOutput),
          builder.times(Math.floor(vectors / vectorsAtOnce), columns(vectorsAtOnce)),
          vectors % vectorsAtOnce === 0 ? [] : columns(vectors % vectorsAtOnce),
          move(imageInput, input.imageBytes), move(imageOutput, output.imageBytes),
          localGet(images), i32Const(-1), i32Add, localTee(images), branchIf(0)))
    },
    weights: new Float32Array(0),
    multiplyAdds: 0,
  }
}
