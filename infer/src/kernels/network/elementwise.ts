// Arithmetic of two values, or none, followed by an activation and a scale and shift by channel: what could
// not be done at the end of a convolution. A second value of one pixel (or one row, or one channel) is
// repeated.
//
//   image > row > pixel > 4 channels:   y = affine(activation(x ∘ second))
//
// Weights: for each 4 channels [alpha 4?][scale 4?][shift 4?].

import { branchIf, f32x4Add, f32x4Multiply, f32x4Subtract, i32Add, i32Const, localGet, localSet, localTee, loop, v128Load, v128Load32Splat, v128Store, type Code, type FunctionSpec } from '../assembler.js'
import { FunctionBuilder, move, point } from '../function-builder.js'
import { epilogueKey, epilogueRows, finishVector, type Activation, type Epilogue } from './activation.js'
import { batchCount, inputAddress, kernelParameters, layoutKey, outputAddress, secondAddress, vectorChannels, weightsAddress, type Kernel, type Layout } from './kernel.js'
import type { EpilogueWeights } from './panels.js'

export interface ElementwiseShape {
  readonly input: Layout
  readonly output: Layout
  readonly second?: { readonly layout: Layout; readonly operation: 'add' | 'subtract' | 'multiply' }
  readonly activation?: Activation
  readonly affine: boolean
}

const operations = { add: f32x4Add, subtract: f32x4Subtract, multiply: f32x4Multiply } as const

export function elementwiseKernel(shape: ElementwiseShape, leading: Omit<EpilogueWeights, 'bias'>): Kernel {
  const { input, output, second } = shape
  const epilogue: Epilogue = { residual: false, affine: shape.affine, ...(shape.activation && { activation: shape.activation }) }
  return {
    name: [second?.operation, shape.activation?.kind, shape.affine ? 'scale' : undefined].filter((part) => part !== undefined).join(' ') || 'copy',
    key: ['elementwise', layoutKey(input), layoutKey(output), second ? `${second.operation}${layoutKey(second.layout)}` : '', epilogueKey(epilogue)].join(';'),
    emit: () => emitElementwise(shape, epilogue),
    weights: packVectors(output.channels, epilogue, leading),
    multiplyAdds: 0,
  }
}

/** The rows of an epilogue without the bias. */
function rowsOf(epilogue: Epilogue): ('alpha' | 'scale' | 'shift')[] {
  return epilogueRows(epilogue).filter((name) => name !== 'bias')
}

function packVectors(channels: number, epilogue: Epilogue, leading: Omit<EpilogueWeights, 'bias'>): Float32Array {
  const rows = rowsOf(epilogue)
  const packed = new Float32Array(vectorChannels(channels) * rows.length)
  let at = 0
  for (let channel = 0; channel < channels; channel += 4) {
    for (const name of rows) {
      packed.set(leading[name]!.subarray(channel, Math.min(channel + 4, channels)), at)
      at += 4
    }
  }
  return packed
}

function emitElementwise({ input, output, second }: ElementwiseShape, epilogue: Epilogue): FunctionSpec {
  const builder = new FunctionBuilder(kernelParameters)
  const [images, x, y, other, otherImage, otherRow, weights] = builder.locals('i32', 7) as [number, number, number, number, number, number, number]
  const value = builder.local('v128')
  const rows = rowsOf(epilogue)
  const vectors = vectorChannels(output.channels) / 4
  const repeated = { channels: (layout: Layout) => layout.channels === 1 && output.channels > 1, pixels: (layout: Layout) => layout.width === 1, rows: (layout: Layout) => layout.height === 1 }
  const loadSecond: Code = second === undefined ? [] : [
    ...localGet(other), ...(repeated.channels(second.layout) ? v128Load32Splat() : v128Load()), ...operations[second.operation],
  ]
  const isChannelsRepeated = second !== undefined && repeated.channels(second.layout)
  const pixelStep = second === undefined || repeated.pixels(second.layout) ? 0 : second.layout.pixelBytes
  return builder.finish('elementwise',
    point(x, inputAddress), point(y, outputAddress), point(otherImage, secondAddress), localGet(batchCount), localSet(images),
    loop(
      point(otherRow, otherImage),
      builder.times(output.height,
        point(other, otherRow),
        builder.times(output.width,
          point(weights, weightsAddress),
          builder.times(vectors,
            [...localGet(x), ...v128Load(), ...loadSecond, ...localSet(value)],
            finishVector(builder, epilogue, value, weights, (name) => 16 * rows.indexOf(name)),
            [...localGet(y), ...localGet(value), ...v128Store()],
            move(x, 16), move(y, 16), second && !isChannelsRepeated ? move(other, 16) : [], move(weights, 16 * rows.length)),
          move(x, input.pixelBytes - 16 * vectors), move(y, output.pixelBytes - 16 * vectors),
          second ? move(other, pixelStep - (isChannelsRepeated ? 0 : 16 * vectors)) : []),
        move(x, input.rowBytes - input.width * input.pixelBytes), move(y, output.rowBytes - output.width * output.pixelBytes),
        second && !repeated.rows(second.layout) ? move(otherRow, second.layout.rowBytes) : []),
      move(x, input.imageBytes - input.height * input.rowBytes), move(y, output.imageBytes - output.height * output.rowBytes),
      second ? move(otherImage, second.layout.imageBytes) : [],
      localGet(images), i32Const(-1), i32Add, localTee(images), branchIf(0)))
}
