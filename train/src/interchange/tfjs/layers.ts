// What each of Keras' layers is in Millrace's graph.

import type { ActivationNode, GraphNode, Margins, Padding, UnaryNode } from '@millrace/infer'
import type { GraphBuilder, NodeWeights } from '../graph-builder.js'
import type { Layer } from './layer.js'

type Reader = (layer: Layer, builder: GraphBuilder, inputs: readonly [string, ...string[]]) => string

/** Adds a layer's nodes; the node that has its value. */
export function addLayer(layer: Layer, builder: GraphBuilder, inputs: readonly string[]): string {
  const read = Object.hasOwn(readers, layer.kind) ? readers[layer.kind] : undefined
  if (read === undefined) return layer.unsupported('this layer is not known here')
  if (inputs.length === 0) return layer.damaged('it reads nothing')
  return read(layer, builder, inputs as [string, ...string[]])
}

const readers: Readonly<Record<string, Reader>> = {
  Conv2D: convolution,
  DepthwiseConv2D: depthwise,
  SeparableConv2D: separable,
  Conv2DTranspose: transposed,
  Dense: dense,
  BatchNormalization: batchNorm,
  Activation: (layer, builder, [input]) => activate(layer, builder, input, layer.get('activation')),
  ReLU: relu,
  LeakyReLU: (layer, builder, [input]) => builder.emit({ op: 'leakyRelu', name: layer.name, input, alpha: layer.number('alpha', 0.3) }),
  ELU: (layer, builder, [input]) => builder.emit({ op: 'elu', name: layer.name, input, alpha: layer.number('alpha', 1) }),
  PReLU: (layer, builder, [input]) => builder.emit({ op: 'prelu', name: layer.name, input }, { alpha: layer.weight('alpha', builder.shape(input).at(-1)!) }),
  Softmax: (layer, builder, [input]) => {
    const axis = layer.number('axis', -1)
    if (axis !== -1 && axis !== builder.shape(input).length) return layer.unsupported(`expected the last axis, found ${axis}`)
    return builder.emit({ op: 'softmax', name: layer.name, input })
  },
  MaxPooling2D: (layer, builder, [input]) => builder.emit({ op: 'maxPool2d', name: layer.name, input, ...pooling(layer) }),
  AveragePooling2D: (layer, builder, [input]) => builder.emit({ op: 'averagePool2d', name: layer.name, input, ...pooling(layer), countPadding: false }),
  GlobalAveragePooling2D: (layer, builder, [input]) => globalPool(layer, builder, input, 'globalAveragePool2d'),
  GlobalMaxPooling2D: (layer, builder, [input]) => globalPool(layer, builder, input, 'globalMaxPool2d'),
  ZeroPadding2D: (layer, builder, [input]) => {
    channelsLast(layer)
    return builder.emit({ op: 'pad', name: layer.name, input, margins: paddings(layer), value: 0 })
  },
  UpSampling2D: (layer, builder, [input]) => {
    channelsLast(layer)
    const [down, across] = layer.pair('size', [2, 2])
    const [height = 0, width = 0] = builder.shape(input)
    const interpolation = layer.text('interpolation', 'nearest')
    if (interpolation !== 'nearest' && interpolation !== 'bilinear') return layer.unsupported(`expected interpolation nearest or bilinear, found ${interpolation}`)
    return builder.emit({ op: 'resize', name: layer.name, input, height: height * down, width: width * across, method: interpolation, coordinates: interpolation === 'nearest' ? 'asymmetric' : 'half-pixel' })
  },
  Flatten: (layer, builder, [input]) => builder.emit({ op: 'flatten', name: layer.name, input }),
  Reshape: (layer, builder, [input]) => {
    const shape = layer.get('target_shape') ?? layer.get('targetShape')
    if (!Array.isArray(shape) || shape.length > 8 || !shape.every(Number.isSafeInteger)) return layer.damaged('expected a target_shape of whole numbers')
    const total = builder.shape(input).reduce((product, size) => product * size, 1)
    const known = (shape as number[]).filter((size) => size !== -1).reduce((product, size) => product * size, 1)
    return builder.emit({ op: 'reshape', name: layer.name, input, shape: (shape as number[]).map((size) => (size === -1 ? total / known : size)) })
  },
  Permute: (layer, builder, [input]) => {
    const dims = layer.get('dims')
    return Array.isArray(dims) ? builder.emit({ op: 'transpose', name: layer.name, input, axes: dims.map((axis) => Number(axis) - 1) }) : layer.damaged('expected dims')
  },
  Dropout: (layer, builder, [input]) => builder.emit({ op: 'dropout', name: layer.name, input, rate: layer.number('rate') }),
  SpatialDropout2D: (_layer, _builder, [input]) => input,
  GaussianNoise: (_layer, _builder, [input]) => input,
  GaussianDropout: (_layer, _builder, [input]) => input,
  ActivityRegularization: (_layer, _builder, [input]) => input,
  Add: (layer, builder, inputs) => combine(layer, builder, inputs, 'add'),
  Subtract: (layer, builder, inputs) => combine(layer, builder, inputs, 'subtract'),
  Multiply: (layer, builder, inputs) => combine(layer, builder, inputs, 'multiply'),
  Concatenate: (layer, builder, inputs) => {
    const axis = layer.number('axis', -1)
    if (axis !== -1 && axis !== builder.shape(inputs[0]).length) return layer.unsupported(`expected the last axis, found ${axis}`)
    return inputs.length === 1 ? inputs[0] : builder.emit({ op: 'concat', name: layer.name, inputs })
  },
  Rescaling: (layer, builder, [input]) => affine(layer, builder, input, layer.number('scale'), layer.number('offset', 0)),
}

function convolution(layer: Layer, builder: GraphBuilder, [input]: readonly [string, ...string[]]): string {
  channelsLast(layer)
  const groups = layer.number('groups', 1)
  const [filters, kernelSize] = [layer.number('filters'), layer.pair('kernel_size')]
  const channels = builder.shape(input).at(-1)! / groups
  const bias = layer.flag('use_bias', true)
  const kernel = layer.weight('kernel', kernelSize[0] * kernelSize[1] * channels * filters)
  return activated(layer, builder, { op: 'conv2d', name: layer.name, input, filters, kernelSize, ...windows(layer), ...dilated(layer), bias, ...(groups > 1 && { groups }) }, { kernel, ...(bias && { bias: layer.weight('bias', filters) }) })
}

/** Keras' kernel [kh, kw, channels, multiplier] is ours [kh, kw, 1, channels · multiplier] as it lies. */
function depthwise(layer: Layer, builder: GraphBuilder, [input]: readonly [string, ...string[]]): string {
  const { node, kernel } = depthwiseNode(layer, builder, input, layer.name)
  const bias = layer.flag('use_bias', true)
  return activated(layer, builder, { ...node, bias }, { kernel, ...(bias && { bias: layer.weight('bias', node.filters) }) })
}

function depthwiseNode(layer: Layer, builder: GraphBuilder, input: string, name: string): { node: Extract<GraphNode, { op: 'conv2d' }>; kernel: Float32Array } {
  channelsLast(layer)
  const kernelSize = layer.pair('kernel_size')
  const channels = builder.shape(input).at(-1)!
  const filters = channels * layer.number('depth_multiplier', 1)
  return { node: { op: 'conv2d', name, input, filters, kernelSize, ...windows(layer), ...dilated(layer), groups: channels, bias: false }, kernel: layer.weight('depthwise_kernel', kernelSize[0] * kernelSize[1] * filters) }
}

function separable(layer: Layer, builder: GraphBuilder, [input]: readonly [string, ...string[]]): string {
  const { node, kernel } = depthwiseNode(layer, builder, input, `${layer.name}/depthwise`)
  const between = builder.emit(node, { kernel })
  const filters = layer.number('filters')
  const bias = layer.flag('use_bias', true)
  return activated(layer, builder, { op: 'conv2d', name: layer.name, input: between, filters, kernelSize: [1, 1], strides: [1, 1], padding: 'valid', bias }, { kernel: layer.weight('pointwise_kernel', node.filters * filters), ...(bias && { bias: layer.weight('bias', filters) }) })
}

function transposed(layer: Layer, builder: GraphBuilder, [input]: readonly [string, ...string[]]): string {
  channelsLast(layer)
  layer.require('output_padding', null)
  const { dilations } = dilated(layer)
  if (dilations !== undefined) return layer.unsupported('expected no dilation')
  const [filters, kernelSize] = [layer.number('filters'), layer.pair('kernel_size')]
  const [down, across] = layer.pair('strides', [1, 1])
  if (kernelSize[0] < down || kernelSize[1] < across) return layer.unsupported('expected a kernel as large as its strides')
  const bias = layer.flag('use_bias', true)
  const kernel = layer.weight('kernel', kernelSize[0] * kernelSize[1] * filters * builder.shape(input).at(-1)!)
  return activated(layer, builder, { op: 'convTranspose2d', name: layer.name, input, filters, kernelSize, ...windows(layer), bias }, { kernel, ...(bias && { bias: layer.weight('bias', filters) }) })
}

function dense(layer: Layer, builder: GraphBuilder, [input]: readonly [string, ...string[]]): string {
  const units = layer.number('units')
  const shape = builder.shape(input)
  const bias = layer.flag('use_bias', true)
  const weights = { kernel: layer.weight('kernel', shape.at(-1)! * units), ...(bias && { bias: layer.weight('bias', units) }) }
  // At every place of an image it is a 1x1 convolution; the network's own input of a vector is an image of one place.
  if (shape.length === 3 && input !== builder.input.name) return activated(layer, builder, { op: 'conv2d', name: layer.name, input, filters: units, kernelSize: [1, 1], strides: [1, 1], padding: 'valid', bias }, weights)
  const flat = shape.length === 3 && shape[0] === 1 && shape[1] === 1 ? builder.reshape(input, [shape[2]!]) : input
  return activated(layer, builder, { op: 'dense', name: layer.name, input: flat, units, bias }, weights)
}

function batchNorm(layer: Layer, builder: GraphBuilder, [input]: readonly [string, ...string[]]): string {
  const shape = builder.shape(input)
  const axis = layer.get('axis') ?? -1
  const place = Array.isArray(axis) ? axis[0] : axis
  if (place !== -1 && place !== shape.length) return layer.unsupported(`expected the last axis, found ${JSON.stringify(axis)}`)
  const size = shape.at(-1)!
  const ones = (): Float32Array => new Float32Array(size).fill(1)
  return builder.emit(
    { op: 'batchNorm', name: layer.name, input, epsilon: layer.number('epsilon', 1e-3) },
    {
      gamma: layer.flag('scale', true) ? layer.weight('gamma', size) : ones(),
      beta: layer.flag('center', true) ? layer.weight('beta', size) : new Float32Array(size),
      mean: layer.weight('moving_mean', size),
      variance: layer.weight('moving_variance', size),
    },
  )
}

function relu(layer: Layer, builder: GraphBuilder, [input]: readonly [string, ...string[]]): string {
  if (layer.number('threshold', 0) !== 0) return layer.unsupported('expected threshold 0')
  const max = layer.get('max_value') ?? layer.get('maxValue') ?? null
  const slope = layer.number('negative_slope', 0)
  if (max === null) return slope === 0 ? builder.emit({ op: 'relu', name: layer.name, input }) : builder.emit({ op: 'leakyRelu', name: layer.name, input, alpha: slope })
  if (slope !== 0 || typeof max !== 'number') return layer.unsupported('expected a max_value or a negative_slope, found both')
  return builder.emit({ op: 'clip', name: layer.name, input, min: 0, max })
}

type Activation = ActivationNode extends infer Node ? (Node extends ActivationNode ? Omit<Node, 'name' | 'input'> : never) : never

const activations: Readonly<Record<string, Activation | { readonly op: 'softmax' }>> = {
  relu: { op: 'relu' },
  relu6: { op: 'clip', min: 0, max: 6 },
  sigmoid: { op: 'sigmoid' },
  tanh: { op: 'tanh' },
  elu: { op: 'elu', alpha: 1 },
  swish: { op: 'swish' },
  silu: { op: 'swish' },
  gelu: { op: 'gelu' },
  softmax: { op: 'softmax' },
  hard_sigmoid: { op: 'hardSigmoid', alpha: 0.2, beta: 0.5 },
  hardSigmoid: { op: 'hardSigmoid', alpha: 0.2, beta: 0.5 },
}

/** The node, and the activation that the layer has behind it. */
function activated(layer: Layer, builder: GraphBuilder, node: GraphNode, weights: NodeWeights): string {
  return activate(layer, builder, builder.emit(node, weights), layer.get('activation') ?? 'linear')
}

function activate(layer: Layer, builder: GraphBuilder, input: string, activation: unknown): string {
  const name = typeof activation === 'object' && activation !== null ? (activation as { class_name?: unknown }).class_name : activation
  if (name === 'linear') return input
  if (typeof name !== 'string' || !Object.hasOwn(activations, name)) return layer.unsupported(`its activation ${JSON.stringify(name)?.slice(0, 50)} is not known here`)
  return builder.emit({ ...activations[name]!, name: layer.kind === 'Activation' ? layer.name : `${layer.name}/${name}`, input } as UnaryNode)
}

function affine(layer: Layer, builder: GraphBuilder, input: string, scale: number, offset: number): string {
  const all = (value: number): Float32Array => new Float32Array(builder.shape(input).at(-1)!).fill(value)
  return builder.emit({ op: 'batchNorm', name: layer.name, input, epsilon: 0 }, { gamma: all(scale), beta: all(offset), mean: all(0), variance: all(1) })
}

function globalPool(layer: Layer, builder: GraphBuilder, input: string, op: 'globalAveragePool2d' | 'globalMaxPool2d'): string {
  channelsLast(layer)
  const pooled = builder.emit({ op, name: layer.name, input })
  return layer.flag('keepdims', false) ? builder.reshape(pooled, [1, 1, builder.shape(pooled)[0]!]) : pooled
}

/** Several values, two by two; one of fewer places is spread. */
function combine(layer: Layer, builder: GraphBuilder, inputs: readonly [string, ...string[]], op: 'add' | 'subtract' | 'multiply'): string {
  return inputs.reduce((left, right) => builder.emit({ op, name: layer.name, inputs: [left, right] }))
}

function pooling(layer: Layer): { poolSize: readonly [number, number]; strides: readonly [number, number]; padding: Padding } {
  channelsLast(layer)
  const poolSize = layer.pair('pool_size', [2, 2])
  return { poolSize, strides: layer.get('strides') === null ? poolSize : layer.pair('strides', poolSize), padding: padding(layer) }
}

function windows(layer: Layer): { strides: readonly [number, number]; padding: Padding } {
  return { strides: layer.pair('strides', [1, 1]), padding: padding(layer) }
}

function dilated(layer: Layer): { dilations?: readonly [number, number] } {
  const [down, across] = layer.pair('dilation_rate', [1, 1])
  return down === 1 && across === 1 ? {} : { dilations: [down, across] }
}

function padding(layer: Layer): Padding {
  const found = layer.text('padding', 'valid')
  return found === 'same' || found === 'valid' ? found : layer.unsupported(`expected padding same or valid, found ${JSON.stringify(found).slice(0, 50)}`)
}

/** [[top, bottom], [left, right]], or one number for a pair, or for all. */
function paddings(layer: Layer): Margins {
  const value = layer.get('padding') ?? [[1, 1], [1, 1]]
  const [rows, columns] = (typeof value === 'number' ? [value, value] : value) as readonly unknown[]
  const side = (given: unknown): [number, number] => {
    const both = typeof given === 'number' ? [given, given] : given
    return Array.isArray(both) && both.length === 2 && both.every(Number.isSafeInteger) ? (both as [number, number]) : layer.damaged('expected padding [[top, bottom], [left, right]]')
  }
  const [[top, bottom], [left, right]] = [side(rows), side(columns)]
  return { top, bottom, left, right }
}

function channelsLast(layer: Layer): void {
  layer.require('data_format', 'channels_last', null)
  layer.require('dataFormat', 'channelsLast', null)
}
