// The kernel for an operation whose values have their places.

import { InferError } from '../errors.js'
import { denseKernel } from '../kernels/network/dense.js'
import { depthwiseKernel } from '../kernels/network/depthwise.js'
import { elementwiseKernel } from '../kernels/network/elementwise.js'
import { byteOffset, gatherKernel } from '../kernels/network/gather.js'
import { globalPoolKernel } from '../kernels/network/global-pool.js'
import type { Kernel, Layout } from '../kernels/network/kernel.js'
import { poolKernel } from '../kernels/network/pool.js'
import { softmaxKernel } from '../kernels/network/softmax.js'
import { nearestSource } from '../reference/rearrange.js'
import { chooseConvolution, type ConvolutionOptions } from './convolution-choice.js'
import type { Place } from './layout.js'
import type { ConvolutionOperation, Operation } from './operation.js'

/** @throws InferError INFER_COMPILE for an operation that there is no kernel for */
export function chooseKernel(operation: Operation, placeOf: (value: string) => Place, options: ConvolutionOptions): Kernel {
  const output = placeOf(operation.output).layout
  if (operation.kind === 'concat') throw noKernel(operation)
  const input = placeOf(operation.input).layout
  switch (operation.kind) {
    case 'convolution':
      return convolution(operation, input, output, placeOf, options)
    case 'dense':
      return denseKernel({ input, output, inputValues: input.height * input.width * input.channels, epilogue: operation.epilogue, ...residualOf(operation, placeOf) }, operation.kernel, operation.leading)
    case 'elementwise': {
      const { second, activation, affine, leading } = operation
      return elementwiseKernel({ input, output, affine, ...(activation && { activation }), ...(second && { second: { layout: placeOf(second.value).layout, operation: second.operation } }) }, leading)
    }
    case 'pool':
      return poolKernel({ ...operation, kind: operation.pool, input, output })
    case 'globalPool':
      return globalPoolKernel(operation.pool, input, output)
    case 'softmax':
      return softmaxKernel(input, output)
    case 'slice':
      return isAligned(input) && isAligned(output)
        ? elementwiseKernel({ input, output, affine: false }, {})
        : gatherKernel('copy', input, output, (row, column, channel) => byteOffset(input, row, column, channel))
    case 'reshape':
      return gatherKernel('reshape', input, output, (row, column, channel) => offsetOf(input, (row * output.width + column) * output.channels + channel))
    case 'transpose':
      return transpose(operation.axes, input, output)
    case 'pad': {
      const { top, left, value } = operation
      const isInside = (row: number, column: number): boolean => row >= top && row < top + input.height && column >= left && column < left + input.width
      return gatherKernel('pad', input, output, (row, column, channel) => (isInside(row, column) ? byteOffset(input, row - top, column - left, channel) : -1), value)
    }
    case 'resize': {
      const { node } = operation
      if (node.method !== 'nearest') throw noKernel(operation)
      return gatherKernel('resize', input, output, (row, column, channel) => byteOffset(input, nearestSource(node, row, input.height, output.height), nearestSource(node, column, input.width, output.width), channel))
    }
    default:
      throw noKernel(operation)
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

/** Of values of three axes at most, whose axes are the last of (row, column, channel). */
function transpose(axes: readonly number[], input: Layout, output: Layout): Kernel {
  const first = 3 - axes.length
  return gatherKernel('transpose', input, output, (...place) => {
    const source = [0, 0, 0]
    for (const [axis, from] of axes.entries()) source[first + from] = place[first + axis]!
    return byteOffset(input, source[0]!, source[1]!, source[2]!)
  })
}

function noKernel({ kind, output }: Operation): InferError {
  return new InferError('INFER_COMPILE', `node ${JSON.stringify(output)}: ${kind} cannot be compiled yet; run the network with the reference executor`, { node: output })
}
