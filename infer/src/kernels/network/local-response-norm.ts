// Local response normalisation: each channel divided by a power of the squares round it. The squares of a
// pixel are laid between zeros in the workspace, so that the window of every channel is read the same way.
//
//   workspace:   [0 · before][x² of each channel][0 · after, and up to whole vectors]
//
//   image > row > pixel:
//     each 4 channels:   squares to the workspace
//     each 4 channels:   y = x / (bias + alpha/size · Σ squares)^beta

import {
  firstLanes, f32x4Add, f32x4Const, f32x4Divide, f32x4Equal, f32x4Multiply, f32x4SquareRoot, i32Const, localGet, localSet, localTee, memoryFill, v128And, v128BitSelect, v128Load, v128Store, type Code, type FunctionSpec,
} from '../assembler.js'
import { FunctionBuilder, move, point } from '../function-builder.js'
import { exponential, logarithm } from './activation.js'
import { eachPixel } from './each-pixel.js'
import { kernelParameters, layoutKey, vectorChannels, workspaceAddress, type Kernel, type Layout } from './kernel.js'

export interface LocalResponseNorm {
  readonly size: number
  readonly alpha: number
  readonly beta: number
  readonly bias: number
}

/** Places of a window that are written out one after the other; more run in a loop. */
const mostUnrolled = 9

export function localResponseNormKernel(norm: LocalResponseNorm, input: Layout, output: Layout): Kernel {
  const { size, alpha, beta, bias } = norm
  return {
    name: `local response norm ${size}`,
    key: ['localResponseNorm', size, alpha, beta, bias, layoutKey(input), layoutKey(output)].join(';'),
    emit: () => emitNorm(norm, input, output),
    weights: new Float32Array(0),
    workspaceBytes: () => 4 * (vectorChannels(input.channels) + windowOf(norm, input).places - 1),
    multiplyAdds: 0,
  }
}

/** Channels before a window's middle, and in all; no more of either than can matter. */
function windowOf({ size }: LocalResponseNorm, { channels }: Layout): { readonly before: number; readonly places: number } {
  const before = Math.floor((size - 1) / 2)
  const [used, after] = [Math.min(before, channels - 1), Math.min(size - 1 - before, channels - 1)]
  return { before: used, places: used + 1 + after }
}

function emitNorm(norm: LocalResponseNorm, input: Layout, output: Layout): FunctionSpec {
  const builder = new FunctionBuilder(kernelParameters)
  const place = builder.local('i32')
  const [value, sum] = builder.locals('v128', 2) as [number, number]
  const { before, places } = windowOf(norm, input)
  const whole = Math.floor(input.channels / 4)
  const vectors = vectorChannels(input.channels) / 4
  const square = (x: number, lanes: number): Code => [
    ...localGet(place), ...localGet(x), ...v128Load(), ...(lanes === 4 ? [] : [...firstLanes(lanes), ...v128And]),
    ...localTee(value), ...localGet(value), ...f32x4Multiply, ...v128Store(4 * before),
  ]
  const addSquare = (offsetBytes: number): Code => [...localGet(place), ...v128Load(offsetBytes), ...localGet(sum), ...f32x4Add, ...localSet(sum)]
  const window: Code = places <= mostUnrolled
    ? Array.from({ length: places }, (_, index) => addSquare(4 * index)).flat()
    : [...builder.times(places, addSquare(0), move(place, 4)), ...move(place, -4 * places)]
  return builder.finish('localResponseNorm',
    localGet(workspaceAddress), i32Const(0), i32Const(4 * (4 * vectors + places - 1)), memoryFill,
    eachPixel(builder, input, output, (x, y) => [
      ...point(place, workspaceAddress),
      ...builder.times(whole, square(x, 4), move(place, 16), move(x, 16)),
      ...(whole === vectors ? [] : square(x, input.channels % 4)),
      ...move(x, -16 * whole), ...point(place, workspaceAddress),
      ...builder.times(vectors,
        f32x4Const(0), localSet(sum), window,
        f32x4Const(norm.alpha / norm.size), localGet(sum), f32x4Multiply, f32x4Const(norm.bias), f32x4Add, localSet(sum),
        localGet(y), localGet(x), v128Load(), power(builder, sum, norm.beta), f32x4Divide, v128Store(),
        move(x, 16), move(y, 16), move(place, 16)),
      ...move(x, -16 * vectors), ...move(y, -16 * vectors),
    ]))
}

/** base^exponent. Square roots give the ¾ that everyone uses: b^¾ = √b · √√b. */
function power(builder: FunctionBuilder, base: number, exponent: number): Code {
  const root: Code = [...localGet(base), ...f32x4SquareRoot]
  if (exponent === 0.5) return root
  if (exponent === 0.75) return [...root, ...localTee(base), ...localGet(base), ...f32x4SquareRoot, ...f32x4Multiply]
  if (exponent === 1) return localGet(base)
  // What is no number has no logarithm, and stays.
  return [...exponential(builder, [...logarithm(builder, localGet(base)), ...f32x4Const(exponent), ...f32x4Multiply]), ...localGet(base), ...localGet(base), ...localGet(base), ...f32x4Equal, ...v128BitSelect]
}
