// What an operator's reading gives and may use.

import type { GraphBuilder } from '../../graph-builder.js'
import { channelsLast, inOrder, presentOrder, tensorValue, axisSizes, type TensorValue } from '../../layout.js'
import type { OnnxNode, Value } from '../node.js'

export interface OperatorContext {
  readonly builder: GraphBuilder
  /** The batch in the shapes that the file computes with: its own, or a large prime where it is left open. */
  readonly batch: number
}

/** Adds nodes for one operator of the file; the value of its output, or of each. */
export type Operator = (node: OnnxNode, context: OperatorContext) => Value | readonly Value[]

/** [h, w, c] of our graph ↔ [c, h, w] of the file. */
export const imageOrder = [1, 2, 0] as const

/** The node of an image as our operations want it. */
export function imageNode(context: OperatorContext, value: TensorValue): string {
  return inOrder(context.builder, value, imageOrder)
}

/** A node's value [h, w, c] as the file sees it. */
export function imageValue({ builder }: OperatorContext, node: string): TensorValue {
  const [height, width, channels] = builder.shape(node) as [number, number, number]
  return tensorValue(node, [channels, height, width], imageOrder)
}

/** An order of axes that ends in `axis`: the present one if it does. */
export function orderEndingIn(value: TensorValue, axis: number): number[] {
  const present = presentOrder(value)
  if (present?.at(-1) === axis) return present
  return [...channelsLast(value.axes.length).filter((other) => other !== axis), axis]
}

/** A node made of the value in an order of axes, of the same axes but for the size of one. */
export function withAxis(value: TensorValue, order: readonly number[], axis: number, node: string, size: number): TensorValue {
  return tensorValue(node, axisSizes(value).map((old, other) => (other === axis ? size : old)), order)
}
