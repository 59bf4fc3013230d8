// The multiplication in the middle of Winograd's convolution: 36 products of matrices, each in tiles of
// pixels x 8 filters as in the direct convolution.

import {
  f32x4Add, f32x4Multiply, f32x4RelaxedMultiplyAdd, i32Add, i32Const, i32LessUnsigned, branchIf, localGet, localSet, localTee, loop, v128Load, v128Load32Splat, v128Store, type Code,
} from '../assembler.js'
import { each, ifEqual, whileAtLeast } from '../control.js'
import { move, point, type FunctionBuilder } from '../function-builder.js'
import type { ConvolutionShape } from './convolution.js'
import { weightsAddress, workspaceAddress, type Variant } from './kernel.js'
import { panelCount, panelRowBytes } from './panels.js'
import { vectorBytes, type TilePlan } from './winograd-plan.js'
import { transformPoints } from './winograd-transform.js'
import { winogradLeadingBytes } from './winograd-weights.js'

/** M = V · U for each of the 36, of as many tiles as the local `tiles` holds when it runs. */
export function multiplyStage(builder: FunctionBuilder, { input, output, epilogue }: ConvolutionShape, plan: TilePlan, variant: Variant, tiles: number): Code {
  const { tileColumns, blockRows, inputBytes, productBytes, products } = plan
  const [values, sums, panel, left] = builder.locals('i32', 4) as [number, number, number, number]
  const writer = new ProductWriter(builder, variant, plan, input.channels, panel)
  const panels = panelCount(output.channels)
  const { tilePixels } = variant
  const remainders = new Set(Array.from({ length: blockRows }, (_, row) => ((row + 1) * tileColumns) % tilePixels))
  const areEnough = blockRows * tileColumns >= tilePixels
  return [
    ...point(values, workspaceAddress), ...point(sums, workspaceAddress, products), ...point(panel, weightsAddress, winogradLeadingBytes(output.channels, epilogue)),
    ...builder.times(transformPoints ** 2,
      builder.times(panels,
        point(writer.values, values), point(writer.sums, sums), localGet(tiles), localSet(left),
        areEnough ? whileAtLeast(left, tilePixels, writer.write(tilePixels)) : [],
        each(tilePixels - 1, (index) => (remainders.has(index + 1) ? ifEqual(left, index + 1, writer.write(index + 1)) : [])),
        move(panel, input.channels * panelRowBytes), move(sums, panelRowBytes)),
      move(values, inputBytes), move(sums, productBytes - panels * panelRowBytes)),
  ]
}

/** Writes tiles of a product of matrices: rows of V times a panel of U. */
class ProductWriter {
  /** Addresses of the tile in V and M, which its code moves on. */
  readonly values: number
  readonly sums: number
  readonly #variant: Variant
  readonly #plan: TilePlan
  readonly #channels: number
  readonly #panel: number
  readonly #place: number
  readonly #end: number
  readonly #weights: number
  readonly #accumulators: readonly number[]
  readonly #loaded: readonly number[]
  readonly #splat: number
  /** Never set. */
  readonly #zero: number

  constructor(builder: FunctionBuilder, variant: Variant, plan: TilePlan, channels: number, panel: number) {
    this.#variant = variant
    this.#plan = plan
    this.#channels = channels
    this.#panel = panel
    ;[this.values, this.sums, this.#place, this.#end, this.#weights] = builder.locals('i32', 5) as [number, number, number, number, number]
    this.#accumulators = builder.locals('v128', 2 * variant.tilePixels)
    this.#loaded = builder.locals('v128', 2)
    ;[this.#splat, this.#zero] = builder.locals('v128', 2) as [number, number]
  }

  write(tiles: number): Code {
    const { inputTileBytes, productTileBytes } = this.#plan
    const sums = this.#accumulators.slice(0, 2 * tiles)
    return [
      ...sums.flatMap((sum) => [...localGet(this.#zero), ...localSet(sum)]),
      ...point(this.#place, this.values), ...point(this.#end, this.values, 4 * this.#channels), ...point(this.#weights, this.#panel),
      ...loop(
        each(2, (vector) => [...localGet(this.#weights), ...v128Load(vector * vectorBytes), ...localSet(this.#loaded[vector]!)]),
        each(tiles, (tile) => [
          ...localGet(this.#place), ...v128Load32Splat(tile * inputTileBytes), ...localSet(this.#splat),
          ...each(2, (vector) => this.#product(sums[2 * tile + vector]!, this.#loaded[vector]!)),
        ]),
        move(this.#weights, panelRowBytes),
        localGet(this.#place), i32Const(4), i32Add, localTee(this.#place), localGet(this.#end), i32LessUnsigned, branchIf(0)),
      ...sums.flatMap((sum, index) => [...localGet(this.sums), ...localGet(sum), ...v128Store(Math.floor(index / 2) * productTileBytes + (index % 2) * vectorBytes)]),
      ...move(this.values, tiles * inputTileBytes), ...move(this.sums, tiles * productTileBytes),
    ]
  }

  #product(sum: number, weights: number): Code {
    return this.#variant.fusedMultiplyAdd
      ? [...localGet(this.#splat), ...localGet(weights), ...localGet(sum), ...f32x4RelaxedMultiplyAdd, ...localSet(sum)]
      : [...localGet(sum), ...localGet(this.#splat), ...localGet(weights), ...f32x4Multiply, ...f32x4Add, ...localSet(sum)]
  }
}
