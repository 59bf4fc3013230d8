// Operations that move values about, for the reference executor.

import type { PadNode, ResizeNode, SliceNode, TransposeNode } from '../graph.js'
import { imageShape, type Value } from './value.js'

export function slice(node: SliceNode, x: Value, y: Value): void {
  const length = x.shape.at(-1)!
  for (let from = node.begin, to = 0; to < y.data.length; from += length, to += node.size) {
    y.data.set(x.data.subarray(from, from + node.size), to)
  }
}

export function concat(inputs: readonly Value[], y: Value): void {
  const length = y.shape.at(-1)!
  let begin = 0
  for (const { data, shape } of inputs) {
    const size = shape.at(-1)!
    for (let from = 0, to = begin; from < data.length; from += size, to += length) y.data.set(data.subarray(from, from + size), to)
    begin += size
  }
}

export function transpose({ axes }: TransposeNode, x: Value, y: Value): void {
  const strides = x.shape.map((_, axis) => x.shape.slice(axis + 1).reduce((product, size) => product * size, 1))
  for (let i = 0; i < y.data.length; i++) {
    let from = 0
    for (let axis = axes.length - 1, rest = i; axis >= 0; axis--) {
      from += (rest % y.shape[axis]!) * strides[axes[axis]!]!
      rest = Math.floor(rest / y.shape[axis]!)
    }
    y.data[i] = x.data[from]!
  }
}

export function pad({ margins, value }: PadNode, x: Value, y: Value): void {
  const [height, width, channels] = imageShape(x)
  const [, outWidth] = imageShape(y)
  y.data.fill(value)
  for (let row = 0; row < height; row++) {
    y.data.set(x.data.subarray(row * width * channels, (row + 1) * width * channels), ((row + margins.top) * outWidth + margins.left) * channels)
  }
}

/** Where row or column `place` of the result lies in the input. */
export function resizeSource(node: ResizeNode, place: number, from: number, to: number): number {
  if (node.coordinates === 'align-corners') return to === 1 ? 0 : (place * (from - 1)) / (to - 1)
  return node.coordinates === 'half-pixel' ? ((place + 0.5) * from) / to - 0.5 : (place * from) / to
}

/** The nearest row or column; see ResizeNode. */
export function nearestSource(node: ResizeNode, place: number, from: number, to: number): number {
  const source = resizeSource(node, place, from, to)
  const nearest = node.coordinates === 'asymmetric' ? Math.floor(source) : node.coordinates === 'half-pixel' ? Math.ceil(source - 0.5) : Math.round(source)
  return Math.min(Math.max(nearest, 0), from - 1)
}

export function resize(node: ResizeNode, x: Value, y: Value): void {
  const [height, width, channels] = imageShape(x)
  for (let row = 0, at = 0; row < node.height; row++) {
    for (let column = 0; column < node.width; column++, at += channels) {
      for (let c = 0; c < channels; c++) {
        const read = (iy: number, ix: number): number => x.data[(iy * width + ix) * channels + c]!
        y.data[at + c] = node.method === 'nearest'
          ? read(nearestSource(node, row, height, node.height), nearestSource(node, column, width, node.width))
          : bilinear(read, resizeSource(node, row, height, node.height), resizeSource(node, column, width, node.width), height, width)
      }
    }
  }
}

function bilinear(read: (iy: number, ix: number) => number, row: number, column: number, height: number, width: number): number {
  const [y, x] = [Math.min(Math.max(row, 0), height - 1), Math.min(Math.max(column, 0), width - 1)]
  const [top, left] = [Math.floor(y), Math.floor(x)]
  const [bottom, right] = [Math.min(top + 1, height - 1), Math.min(left + 1, width - 1)]
  const [down, across] = [y - top, x - left]
  const upper = read(top, left) * (1 - across) + read(top, right) * across
  const lower = read(bottom, left) * (1 - across) + read(bottom, right) * across
  return upper * (1 - down) + lower * down
}
