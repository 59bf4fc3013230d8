// From a graph to operations: what does nothing at inference is dropped, and what follows a convolution
// or a dense product by itself is drawn into it.
//
//   conv → batchNorm                 the kernel and bias are scaled (fold)
//   conv → relu → batchNorm          both run on the sums before they are stored (epilogue)
//   conv → add(other) → relu         likewise; the convolution moves to where the other value is known
//   batchNorm → conv                 the kernel and bias take it up, where nothing is padded
//   batchNorm → relu → …             one pass over the values, of several stages
//   pad of zeros → conv, pool        the convolution's own padding; a pool's after a relu
//
// A value that somebody else reads as well, or that is an output, stays as it is.

import { nodeInputs, type ActivationNode, type ArithmeticNode, type AveragePool2dNode, type BatchNormNode, type Conv2dNode, type ConvTranspose2dNode, type DenseNode, type Graph, type GraphNode, type MaxPool2dNode, type SubtractiveNormNode, type UnaryNode } from '../graph.js'
import type { Activation } from '../kernels/network/activation.js'
import type { Stage } from '../kernels/network/elementwise.js'
import { inferShapes } from '../shapes.js'
import type { Weights } from '../weights.js'
import { transposedPlaces, windowPlaces } from '../windows.js'
import { addStage, foldAfter, foldBefore, swapKernelAxes } from './fold.js'
import type { Border, ConvolutionOperation, DenseOperation, ElementwiseOperation, Operation, PlainOperation, PoolOperation, Program, TransposedConvolutionOperation } from './operation.js'
import { subtractiveNorm } from './subtractive-norm.js'
import { expandTransposed } from './transposed-phases.js'

/**
 * The operations of a network whose weights fit it.
 * @throws InferError INFER_GRAPH_INVALID
 */
export function simplify(graph: Graph, weights: Weights): Program {
  return expandTransposed(new Simplifier(graph, weights).run())
}

type Summed = ConvolutionOperation | TransposedConvolutionOperation | DenseOperation
type Producer = Summed | ElementwiseOperation
type PadOperation = Extract<PlainOperation, { kind: 'pad' }>

const noMargins: Border = { top: 0, bottom: 0, left: 0, right: 0 }

class Simplifier {
  readonly #graph: Graph
  readonly #weights: Weights
  readonly #shapes: Map<string, readonly number[]>
  readonly #readers = new Map<string, number>()
  readonly #operations: Operation[] = []
  /** The value that holds what a node makes. */
  readonly #valueOf = new Map<string, string>()

  constructor(graph: Graph, weights: Weights) {
    this.#graph = graph
    this.#weights = weights
    this.#shapes = inferShapes(graph)
    for (const name of [...graph.nodes.flatMap(nodeInputs), ...graph.outputs]) this.#readers.set(name, (this.#readers.get(name) ?? 0) + 1)
    this.#valueOf.set(graph.input.name, graph.input.name)
  }

  run(): Program {
    for (const node of this.#graph.nodes) this.#add(node)
    const outputs = new Map(this.#graph.outputs.map((name) => [name, this.#valueOf.get(name)!]))
    return { graph: this.#graph, operations: this.#operations, shapes: this.#shapes, views: new Map(), outputs }
  }

  #add(node: GraphNode): void {
    this.#valueOf.set(node.name, node.name)
    const inputs = nodeInputs(node).map((name) => this.#valueOf.get(name)!)
    if (node.op === 'concat') this.#operations.push({ kind: 'concat', inputs, output: node.name })
    else if ('inputs' in node) this.#addArithmetic(node, inputs as [string, string])
    else this.#addUnary(node, inputs[0]!)
  }

  #addUnary(node: UnaryNode, input: string): void {
    const output = node.name
    switch (node.op) {
      case 'dropout':
        this.#alias(node.name, input)
        return
      case 'conv2d':
        this.#operations.push(this.#convolution(node, input))
        return
      case 'convTranspose2d':
        this.#operations.push(this.#transposedConvolution(node, input))
        return
      case 'dense':
        this.#operations.push(this.#dense(node, input))
        return
      case 'batchNorm':
        this.#addBatchNorm(node, input)
        return
      case 'maxPool2d':
      case 'averagePool2d':
        this.#operations.push(this.#pool(node, input))
        return
      case 'globalAveragePool2d':
      case 'globalMaxPool2d':
        this.#operations.push({ kind: 'globalPool', pool: node.op === 'globalMaxPool2d' ? 'max' : 'average', input, output })
        return
      case 'softmax':
        this.#operations.push({ kind: 'softmax', input, output })
        return
      case 'flatten':
      case 'reshape':
        this.#operations.push({ kind: 'reshape', input, output })
        return
      case 'slice':
        this.#operations.push({ kind: 'slice', input, output, begin: node.begin })
        return
      case 'transpose':
        this.#operations.push({ kind: 'transpose', input, output, axes: node.axes, shape: this.#shapes.get(node.input)! })
        return
      case 'pad':
        this.#operations.push({ kind: 'pad', input, output, margins: node.margins, value: node.value })
        return
      case 'resize':
        this.#operations.push({ kind: 'resize', input, output, node })
        return
      case 'maxout':
        this.#operations.push({ kind: 'maxout', input, output, node })
        return
      case 'localResponseNorm':
        this.#operations.push({ kind: 'localResponseNorm', input, output, node })
        return
      case 'subtractiveNorm':
        this.#addSubtractiveNorm(node, input)
        return
      default:
        this.#addActivation(node, input)
    }
  }

  #convolution(node: Conv2dNode, input: string): ConvolutionOperation {
    const [height, width] = this.#shapes.get(node.input)! as [number, number]
    const rows = windowPlaces(height, node.kernelSize[0], node, 'vertical')
    const columns = windowPlaces(width, node.kernelSize[1], node, 'horizontal')
    const { filters, kernelSize, strides, dilations = [1, 1], groups = 1 } = node
    const pad = this.#takePad(node.input, input, 0)
    const operation: ConvolutionOperation = {
      kind: 'convolution', input: pad?.input ?? input, output: node.name, filters, kernelSize, strides, dilations, groups,
      kernel: this.#weight(node, 'kernel').slice(),
      padding: joinMargins({ top: rows.padBefore, bottom: rows.padAfter, left: columns.padBefore, right: columns.padAfter }, pad?.margins ?? noMargins),
      ...this.#plainEnd(node, filters),
    }
    return pad || Object.values(operation.padding).some((margin) => margin > 0) ? operation : this.#withAffineBefore(node.input, operation)
  }

  #transposedConvolution(node: ConvTranspose2dNode, input: string): TransposedConvolutionOperation {
    const [height, width, channels] = this.#shapes.get(node.input)! as [number, number, number]
    const { filters, kernelSize, strides } = node
    const cut = [transposedPlaces(height, kernelSize[0], node, 'vertical').cutBefore, transposedPlaces(width, kernelSize[1], node, 'horizontal').cutBefore] as const
    const kernel = swapKernelAxes(this.#weight(node, 'kernel'), filters, channels)
    return { kind: 'transposedConvolution', input, output: node.name, filters, kernelSize, strides, cut, kernel, ...this.#plainEnd(node, filters) }
  }

  #dense(node: DenseNode, input: string): DenseOperation {
    return this.#withAffineBefore(node.input, { kind: 'dense', input, output: node.name, kernel: this.#weight(node, 'kernel').slice(), units: node.units, ...this.#plainEnd(node, node.units) })
  }

  #plainEnd(node: Conv2dNode | ConvTranspose2dNode | DenseNode, filters: number): Pick<ConvolutionOperation, 'epilogue' | 'leading'> {
    return { epilogue: { residual: false, affine: false }, leading: { bias: node.bias ? this.#weight(node, 'bias').slice() : new Float32Array(filters) } }
  }

  #pool(node: MaxPool2dNode | AveragePool2dNode, input: string): PoolOperation {
    const [height, width] = this.#shapes.get(node.input)! as [number, number]
    const rows = windowPlaces(height, node.poolSize[0], node, 'vertical')
    const columns = windowPlaces(width, node.poolSize[1], node, 'horizontal')
    const pad = node.op === 'maxPool2d' ? this.#takeNeutralPad(node, input) : undefined
    return {
      kind: 'pool', pool: node.op === 'maxPool2d' ? 'max' : 'average', input: pad?.input ?? input, output: node.name, poolSize: node.poolSize, strides: node.strides,
      padding: [rows.padBefore + (pad?.margins.top ?? 0), columns.padBefore + (pad?.margins.left ?? 0)], countPadding: 'countPadding' in node && node.countPadding,
    }
  }

  /** Zeros round values that are not below 0 never change a maximum; where no window lies on them alone. */
  #takeNeutralPad(node: MaxPool2dNode, input: string): PadOperation | undefined {
    const pad = this.#operations.findLast((operation) => operation.output === input)
    if (pad?.kind !== 'pad' || node.padding !== 'valid') return undefined
    const { top, bottom, left, right } = pad.margins
    const reaches = Math.max(top, bottom) < node.poolSize[0] && Math.max(left, right) < node.poolSize[1]
    const before = this.#operations.findLast((operation) => operation.output === pad.input)
    return reaches && before !== undefined && isAboveZero(before) ? this.#takePad(node.input, input, 0) : undefined
  }

  /** Takes a pad of that value out of the operations, if nobody else reads what it makes. */
  #takePad(node: string, value: string, filler: number): PadOperation | undefined {
    const index = this.#operations.findLastIndex(({ output }) => output === value)
    const pad = this.#operations[index]
    if (pad?.kind !== 'pad' || pad.value !== filler || this.#readers.get(node) !== 1) return undefined
    this.#operations.splice(index, 1)
    return pad
  }

  /** The operation on what was before the scale and shift that its input ends in, which its weights take up. */
  #withAffineBefore<Kind extends ConvolutionOperation | DenseOperation>(node: string, operation: Kind): Kind {
    const producer = this.#soleProducer(node, operation.input)
    const last = producer?.kind === 'elementwise' ? producer.stages.at(-1) : undefined
    if (producer?.kind !== 'elementwise' || last?.kind !== 'affine') return operation
    foldBefore(operation, last.scale, last.shift)
    producer.stages = producer.stages.slice(0, -1)
    if (producer.stages.length > 0 || producer.second) return operation
    this.#operations.splice(this.#operations.indexOf(producer), 1)
    return { ...operation, input: producer.input }
  }

  #addBatchNorm(node: BatchNormNode, input: string): void {
    const [gamma, beta, mean, variance] = ['gamma', 'beta', 'mean', 'variance'].map((part) => this.#weight(node, part)) as [Float32Array, Float32Array, Float32Array, Float32Array]
    const scale = gamma.map((value, channel) => value / Math.sqrt(variance[channel]! + node.epsilon))
    const shift = beta.map((value, channel) => value - mean[channel]! * scale[channel]!)
    const producer = this.#soleProducer(node.input, input)
    if (producer !== undefined && foldAfter(producer, scale, shift)) return this.#extend(producer, node.name)
    this.#addElementwise(node.name, input, { kind: 'affine', scale, shift })
  }

  #addElementwise(output: string, input: string, stage: Stage): void {
    this.#operations.push({ kind: 'elementwise', input, output, stages: [stage] })
  }

  #addSubtractiveNorm(node: SubtractiveNormNode, input: string): void {
    const shape = this.#shapes.get(node.input)! as [number, number, number]
    const { operations, shapes } = subtractiveNorm(node, input, shape, (name) => this.#unusedName(name))
    for (const [name, value] of shapes) this.#shapes.set(name, value)
    this.#operations.push(...operations)
  }

  /** For a value between nodes: no node has it. */
  #unusedName(name: string): string {
    return this.#shapes.has(name) ? this.#unusedName(`${name}'`) : name
  }

  #addActivation(node: ActivationNode, input: string): void {
    const activation = activationOf(node)
    const alpha = node.op === 'prelu' ? { alpha: this.#weight(node, 'alpha') } : {}
    const producer = this.#soleProducer(node.input, input)
    if (producer?.kind === 'elementwise') {
      addStage(producer, { kind: 'activation', activation, ...alpha })
      return this.#extend(producer, node.name)
    }
    if (producer !== undefined && !producer.epilogue.affine && producer.epilogue.activation === undefined) {
      producer.epilogue = { ...producer.epilogue, activation }
      producer.leading = { ...producer.leading, ...alpha }
      return this.#extend(producer, node.name)
    }
    this.#addElementwise(node.name, input, { kind: 'activation', activation, ...alpha })
  }

  #addArithmetic(node: ArithmeticNode, [left, right]: [string, string]): void {
    const isSum = node.op === 'add' && this.#shapes.get(node.inputs[0]!)!.join() === this.#shapes.get(node.inputs[1]!)!.join()
    for (const [place, value, other] of isSum && left !== right ? [[1, right, left], [0, left, right]] as const : []) {
      const producer = this.#soleProducer(node.inputs[place]!, value)
      if (producer === undefined || producer.kind === 'elementwise' || !isBare(producer)) continue
      producer.residual = other
      producer.epilogue = { ...producer.epilogue, residual: true }
      // It runs now, when the other value is known.
      this.#operations.splice(this.#operations.indexOf(producer), 1)
      this.#operations.push(producer)
      return this.#extend(producer, node.name)
    }
    // The larger value comes first: the other is the one that is repeated.
    const isSwapped = this.#size(left) < this.#size(right) && node.op !== 'subtract'
    const [input, value] = (isSwapped ? [right, left] : [left, right]).map((operand) => this.#expanded(operand, node.name)) as [string, string]
    this.#operations.push({ kind: 'elementwise', input, output: node.name, second: { value, operation: node.op }, stages: [] })
  }

  /** The value as its reader wants it: of more than three axes, only those of a whole pixel can be repeated as it lies. */
  #expanded(value: string, reader: string): string {
    const [from, to] = [this.#shapes.get(value)!, this.#shapes.get(reader)!]
    const [pixels, all] = [from.slice(0, -1), to.slice(0, -1)]
    if (from.length <= 3 || pixels.every((size) => size === 1) || pixels.every((size, axis) => size === all[axis])) return value
    const output = this.#unusedName(`${reader}/${value}`)
    this.#shapes.set(output, to)
    this.#operations.push({ kind: 'expand', input: value, output, from, to })
    return output
  }

  /** The operation that makes a node's value, if nothing but one node reads it and it can end in other things. */
  #soleProducer(node: string, value: string): Producer | undefined {
    if (this.#readers.get(node) !== 1) return undefined
    const producer = this.#operations.findLast(({ output }) => output === value)
    if (producer?.kind === 'convolution' || producer?.kind === 'transposedConvolution' || producer?.kind === 'dense' || producer?.kind === 'elementwise') return producer
    return undefined
  }

  #extend(producer: Producer, name: string): void {
    producer.output = name
    this.#valueOf.set(name, name)
  }

  /** `name` is the value that `input` is; whoever reads the one reads the other. */
  #alias(name: string, input: string): void {
    const readers = this.#readers.get(input)! - 1 + (this.#readers.get(name) ?? 0)
    this.#valueOf.set(name, input)
    for (const [node, value] of this.#valueOf) if (value === input) this.#readers.set(node, readers)
  }

  #size(value: string): number {
    return this.#shapes.get(value)!.reduce((product, size) => product * size, 1)
  }

  #weight(node: GraphNode, part: string): Float32Array {
    return this.#weights.get(`${node.name}/${part}`)!
  }
}

/** Whether its sums are stored as they are. */
function isBare({ epilogue }: Summed): boolean {
  return !epilogue.residual && epilogue.activation === undefined && !epilogue.affine
}

function joinMargins(a: Border, b: Border): Border {
  return { top: a.top + b.top, bottom: Math.max(0, a.bottom + b.bottom), left: a.left + b.left, right: Math.max(0, a.right + b.right) }
}

/** Whether none of its values is below 0, by the function that it ends in. */
function isAboveZero(operation: Operation): boolean {
  const last = operation.kind === 'elementwise' ? operation.stages.at(-1) : undefined
  const activation = last?.kind === 'activation' ? last.activation : 'epilogue' in operation && !operation.epilogue.affine ? operation.epilogue.activation : undefined
  return activation?.kind === 'relu' || activation?.kind === 'sigmoid' || activation?.kind === 'hardSigmoid' || (activation?.kind === 'clip' && activation.min >= 0)
}

function activationOf(node: ActivationNode): Activation {
  switch (node.op) {
    case 'clip':
      return { kind: 'clip', min: node.min, max: node.max }
    case 'elu':
    case 'leakyRelu':
      return { kind: node.op, alpha: node.alpha }
    case 'hardSigmoid':
      return { kind: 'hardSigmoid', alpha: node.alpha, beta: node.beta }
    default:
      return { kind: node.op }
  }
}
