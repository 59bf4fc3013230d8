// Convolutions and pools.

import type { Margins, Padding } from '@millrace/infer'
import { axisSizes, inOrder, tensorValue, type TensorValue } from '../../layout.js'
import { product } from '../fold.js'
import type { OnnxNode } from '../node.js'
import { imageNode, imageValue, type Operator, type OperatorContext } from './operator.js'

export const windowOperators: Readonly<Record<string, Operator>> = {
  Conv: convolution,
  ConvTranspose: transposedConvolution,
  MaxPool: (node, context) => {
    node.require('storage_order', 0)
    requireOnes(node, 'dilations')
    if (node.outputs[1]) node.unsupported('its second output, the places of the largest values, is not known here')
    return pool(node, context, 'maxPool2d')
  },
  AveragePool: (node, context) => {
    requireOnes(node, 'dilations')
    return pool(node, context, 'averagePool2d')
  },
  GlobalAveragePool: (node, context) => reduce(node, context, 'globalAveragePool2d', [1, 2], true),
  GlobalMaxPool: (node, context) => reduce(node, context, 'globalMaxPool2d', [1, 2], true),
  ReduceMean: (node, context) => reduceOver(node, context, 'globalAveragePool2d'),
  ReduceMax: (node, context) => reduceOver(node, context, 'globalMaxPool2d'),
}

type Pair = readonly [vertical: number, horizontal: number]

function convolution(node: OnnxNode, context: OperatorContext): TensorValue {
  const image = node.image(0)
  const [filters = 0, inChannels = 0, height = 0, width = 0] = kernelShape(node)
  const kernelSize = [height, width] as const
  const [strides, dilations] = [pair(node, 'strides'), pair(node, 'dilations')]
  const groups = node.int('group', 1)
  checkKernel(node, kernelSize)
  const [channels, ...size] = axisSizes(image) as [number, number, number]
  if (channels !== inChannels * groups) node.damaged(`expected ${inChannels * groups} channels, found ${channels}`)
  const input = imageNode(context, image)
  const padding = paddingOf(node, size, [(height - 1) * dilations[0] + 1, (width - 1) * dilations[1] + 1], strides)
  const bias = node.optionalConstant(2) && node.weights(2, filters)
  const kernel = turnKernel(node.weights(1, filters * inChannels * height * width), [filters, inChannels, height * width], ([filter, channel, place]) => (place * inChannels + channel) * filters + filter)
  const name = context.builder.emit(
    {
      op: 'conv2d', name: node.name, filters, kernelSize, strides, bias: bias !== undefined, ...withoutPad(context, input, padding),
      ...(groups !== 1 && { groups }), ...((dilations[0] !== 1 || dilations[1] !== 1) && { dilations }),
    },
    { kernel, ...(bias && { bias }) },
  )
  return imageValue(context, name)
}

/** Zeros put round the image just before are the convolution's own. */
function withoutPad({ builder }: OperatorContext, input: string, padding: Padding): { input: string; padding: Padding } {
  const before = builder.node(input)
  if (before?.op !== 'pad' || before.value !== 0 || padding === 'same') return { input, padding }
  const own = padding === 'valid' ? noMargins : padding
  const { top, bottom, left, right } = before.margins
  return { input: before.input, padding: { top: own.top + top, bottom: own.bottom + bottom, left: own.left + left, right: own.right + right } }
}

function transposedConvolution(node: OnnxNode, context: OperatorContext): TensorValue {
  const image = node.image(0)
  const [inChannels = 0, filters = 0, height = 0, width = 0] = kernelShape(node)
  const kernelSize = [height, width] as const
  const strides = pair(node, 'strides')
  checkKernel(node, kernelSize)
  node.require('group', 1)
  requireOnes(node, 'dilations')
  if (node.ints('output_shape') !== undefined) node.unsupported('has an output_shape, which is not known here')
  const extra = node.ints('output_padding') ?? [0, 0]
  const stated = paddingOf(node, [1, 1], kernelSize, strides)
  const margins = stated === 'valid' ? noMargins : stated
  if (margins === 'same') return node.unsupported('expected explicit pads, found auto_pad SAME')
  const padding = { ...margins, bottom: margins.bottom - extra[0]!, right: margins.right - extra[1]! }
  if (padding.bottom < 0 || padding.right < 0) node.unsupported('its output_padding is larger than its pads')
  const bias = node.optionalConstant(2) && node.weights(2, filters)
  const kernel = turnKernel(node.weights(1, inChannels * filters * height * width), [inChannels, filters, height * width], ([channel, filter, place]) => (place * filters + filter) * inChannels + channel)
  return imageValue(context, context.builder.emit({ op: 'convTranspose2d', name: node.name, input: imageNode(context, image), filters, kernelSize, strides, padding, bias: bias !== undefined }, { kernel, ...(bias && { bias }) }))
}

function kernelShape(node: OnnxNode): readonly number[] {
  const { shape } = node.constant(1)
  return shape.length === 4 ? shape : node.unsupported(`expected a kernel of two dimensions, [filters, channels, height, width], found [${shape.join(', ')}]`)
}

function checkKernel(node: OnnxNode, kernelSize: Pair): void {
  const stated = node.ints('kernel_shape') ?? kernelSize
  if (stated.join() !== kernelSize.join()) node.damaged(`expected a kernel_shape of ${kernelSize.join('x')}, found ${stated.join('x')}`)
}

/** The kernel with its axes in another order. */
function turnKernel(kernel: Float32Array, [first, second, third]: readonly [number, number, number], to: (place: readonly [number, number, number]) => number): Float32Array {
  const turned = new Float32Array(kernel.length)
  let from = 0
  for (let a = 0; a < first; a++) for (let b = 0; b < second; b++) for (let c = 0; c < third; c++) turned[to([a, b, c])] = kernel[from++]!
  return turned
}

function pool(node: OnnxNode, context: OperatorContext, op: 'maxPool2d' | 'averagePool2d'): TensorValue {
  const image = node.image(0)
  const poolSize = pairOf(node, 'kernel_shape', node.ints('kernel_shape'))
  const strides = pair(node, 'strides')
  const size = axisSizes(image).slice(1)
  const stated = paddingOf(node, size, poolSize, strides)
  const isCeil = node.int('ceil_mode', 0) === 1
  const isNothing = [...poolSize, ...strides].every((places) => places === 1) && stated === 'valid' // torch's adaptive pool of the size that there is
  const countPadding = op === 'averagePool2d' && node.int('count_include_pad', 0) === 1
  const padding = isCeil && stated !== 'same' ? roundedUp(stated === 'valid' ? noMargins : stated, size, poolSize, strides) : stated
  if (isNothing) return image
  const { builder } = context
  let input = imageNode(context, image)
  if (op === 'maxPool2d') return imageValue(context, builder.emit({ op, name: node.name, input, poolSize, strides, padding }))
  // Of what a window has past its stated padding, no place counts, though the padding itself may.
  if (countPadding && typeof padding === 'object' && typeof stated === 'object' && (padding.bottom > stated.bottom || padding.right > stated.right)) {
    input = builder.emit({ op: 'pad', name: `${node.name}/pad`, input, margins: stated, value: 0 })
    const rest = { top: 0, left: 0, bottom: padding.bottom - stated.bottom, right: padding.right - stated.right }
    return imageValue(context, builder.emit({ op, name: node.name, input, poolSize, strides, padding: rest, countPadding: false }))
  }
  // Zeros put round the image just before count like padding that counts.
  const merged = isCeil || padding !== 'valid' ? { input, padding } : withoutPad(context, input, padding)
  return imageValue(context, builder.emit({ op, name: node.name, ...merged, poolSize, strides, countPadding: countPadding || merged.input !== input }))
}

/** ceil_mode: one more window where places are left, unless it would begin past the image and its padding before. */
function roundedUp(margins: Margins, [height = 0, width = 0]: readonly number[], window: Pair, strides: Pair): Margins {
  const end = (size: number, before: number, after: number, axis: 0 | 1): number => {
    let count = Math.ceil((size + before + after - window[axis]) / strides[axis]) + 1
    if ((count - 1) * strides[axis] >= size + before) count--
    return Math.max(after, (count - 1) * strides[axis] + window[axis] - size - before)
  }
  return { ...margins, bottom: end(height, margins.top, margins.bottom, 0), right: end(width, margins.left, margins.right, 1) }
}

const noMargins: Margins = { top: 0, bottom: 0, left: 0, right: 0 }

/** The padding that pads or auto_pad state, for windows that span `span` places. */
function paddingOf(node: OnnxNode, size: readonly number[], span: Pair, strides: Pair): Padding {
  const mode = node.requireText('auto_pad', ['NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER'])
  const pads = node.ints('pads')
  if (mode === 'VALID') return 'valid'
  if (mode === 'SAME_UPPER') return 'same'
  if (mode === 'SAME_LOWER') {
    const [vertical, horizontal] = ([0, 1] as const).map((axis) => Math.max((Math.ceil(size[axis]! / strides[axis]) - 1) * strides[axis] + span[axis] - size[axis]!, 0)) as [number, number]
    return { top: Math.ceil(vertical / 2), bottom: Math.floor(vertical / 2), left: Math.ceil(horizontal / 2), right: Math.floor(horizontal / 2) }
  }
  if (pads === undefined) return 'valid'
  if (pads.length !== 4) node.unsupported(`expected pads of height and width, [top, left, bottom, right], found ${pads.length} numbers`)
  const [top, left, bottom, right] = pads as [number, number, number, number]
  return pads.some((side) => side !== 0) ? { top, bottom, left, right } : 'valid'
}

function pair(node: OnnxNode, name: string): Pair {
  return pairOf(node, name, node.ints(name) ?? [1, 1])
}

function pairOf(node: OnnxNode, name: string, values: readonly number[] | undefined): Pair {
  if (values?.length !== 2) return node.unsupported(`expected ${name} of height and width, found ${values ? `${values.length} numbers` : 'none'}`)
  return values as [number, number]
}

function requireOnes(node: OnnxNode, name: string): void {
  const values = node.ints(name) ?? []
  if (values.some((value) => value !== 1)) node.unsupported(`expected ${name} of 1, found ${values.join(', ')}`)
}

function reduceOver(node: OnnxNode, context: OperatorContext, op: 'globalAveragePool2d' | 'globalMaxPool2d'): TensorValue {
  const rank = node.tensor(0).axes.length
  const input = node.optionalConstant(1)
  const axes = input ? node.numbers(input) : node.ints('axes')
  node.ignore('noop_with_empty_axes')
  if (axes === undefined || axes.length === 0) return node.unsupported('expected the axes to take it over, found none: it works across the images of a batch')
  return reduce(node, context, op, axes.map((axis) => node.axis(axis, rank)), node.int('keepdims', 1) === 1)
}

/** Over some axes: [places of those, 1, the others] is an image for a global pool. */
function reduce(node: OnnxNode, { builder }: OperatorContext, op: 'globalAveragePool2d' | 'globalMaxPool2d', axes: readonly number[], keepAxes: boolean): TensorValue {
  const value = node.tensor(0)
  const sizes = axisSizes(value)
  const kept = sizes.map((_, axis) => axis).filter((axis) => !axes.includes(axis))
  const ordered = inOrder(builder, value, [...axes, ...kept])
  const isImage = axes.length === 2 && kept.length === 1
  const input = isImage ? ordered : builder.reshape(ordered, [product(axes.map((axis) => sizes[axis]!)), 1, product(kept.map((axis) => sizes[axis]!))])
  const name = builder.emit({ op, name: node.name, input })
  const result = keepAxes ? sizes.map((size, axis) => (axes.includes(axis) ? 1 : size)) : kept.map((axis) => sizes[axis]!)
  return tensorValue(name, result, result.map((_, axis) => axis))
}
