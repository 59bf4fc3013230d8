// From a graph to operations: what does nothing at inference is dropped, and what follows a convolution
// or a dense product by itself is drawn into it.
//
//   conv → batchNorm                 the kernel and bias are scaled (fold)
//   conv → relu → batchNorm          both run on the sums before they are stored (epilogue)
//   conv → add(other) → relu         likewise; the convolution moves to where the other value is known
//
// A value that somebody else reads as well, or that is an output, stays as it is.

import { InferError } from '../errors.js'
import { nodeInputs, type ActivationNode, type ArithmeticNode, type BatchNormNode, type Conv2dNode, type Graph, type GraphNode, type UnaryNode } from '../graph.js'
import type { Activation } from '../kernels/network/activation.js'
import { inferShapes } from '../shapes.js'
import type { Weights } from '../weights.js'
import { windowPlaces } from '../windows.js'
import type { ConvolutionOperation, DenseOperation, ElementwiseOperation, Operation, Program } from './operation.js'

/**
 * The operations of a network whose weights fit it.
 * @throws InferError INFER_GRAPH_INVALID; INFER_COMPILE naming a node that cannot be compiled
 */
export function simplify(graph: Graph, weights: Weights): Program {
  return new Simplifier(graph, weights).run()
}

type Producer = ConvolutionOperation | DenseOperation | ElementwiseOperation

class Simplifier {
  readonly #graph: Graph
  readonly #weights: Weights
  readonly #shapes: ReadonlyMap<string, readonly number[]>
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
    return { graph: this.#graph, operations: this.#operations, shapes: this.#shapes, outputs }
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
      case 'dense':
        this.#operations.push({ kind: 'dense', input, output, kernel: this.#weight(node, 'kernel').slice(), units: node.units, ...plainEnd(node.bias ? this.#weight(node, 'bias').slice() : new Float32Array(node.units)) })
        return
      case 'batchNorm':
        this.#addBatchNorm(node, input)
        return
      case 'maxPool2d':
      case 'averagePool2d': {
        const [height, width] = this.#shapes.get(node.input)! as [number, number]
        const padding = [windowPlaces(height, node.poolSize[0], node, 'vertical').padBefore, windowPlaces(width, node.poolSize[1], node, 'horizontal').padBefore] as const
        this.#operations.push({ kind: 'pool', pool: node.op === 'maxPool2d' ? 'max' : 'average', input, output, poolSize: node.poolSize, strides: node.strides, padding, countPadding: 'countPadding' in node && node.countPadding })
        return
      }
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
        this.#operations.push({ kind: 'pad', input, output, top: node.margins.top, left: node.margins.left, value: node.value })
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
      case 'convTranspose2d':
      case 'subtractiveNorm':
        throw new InferError('INFER_COMPILE', `graph ${this.#graph.name}: node ${JSON.stringify(node.name)}: ${node.op} cannot be compiled yet; run the network with the reference executor`, { node: node.name })
      default:
        this.#addActivation(node, input)
    }
  }

  #convolution(node: Conv2dNode, input: string): ConvolutionOperation {
    const [height, width] = this.#shapes.get(node.input)! as [number, number]
    const rows = windowPlaces(height, node.kernelSize[0], node, 'vertical')
    const columns = windowPlaces(width, node.kernelSize[1], node, 'horizontal')
    const { filters, kernelSize, strides, dilations = [1, 1], groups = 1 } = node
    return {
      kind: 'convolution', input, output: node.name, filters, kernelSize, strides, dilations, groups,
      kernel: this.#weight(node, 'kernel').slice(),
      padding: { top: rows.padBefore, bottom: Math.max(0, rows.padAfter), left: columns.padBefore, right: Math.max(0, columns.padAfter) },
      ...plainEnd(node.bias ? this.#weight(node, 'bias').slice() : new Float32Array(filters)),
    }
  }

  #addBatchNorm(node: BatchNormNode, input: string): void {
    const [gamma, beta, mean, variance] = ['gamma', 'beta', 'mean', 'variance'].map((part) => this.#weight(node, part)) as [Float32Array, Float32Array, Float32Array, Float32Array]
    const scale = gamma.map((value, channel) => value / Math.sqrt(variance[channel]! + node.epsilon))
    const shift = beta.map((value, channel) => value - mean[channel]! * scale[channel]!)
    const producer = this.#soleProducer(node.input, input)
    if (producer !== undefined && !isAffine(producer)) {
      if (producer.kind !== 'elementwise' && isBare(producer)) foldScale(producer, scale, shift)
      else setAffine(producer, scale, shift)
      return this.#extend(producer, node.name)
    }
    this.#operations.push({ kind: 'elementwise', input, output: node.name, affine: true, leading: { scale, shift } })
  }

  #addActivation(node: ActivationNode, input: string): void {
    const activation = activationOf(node)
    const alpha = node.op === 'prelu' ? { alpha: this.#weight(node, 'alpha') } : {}
    const producer = this.#soleProducer(node.input, input)
    if (producer !== undefined && !isAffine(producer) && activationIn(producer) === undefined) {
      if (producer.kind === 'elementwise') producer.activation = activation
      else producer.epilogue = { ...producer.epilogue, activation }
      producer.leading = { ...producer.leading, ...alpha } as typeof producer.leading & Producer['leading'] as never
      return this.#extend(producer, node.name)
    }
    this.#operations.push({ kind: 'elementwise', input, output: node.name, activation, affine: false, leading: alpha })
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
    const [input, value] = isSwapped ? [right, left] : [left, right]
    this.#operations.push({ kind: 'elementwise', input, output: node.name, second: { value, operation: node.op }, affine: false, leading: {} })
  }

  /** The operation that makes a node's value, if nothing but one node reads it and it can end in other things. */
  #soleProducer(node: string, value: string): Producer | undefined {
    if (this.#readers.get(node) !== 1) return undefined
    const producer = this.#operations.findLast(({ output }) => output === value)
    return producer && (producer.kind === 'convolution' || producer.kind === 'dense' || producer.kind === 'elementwise') ? producer : undefined
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

function plainEnd(bias: Float32Array): Pick<ConvolutionOperation, 'epilogue' | 'leading'> {
  return { epilogue: { residual: false, affine: false }, leading: { bias } }
}

function isAffine(producer: Producer): boolean {
  return producer.kind === 'elementwise' ? producer.affine : producer.epilogue.affine
}

function activationIn(producer: Producer): Activation | undefined {
  return producer.kind === 'elementwise' ? producer.activation : producer.epilogue.activation
}

/** Whether its sums are stored as they are. */
function isBare({ epilogue }: ConvolutionOperation | DenseOperation): boolean {
  return !epilogue.residual && epilogue.activation === undefined && !epilogue.affine
}

/** Scales every filter: kernel · scale, bias · scale + shift. */
function foldScale(producer: ConvolutionOperation | DenseOperation, scale: Float32Array, shift: Float32Array): void {
  const filters = scale.length
  producer.kernel = producer.kernel.map((value, index) => value * scale[index % filters]!)
  producer.leading = { ...producer.leading, bias: producer.leading.bias.map((value, filter) => value * scale[filter]! + shift[filter]!) }
}

function setAffine(producer: Producer, scale: Float32Array, shift: Float32Array): void {
  if (producer.kind === 'elementwise') {
    producer.affine = true
    producer.leading = { ...producer.leading, scale, shift }
  } else {
    producer.epilogue = { ...producer.epilogue, affine: true }
    producer.leading = { ...producer.leading, scale, shift }
  }
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
