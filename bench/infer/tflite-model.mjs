// A network as a .tflite file (schema version 3, NHWC, one batch size), for LiteRT: the few operators that the
// measured networks have. Tables stand as lists of fields in the order of TensorFlow Lite's schema.fbs.
//
// TFLite knows 'same' and 'valid' only; other padding becomes a PAD of zeros before the layer, which is the same
// to these networks' pools because all of them follow a ReLU.

import { Builder } from 'flatbuffers'
import { inferShapes, nodeInputs, weightSpecs } from '../../infer/dist/index.js'
import { fuseActivations } from './for-peers.mjs'
import { placesOf } from './padding.mjs'

/** BuiltinOperator */
const codes = { add: 0, concat: 2, convolution: 3, depthwise: 4, dense: 9, maxPool: 17, multiply: 18, relu: 19, relu6: 21, reshape: 22, softmax: 25, pad: 34, mean: 40, slice: 65, elu: 111 }
/** BuiltinOptions */
const options = { convolution: 1, depthwise: 2, maxPool: 5, dense: 8, softmax: 9, concat: 10, add: 11, mean: 27 }
const activations = { relu: 1, clip: 3 }

/** @returns {Uint8Array} of a graph whose batch norm is folded */
export function tfliteModel(original, weights, batch) {
  const graph = fuseActivations(original, { layers: ['conv2d', 'dense', 'add'], activations: ['relu', 'clip'] })
  const model = new Model(graph, batch)
  const shapes = inferShapes(graph)
  const specs = new Map(weightSpecs(graph).map(({ name, shape }) => [name, shape]))
  for (const node of graph.nodes) {
    const constant = (part, shape, turn = (data) => data) => model.constant(`${node.name}/${part}`, shape, turn(weights.get(`${node.name}/${part}`)))
    operators[node.op]({
      node,
      model,
      input: shapes.get(nodeInputs(node)[0]),
      output: (code, inputs, fields) => model.operator(code, inputs, fields, node.name, shapes.get(node.name)),
      inputs: nodeInputs(node).map((name) => model.indices.get(name)),
      activation: activations[node.activation] ?? 0,
      constant,
      kernelShape: specs.get(`${node.name}/kernel`),
    })
  }
  return model.finish(graph)
}

const operators = {
  conv2d({ node, model, input, inputs: [x], output, activation, constant, kernelShape: [height, width, inChannels, filters] }) {
    const { index, padding } = padded(model, node, node.kernelSize, input, x)
    const [down, across] = node.strides
    const bias = constant('bias', [filters])
    if (node.groups !== undefined) return output('depthwise', [index, constant('kernel', [1, height, width, filters]), bias], [byte(padding), across, down, 1, byte(activation), 1, 1])
    const kernel = constant('kernel', [filters, height, width, inChannels], (data) => transposed(data, filters))
    return output('convolution', [index, kernel, bias], [byte(padding), across, down, byte(activation), 1, 1])
  },
  dense({ inputs: [x], output, activation, constant, kernelShape: [inUnits, units] }) {
    output('dense', [x, constant('kernel', [units, inUnits], (data) => transposed(data, units)), constant('bias', [units])], [byte(activation), byte(0), byte(0)])
  },
  batchNorm({ node, model, inputs: [x], output, constant, input }) {
    // y = x·scale + shift
    const [gamma, beta, mean, variance] = ['gamma', 'beta', 'mean', 'variance'].map((part) => model.data(constant(part, [input.at(-1)])))
    const scale = gamma.map((value, index) => value / Math.sqrt(variance[index] + node.epsilon))
    const shift = beta.map((value, index) => value - mean[index] * scale[index])
    const product = model.operator('multiply', [x, model.constant(`${node.name}/scale`, [scale.length], scale)], undefined, `${node.name}/product`, input)
    output('add', [product, model.constant(`${node.name}/shift`, [shift.length], shift)], [byte(0)])
  },
  relu: ({ inputs, output }) => output('relu', inputs),
  clip: ({ inputs, output }) => output('relu6', inputs),
  elu: ({ inputs, output }) => output('elu', inputs),
  maxPool2d({ node, model, input, inputs: [x], output }) {
    const { index, padding } = padded(model, node, node.poolSize, input, x)
    output('maxPool', [index], [byte(padding), node.strides[1], node.strides[0], node.poolSize[1], node.poolSize[0], byte(0)])
  },
  globalAveragePool2d: ({ node, model, inputs: [x], output }) => output('mean', [x, model.constant(`${node.name}/axes`, [2], Int32Array.of(1, 2))], [byte(0)]),
  flatten: ({ node, model, input, inputs: [x], output }) => output('reshape', [x, model.constant(`${node.name}/shape`, [2], Int32Array.of(model.batch, input.reduce((product, size) => product * size)))]),
  softmax: ({ inputs, output }) => output('softmax', inputs, [{ real: 1 }]),
  add: ({ inputs, output, activation }) => output('add', inputs, [byte(activation)]),
  concat: ({ inputs, output, input }) => output('concat', inputs, [input.length, byte(0)]),
  slice({ node, model, inputs: [x], output }) {
    const pair = (part, value) => model.constant(`${node.name}/${part}`, [2], Int32Array.of(...value))
    output('slice', [x, pair('begin', [0, node.begin]), pair('size', [model.batch, node.size])])
  },
}

/** Where to read so that 0 ('same') or 1 ('valid') says the rest. */
function padded(model, node, window, input, index) {
  const own = placesOf(node, window, input)
  const same = placesOf({ ...node, padding: 'same' }, window, input)
  const sides = ['top', 'bottom', 'left', 'right']
  if (sides.every((side) => own[side] === 0)) return { index, padding: 1 }
  if (sides.every((side) => own[side] === same[side])) return { index, padding: 0 }
  const amounts = model.constant(`${node.name}/margins`, [4, 2], Int32Array.of(0, 0, own.top, own.bottom, own.left, own.right, 0, 0))
  const shape = [input[0] + own.top + own.bottom, input[1] + own.left + own.right, input[2]]
  return { index: model.operator('pad', [index, amounts], undefined, `${node.name}/padded`, shape), padding: 1 }
}

/** [rows, columns] → [columns, rows] */
function transposed(data, columns) {
  const rows = data.length / columns
  const turned = new Float32Array(data.length)
  for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) turned[column * rows + row] = data[row * columns + column]
  return turned
}

const byte = (value) => ({ byte: value })

class Model {
  indices = new Map()
  #tensors = []
  #buffers = [undefined]
  #operators = []

  constructor({ input }, batch) {
    this.batch = batch
    this.#tensor(input.name, [batch, ...input.shape])
  }

  constant(name, shape, data) {
    return this.#tensor(name, shape, data)
  }

  data(index) {
    return this.#buffers[this.#tensors[index].buffer]
  }

  /** The index of its value, which has the shape without the batch. */
  operator(code, inputs, fields, name, shape) {
    const index = this.#tensor(name, [this.batch, ...shape])
    this.#operators.push({ code, inputs, fields, output: index })
    return index
  }

  #tensor(name, shape, data) {
    const buffer = data ? this.#buffers.push(data) - 1 : 0
    this.indices.set(name, this.#tensors.push({ name, shape, buffer, type: data instanceof Int32Array ? 2 : 0 }) - 1)
    return this.indices.get(name)
  }

  finish({ input, outputs }) {
    const builder = new Builder(2 ** 20)
    const names = Object.keys(codes)
    const list = (offsets) => ({ offset: vector(builder, offsets, 4, (each) => builder.addOffset(each)) })
    const whole = (values) => ({ offset: vector(builder, values, 4, (each) => builder.addInt32(each)) })
    const text = (value) => ({ offset: builder.createString(value) })
    const buffers = list(this.#buffers.map((data) => table(builder, data ? [{ offset: bytes(builder, data) }] : [])))
    const operatorCodes = list(names.map((name) => table(builder, [byte(codes[name]), undefined, 1, codes[name]])))
    const tensors = list(this.#tensors.map(({ name, shape, buffer, type }) => table(builder, [whole(shape), byte(type), buffer, text(name)])))
    const steps = list(this.#operators.map(({ code, inputs, fields, output }) => {
      const extra = fields && { offset: table(builder, fields) }
      return table(builder, [names.indexOf(code), whole(inputs), whole([output]), byte(extra ? options[code] : 0), extra])
    }))
    const ends = [[input.name], outputs].map((each) => whole(each.map((name) => this.indices.get(name))))
    const subgraphs = list([table(builder, [tensors, ...ends, steps])])
    builder.finish(table(builder, [3, operatorCodes, subgraphs, text('millrace bench'), buffers]), 'TFL3')
    return builder.asUint8Array()
  }
}

/** Fields in the schema's order: a whole number, { byte }, { real }, { offset }, or undefined for the default. */
function table(builder, fields) {
  builder.startObject(fields.length)
  for (const [slot, field] of fields.entries()) {
    if (field === undefined) continue
    if (typeof field === 'number') builder.addFieldInt32(slot, field, undefined)
    else if (field.byte !== undefined) builder.addFieldInt8(slot, field.byte, undefined)
    else if (field.real !== undefined) builder.addFieldFloat32(slot, field.real, undefined)
    else builder.addFieldOffset(slot, field.offset, 0)
  }
  return builder.endObject()
}

function vector(builder, values, size, add) {
  builder.startVector(size, values.length, size)
  for (const value of [...values].reverse()) add(value)
  return builder.endVector()
}

/** Raw bytes that begin at a multiple of 16, as TFLite wants its buffers. */
function bytes(builder, { buffer, byteOffset, byteLength }) {
  builder.startVector(1, byteLength, 16)
  builder.space -= byteLength
  builder.bb.bytes().set(new Uint8Array(buffer, byteOffset, byteLength), builder.space)
  return builder.endVector()
}
