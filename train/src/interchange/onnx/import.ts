// ONNX → Millrace's graph. The file computes with the channels before height and width, and lists its operators
// in the order in which they run; each is read once its inputs are (operators/), or done away with where none of
// them depends on the image (fold.ts). How values lie meanwhile: ../layout.ts.
//
//   the batch   where it is left open, a prime stands for it in the shapes that the file computes with, so a
//               reshape that mixed the images of a batch cannot go unseen
//   the input   channels first, unless all that reads it is a transpose from channels last

import { basename, dirname } from 'node:path'
import { InferError, type PreprocessStep, type Task } from '@millrace/infer'
import { TrainError } from '../../errors.js'
import { pathWithin, readWhole } from '../files.js'
import { GraphBuilder } from '../graph-builder.js'
import { tensorValue, type TensorValue } from '../layout.js'
import { maxNodes } from '../limits.js'
import { failIn, finishNetwork, safeName, shown, type Fail, type ImportedNetwork, type ImportOptions } from '../network-file.js'
import { constantOperations, make, product } from './fold.js'
import { decodeModel, toNumber, type GraphMessage, type ModelMessage, type NodeMessage, type TensorMessage, type ValueInfoMessage } from './messages.js'
import { OnnxNode, type Value } from './node.js'
import { elementwiseOperators } from './operators/elementwise.js'
import type { Operator, OperatorContext } from './operators/operator.js'
import { findGelu } from './operators/patterns.js'
import { outputNode, rearrangeOperators } from './operators/rearrange.js'
import { windowOperators } from './operators/windows.js'
import { externalData, isFloatType, readTensor, type Constant } from './tensors.js'

export interface OnnxOptions extends ImportOptions {
  /** Files that hold weights outside, by the location that the file states; {@link readOnnx} reads them itself. */
  readonly externalFiles?: ReadonlyMap<string, Uint8Array>
}

const operators: Readonly<Record<string, Operator>> = { ...windowOperators, ...elementwiseOperators, ...rearrangeOperators }
const oldestOpset = 7
const newestOpset = 21
/** Stands for a batch that the file leaves open. */
const openBatch = 1009

/**
 * The network in an ONNX file. Weights that lie in other files are read from the same folder, and never from
 * outside it.
 * @throws TrainError TRAIN_NETWORK_FILE, TRAIN_NETWORK_UNSUPPORTED
 */
export async function readOnnx(path: string, options: ImportOptions = {}): Promise<ImportedNetwork> {
  const file = options.file ?? path
  const fail = failIn(file)
  const bytes = await readWhole(path, fail)
  const model = decode(bytes, fail)
  const externalFiles = await readExternalFiles(path, model, fail)
  return importModel(model, { ...options, file, externalFiles }, basename(path).replace(/\.onnx$/i, ''))
}

/**
 * The network in the bytes of an ONNX file.
 * @throws TrainError TRAIN_NETWORK_FILE if they are damaged or do not hold together; TRAIN_NETWORK_UNSUPPORTED
 * naming the node with an operator, or a setting of one, that Millrace's graph does not know.
 */
export function importOnnx(bytes: Uint8Array, options: OnnxOptions = {}): ImportedNetwork {
  return importModel(decode(bytes, failIn(options.file ?? 'ONNX')), options)
}

function decode(bytes: Uint8Array, fail: Fail): ModelMessage {
  try {
    return decodeModel(bytes)
  } catch (error) {
    return fail('TRAIN_NETWORK_FILE', `expected an ONNX model: ${(error as Error).message}; fetch the file again`, error)
  }
}

function importModel(model: ModelMessage, options: OnnxOptions, name?: string): ImportedNetwork {
  const fail = failIn(options.file ?? 'ONNX')
  try {
    return new OnnxImport(model, options, fail).run(name)
  } catch (error) {
    if (error instanceof TrainError) throw error
    if (error instanceof InferError || error instanceof RangeError) return fail('TRAIN_NETWORK_FILE', error.message, error)
    throw error
  }
}

class OnnxImport {
  readonly #graph: GraphMessage
  readonly #options: OnnxOptions
  readonly #fail: Fail
  readonly #opset: number
  readonly #carried: Carried
  readonly #initializers: ReadonlyMap<string, TensorMessage>
  readonly #values = new Map<string, Value>()
  readonly #context: OperatorContext

  constructor(model: ModelMessage, options: OnnxOptions, fail: Fail) {
    this.#options = options
    this.#fail = fail
    this.#graph = model.graph ?? fail('TRAIN_NETWORK_FILE', 'expected an ONNX model, found one without a graph')
    this.#opset = opsetOf(model, fail)
    this.#carried = carriedBy(model, fail)
    if (this.#graph.sparseInitializer.length > 0) fail('TRAIN_NETWORK_UNSUPPORTED', 'has sparse weights; store them dense')
    if (this.#graph.node.length > maxNodes) fail('TRAIN_NETWORK_FILE', `expected at most ${maxNodes} nodes, found ${this.#graph.node.length}`)
    this.#initializers = new Map(this.#graph.initializer.map((tensor) => [tensor.name, tensor]))
    this.#context = this.#openInput()
  }

  run(fileName?: string): ImportedNetwork {
    const outputs = this.#graph.output.map(({ name }) => name)
    if (outputs.length === 0) this.#fail('TRAIN_NETWORK_FILE', 'expected an output, found none')
    const nodes = needed(findGelu(this.#graph.node, (name) => this.#numberOf(name)), outputs)
    for (const [index, message] of nodes.entries()) this.#add(message, index, outputs)
    const { builder } = this.#context
    const found = outputs.map((name) => {
      const value = this.#valueOf(name)
      if (value?.kind !== 'tensor') return this.#fail('TRAIN_NETWORK_FILE', `output ${shown(name)} is ${value ? 'a constant' : 'made by no node'}`)
      const node = outputNode(this.#context, value)
      builder.rename(node, name)
      return node
    })
    return finishNetwork({ ...this.#carried, name: this.#carried.name ?? fileName ?? this.#graph.name, builder, outputs: [...new Set(found)] }, this.#options, this.#fail)
  }

  #add(message: NodeMessage, index: number, outputs: readonly string[]): void {
    const [only] = message.output
    const isAnswer = message.output.length === 1 && outputs.includes(only!)
    const node = new OnnxNode(isAnswer ? { ...message, name: only! } : message, index, this.#opset, (name) => this.#valueOf(name), this.#fail)
    if (message.domain !== '' && message.domain !== 'ai.onnx') node.unsupported(`an operator of ${shown(message.domain)} is not known here`)
    const results = [this.#read(node, isAnswer)].flat()
    node.end()
    for (const [place, name] of message.output.entries()) {
      if (name === '' || results[place] === undefined) continue
      if (this.#values.has(name)) node.damaged(`makes ${shown(name)}, which another node makes as well`)
      this.#values.set(name, results[place])
    }
  }

  #read(node: OnnxNode, isAnswer: boolean): Value | readonly Value[] {
    if (node.op === 'Constant') return this.#constant(node)
    const inputs = node.inputNames.flatMap((name) => (name === '' ? [] : [this.#valueOf(name)!]))
    try {
      if (inputs.length > 0 && inputs.every(isConstant)) return this.#fold(node, inputs)
      const read = operators[node.op === 'LogSoftmax' && isAnswer ? 'Softmax' : node.op] // of classes: the probabilities
      if (read === undefined || !Object.hasOwn(operators, node.op === 'LogSoftmax' ? 'Softmax' : node.op)) return node.unsupported('this operator is not known here')
      return read(node, this.#context)
    } catch (error) {
      if (error instanceof InferError || error instanceof RangeError) return node.damaged(error.message, error)
      throw error
    }
  }

  #fold(node: OnnxNode, inputs: readonly Constant[]): Value | readonly Value[] {
    if (node.op === 'ConstantOfShape') {
      const stated = node.tensorAttribute('value')
      const value = stated && readTensor(stated, new Map(), this.#fail)
      return make([...inputs[0]!.data], value?.integer ?? false, () => value?.data[0] ?? 0)
    }
    const operation = Object.hasOwn(constantOperations, node.op) ? constantOperations[node.op] : undefined
    return operation?.(node, inputs) ?? node.unsupported('this operator is not known here for constants')
  }

  #constant(node: OnnxNode): Constant {
    const tensor = node.tensorAttribute('value')
    if (tensor !== undefined) return readTensor(tensor, this.#options.externalFiles ?? new Map(), this.#fail)
    const [ints, floats] = [node.ints('value_ints'), node.floats('value_floats')]
    if (ints !== undefined) return make([ints.length], true, (index) => ints[index]!)
    if (floats !== undefined) return make([floats.length], false, (index) => floats[index]!)
    const [int, float] = [node.int('value_int', NaN), node.float('value_float', NaN)]
    if (Number.isNaN(int) && Number.isNaN(float)) return node.unsupported('expected a tensor or numbers')
    return make([], !Number.isNaN(int), () => (Number.isNaN(int) ? float : int))
  }

  #valueOf(name: string): Value | undefined {
    const known = this.#values.get(name)
    if (known !== undefined) return known
    const tensor = this.#initializers.get(name)
    if (tensor === undefined) return undefined
    const constant = readTensor(tensor, this.#options.externalFiles ?? new Map(), this.#fail)
    this.#values.set(name, constant)
    return constant
  }

  /** A constant of one number, looked at before the nodes are read. */
  #numberOf(name: string): number | undefined {
    const tensor = this.#initializers.get(name) ?? this.#graph.node.find((node) => node.opType === 'Constant' && node.output[0] === name)?.attribute.find((attribute) => attribute.name === 'value')?.t
    if (!tensor || product(tensor.dims.map(toNumber)) !== 1 || tensor.dataLocation === 1) return undefined
    return readTensor(tensor, new Map(), this.#fail).data[0]
  }

  #openInput(): OperatorContext {
    const inputs = this.#graph.input.filter(({ name }) => !this.#initializers.has(name))
    const [input] = inputs
    if (inputs.length !== 1 || input === undefined) return this.#fail('TRAIN_NETWORK_UNSUPPORTED', `expected one input, the image, found ${inputs.length}: ${inputs.slice(0, 5).map(({ name }) => shown(name)).join(', ')}`)
    const elementType = input.type?.tensorType?.elemType ?? 0
    if (!isFloatType(elementType)) this.#fail('TRAIN_NETWORK_UNSUPPORTED', `input ${shown(input.name)}: expected float values, found data type ${elementType}`)
    const readers = this.#graph.node.filter(({ input: names }) => names.includes(input.name))
    const isChannelsLast = readers.length > 0 && readers.every(({ opType, attribute }) => opType === 'Transpose' && attribute.find(({ name }) => name === 'perm')?.ints.map(toNumber).join() === '0,3,1,2')
    const { batch, sizes } = inputSizes(input, isChannelsLast, this.#options, this.#fail)
    const order = sizes.length === 3 && !isChannelsLast ? [1, 2, 0] : sizes.map((_, axis) => axis)
    const ordered = order.map((axis) => sizes[axis]!)
    const shape = [...Array.from({ length: 3 - sizes.length }, () => 1), ...ordered] as [number, number, number]
    const builder = new GraphBuilder({ name: safeName(input.name) || 'input', shape })
    this.#values.set(input.name, tensorValue(builder.input.name, sizes, order) satisfies TensorValue)
    return { builder, batch: batch ?? openBatch }
  }
}

const isConstant = (value: Value): value is Constant => value.kind === 'constant'

/** The nodes that the outputs depend on, in their order. */
function needed(nodes: readonly NodeMessage[], outputs: readonly string[]): readonly NodeMessage[] {
  const names = new Set(outputs)
  return nodes.toReversed().filter((node) => {
    if (!node.output.some((name) => names.has(name))) return false
    for (const name of node.input) names.add(name)
    return true
  }).reverse()
}

function opsetOf(model: ModelMessage, fail: Fail): number {
  const found = model.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')
  const version = found ? toNumber(found.version) : 1
  if (version < oldestOpset || version > newestOpset) fail('TRAIN_NETWORK_UNSUPPORTED', `expected opset ${oldestOpset} to ${newestOpset}, found ${version}; write the file again with another opset_version`)
  return version
}

/** [c, h, w] or [h, w, c] or [units], and the batch if it is stated. */
function inputSizes({ name, type }: ValueInfoMessage, isChannelsLast: boolean, { inputSize }: ImportOptions, fail: Fail): { batch: number | undefined; sizes: number[] } {
  const dimensions = (type?.tensorType?.shape?.dim ?? []).map(({ dimValue }) => toNumber(dimValue))
  if (dimensions.length !== 4 && dimensions.length !== 2) return fail('TRAIN_NETWORK_UNSUPPORTED', `input ${shown(name)}: expected [batch, channels, height, width] or [batch, units], found ${dimensions.length} axes`)
  const [batch = 0, ...sizes] = dimensions
  const rows = isChannelsLast ? 0 : 1
  for (const [place, size] of dimensions.length === 4 ? (inputSize ?? []).entries() : []) {
    if (sizes[rows + place]! > 0 && sizes[rows + place] !== size) fail('TRAIN_NETWORK_UNSUPPORTED', `input ${shown(name)}: its ${place === 0 ? 'height' : 'width'} is ${sizes[rows + place]}, and cannot be ${size}`)
    sizes[rows + place] = size
  }
  if (!sizes.every((size) => Number.isSafeInteger(size) && size > 0)) fail('TRAIN_NETWORK_UNSUPPORTED', `input ${shown(name)}: expected its size, found [${sizes.map((size) => (size > 0 ? size : '?')).join(', ')}]; state height and width`)
  return { batch: batch > 0 ? batch : undefined, sizes }
}

interface Carried {
  readonly name?: string
  readonly task?: Task
  readonly preprocessing?: readonly PreprocessStep[]
}

/** The key of the metadata that our own writer leaves: name, task and preprocessing as JSON (export.ts). */
export const metadataKey = 'millrace'

function carriedBy({ metadataProps }: ModelMessage, fail: Fail): Carried {
  const text = metadataProps.find(({ key }) => key === metadataKey)?.value
  if (text === undefined) return {}
  let carried: unknown
  try {
    carried = JSON.parse(text)
  } catch (error) {
    return fail('TRAIN_NETWORK_FILE', `its metadata ${metadataKey} are damaged: ${(error as Error).message}`, error)
  }
  const { name, task, preprocessing } = (carried ?? {}) as Partial<Record<keyof Carried, unknown>>
  if (typeof name !== 'string' || typeof task !== 'object' || task === null || !Array.isArray(preprocessing)) return fail('TRAIN_NETWORK_FILE', `its metadata ${metadataKey} are damaged: expected name, task and preprocessing`)
  return { name, task: task as Task, preprocessing: preprocessing as PreprocessStep[] } // looked at with the whole graph
}

async function readExternalFiles(path: string, { graph }: ModelMessage, fail: Fail): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>()
  for (const tensor of graph?.initializer ?? []) {
    const outside = externalData(tensor, fail)
    if (outside === undefined || files.has(outside.location)) continue
    files.set(outside.location, await readWhole(await pathWithin(dirname(path), outside.location, fail), fail))
  }
  return files
}
