// What moves, cuts and joins values.

import { axisSizes, channelsLast, inOrder, reshaped, tensorValue, type TensorValue } from '../../layout.js'
import { completeShape, integers, product, sliceRanges } from '../fold.js'
import type { OnnxNode, Value } from '../node.js'
import { imageNode, imageValue, orderEndingIn, withAxis, type Operator, type OperatorContext } from './operator.js'

export const rearrangeOperators: Readonly<Record<string, Operator>> = {
  Shape: (node, { batch }) => {
    const shape = [batch, ...axisSizes(node.tensor(0))]
    return integers(shape.slice(node.int('start', 0), node.int('end', shape.length)))
  },
  Reshape: (node, context) => {
    node.require('allowzero', 0)
    const shape = node.inputCount > 1 ? node.numbers(node.constant(1)) : (node.ints('shape') ?? [])
    return toShape(node, context, completeShape(node, shape, [context.batch, ...axisSizes(node.tensor(0))]))
  },
  Flatten: (node, context) => {
    const value = node.tensor(0)
    const axis = node.int('axis', 1)
    const split = axis < 0 ? axis + value.axes.length + 1 : axis
    if (split !== 1) return node.unsupported(`flattens from axis ${axis}, which mixes the images of a batch; expected 1`)
    return toShape(node, context, [context.batch, product(axisSizes(value))])
  },
  Squeeze: (node, context) => {
    const value = node.tensor(0)
    const sizes = axisSizes(value)
    const axes = axesOf(node, 1)?.map((axis) => node.axis(axis, sizes.length)) ?? sizes.flatMap((size, axis) => (size === 1 ? [axis] : []))
    if (axes.some((axis) => sizes[axis] !== 1)) return node.damaged(`takes away an axis of more than one place of ${node.show(value)}`)
    return toShape(node, context, [context.batch, ...sizes.filter((_, axis) => !axes.includes(axis))])
  },
  Unsqueeze: (node, context) => {
    const sizes = axisSizes(node.tensor(0))
    const wanted = axesOf(node, 1) ?? node.damaged('has no axes')
    const axes = wanted.map((axis) => node.axis(axis, sizes.length + wanted.length)).sort((a, b) => a - b)
    for (const axis of axes) sizes.splice(axis, 0, 1)
    return toShape(node, context, [context.batch, ...sizes])
  },
  Transpose: (node) => {
    const value = node.tensor(0)
    const axes = node.ints('perm') ?? Array.from({ length: value.axes.length + 1 }, (_, axis) => value.axes.length - axis)
    if (axes.length !== value.axes.length + 1 || !axes.every((_, axis) => axes.includes(axis))) return node.damaged(`expected perm to name each of ${value.axes.length + 1} axes, found [${axes.slice(0, 10).join(', ')}]`)
    if (axes[0] !== 0) return node.unsupported('moves the batch')
    return { ...value, axes: axes.slice(1).map((axis) => value.axes[axis - 1]!) }
  },
  Concat: concat,
  Split: split,
  Slice: (node, context) => {
    const value = node.tensor(0)
    const ranges = sliceRanges(node, [context.batch, ...axisSizes(value)], (place) => node.optionalConstant(place))
    return ranges.reduce((x, { axis, begin, step, size }) => {
      if (step !== 1) return node.unsupported(`expected steps of 1, found ${step}`)
      if (axis === 0) return begin === 0 && size === context.batch ? x : node.unsupported('takes some images of a batch')
      return sliced(node, context, x, axis - 1, begin, size)
    }, value)
  },
  Gather: (node, context) => {
    const value = node.tensor(0)
    const indices = node.constant(1)
    const axis = node.axis(node.int('axis', 0), value.axes.length)
    const size = axisSizes(value)[axis] ?? node.damaged('its axis is not there')
    const [index = 0] = indices.data
    if (indices.data.length !== 1) return node.unsupported(`takes ${indices.data.length} places of an axis; expected one`)
    const one = sliced(node, context, value, axis, index < 0 ? index + size : index, 1)
    return indices.shape.length > 0 ? one : toShapeOf(node, context, one, axisSizes(one).filter((_, other) => other !== axis))
  },
  Pad: pad,
  Resize: (node, context) => resize(node, context, node.opset >= 11 ? 2 : 1, node.opset >= 11 ? 3 : undefined),
  Upsample: (node, context) => resize(node, context, 1, undefined),
  DepthToSpace: (node, context) => {
    const block = node.int('blocksize', 1)
    const isDepthFirst = node.requireText('mode', ['DCR', 'CRD']) === 'DCR'
    const value = node.image(0)
    const [channels, height, width] = axisSizes(value) as [number, number, number]
    const depth = channels / (block * block)
    if (!Number.isInteger(depth)) return node.damaged(`expected channels that ${block * block} divides, found ${channels}`)
    const split = reshaped(context.builder, value, isDepthFirst ? [block, block, depth, height, width] : [depth, block, block, height, width])
    const turn = isDepthFirst ? [2, 3, 0, 4, 1] : [0, 3, 1, 4, 2]
    return reshaped(context.builder, { ...split, axes: turn.map((axis) => split.axes[axis]!) }, [depth, height * block, width * block])
  },
}

/** Axes from the attribute, or from opset 13 from an input. */
function axesOf(node: OnnxNode, place: number): readonly number[] | undefined {
  const constant = node.optionalConstant(place)
  return constant ? node.numbers(constant) : node.ints('axes')
}

function toShape(node: OnnxNode, context: OperatorContext, shape: readonly number[]): TensorValue {
  return toShapeOf(node, context, node.tensor(0), shape.slice(1), shape[0])
}

function toShapeOf(node: OnnxNode, { builder, batch }: OperatorContext, value: TensorValue, sizes: readonly number[], first = batch): TensorValue {
  const fits = first === batch && product(sizes) === product(axisSizes(value))
  return fits ? reshaped(builder, value, sizes) : node.unsupported(`makes [${[first, ...sizes].join(', ')}] of ${node.show(value)}, which mixes the images of a batch`)
}

function concat(node: OnnxNode, { builder }: OperatorContext): TensorValue {
  const values = Array.from({ length: node.inputCount }, (_, place) => node.tensor(place))
  const [first] = values as [TensorValue]
  const axis = node.axis(node.int('axis', 1), first.axes.length)
  if (values.some(({ axes }) => axes.length !== first.axes.length)) return node.damaged(`its inputs have ${values.map((value) => node.show(value)).join(', ')}`)
  if (values.length === 1) return first
  const order = orderEndingIn(first, axis)
  const name = builder.emit({ op: 'concat', name: node.name, inputs: values.map((value) => inOrder(builder, value, order)) })
  return withAxis(first, order, axis, name, values.reduce((sum, value) => sum + axisSizes(value)[axis]!, 0))
}

function split(node: OnnxNode, context: OperatorContext): readonly Value[] {
  const value = node.tensor(0)
  const axis = node.axis(node.int('axis', 0), value.axes.length)
  const length = axisSizes(value)[axis]!
  const constant = node.optionalConstant(1)
  const parts = node.int('num_outputs', node.outputs.length)
  const even = Math.ceil(length / parts)
  const sizes = constant ? node.numbers(constant) : (node.ints('split') ?? Array.from({ length: parts }, (_, part) => Math.min(even, length - part * even)))
  if (sizes.length !== node.outputs.length || sizes.reduce((sum, size) => sum + size, 0) !== length) return node.damaged(`expected ${node.outputs.length} parts of ${length} places, found [${sizes.slice(0, 10).join(', ')}]`)
  let begin = 0
  return sizes.map((size) => sliced(node, context, value, axis, (begin += size) - size, size))
}

function sliced(node: OnnxNode, { builder }: OperatorContext, value: TensorValue, axis: number, begin: number, size: number): TensorValue {
  const sizes = axisSizes(value)
  if (begin === 0 && size === sizes[axis]) return value
  const order = orderEndingIn(value, axis)
  return withAxis(value, order, axis, builder.emit({ op: 'slice', name: node.name, input: inOrder(builder, value, order), begin, size }), size)
}

/** Margins round the image; round the channels with these in the place of rows. */
function pad(node: OnnxNode, context: OperatorContext): TensorValue {
  const { builder } = context
  const value = node.image(0)
  node.requireText('mode', ['constant'])
  const isInput = node.opset >= 11
  const stated = isInput ? node.numbers(node.constant(1)) : (node.ints('pads') ?? node.ints('paddings') ?? node.damaged('has no pads'))
  const fill = isInput ? (node.optionalConstant(2)?.data[0] ?? 0) : node.float('value', 0)
  const axes = node.optionalConstant(3)
  const named = axes ? node.numbers(axes).map((axis) => (axis < 0 ? axis + 4 : axis)) : [0, 1, 2, 3]
  if (stated.length !== 2 * named.length) return node.damaged(`expected ${2 * named.length} pads, found ${stated.length}`)
  const side = (axis: number): [number, number] => (named.includes(axis) ? [stated[named.indexOf(axis)]!, stated[named.indexOf(axis) + named.length]!] : [0, 0])
  const cut = (sizes: readonly number[], [before, after]: readonly [number, number], axis: number, x: TensorValue): TensorValue =>
    before < 0 || after < 0 ? sliced(node, context, x, axis, Math.max(0, -before), sizes[axis]! + Math.min(0, before) + Math.min(0, after)) : x
  if (side(0).some((places) => places !== 0)) return node.unsupported('pads the batch')
  const kept = [1, 2, 3].reduce((x, axis) => cut(axisSizes(x), side(axis) as [number, number], axis - 1, x), value)
  const [channels, rows, columns] = [1, 2, 3].map((axis) => side(axis).map((places) => Math.max(0, places)) as [number, number]) as [[number, number], [number, number], [number, number]]
  const hasAny = ([before, after]: readonly [number, number]): boolean => before + after > 0
  let result = kept
  if (hasAny(rows) || hasAny(columns)) {
    const margins = { top: rows[0], bottom: rows[1], left: columns[0], right: columns[1] }
    result = imageValue(context, builder.emit({ op: 'pad', name: node.name, input: imageNode(context, result), margins, value: fill }))
  }
  if (hasAny(channels)) {
    const margins = { top: channels[0], bottom: channels[1], left: 0, right: 0 }
    const sizes = axisSizes(result)
    const name = builder.emit({ op: 'pad', name: node.name, input: inOrder(builder, result, [0, 1, 2]), margins, value: fill })
    result = tensorValue(name, [sizes[0]! + channels[0] + channels[1], ...sizes.slice(1)], [0, 1, 2])
  }
  return result
}

function resize(node: OnnxNode, context: OperatorContext, scalesPlace: number, sizesPlace: number | undefined): TensorValue {
  const image = node.image(0)
  const [channels, ...from] = axisSizes(image) as [number, number, number]
  const isOld = sizesPlace === undefined // Upsample, and Resize 10: x·in/out, the nearest below
  const method = node.requireText('mode', ['nearest', 'linear', 'bilinear']) === 'nearest' ? 'nearest' : 'bilinear'
  const transformation = isOld ? 'asymmetric' : node.requireText('coordinate_transformation_mode', ['half_pixel', 'asymmetric', 'align_corners', 'pytorch_half_pixel'])
  const nearest = isOld ? 'floor' : node.text('nearest_mode', 'round_prefer_floor')
  node.require('antialias', 0)
  node.require('exclude_outside', 0)
  node.ignore('cubic_coeff_a', 'extrapolation_value', 'keep_aspect_ratio_policy')
  const sizes = sizesPlace === undefined ? undefined : node.optionalConstant(sizesPlace)
  const scales = sizes === undefined ? (node.floats('scales') ?? node.numbers(node.constant(scalesPlace))) : undefined
  const axes = node.ints('axes') ?? [0, 1, 2, 3]
  const wanted = (sizes ? node.numbers(sizes) : scales!.map((scale, place) => [context.batch, channels, ...from][axes[place]!]! * scale))
  const target = [context.batch, channels, ...from].map((size, axis) => (axes.includes(axis) ? wanted[axes.indexOf(axis)]! : size))
  const [batch, outChannels, height, width] = target.map((size) => (Math.abs(size - Math.round(size)) < 1e-3 ? Math.round(size) : NaN)) as [number, number, number, number]
  if (![height, width].every(Number.isInteger)) return node.unsupported(`its scales make ${target.slice(2).join('x')} places of ${from.join('x')}, expected whole numbers`)
  if (batch !== context.batch || outChannels !== channels) return node.unsupported('scales the batch or the channels')
  const coordinates = transformation === 'align_corners' ? 'align-corners' : transformation === 'asymmetric' ? 'asymmetric' : 'half-pixel'
  if (transformation === 'pytorch_half_pixel' && (height === 1 || width === 1)) return node.unsupported('scales to a single row or column by pytorch_half_pixel')
  const expected = { asymmetric: 'floor', 'align-corners': 'round_prefer_ceil', 'half-pixel': 'round_prefer_floor' }[coordinates]
  if (method === 'nearest' && nearest !== expected) return node.unsupported(`expected nearest_mode ${expected} of ${transformation}, found ${nearest}`)
  return imageValue(context, context.builder.emit({ op: 'resize', name: node.name, input: imageNode(context, image), height, width, method, coordinates }))
}

/** Where the file wants a vector and the network ends in an image of one place, it is one. */
export function outputNode({ builder }: OperatorContext, value: TensorValue): string {
  const sizes = axisSizes(value)
  const wide = sizes.filter((size) => size > 1)
  const ordered = inOrder(builder, value, channelsLast(sizes.length))
  return wide.length <= 1 ? builder.reshape(ordered, [product(sizes)]) : ordered
}
