// exp(x − max) / Σ over the channels of each pixel. The last vector's spare lanes are left out of both.

import { branchIf, firstLanes, f32Add, f32Divide, f32Const, f32x4Add, f32x4Const, f32x4ExtractLane, f32x4Maximum, f32x4Multiply, f32x4Splat, f32x4Subtract, f32Maximum, i32Add, i32Const, localGet, localSet, localTee, loop, v128And, v128BitSelect, v128Load, v128Store, type Code, type FunctionSpec } from '../assembler.js'
import { FunctionBuilder, move, point } from '../function-builder.js'
import { exponential } from './activation.js'
import { batchCount, inputAddress, kernelParameters, layoutKey, outputAddress, vectorChannels, type Kernel, type Layout } from './kernel.js'

export function softmaxKernel(input: Layout, output: Layout): Kernel {
  return {
    name: 'softmax',
    key: ['softmax', layoutKey(input), layoutKey(output)].join(';'),
    emit: () => emitSoftmax(input, output),
    weights: new Float32Array(0),
    multiplyAdds: 0,
  }
}

function emitSoftmax(input: Layout, output: Layout): FunctionSpec {
  const builder = new FunctionBuilder(kernelParameters)
  const [images, x, y, place, target] = builder.locals('i32', 5) as [number, number, number, number, number]
  const [value, joined] = [builder.local('v128'), builder.local('v128')]
  const vectors = vectorChannels(input.channels) / 4
  const spare = 4 * vectors - input.channels
  const lanes = firstLanes(4 - spare)
  const load = (isLast: boolean, filler: number): Code => {
    const plain: Code = [...localGet(place), ...v128Load()]
    return isLast && spare > 0 ? [...plain, ...f32x4Const(filler), ...lanes, ...v128BitSelect] : plain
  }
  /** Every vector in turn; the last by itself, where it has spare lanes. */
  const run = (code: (isLast: boolean) => Code): Code => [
    ...point(place, x), ...point(target, y),
    ...builder.times(vectors - 1, code(false), move(place, 16), move(target, 16)),
    ...code(true),
  ]
  const across = (join: Code): Code => [0, 1, 2, 3].flatMap((lane) => [...localGet(joined), ...f32x4ExtractLane(lane), ...(lane === 0 ? [] : join)])
  const exponentials = (isLast: boolean): Code => [
    ...exponential(builder, [...load(isLast, 0), ...localGet(value), ...f32x4Subtract]),
    ...(isLast && spare > 0 ? [...lanes, ...v128And] : []),
  ]
  const stored = builder.local('v128')
  return builder.finish('softmax',
    point(x, inputAddress), point(y, outputAddress), localGet(batchCount), localSet(images),
    loop(
      builder.times(input.height,
        builder.times(input.width,
          f32x4Const(-Infinity), localSet(joined),
          run((isLast) => [...localGet(joined), ...load(isLast, -Infinity), ...f32x4Maximum, ...localSet(joined)]),
          across(f32Maximum), f32x4Splat, localSet(value),
          f32x4Const(0), localSet(joined),
          run((isLast) => [...exponentials(isLast), ...localSet(stored), ...localGet(target), ...localGet(stored), ...v128Store(), ...localGet(joined), ...localGet(stored), ...f32x4Add, ...localSet(joined)]),
          f32Const(1), across(f32Add), f32Divide, f32x4Splat, localSet(joined),
          run(() => [...localGet(target), ...localGet(target), ...v128Load(), ...localGet(joined), ...f32x4Multiply, ...v128Store()]),
          move(x, input.pixelBytes), move(y, output.pixelBytes)),
        move(x, input.rowBytes - input.width * input.pixelBytes), move(y, output.rowBytes - output.width * output.pixelBytes)),
      move(x, input.imageBytes - input.height * input.rowBytes), move(y, output.imageBytes - output.height * output.rowBytes),
      localGet(images), i32Const(-1), i32Add, localTee(images), branchIf(0)))
}
