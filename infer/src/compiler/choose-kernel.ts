// The kernel for an operation whose values have their places.

import type { ResizeNode } from '../graph.js'
import { denseKernel } from '../kernels/network/dense.js'
import { depthwiseKernel } from '../kernels/network/depthwise.js'
import { elementwiseKernel } from '../kernels/network/elementwise.js'
import { byteOffset, gatherKernel } from '../kernels/network/gather.js'
import { globalPoolKernel } from '../kernels/network/global-pool.js'
import type { Kernel, Layout } from '../kernels/network/kernel.js'
import { localResponseNormKernel } from '../kernels/network/local-response-norm.js'
import { maxoutKernel } from '../kernels/network/maxout.js'
import { padKernel } from '../kernels/network/pad.js'
import { poolKernel } from '../kernels/network/pool.js'
import { resizeKernel, type ResizePlace } from '../kernels/network/resize.js'
import { softmaxKernel } from '../kernels/network/softmax.js'
import { nearestSource, resizeSource } from '../reference/rearrange.js'
import { chooseConvolution, type ConvolutionOptions } from './convolution-choice.js'
import type { Place } from './layout.js'
import type { ConvolutionOperation, KernelOperation } from './operation.js'

export function chooseKernel(operation: KernelOperation, placeOf: (value: string) => Place, options: ConvolutionOptions): Kernel {
  const output = placeOf(operation.output).layout
  const input = placeOf(operation.input).layout
  switch (operation.kind) {
    case 'convolution':
      return convolution(operation, input, output, placeOf, options)
    case 'dense':
      return denseKernel({ input, output, inputValues: input.height * input.width * input.channels, epilogue: operation.epilogue, ...residualOf(operation, placeOf) }, operation.kernel, operation.leading)
    case 'elementwise': {
      const { second, pixelFactors, stages } = operation
      if (pixelFactors) return elementwiseKernel({ input, output, second: { operation: 'multiply', layout: factorLayout(output), constant: pixelFactors }, stages })
      return elementwiseKernel({ input, output, stages, ...(second && { second: { layout: placeOf(second.value).layout, operation: second.operation } }) })
    }
    case 'pool':
      return poolKernel({ ...operation, kind: operation.pool, input, output })
    case 'globalPool':
      return globalPoolKernel(operation.pool, input, output)
    case 'softmax':
      return softmaxKernel(input, output)
    case 'slice':
      return isAligned(input) && isAligned(output)
        ? elementwiseKernel({ input, output, stages: [] })
        : gatherKernel('copy', input, output, (row, column, channel) => byteOffset(input, row, column, channel))
    case 'reshape':
      return gatherKernel('reshape', input, output, (row, column, channel) => offsetOf(input, (row * output.width + column) * output.channels + channel))
    case 'transpose':
      return transpose(operation.axes, operation.shape, input, output)
    case 'expand':
      return expand(operation.from, operation.to, input, output)
    case 'pad':
      return padKernel({ input, output, top: operation.margins.top, left: operation.margins.left, value: operation.value })
    case 'resize':
      return resize(operation.node, input, output)
    case 'maxout':
      return maxoutKernel(operation.node.pieces, input, output)
    case 'localResponseNorm':
      return localResponseNormKernel(operation.node, input, output)
  }
}

function convolution(operation: ConvolutionOperation, input: Layout, output: Layout, placeOf: (value: string) => Place, options: ConvolutionOptions): Kernel {
  const { groups, kernelSize, strides, dilations, epilogue, padding, kernel, leading } = operation
  const shape = { input, output, kernelSize, strides, dilations, padding: [padding.top, padding.left] as const, epilogue, ...residualOf(operation, placeOf) }
  const isDepthwise = groups === input.channels && groups === output.channels && groups > 1
  return isDepthwise ? depthwiseKernel(shape, kernel, leading) : chooseConvolution({ ...shape, groups }, kernel, leading, options)
}

function residualOf({ residual }: { readonly residual?: string }, placeOf: (value: string) => Place): { readonly residual?: Layout } {
  return residual === undefined ? {} : { residual: placeOf(residual).layout }
}

/** Whether whole vectors of its channels can be read and written without touching others. */
function isAligned({ channels, pixelBytes }: Layout): boolean {
  return channels % 4 === 0 || pixelBytes === 16 * Math.ceil(channels / 4)
}

/** Where the n-th value of an image lies. */
function offsetOf(layout: Layout, index: number): number {
  const channel = index % layout.channels
  const pixel = Math.floor(index / layout.channels)
  return byteOffset(layout, Math.floor(pixel / layout.width), pixel % layout.width, channel)
}

/** Axis i of the result is axis axes[i] of the input, of that shape. */
function transpose(axes: readonly number[], shape: readonly number[], input: Layout, output: Layout): Kernel {
  const steps = stepsOf(shape)
  return rearrange('transpose', axes.map((axis) => shape[axis]!), axes.map((axis) => steps[axis]!), input, output)
}

function expand(from: readonly number[], to: readonly number[], input: Layout, output: Layout): Kernel {
  return rearrange('expand', to, stepsOf(from).map((step, axis) => (from[axis] === 1 ? 0 : step)), input, output)
}

/** From a place of an axis to the next, in values. */
function stepsOf(shape: readonly number[]): number[] {
  return shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1))
}

/** A result of a shape, where a step along an axis is so many values of the input. */
function rearrange(name: string, shape: readonly number[], steps: readonly number[], input: Layout, output: Layout): Kernel {
  return gatherKernel(name, input, output, (row, column, channel) => {
    let index = (row * output.width + column) * output.channels + channel
    let source = 0
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      source += (index % shape[axis]!) * steps[axis]!
      index = Math.floor(index / shape[axis]!)
    }
    return offsetOf(input, source)
  })
}

function resize(node: ResizeNode, input: Layout, output: Layout): Kernel {
  const places = (from: number, to: number): ResizePlace[] => Array.from({ length: to }, (_, place) => {
    if (node.method === 'nearest') return { first: nearestSource(node, place, from, to), share: 0 }
    const source = Math.min(Math.max(resizeSource(node, place, from, to), 0), from - 1)
    return { first: Math.floor(source), share: source - Math.floor(source) }
  })
  return resizeKernel({ method: node.method, input, output }, places(input.height, output.height), places(input.width, output.width))
}

/** One number a pixel, the same for every image. */
function factorLayout({ height, width }: Layout): Layout {
  return { height, width, channels: 1, pixelBytes: 4, rowBytes: 4 * width, imageBytes: 0 }
}
