// Arithmetic of two values, or none, followed by stages: activations, and scales and shifts by channel. It
// does what could not be done at the end of a convolution. A value of one pixel (or one row, one column, one
// channel) is repeated; the second can be a constant, which lies behind the weights.
//
//   image > row > pixel > 4 vectors of channels:   y = … stage(stage(x ∘ second))
//
// Weights: for each 4 channels the rows of each stage, [scale 4][shift 4] or [alpha 4]; then the constant.
// Where no stage has weights, pixels (and rows, without a gap between them) are taken as one.

import { branchIf, f32x4Add, f32x4Multiply, f32x4Subtract, i32Add, i32Const, localGet, localSet, localTee, loop, v128Load, v128Load32Splat, v128Store, type Code, type FunctionSpec } from '../assembler.js'
import { FunctionBuilder, move, point } from '../function-builder.js'
import { activate, type Activation } from './activation.js'
import { batchCount, inputAddress, kernelParameters, layoutKey, outputAddress, secondAddress, vectorChannels, weightsAddress, type Kernel, type Layout } from './kernel.js'
import { packChannels } from './panels.js'

/** One thing done to each value. */
export type Stage =
  /** x · scale + shift, by channel. */
  | { readonly kind: 'affine'; readonly scale: Float32Array; readonly shift: Float32Array }
  /** `alpha` by channel, of a prelu. */
  | { readonly kind: 'activation'; readonly activation: Activation; readonly alpha?: Float32Array }

export interface ElementwiseShape {
  readonly input: Layout
  readonly output: Layout
  readonly second?: SecondOperand
  readonly stages: readonly Stage[]
}

export interface SecondOperand {
  readonly operation: 'add' | 'subtract' | 'multiply'
  readonly layout: Layout
  /** The value itself, in that layout, the same for every image (whose `imageBytes` is then 0). */
  readonly constant?: Float32Array
}

const operations = { add: f32x4Add, subtract: f32x4Subtract, multiply: f32x4Multiply } as const
const vectorsAtOnce = 4

export function elementwiseKernel(shape: ElementwiseShape): Kernel {
  const { input, output, second, stages } = shape
  const packed = packChannels(output.channels, stages.flatMap(weightsOf))
  const stageNames = stages.map((stage) => (stage.kind === 'affine' ? 'scale' : stage.activation.kind))
  const stageKeys = stages.map((stage) => (stage.kind === 'affine' ? stage.kind : JSON.stringify(stage.activation)))
  return {
    name: [...(second ? [second.operation] : []), ...stageNames].join(' ') || 'copy',
    key: ['elementwise', layoutKey(input), layoutKey(output), second ? `${second.operation}${second.constant ? packed.length : ''},${layoutKey(second.layout)}` : '', ...stageKeys].join(';'),
    emit: () => new ElementwiseWriter(shape, packed.byteLength).write(),
    weights: second?.constant ? joinWeights(packed, second.constant) : packed,
    multiplyAdds: 0,
  }
}

function weightsOf(stage: Stage): readonly Float32Array[] {
  if (stage.kind === 'affine') return [stage.scale, stage.shift]
  return stage.alpha ? [stage.alpha] : []
}

function joinWeights(first: Float32Array, second: Float32Array): Float32Array {
  const both = new Float32Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}

class ElementwiseWriter {
  readonly #builder = new FunctionBuilder(kernelParameters)
  readonly #stages: readonly Stage[]
  readonly #output: Layout
  readonly #operands: readonly Operand[]
  readonly #operation: Code
  readonly #y = this.#builder.local('i32')
  readonly #weights = this.#builder.local('i32')
  readonly #images = this.#builder.local('i32')
  readonly #values = this.#builder.locals('v128', vectorsAtOnce)

  constructor({ input, output, second, stages }: ElementwiseShape, stageBytes: number) {
    this.#stages = stages
    const hasWeights = stages.some((stage) => weightsOf(stage).length > 0)
    const layouts = [output, input, ...(second ? [second.layout] : [])]
    const [y, x, other] = (hasWeights ? layouts : joined(layouts)) as [Layout, Layout, Layout?]
    this.#output = y
    const secondBegin: Code = second?.constant ? [...localGet(weightsAddress), ...i32Const(stageBytes), ...i32Add] : localGet(secondAddress)
    this.#operands = [new Operand(this.#builder, x, y, localGet(inputAddress)), ...(other ? [new Operand(this.#builder, other, y, secondBegin)] : [])]
    this.#operation = second ? operations[second.operation] : []
  }

  write(): FunctionSpec {
    const { height, width, channels, pixelBytes, rowBytes, imageBytes } = this.#output
    const vectors = vectorChannels(channels) / 4
    return this.#builder.finish('elementwise',
      this.#each((operand) => operand.begin()), point(this.#y, outputAddress), localGet(batchCount), localSet(this.#images),
      loop(
        this.#each((operand) => operand.beginImage()),
        this.#builder.times(height,
          this.#each((operand) => operand.beginRow()),
          this.#builder.times(width,
            point(this.#weights, weightsAddress),
            this.#builder.times(Math.floor(vectors / vectorsAtOnce), this.#vectors(vectorsAtOnce)),
            vectors % vectorsAtOnce === 0 ? [] : this.#vectors(vectors % vectorsAtOnce),
            this.#each((operand) => operand.nextPixel()), move(this.#y, pixelBytes - 16 * vectors)),
          this.#each((operand) => operand.nextRow()), move(this.#y, rowBytes - width * pixelBytes)),
        this.#each((operand) => operand.nextImage()), move(this.#y, imageBytes - height * rowBytes),
        localGet(this.#images), i32Const(-1), i32Add, localTee(this.#images), branchIf(0)))
  }

  #each(code: (operand: Operand) => Code): Code {
    return this.#operands.flatMap(code)
  }

  #vectors(count: number): Code {
    const rows = this.#stages.flatMap(weightsOf).length
    return [
      ...this.#values.slice(0, count).flatMap((value, index) => [...this.#each((operand) => operand.load(index)), ...this.#operation, ...localSet(value)]),
      ...this.#values.slice(0, count).flatMap((value, index) => this.#finish(value, 16 * rows * index)),
      ...this.#values.slice(0, count).flatMap((value, index) => [...localGet(this.#y), ...localGet(value), ...v128Store(16 * index)]),
      ...this.#each((operand) => operand.advance(count)), ...move(this.#y, 16 * count), ...move(this.#weights, 16 * rows * count),
    ]
  }

  /** All stages of one vector, whose weights begin so far on. */
  #finish(value: number, offsetBytes: number): Code {
    let at = offsetBytes
    const next = (): Code => [...localGet(this.#weights), ...v128Load((at += 16) - 16)]
    return this.#stages.flatMap((stage) => stage.kind === 'affine'
      ? [...localGet(value), ...next(), ...f32x4Multiply, ...next(), ...f32x4Add, ...localSet(value)]
      : activate(this.#builder, stage.activation, value, stage.alpha ? next() : []))
  }
}

/** A value that is read alongside the output, where it lies and as often as it is repeated. */
class Operand {
  readonly #layout: Layout
  readonly #begin: Code
  readonly #isRepeated: { readonly row: boolean; readonly column: boolean; readonly channel: boolean }
  readonly #vectors: number
  readonly #image: number
  readonly #row: number
  readonly #place: number

  constructor(builder: FunctionBuilder, layout: Layout, output: Layout, begin: Code) {
    this.#layout = layout
    this.#begin = begin
    this.#isRepeated = { row: layout.height < output.height, column: layout.width < output.width, channel: layout.channels < output.channels }
    this.#vectors = vectorChannels(output.channels) / 4
    ;[this.#image, this.#row, this.#place] = builder.locals('i32', 3) as [number, number, number]
  }

  begin(): Code {
    return [...this.#begin, ...localSet(this.#image)]
  }

  beginImage(): Code {
    return point(this.#row, this.#image)
  }

  beginRow(): Code {
    return point(this.#place, this.#row)
  }

  load(vector: number): Code {
    return [...localGet(this.#place), ...(this.#isRepeated.channel ? v128Load32Splat() : v128Load(16 * vector))]
  }

  advance(vectors: number): Code {
    return this.#isRepeated.channel ? [] : move(this.#place, 16 * vectors)
  }

  nextPixel(): Code {
    return move(this.#place, (this.#isRepeated.column ? 0 : this.#layout.pixelBytes) - (this.#isRepeated.channel ? 0 : 16 * this.#vectors))
  }

  nextRow(): Code {
    return this.#isRepeated.row ? [] : move(this.#row, this.#layout.rowBytes)
  }

  nextImage(): Code {
    return move(this.#image, this.#layout.imageBytes)
  }
}

/** The same values with rows as one pixel, or images as one, where all of them lie that way and none is repeated. */
function joined(layouts: readonly Layout[]): readonly Layout[] {
  const [{ height, width, channels }] = layouts as [Layout]
  const isWhole = (layout: Layout): boolean => layout.height === height && layout.width === width && layout.channels === channels && layout.pixelBytes === 4 * vectorChannels(channels)
  if (!layouts.every(isWhole)) return layouts
  const isOneRun = layouts.every(({ rowBytes, pixelBytes }) => rowBytes === width * pixelBytes)
  return layouts.map((layout) => {
    const channelsOfRow = width * vectorChannels(channels)
    return isOneRun ? { ...layout, height: 1, width: 1, channels: height * channelsOfRow } : { ...layout, width: 1, channels: channelsOfRow, pixelBytes: layout.rowBytes }
  })
}
