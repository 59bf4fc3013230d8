// Zeros where a buffer is read and nobody writes: the border round an image, or all of it.

import { branchIf, i32Add, i32Const, localGet, localSet, localTee, loop, memoryFill, type Code } from '../assembler.js'
import { FunctionBuilder, move, point } from '../function-builder.js'
import { batchCount, kernelParameters, layoutKey, outputAddress, type Kernel, type Layout } from './kernel.js'

/**
 * The output address is the buffer's begin.
 * @param originBytes from there to the first pixel; `undefined` clears everything
 */
export function clearKernel(inner: Layout, originBytes: number | undefined): Kernel {
  return {
    name: 'clear',
    key: ['clear', layoutKey(inner), originBytes ?? 'all'].join(';'),
    emit: () => {
      const builder = new FunctionBuilder(kernelParameters)
      const [images, at] = builder.locals('i32', 2) as [number, number]
      const fill = (bytes: number): Code => (bytes === 0 ? [] : [...localGet(at), ...i32Const(0), ...i32Const(bytes), ...memoryFill])
      const rowPixels = inner.width * inner.pixelBytes
      const border: Code = originBytes === undefined ? fill(inner.imageBytes) : [
        ...fill(originBytes), ...move(at, originBytes + rowPixels),
        // from a row's last pixel to the next row's first
        ...builder.times(inner.height - 1, fill(inner.rowBytes - rowPixels), move(at, inner.rowBytes)),
        ...fill(inner.imageBytes - originBytes - (inner.height - 1) * inner.rowBytes - rowPixels),
        ...move(at, -(originBytes + rowPixels + (inner.height - 1) * inner.rowBytes)),
      ]
      return builder.finish('clear', point(at, outputAddress), localGet(batchCount), localSet(images),
        loop(border, move(at, inner.imageBytes), localGet(images), i32Const(-1), i32Add, localTee(images), branchIf(0)))
    },
    weights: new Float32Array(0),
    multiplyAdds: 0,
  }
}
