// The largest of each run of neighbouring channels: four results a vector, each lane loaded by itself, since
// what a vector compares lies `pieces` channels apart.
//
//   image > row > pixel > 4 results:
//     largest = −∞
//     each piece p:  largest = max(largest, [x[p], x[pieces + p], x[2·pieces + p], x[3·pieces + p]])

import { f32x4Const, f32x4Maximum, firstLanes, localGet, localSet, v128And, v128Load32Lane, v128Store, type Code, type FunctionSpec } from '../assembler.js'
import { FunctionBuilder, move } from '../function-builder.js'
import { eachPixel } from './each-pixel.js'
import { kernelParameters, layoutKey, type Kernel, type Layout } from './kernel.js'

export function maxoutKernel(pieces: number, input: Layout, output: Layout): Kernel {
  return {
    name: `maxout of ${pieces}`,
    key: ['maxout', pieces, layoutKey(input), layoutKey(output)].join(';'),
    emit: () => emitMaxout(pieces, input, output),
    weights: new Float32Array(0),
    multiplyAdds: 0,
  }
}

function emitMaxout(pieces: number, input: Layout, output: Layout): FunctionSpec {
  const builder = new FunctionBuilder(kernelParameters)
  const [largest, piece] = builder.locals('v128', 2) as [number, number]
  const whole = Math.floor(output.channels / 4)
  return builder.finish('maxout', eachPixel(builder, input, output, (x, y) => {
    /** So many results in a vector; the lanes after them become zeros. */
    const vector = (results: number): Code => [
      ...f32x4Const(-Infinity), ...(results === 4 ? [] : [...firstLanes(results), ...v128And]), ...localSet(largest),
      ...builder.times(pieces,
        f32x4Const(0), localSet(piece),
        Array.from({ length: results }, (_, lane) => [...localGet(x), ...localGet(piece), ...v128Load32Lane(lane, 4 * pieces * lane), ...localSet(piece)]).flat(),
        localGet(largest), localGet(piece), f32x4Maximum, localSet(largest),
        move(x, 4)),
      ...localGet(y), ...localGet(largest), ...v128Store(),
    ]
    return [
      ...builder.times(whole, vector(4), move(x, 12 * pieces), move(y, 16)),
      ...(output.channels % 4 === 0 ? [] : [...vector(output.channels % 4), ...move(x, -4 * pieces)]),
      ...move(x, -16 * pieces * whole), ...move(y, -16 * whole),
    ]
  }))
}
