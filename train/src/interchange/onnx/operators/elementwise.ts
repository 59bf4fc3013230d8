// What works place by place or channel by channel: activations, arithmetic, normalisations, and products with
// a matrix.

import type { ActivationNode, ArithmeticNode, UnaryNode } from '@millrace/infer'
import { asVector, axisSizes, channelsLast, inOrder, presentOrder, tensorValue, type TensorValue } from '../../layout.js'
import { product, transpose } from '../fold.js'
import type { OnnxNode, Value } from '../node.js'
import type { Constant } from '../tensors.js'
import { imageNode, imageValue, orderEndingIn, withAxis, type Operator, type OperatorContext } from './operator.js'
import { hardSigmoidOf, productOf } from './patterns.js'

export const elementwiseOperators: Readonly<Record<string, Operator>> = {
  Relu: unary(() => ({ op: 'relu' })),
  LeakyRelu: unary((node) => ({ op: 'leakyRelu', alpha: node.float('alpha', 0.01) })),
  Elu: unary((node) => ({ op: 'elu', alpha: node.float('alpha', 1) })),
  Sigmoid: unary(() => ({ op: 'sigmoid' })),
  Tanh: unary(() => ({ op: 'tanh' })),
  HardSigmoid: unary((node) => ({ op: 'hardSigmoid', alpha: node.float('alpha', 0.2), beta: node.float('beta', 0.5) })),
  HardSwish: unary(() => ({ op: 'hardSwish' })),
  Swish: unary((node) => (node.float('alpha', 1) === 1 ? { op: 'swish' } : node.unsupported('expected alpha 1'))),
  Gelu: unary((node) => (node.requireText('approximate', ['none']), { op: 'gelu' })),
  Clip: (node, context) => {
    const value = node.tensor(0)
    const before = context.builder.node(value.node)
    const activation = clip(node)
    // What a clip from 0 on cuts off, a ReLU before it need not: torch's ReLU6.
    const input = before?.op === 'relu' && activation.op === 'clip' && activation.min >= 0 ? before.input : value.node
    return { ...value, node: context.builder.emit({ ...activation, name: node.name, input } as UnaryNode) }
  },
  PRelu: parametricRelu,
  Identity: (node) => node.input(0),
  Dropout: (node) => {
    node.ignore('ratio', 'seed', 'is_test')
    if (node.outputs[1]) node.unsupported('its second output, the mask, is not known here')
    return node.tensor(0)
  },
  Cast: (node) => {
    const to = node.int('to', 1)
    if (![1, 10, 11, 16].includes(to)) node.unsupported(`makes values of type ${to}; everything is computed in float32 here`)
    return node.tensor(0)
  },
  Add: (node, context) => sum(node, context, [node.input(0), node.input(1)]),
  Sum: (node, context) => sum(node, context, Array.from({ length: node.inputCount }, (_, place) => node.input(place))),
  Sub: (node, context) => {
    const [left, right] = [node.input(0), node.input(1)]
    if (right.kind === 'constant') return affine(node, context, node.tensor(0), undefined, mapConstant(right, (value) => -value))
    if (left.kind === 'constant') return affine(node, context, right, constantOf(-1), left)
    return arithmetic(node, context, 'subtract', left, right)
  },
  Mul: (node, context) => {
    const [left, right] = [node.input(0), node.input(1)]
    if (right.kind === 'constant') return affine(node, context, node.tensor(0), right, undefined)
    if (left.kind === 'constant') return affine(node, context, right, left, undefined)
    return arithmetic(node, context, 'multiply', left, right)
  },
  Div: (node, context) => affine(node, context, node.tensor(0), mapConstant(node.constant(1), (value) => 1 / value), undefined),
  Neg: (node, context) => affine(node, context, node.tensor(0), constantOf(-1), undefined),
  Pow: (node, context) => {
    const exponent = node.constant(1)
    if (exponent.data.length !== 1 || exponent.data[0] !== 2) return node.unsupported('expected the exponent 2')
    return arithmetic(node, context, 'multiply', node.tensor(0), node.tensor(0))
  },
  Min: bound(-Infinity),
  Max: bound(Infinity),
  BatchNormalization: batchNorm,
  LRN: (node, context) => {
    const parts = { size: node.int('size', 1), alpha: node.float('alpha', 1e-4), beta: node.float('beta', 0.75), bias: node.float('bias', 1) }
    return imageValue(context, context.builder.emit({ op: 'localResponseNorm', name: node.name, input: imageNode(context, node.image(0)), ...parts }))
  },
  Softmax: softmax,
  Gemm: gemm,
  MatMul: matMul,
}

type Activation = ActivationNode extends infer Node ? (Node extends ActivationNode ? Omit<Node, 'name' | 'input'> : never) : never

function unary(read: (node: OnnxNode) => Activation): Operator {
  return (node, { builder }) => {
    const value = node.tensor(0)
    return { ...value, node: builder.emit({ ...read(node), name: node.name, input: value.node } as UnaryNode) }
  }
}

const largest = 3.4028234663852886e38 // of float32

function clip(node: OnnxNode): Activation {
  const bound = (place: number, name: string, fallback: number): number => {
    if (node.opset < 11) return node.float(name, fallback)
    const constant = node.optionalConstant(place)
    if (constant !== undefined && constant.data.length !== 1) node.damaged(`expected one ${name}, found ${constant.data.length}`)
    return constant?.data[0] ?? fallback
  }
  const [min, max] = [Math.max(bound(1, 'min', -largest), -largest), Math.min(bound(2, 'max', largest), largest)]
  return min === 0 && max === largest ? { op: 'relu' } : { op: 'clip', min, max }
}

/** Min and Max with a number: a clip. */
function bound(side: number): Operator {
  return (node, { builder }) => {
    const [value, constant] = node.input(0).kind === 'tensor' ? [node.tensor(0), node.constant(1)] : [node.tensor(1), node.constant(0)]
    if (node.inputCount !== 2 || constant.data.length !== 1) return node.unsupported('expected a value and one number')
    const limit = constant.data[0]!
    return { ...value, node: builder.emit({ op: 'clip', name: node.name, input: value.node, ...(side > 0 ? { min: limit, max: largest } : { min: -largest, max: limit }) }) }
  }
}

function parametricRelu(node: OnnxNode, { builder }: OperatorContext): TensorValue {
  const value = node.tensor(0)
  const slope = node.constant(1)
  if (slope.data.length === 1) return { ...value, node: builder.emit({ op: 'leakyRelu', name: node.name, input: value.node, alpha: slope.data[0]! }) }
  const { input, channels, finish } = byChannel(node, builder, value, slope)
  return finish(builder.emit({ op: 'prelu', name: node.name, input }, { alpha: channels(slope) }))
}

const constantOf = (value: number): Constant => ({ kind: 'constant', shape: [], data: Float32Array.of(value), integer: false })

function mapConstant(constant: Constant, change: (value: number) => number): Constant {
  return { ...constant, data: Float32Array.from(constant.data, change), integer: false }
}

function sum(node: OnnxNode, context: OperatorContext, values: readonly Value[]): Value {
  return values.reduce((left, right) => {
    if (left.kind === 'tensor' && right.kind === 'tensor') return arithmetic(node, context, 'add', left, right)
    if (right.kind === 'constant') return left.kind === 'tensor' ? affine(node, context, left, undefined, right) : node.unsupported('adds several constants')
    return affine(node, context, right, undefined, left as Constant)
  })
}

/** value · scale + shift, each one number or one for every channel: a batch norm that only scales and shifts. */
function affine(node: OnnxNode, { builder }: OperatorContext, value: TensorValue, scale: Constant | undefined, shift: Constant | undefined): TensorValue {
  const isNothing = (scale?.data.every((factor) => factor === 1) ?? true) && (shift?.data.every((term) => term === 0) ?? true)
  const numbers = (scale?.data.length ?? 1) === 1 && (shift?.data.length ?? 1) === 1
  if (isNothing && numbers) return value
  if (shift === undefined && scale?.data.length === 1) {
    const pattern = hardSigmoidOf(builder, node.name, value.node, scale.data[0]!)
    if (pattern !== undefined) return { ...value, node: pattern }
  }
  const widest = (scale?.data.length ?? 1) > (shift?.data.length ?? 1) ? scale! : (shift ?? scale!)
  const { input, size, channels, finish } = byChannel(node, builder, value, widest)
  const gamma = scale ? channels(scale) : new Float32Array(size).fill(1)
  const beta = shift ? channels(shift) : new Float32Array(size)
  const before = builder.node(input)
  const isMerged = before?.op === 'batchNorm' && before.epsilon === 0 && builder.weight(`${before.name}/mean`).every((mean) => mean === 0) && builder.weight(`${before.name}/variance`).every((variance) => variance === 1)
  if (isMerged) {
    const [earlierGamma, earlierBeta] = [builder.weight(`${before.name}/gamma`), builder.weight(`${before.name}/beta`)]
    for (const [channel, factor] of gamma.entries()) {
      beta[channel]! += earlierBeta[channel]! * factor
      gamma[channel] = earlierGamma[channel]! * factor
    }
  }
  return finish(builder.emit({ op: 'batchNorm', name: node.name, input: isMerged ? before.input : input, epsilon: 0 }, { gamma, beta, mean: new Float32Array(size), variance: new Float32Array(size).fill(1) }))
}

interface ByChannel {
  /** The node whose last axis the constant has a number for each place of. */
  readonly input: string
  readonly size: number
  channels(constant: Constant): Float32Array
  /** What came of the node, as the file sees it. */
  finish(node: string): TensorValue
}

/** How a constant that is spread over a value lies beside it. */
function byChannel(node: OnnxNode, builder: OperatorContext['builder'], value: TensorValue, constant: Constant): ByChannel {
  const sizes = axisSizes(value)
  const fill = (size: number, given: Constant): Float32Array => (given.data.length === 1 ? new Float32Array(size).fill(given.data[0]!) : Float32Array.from(given.data))
  if (constant.data.length === 1) {
    const size = builder.shape(value.node).at(-1)!
    return { input: value.node, size, channels: (given) => fill(size, given), finish: (name) => ({ ...value, node: name }) }
  }
  const shape = [...Array.from({ length: Math.max(0, sizes.length + 1 - constant.shape.length) }, () => 1), ...constant.shape]
  const fits = shape.length === sizes.length + 1 && shape[0] === 1 && sizes.every((size, axis) => shape[axis + 1] === size || shape[axis + 1] === 1)
  if (!fits) return node.unsupported(`its constant [${constant.shape.join(', ')}] does not spread over ${node.show(value)}`)
  const varying = sizes.map((_, axis) => axis).filter((axis) => shape[axis + 1] !== 1)
  if (varying.length === 1) {
    const [axis] = varying as [number]
    const order = orderEndingIn(value, axis)
    return { input: inOrder(builder, value, order), size: sizes[axis]!, channels: (given) => fill(sizes[axis]!, given), finish: (name) => tensorValue(name, sizes, order) }
  }
  // A number for every place of several axes: those become one, behind the others.
  const own = channelsLast(sizes.length).filter((axis) => varying.includes(axis))
  const order = [...channelsLast(sizes.length).filter((axis) => !own.includes(axis)), ...own]
  const size = product(own.map((axis) => sizes[axis]!))
  const input = builder.reshape(inOrder(builder, value, order), [product(sizes) / size, 1, size])
  const spread = (given: Constant): Constant => transpose({ ...given, shape: varying.map((axis) => sizes[axis]!) }, own.map((axis) => varying.indexOf(axis)))
  return { input, size, channels: (given) => fill(size, given.data.length === 1 ? given : spread(given)), finish: (name) => tensorValue(name, sizes, order) }
}

/** Of two values of the network; axes of one place are spread. */
function arithmetic(node: OnnxNode, { builder }: OperatorContext, op: ArithmeticNode['op'], left: TensorValue, right: TensorValue): TensorValue {
  const [leftSizes, rightSizes] = [axisSizes(left), axisSizes(right)]
  if (leftSizes.length !== rightSizes.length) return node.unsupported(`expected values of as many axes, found ${node.show(left)} and ${node.show(right)}`)
  const isLike = left.order.length === right.order.length && left.order.every((atom, index) => atom === right.order[index]) && builder.shape(left.node).join() === builder.shape(right.node).join()
  if (isLike) return { ...left, node: (op === 'multiply' && productOf(builder, node.name, left.node, right.node)) || builder.emit({ op, name: node.name, inputs: [left.node, right.node] }) }
  const larger = product(leftSizes) >= product(rightSizes) ? left : right
  const order = presentOrder(larger) ?? channelsLast(leftSizes.length)
  const name = builder.emit({ op, name: node.name, inputs: [inOrder(builder, left, order), inOrder(builder, right, order)] })
  return tensorValue(name, leftSizes.map((size, axis) => Math.max(size, rightSizes[axis]!)), order)
}

function batchNorm(node: OnnxNode, { builder }: OperatorContext): TensorValue {
  const value = node.tensor(0)
  const order = orderEndingIn(value, 0)
  node.require('training_mode', 0)
  node.require('spatial', 1)
  node.ignore('momentum', 'is_test', 'consumed_inputs')
  const sizes = axisSizes(value)
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((place) => node.weights(place, sizes[0]!)) as [Float32Array, Float32Array, Float32Array, Float32Array]
  const name = builder.emit({ op: 'batchNorm', name: node.name, input: inOrder(builder, value, order), epsilon: node.float('epsilon', 1e-5) }, { gamma, beta, mean, variance })
  return tensorValue(name, sizes, order)
}

/** From opset 13 along one axis; before, over all places from the axis on, as if they were one. */
function softmax(node: OnnxNode, { builder }: OperatorContext): TensorValue {
  const value = node.tensor(0)
  const rank = value.axes.length
  const axis = node.axis(node.int('axis', node.opset >= 13 ? -1 : 1), rank)
  const sizes = axisSizes(value)
  const isLast = sizes.every((size, other) => other <= axis || size === 1)
  if (node.opset < 13 && !isLast) {
    if (axis !== 0) return node.unsupported(`over the axes from ${axis + 1} on is not known here`)
    const order = presentOrder(value) ?? channelsLast(rank)
    const vector = builder.reshape(inOrder(builder, value, order), [product(sizes)])
    return tensorValue(builder.emit({ op: 'softmax', name: node.name, input: vector }), sizes, order)
  }
  const order = orderEndingIn(value, axis)
  return withAxis(value, order, axis, builder.emit({ op: 'softmax', name: node.name, input: inOrder(builder, value, order) }), sizes[axis]!)
}

function gemm(node: OnnxNode, context: OperatorContext): TensorValue {
  node.require('transA', 0)
  const isTransposed = node.int('transB', 0) === 1
  const [alpha, beta] = [node.float('alpha', 1), node.float('beta', 1)]
  const matrix = node.constant(1)
  const bias = node.optionalConstant(2)
  return dense(node, context, isTransposed ? transpose(matrix, [1, 0]) : matrix, alpha, bias && mapConstant(bias, (value) => value * beta))
}

function matMul(node: OnnxNode, context: OperatorContext): TensorValue {
  const value = node.tensor(0)
  const matrix = node.constant(1)
  if (matrix.shape.length !== 2) return node.unsupported(`expected a matrix, found [${matrix.shape.join(', ')}]`)
  return value.axes.length === 1 ? dense(node, context, matrix, 1, undefined) : everyPlace(node, context, value, matrix)
}

/** A product with a vector for each image; a vector that lies in another order has the matrix's rows moved to fit. */
function dense(node: OnnxNode, { builder }: OperatorContext, matrix: Constant, alpha: number, bias: Constant | undefined): TensorValue {
  const value = node.tensor(0)
  const [rows = 0, units = 0] = matrix.shape
  const [size] = axisSizes(value)
  if (value.axes.length !== 1 || matrix.shape.length !== 2 || size !== rows) return node.damaged(`expected a vector of ${rows} values, found ${node.show(value)}`)
  if (bias !== undefined && bias.data.length !== units && bias.data.length !== 1) return node.unsupported(`expected a bias for each of ${units} units, found [${bias.shape.join(', ')}]`)
  const { node: input, places } = asVector(builder, value)
  const kernel = new Float32Array(rows * units)
  for (let row = 0; row < rows; row++) {
    const from = (places?.[row] ?? row) * units
    for (let unit = 0; unit < units; unit++) kernel[row * units + unit] = matrix.data[from + unit]! * alpha
  }
  const biases = bias && (bias.data.length === 1 ? new Float32Array(units).fill(bias.data[0]!) : Float32Array.from(bias.data))
  return tensorValue(builder.emit({ op: 'dense', name: node.name, input, units, bias: bias !== undefined }, { kernel, ...(biases && { bias: biases }) }), [units], [0])
}

/** A product with the last axis at every place of the others: a 1x1 convolution. */
function everyPlace(node: OnnxNode, { builder }: OperatorContext, value: TensorValue, matrix: Constant): TensorValue {
  const sizes = axisSizes(value)
  const [rows = 0, filters = 0] = matrix.shape
  if (sizes.at(-1) !== rows) node.damaged(`expected a last axis of ${rows}, found ${node.show(value)}`)
  const order = sizes.map((_, axis) => axis)
  const ordered = inOrder(builder, value, order)
  const input = sizes.length === 3 ? ordered : builder.reshape(ordered, [product(sizes.slice(0, -1)), 1, rows])
  const name = builder.emit({ op: 'conv2d', name: node.name, input, filters, kernelSize: [1, 1], strides: [1, 1], padding: 'valid', bias: false }, { kernel: Float32Array.from(matrix.data) })
  return tensorValue(name, [...sizes.slice(0, -1), filters], order)
}
