// The dense product: every unit reads every value. Weights lie in panels as a convolution's do. Four images
// at a time go through a panel as four pixels would; an image by itself goes through four panels at once,
// which then stream past side by side: with one image the memory's speed is the limit.
//
//   panel:          four images:  sums [4 images][8 units]
//   4 panels:       each image left over:  sums [32 units]

import { block, branch, branchIf, f32x4Add, f32x4Multiply, f32x4RelaxedMultiplyAdd, i32Add, i32Const, i32EqualsZero, i32LessSigned, i32LessUnsigned, localGet, localSet, localTee, loop, v128Load, v128Load32Splat, v128Store, type Code, type FunctionSpec } from '../assembler.js'
import { FunctionBuilder, move, point } from '../function-builder.js'
import { epilogueKey, finishVector, type Epilogue } from './activation.js'
import { batchCount, inputAddress, kernelParameters, layoutKey, outputAddress, secondAddress, weightsAddress, type Kernel, type Layout, type Variant } from './kernel.js'
import { leadingRow, packPanels, panelBytes, panelCount, panelRowBytes, type EpilogueWeights, type PanelShape } from './panels.js'

export interface DenseShape {
  /** Its values lie together: [units], or an image without border or gap, flattened. */
  readonly input: Layout
  readonly output: Layout
  readonly residual?: Layout
  /** Values an image. */
  readonly inputValues: number
  readonly epilogue: Epilogue
}

const imagesAtOnce = 4
const panelsAtOnce = 4

/** @param kernel [inputValues, units] */
export function denseKernel(shape: DenseShape, kernel: Float32Array, leading: EpilogueWeights): Kernel {
  const units = shape.output.channels
  return {
    name: 'dense',
    key: ['dense', shape.inputValues, layoutKey(shape.input), layoutKey(shape.output), shape.residual ? layoutKey(shape.residual) : '', epilogueKey(shape.epilogue)].join(';'),
    emit: (variant) => new DenseWriter(shape, variant).write(),
    weights: packPanels(panelShape(shape), shape.epilogue, leading, kernel, (row) => row * units),
    multiplyAdds: shape.inputValues * units,
  }
}

function panelShape({ inputValues, output }: DenseShape): PanelShape {
  return { groups: 1, filters: output.channels, rows: inputValues }
}

class DenseWriter {
  readonly #shape: DenseShape
  readonly #variant: Variant
  readonly #panelBytes: number
  readonly #builder = new FunctionBuilder(kernelParameters)
  readonly #panel = this.#builder.local('i32')
  readonly #left = this.#builder.local('i32')
  readonly #input = this.#builder.local('i32')
  readonly #output = this.#builder.local('i32')
  readonly #residual = this.#builder.local('i32')
  readonly #outputPanel = this.#builder.local('i32')
  readonly #residualPanel = this.#builder.local('i32')
  readonly #place = this.#builder.local('i32')
  readonly #end = this.#builder.local('i32')
  readonly #weights = this.#builder.local('i32')
  readonly #sums = this.#builder.locals('v128', 8)
  readonly #loaded = this.#builder.locals('v128', 2)
  readonly #splat = this.#builder.local('v128')

  constructor(shape: DenseShape, variant: Variant) {
    this.#shape = shape
    this.#variant = variant
    this.#panelBytes = panelBytes(panelShape(shape), shape.epilogue)
  }

  write(): FunctionSpec {
    const vectors = Math.ceil(this.#shape.output.channels / 4)
    const panels = panelCount(this.#shape.output.channels)
    return this.#builder.finish('dense',
      this.#overPanels(vectors, panels, 1, this.#whileImages(imagesAtOnce)),
      // the images after the last four
      this.#overPanels(vectors, panels, panelsAtOnce, this.#whileImages(1)))
  }

  /** Runs through the panels, so many at a time, then those left over; `code` gets the vectors of 4 units to store. */
  #overPanels(vectors: number, panels: number, atOnce: number, code: (vectors: number) => Code): Code {
    const step = 2 * atOnce
    const whole = Math.floor(vectors / step)
    const advance = [...move(this.#panel, atOnce * this.#panelBytes), ...move(this.#outputPanel, 16 * step), ...move(this.#residualPanel, 16 * step)]
    return [
      ...point(this.#panel, weightsAddress), ...point(this.#outputPanel, outputAddress), ...point(this.#residualPanel, secondAddress),
      ...this.#builder.times(whole, code(step), advance),
      ...(vectors % step === 0 || panels === 0 ? [] : code(vectors % step)),
    ]
  }

  /** Over the images that come in groups of `count`: all four by four, or those after them one by one. */
  #whileImages(count: number): (vectors: number) => Code {
    const { input, output, residual } = this.#shape
    const isRest = count === 1
    return (vectors) => [
      ...point(this.#input, inputAddress), ...point(this.#output, this.#outputPanel), ...point(this.#residual, this.#residualPanel),
      ...localGet(batchCount), ...localSet(this.#left),
      ...(isRest ? this.#skipFours() : []),
      ...block(loop(
        isRest ? [...localGet(this.#left), ...i32EqualsZero] : [...localGet(this.#left), ...i32Const(count), ...i32LessSigned], branchIf(1),
        this.#tile(count, vectors),
        move(this.#input, count * input.imageBytes), move(this.#output, count * output.imageBytes), residual ? move(this.#residual, count * residual.imageBytes) : [],
        localGet(this.#left), i32Const(-count), i32Add, localSet(this.#left),
        branch(0))),
    ]
  }

  #skipFours(): Code {
    const { input, output, residual } = this.#shape
    return block(loop(
      localGet(this.#left), i32Const(imagesAtOnce), i32LessSigned, branchIf(1),
      move(this.#input, imagesAtOnce * input.imageBytes), move(this.#output, imagesAtOnce * output.imageBytes), residual ? move(this.#residual, imagesAtOnce * residual.imageBytes) : [],
      localGet(this.#left), i32Const(-imagesAtOnce), i32Add, localSet(this.#left),
      branch(0)))
  }

  /** `vectors` of 4 units for each of `images`. */
  #tile(images: number, vectors: number): Code {
    const { input, output, residual, epilogue, inputValues } = this.#shape
    const at = (vector: number, bytes: number): number => Math.floor(vector / 2) * this.#panelBytes + (vector % 2) * 16 + bytes
    const each = (code: (image: number, vector: number, sum: number) => Code): Code =>
      Array.from({ length: images * vectors }, (_, index) => code(Math.floor(index / vectors), index % vectors, this.#sums[index]!)).flat()
    const load = (vector: number, into: number): Code => [...localGet(this.#weights), ...v128Load(at(vector, 0)), ...localSet(into)]
    const products = images === 1
      ? each((_, vector, sum) => [...load(vector, this.#loaded[0]!), ...this.#product(sum, this.#loaded[0]!)])
      : Array.from({ length: images }, (_, image) => [
        ...localGet(this.#place), ...v128Load32Splat(image * input.imageBytes), ...localSet(this.#splat),
        ...Array.from({ length: vectors }, (_, vector) => this.#product(this.#sums[image * vectors + vector]!, this.#loaded[vector]!)).flat(),
      ]).flat()
    return [
      ...each((_, vector, sum) => [...localGet(this.#panel), ...v128Load(at(vector, leadingRow(epilogue, 'bias'))), ...localSet(sum)]),
      ...point(this.#weights, this.#panel, this.#panelBytes - inputValues * panelRowBytes),
      ...point(this.#place, this.#input), ...point(this.#end, this.#input, 4 * inputValues),
      ...loop(
        images === 1 ? [...localGet(this.#place), ...v128Load32Splat(), ...localSet(this.#splat)] : Array.from({ length: vectors }, (_, vector) => load(vector, this.#loaded[vector]!)).flat(),
        products,
        move(this.#weights, panelRowBytes),
        localGet(this.#place), i32Const(4), i32Add, localTee(this.#place), localGet(this.#end), i32LessUnsigned, branchIf(0)),
      ...(residual ? each((image, vector, sum) => [...localGet(sum), ...localGet(this.#residual), ...v128Load(image * residual.imageBytes + 16 * vector), ...f32x4Add, ...localSet(sum)]) : []),
      ...each((_, vector, sum) => finishVector(this.#builder, epilogue, sum, this.#panel, (name) => at(vector, leadingRow(epilogue, name)))),
      ...each((image, vector, sum) => [...localGet(this.#output), ...localGet(sum), ...v128Store(image * output.imageBytes + 16 * vector)]),
    ]
  }

  #product(sum: number, loaded: number): Code {
    return this.#variant.fusedMultiplyAdd
      ? [...localGet(this.#splat), ...localGet(loaded), ...localGet(sum), ...f32x4RelaxedMultiplyAdd, ...localSet(sum)]
      : [...localGet(sum), ...localGet(this.#splat), ...localGet(loaded), ...f32x4Multiply, ...f32x4Add, ...localSet(sum)]
  }
}
