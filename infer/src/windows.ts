// Where the windows of a convolution or pool lie along one axis.

import type { Padding } from './graph.js'

export type Axis = 'vertical' | 'horizontal'

export interface WindowPlaces {
  /** How many there are; below 1 where none fits. */
  readonly count: number
  /** How far the first begins before the image. */
  readonly padBefore: number
  /** How far the last one ends after the image; below 0 where it ends within. */
  readonly padAfter: number
}

/** What the nodes with windows have in common. */
export interface Windowed {
  readonly strides: readonly [vertical: number, horizontal: number]
  readonly padding: Padding
  readonly dilations?: readonly [vertical: number, horizontal: number]
}

/**
 * The windows along one axis of an image. A window of `window` places that lie `dilation` apart spans
 * (window − 1)·dilation + 1. 'same' gives out = ceil(in / stride) and puts the odd extra place at the end.
 */
export function windowPlaces(size: number, window: number, node: Windowed, axis: Axis): WindowPlaces {
  const place = axis === 'vertical' ? 0 : 1
  const stride = node.strides[place]
  const span = (window - 1) * (node.dilations?.[place] ?? 1) + 1
  const before = paddingBefore(size, span, stride, node.padding, axis)
  const after = typeof node.padding === 'object' ? (axis === 'vertical' ? node.padding.bottom : node.padding.right) : 0
  const count = node.padding === 'same' ? Math.ceil(size / stride) : Math.floor((size + before + after - span) / stride) + 1
  return { count, padBefore: before, padAfter: (count - 1) * stride + span - before - size }
}

function paddingBefore(size: number, span: number, stride: number, padding: Padding, axis: Axis): number {
  if (padding === 'valid') return 0
  if (padding === 'same') return Math.floor(Math.max((Math.ceil(size / stride) - 1) * stride + span - size, 0) / 2)
  return axis === 'vertical' ? padding.top : padding.left
}

/**
 * A transposed convolution along one axis: how long the result is, and how many places of the full result
 * are cut off before it. 'same' gives out = in · stride and cuts the odd extra place off at the end.
 */
export function transposedPlaces(size: number, window: number, node: Windowed, axis: Axis): { readonly count: number; readonly cutBefore: number } {
  const stride = node.strides[axis === 'vertical' ? 0 : 1]
  const full = (size - 1) * stride + window
  if (node.padding === 'valid') return { count: full, cutBefore: 0 }
  if (node.padding === 'same') return { count: size * stride, cutBefore: Math.max(0, Math.floor((window - stride) / 2)) }
  const [before, after] = axis === 'vertical' ? [node.padding.top, node.padding.bottom] : [node.padding.left, node.padding.right]
  return { count: full - before - after, cutBefore: before }
}
