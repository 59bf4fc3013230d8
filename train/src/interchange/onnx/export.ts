// Millrace's graph → ONNX, opset 18, channels first, so that nobody is locked in. Images are turned once, when the
// file is written: kernels and the rows of a product with a flattened image get the file's order. A value of one
// axis is [batch, units]; of three [batch, channels, height, width]; any other keeps our order.
//
// The name, task and preprocessing go along as metadata of the key "millrace" (JSON), which import.ts reads back.

import { writeFile } from 'node:fs/promises'
import { checkWeights, inferShapes, nodeInputs, type ActivationNode, type Graph, type GraphNode, type Padding, type UnaryNode, type Weights } from '@millrace/infer'
import { TrainError } from '../../errors.js'
import { failIn, shown } from '../network-file.js'
import { metadataKey } from './import.js'
import { attributeType, encodeModel, type AttributeMessage, type DeepPartial, type NodeMessage, type TensorMessage } from './messages.js'

/** The first whose Resize takes the size of some axes, so that the batch stays open. */
const opset = 18
const irVersion = 8

/**
 * Writes a network as an ONNX file.
 * @throws TrainError TRAIN_NETWORK_UNSUPPORTED as {@link exportOnnx}, TRAIN_NETWORK_FILE if it cannot be written
 */
export async function writeOnnx(path: string, graph: Graph, weights: Weights): Promise<void> {
  const bytes = exportOnnx(graph, weights)
  await writeFile(path, bytes).catch((error: Error) => failIn(path)('TRAIN_NETWORK_FILE', `cannot be written: ${error.message}`, error))
}

/**
 * A network as the bytes of an ONNX file: one input [batch, channels, height, width], float32, and the graph's
 * outputs by their names. Names are the graph's.
 * @throws TrainError TRAIN_NETWORK_UNSUPPORTED naming a node that ONNX has no operator for; InferError as `checkWeights`.
 */
export function exportOnnx(graph: Graph, weights: Weights): Uint8Array {
  checkWeights(graph, weights)
  return new OnnxExport(graph, weights).run()
}

type Attributes = Readonly<Record<string, number | string | readonly number[] | { readonly float: number }>>

/** A value of ours in the file; a flattened image may still lie in the file's order of [h, w, c]. */
interface Written {
  readonly name: string
  readonly turned?: readonly [height: number, width: number, channels: number]
}

class OnnxExport {
  readonly #graph: Graph
  readonly #weights: Weights
  readonly #shapes: ReadonlyMap<string, readonly number[]>
  readonly #nodes: DeepPartial<NodeMessage>[] = []
  readonly #initializers: DeepPartial<TensorMessage>[] = []
  readonly #written = new Map<string, Written>()
  readonly #inOrder = new Map<string, string>()
  readonly #taken = new Set<string>()

  constructor(graph: Graph, weights: Weights) {
    this.#graph = graph
    this.#weights = weights
    this.#shapes = inferShapes(graph)
  }

  run(): Uint8Array {
    const { input, outputs, name, task, preprocessing } = this.#graph
    this.#written.set(input.name, { name: input.name })
    for (const node of this.#graph.nodes) this.#written.set(node.name, this.#write(node))
    const results = outputs.map((output) => this.#output(output))
    return encodeModel({
      irVersion,
      producerName: 'millrace',
      opsetImport: [{ domain: '', version: opset }],
      metadataProps: [{ key: metadataKey, value: JSON.stringify({ name, task, preprocessing }) }],
      graph: {
        name,
        node: this.#nodes,
        initializer: this.#initializers,
        input: [valueInfo(input.name, fileShape(input.shape))],
        output: results.map((result, index) => valueInfo(result, fileShape(this.#shapes.get(outputs[index]!)!))),
      },
    })
  }

  /** The outputs keep their names; one that is an input or lies turned is copied to where it has one. */
  #output(name: string): string {
    const ordered = this.#ordered(name)
    if (ordered === name && name !== this.#graph.input.name) return name
    const answer = this.#freshName(`${name}/output`)
    this.#nodes.push({ opType: 'Identity', name: answer, input: [ordered], output: [answer] })
    return answer
  }

  #write(node: GraphNode): Written {
    if (node.op === 'concat') return this.#emit(node.name, 'Concat', node.inputs.map((input) => this.#ordered(input)), { axis: this.#isImage(node.name) ? 1 : -1 })
    if ('inputs' in node) return this.#emit(node.name, { add: 'Add', subtract: 'Sub', multiply: 'Mul' }[node.op], node.inputs.map((input) => this.#ordered(input)))
    return this.#writeUnary(node)
  }

  #writeUnary(node: UnaryNode): Written {
    const emit = (op: string, attributes: Attributes = {}, ...more: string[]): Written => this.#emit(node.name, op, [this.#ordered(node.input), ...more], attributes)
    switch (node.op) {
      case 'conv2d': {
        const [height, width] = node.kernelSize
        const channels = this.#shapes.get(node.input)!.at(-1)! / (node.groups ?? 1)
        const kernel = this.#turnedWeight(node, 'kernel', [height * width, channels, node.filters], [2, 1, 0], [node.filters, channels, height, width])
        return emit('Conv', { kernel_shape: node.kernelSize, strides: node.strides, dilations: node.dilations ?? [1, 1], group: node.groups ?? 1, ...pads(node.padding) }, kernel, ...this.#bias(node))
      }
      case 'convTranspose2d': {
        const [height, width] = node.kernelSize
        const channels = this.#shapes.get(node.input)!.at(-1)!
        const kernel = this.#turnedWeight(node, 'kernel', [height * width, node.filters, channels], [2, 1, 0], [channels, node.filters, height, width])
        if (node.padding === 'same') return this.#unsupported(node, 'a transposed convolution of padding "same" is stated differently by ONNX; give it margins')
        return emit('ConvTranspose', { kernel_shape: node.kernelSize, strides: node.strides, ...pads(node.padding) }, kernel, ...this.#bias(node))
      }
      case 'dense':
        return this.#dense(node)
      case 'batchNorm':
        return emit('BatchNormalization', { epsilon: { float: node.epsilon } }, ...(['gamma', 'beta', 'mean', 'variance'] as const).map((part) => this.#weight(node, part)))
      case 'maxPool2d':
        return emit('MaxPool', { kernel_shape: node.poolSize, strides: node.strides, ...pads(node.padding) })
      case 'averagePool2d':
        return emit('AveragePool', { kernel_shape: node.poolSize, strides: node.strides, ...pads(node.padding), count_include_pad: node.countPadding ? 1 : 0 })
      case 'globalAveragePool2d':
      case 'globalMaxPool2d':
        return this.#emit(node.name, 'Flatten', [this.#emit(`${node.name}/pool`, node.op === 'globalMaxPool2d' ? 'GlobalMaxPool' : 'GlobalAveragePool', [this.#ordered(node.input)]).name], { axis: 1 })
      case 'flatten':
        return this.#flatten(node.name, node.input)
      case 'reshape':
        return this.#reshape(node.name, node.input, node.shape)
      case 'transpose':
        return this.#fromOurs(node.name, this.#emit(`${node.name}/turned`, 'Transpose', [this.#inOurOrder(node.input)], { perm: [0, ...node.axes.map((axis) => axis + 1)] }).name, this.#shapes.get(node.name)!)
      case 'pad': {
        const { top, bottom, left, right } = node.margins
        return emit('Pad', { mode: 'constant' }, this.#integers(`${node.name}/pads`, [0, 0, top, left, 0, 0, bottom, right]), this.#floats(`${node.name}/value`, [], Float32Array.of(node.value)))
      }
      case 'resize':
        return emit('Resize', resizeAttributes(node), '', '', this.#integers(`${node.name}/sizes`, [node.height, node.width]))
      case 'slice':
        return emit('Slice', {}, this.#integers(`${node.name}/begin`, [node.begin]), this.#integers(`${node.name}/end`, [node.begin + node.size]), this.#integers(`${node.name}/axis`, [this.#isImage(node.input) ? 1 : this.#shapes.get(node.input)!.length]))
      case 'softmax':
        return emit('Softmax', { axis: this.#isImage(node.name) ? 1 : -1 })
      case 'localResponseNorm':
        return emit('LRN', { size: node.size, alpha: { float: node.alpha }, beta: { float: node.beta }, bias: { float: node.bias } })
      case 'maxout':
      case 'subtractiveNorm':
        return this.#unsupported(node, `ONNX has no operator for ${node.op}`)
      case 'dropout':
        return this.#keepingOrder(node, 'Identity')
      default:
        return this.#activation(node)
    }
  }

  #activation(node: ActivationNode): Written {
    switch (node.op) {
      case 'relu':
        return this.#keepingOrder(node, 'Relu')
      case 'sigmoid':
        return this.#keepingOrder(node, 'Sigmoid')
      case 'tanh':
        return this.#keepingOrder(node, 'Tanh')
      case 'hardSwish':
        return this.#keepingOrder(node, 'HardSwish')
      case 'elu':
        return this.#keepingOrder(node, 'Elu', { alpha: { float: node.alpha } })
      case 'leakyRelu':
        return this.#keepingOrder(node, 'LeakyRelu', { alpha: { float: node.alpha } })
      case 'hardSigmoid':
        return this.#keepingOrder(node, 'HardSigmoid', { alpha: { float: node.alpha }, beta: { float: node.beta } })
      case 'clip':
        return this.#keepingOrder(node, 'Clip', {}, this.#floats(`${node.name}/min`, [], Float32Array.of(node.min)), this.#floats(`${node.name}/max`, [], Float32Array.of(node.max)))
      case 'swish': {
        const x = this.#ordered(node.input)
        return this.#emit(node.name, 'Mul', [x, this.#emit(`${node.name}/sigmoid`, 'Sigmoid', [x]).name])
      }
      case 'gelu':
        return this.#gelu(node.name, this.#ordered(node.input))
      case 'prelu': {
        const alpha = this.#weights.get(`${node.name}/alpha`)!
        return this.#emit(node.name, 'PRelu', [this.#ordered(node.input), this.#floats(`${node.name}/alpha`, this.#isImage(node.input) ? [alpha.length, 1, 1] : [alpha.length], alpha)])
      }
    }
  }

  /** x · (1 + erf(x / √2)) / 2: Gelu itself came with opset 20. */
  #gelu(name: string, x: string): Written {
    const number = (part: string, value: number): string => this.#floats(`${name}/${part}`, [], Float32Array.of(value))
    const scaled = this.#emit(`${name}/scaled`, 'Div', [x, number('root', Math.SQRT2)]).name
    const erf = this.#emit(`${name}/erf`, 'Erf', [scaled]).name
    const sum = this.#emit(`${name}/sum`, 'Add', [erf, number('one', 1)]).name
    return this.#emit(name, 'Mul', [this.#emit(`${name}/product`, 'Mul', [x, sum]).name, number('half', 0.5)])
  }

  #dense(node: UnaryNode & { readonly op: 'dense' }): Written {
    const { name, turned } = this.#written.get(node.input)!
    const rows = this.#shapes.get(node.input)![0]!
    const kernel = turned
      ? this.#turnedWeight(node, 'kernel', [turned[0] * turned[1], turned[2], node.units], [1, 0, 2], [rows, node.units])
      : this.#floats(`${node.name}/kernel`, [rows, node.units], this.#weights.get(`${node.name}/kernel`)!)
    return this.#emit(node.name, 'Gemm', [name, kernel, ...this.#bias(node)])
  }

  /** A flattened image keeps the file's order as long as nobody minds. */
  #flatten(name: string, input: string): Written {
    const shape = this.#shapes.get(input)!
    const { turned } = this.#written.get(input)!
    if (shape.length === 1) return { ...this.#emit(name, 'Identity', [this.#written.get(input)!.name]), ...(turned && { turned }) }
    const flat = this.#emit(name, 'Flatten', [this.#ordered(input)], { axis: 1 })
    const [height, width, channels] = shape as [number, number, number]
    return shape.length === 3 && height * width > 1 && channels > 1 ? { ...flat, turned: [height, width, channels] } : flat
  }

  #reshape(name: string, input: string, shape: readonly number[]): Written {
    const ours = this.#emit(`${name}/ours`, 'Reshape', [this.#inOurOrder(input), this.#integers(`${name}/shape`, [-1, ...shape])]).name
    return this.#fromOurs(name, ours, shape)
  }

  /** Place by place, so the order does not matter. */
  #keepingOrder(node: UnaryNode, op: string, attributes: Attributes = {}, ...more: string[]): Written {
    const { name, turned } = this.#written.get(node.input)!
    return { ...this.#emit(node.name, op, [name, ...more], attributes), ...(turned && { turned }) }
  }

  /** A value whose vectors lie as ours do. */
  #ordered(value: string): string {
    const { name, turned } = this.#written.get(value)!
    if (turned === undefined) return name
    const known = this.#inOrder.get(value)
    if (known !== undefined) return known
    const [height, width, channels] = turned
    const image = this.#emit(`${value}/image`, 'Reshape', [name, this.#integers(`${value}/image/shape`, [-1, channels, height, width])]).name
    const last = this.#emit(`${value}/last`, 'Transpose', [image], { perm: [0, 2, 3, 1] }).name
    const ordered = this.#emit(`${value}/ordered`, 'Flatten', [last], { axis: 1 }).name
    this.#inOrder.set(value, ordered)
    return ordered
  }

  /** [batch, h, w, c] of an image; the value itself of any other. */
  #inOurOrder(value: string): string {
    if (!this.#isImage(value)) return this.#ordered(value)
    const key = `${value}/channels-last`
    const known = this.#inOrder.get(key) ?? this.#emit(key, 'Transpose', [this.#ordered(value)], { perm: [0, 2, 3, 1] }).name
    this.#inOrder.set(key, known)
    return known
  }

  #fromOurs(name: string, ours: string, shape: readonly number[]): Written {
    return shape.length === 3 ? this.#emit(name, 'Transpose', [ours], { perm: [0, 3, 1, 2] }) : this.#emit(name, 'Identity', [ours])
  }

  #isImage(value: string): boolean {
    return this.#shapes.get(value)!.length === 3
  }

  /** A node of the file, named for ours or for a step on the way there. */
  #emit(wanted: string, opType: string, input: readonly string[], attributes: Attributes = {}): Written {
    const name = this.#shapes.has(wanted) ? wanted : this.#freshName(wanted)
    this.#nodes.push({ opType, name, input, output: [name], attribute: Object.entries(attributes).map(([key, value]) => attribute(key, value)) })
    return { name }
  }

  #bias(node: UnaryNode & { readonly bias: boolean }): string[] {
    return node.bias ? [this.#weight(node, 'bias')] : []
  }

  #weight(node: GraphNode, part: string): string {
    const data = this.#weights.get(`${node.name}/${part}`)!
    return this.#floats(`${node.name}/${part}`, [data.length], data)
  }

  /** A weight of three axes with its axes in another order, stored under a shape. */
  #turnedWeight(node: GraphNode, part: string, sizes: readonly [number, number, number], axes: readonly [number, number, number], shape: readonly number[]): string {
    const data = this.#weights.get(`${node.name}/${part}`)!
    const strides = [sizes[1] * sizes[2], sizes[2], 1]
    const [a, b, c] = axes.map((axis) => ({ size: sizes[axis]!, stride: strides[axis]! })) as [{ size: number; stride: number }, { size: number; stride: number }, { size: number; stride: number }]
    const turned = new Float32Array(data.length)
    let to = 0
    for (let i = 0; i < a.size; i++) for (let j = 0; j < b.size; j++) for (let k = 0; k < c.size; k++) turned[to++] = data[i * a.stride + j * b.stride + k * c.stride]!
    return this.#floats(`${node.name}/${part}`, shape, turned)
  }

  #floats(wanted: string, dims: readonly number[], data: Float32Array): string {
    const name = this.#freshName(wanted)
    this.#initializers.push({ name, dims, dataType: 1, rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) })
    return name
  }

  #integers(wanted: string, values: readonly number[]): string {
    const name = this.#freshName(wanted)
    this.#initializers.push({ name, dims: [values.length], dataType: 7, rawData: new Uint8Array(BigInt64Array.from(values, BigInt).buffer) })
    return name
  }

  /** Values, nodes and weights share their names in a file; a node of ours may be called like another's weight. */
  #freshName(wanted: string): string {
    let name = wanted
    while (this.#shapes.has(name) || this.#taken.has(name)) name += '_'
    this.#taken.add(name)
    return name
  }

  #unsupported(node: GraphNode, problem: string): never {
    throw new TrainError('TRAIN_NETWORK_UNSUPPORTED', `graph ${this.#graph.name}: node ${shown(node.name)} (${node.op}, of ${nodeInputs(node).join(', ')}): ${problem}`)
  }
}

function fileShape(shape: readonly number[]): readonly number[] {
  return shape.length === 3 ? [shape[2]!, shape[0]!, shape[1]!] : shape
}

function valueInfo(name: string, sizes: readonly number[]): { name: string; type: object } {
  return { name, type: { tensorType: { elemType: 1, shape: { dim: [{ dimParam: 'batch' }, ...sizes.map((dimValue) => ({ dimValue }))] } } } }
}

function attribute(name: string, value: Attributes[string]): DeepPartial<AttributeMessage> {
  if (typeof value === 'string') return { name, type: attributeType.string, s: new TextEncoder().encode(value) }
  if (typeof value === 'number') return { name, type: attributeType.int, i: value }
  if ('float' in value) return { name, type: attributeType.float, f: value.float }
  return { name, type: attributeType.ints, ints: value }
}

function pads(padding: Padding): Attributes {
  if (padding === 'valid') return {}
  return padding === 'same' ? { auto_pad: 'SAME_UPPER' } : { pads: [padding.top, padding.left, padding.bottom, padding.right] }
}

function resizeAttributes({ method, coordinates }: { readonly method: 'nearest' | 'bilinear'; readonly coordinates: 'half-pixel' | 'asymmetric' | 'align-corners' }): Attributes {
  const mode = method === 'nearest' ? { mode: 'nearest', nearest_mode: coordinates === 'asymmetric' ? 'floor' : coordinates === 'half-pixel' ? 'round_prefer_floor' : 'round_prefer_ceil' } : { mode: 'linear' }
  return { ...mode, axes: [2, 3], coordinate_transformation_mode: coordinates.replace('-', '_') }
}
