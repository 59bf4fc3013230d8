// Pools for the reference executor: windows, and whole images.

import type { AveragePool2dNode, GlobalPool2dNode, MaxPool2dNode } from '../graph.js'
import { windowPlaces } from '../windows.js'
import { imageShape, type Value } from './value.js'

/** The largest value, or the mean, of each window by channel; padded places take no part but in a count. */
export function pool2d(node: MaxPool2dNode | AveragePool2dNode, x: Value, y: Value): void {
  const [height, width, channels] = imageShape(x)
  const [poolHeight, poolWidth] = node.poolSize
  const rows = windowPlaces(height, poolHeight, node, 'vertical')
  const columns = windowPlaces(width, poolWidth, node, 'horizontal')
  const isMax = node.op === 'maxPool2d'
  const values = new Float64Array(channels)
  for (let oy = 0, out = 0; oy < rows.count; oy++) {
    const top = oy * node.strides[0] - rows.padBefore
    for (let ox = 0; ox < columns.count; ox++, out += channels) {
      const left = ox * node.strides[1] - columns.padBefore
      values.fill(isMax ? -Infinity : 0)
      let count = 0
      for (let iy = Math.max(top, 0); iy < Math.min(top + poolHeight, height); iy++) {
        for (let ix = Math.max(left, 0); ix < Math.min(left + poolWidth, width); ix++, count++) {
          const at = (iy * width + ix) * channels
          for (let c = 0; c < channels; c++) values[c] = isMax ? Math.max(values[c]!, x.data[at + c]!) : values[c]! + x.data[at + c]!
        }
      }
      const divisor = isMax ? 1 : node.countPadding ? poolHeight * poolWidth : count
      for (let c = 0; c < channels; c++) y.data[out + c] = values[c]! / divisor
    }
  }
}

/** The mean, or the largest, of each channel over the whole image. */
export function globalPool2d({ op }: GlobalPool2dNode, x: Value, y: Value): void {
  const [height, width, channels] = imageShape(x)
  const isMax = op === 'globalMaxPool2d'
  for (let c = 0; c < channels; c++) {
    let value = isMax ? -Infinity : 0
    for (let at = c; at < x.data.length; at += channels) value = isMax ? Math.max(value, x.data[at]!) : value + x.data[at]!
    y.data[c] = isMax ? value : value / (height * width)
  }
}
