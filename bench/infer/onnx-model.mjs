// A network as an ONNX file (opset 13, NCHW, any batch), for onnxruntime: the few operators that the measured
// networks have. Protocol-buffer fields stand as [number, value]: onnx.proto3 says what each number means.

import { inferShapes, nodeInputs, weightSpecs } from '../../infer/dist/index.js'
import { placesOf } from './padding.mjs'

/** @returns {Uint8Array} */
export function onnxModel(graph, weights) {
  const shapes = inferShapes(graph)
  const specs = new Map(weightSpecs(graph).map(({ name, shape }) => [name, shape]))
  const model = { nodes: [], tensors: [] }
  const tensor = (name, dims, data, type = 1) => {
    model.tensors.push([...dims.map((size) => [1, size]), [2, type], [8, name], [9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]])
    return name
  }
  for (const node of graph.nodes) {
    const weight = (part) => ({ name: `${node.name}/${part}`, shape: specs.get(`${node.name}/${part}`), data: weights.get(`${node.name}/${part}`) })
    const plain = (part) => tensor(weight(part).name, weight(part).shape, weight(part).data)
    operators[node.op]({
      node,
      input: shapes.get(nodeInputs(node)[0]),
      before: graph.nodes.find(({ name }) => name === node.input),
      shapes,
      weight,
      plain,
      tensor,
      emit: (type, attributes, inputs = nodeInputs(node), output = node.name) => {
        model.nodes.push([...inputs.map((name) => [1, name]), [2, output], [3, output], [4, type], ...Object.entries(attributes).map(([name, value]) => [5, attribute(name, value)])])
        return output
      },
    })
  }
  const [height, width, channels] = graph.input.shape
  return message([
    [1, 8],
    [7, [
      ...model.nodes.map((node) => [1, node]),
      [2, graph.name],
      ...model.tensors.map((each) => [5, each]),
      [11, valueInfo(graph.input.name, [channels, height, width])],
      ...graph.outputs.map((name) => [12, valueInfo(name, shapes.get(name))]),
    ]],
    [8, [[1, ''], [2, 13]]],
  ])
}

const operators = {
  conv2d: ({ node, input, weight, plain, tensor, emit }) => {
    const { name, shape: [kernelHeight, kernelWidth, inChannels, filters], data } = weight('kernel')
    const turned = new Float32Array(data.length)
    const places = kernelHeight * kernelWidth
    for (let index = 0; index < data.length; index++) {
      const [filter, inChannel, place] = [index % filters, Math.floor(index / filters) % inChannels, Math.floor(index / filters / inChannels)]
      turned[(filter * inChannels + inChannel) * places + place] = data[index]
    }
    const inputs = [node.input, tensor(name, [filters, inChannels, kernelHeight, kernelWidth], turned), ...(node.bias ? [plain('bias')] : [])]
    emit('Conv', { ...windowAttributes(node, node.kernelSize, input), group: node.groups ?? 1 }, inputs)
  },
  dense: ({ node, before, shapes, weight, plain, tensor, emit }) => {
    const { name, shape, data } = weight('kernel')
    const kernel = before.op === 'flatten' ? channelsFirstRows(data, shapes.get(before.input), node.units) : data
    emit('Gemm', {}, [node.input, tensor(name, shape, kernel), ...(node.bias ? [plain('bias')] : [])])
  },
  batchNorm: ({ node, plain, emit }) => emit('BatchNormalization', { epsilon: real(node.epsilon) }, [node.input, ...['gamma', 'beta', 'mean', 'variance'].map(plain)]),
  relu: ({ emit }) => emit('Relu', {}),
  clip: ({ node, tensor, emit }) => emit('Clip', {}, [node.input, ...['min', 'max'].map((end) => tensor(`${node.name}/${end}`, [], Float32Array.of(node[end])))]),
  elu: ({ node, emit }) => emit('Elu', { alpha: real(node.alpha) }),
  maxPool2d: ({ node, input, emit }) => emit('MaxPool', windowAttributes(node, node.poolSize, input)),
  globalAveragePool2d: ({ node, emit }) => emit('Flatten', {}, [emit('GlobalAveragePool', {}, undefined, `${node.name}/planes`)]),
  flatten: ({ emit }) => emit('Flatten', {}),
  softmax: ({ emit }) => emit('Softmax', { axis: 1 }),
  add: ({ emit }) => emit('Add', {}),
  concat: ({ emit }) => emit('Concat', { axis: 1 }),
  slice: ({ node, tensor, emit }) => {
    const whole = (part, value) => tensor(`${node.name}/${part}`, [1], BigInt64Array.of(BigInt(value)), 7)
    emit('Slice', {}, [node.input, whole('starts', node.begin), whole('ends', node.begin + node.size), whole('axes', 1)])
  },
}

function windowAttributes(node, window, input) {
  const { top, left, bottom, right } = placesOf(node, window, input)
  return { kernel_shape: window, strides: node.strides, pads: [top, left, bottom, right] }
}

/** Rows of a dense kernel in the order of [c, h, w] in place of [h, w, c]. */
function channelsFirstRows(kernel, [height, width, channels], units) {
  const turned = new Float32Array(kernel.length)
  const places = height * width
  for (let place = 0; place < places; place++) {
    for (let channel = 0; channel < channels; channel++) {
      const from = (place * channels + channel) * units
      turned.set(kernel.subarray(from, from + units), (channel * places + place) * units)
    }
  }
  return turned
}

/** A float among attributes, where other numbers are whole. */
const real = (value) => ({ real: value })

function attribute(name, value) {
  if (Array.isArray(value)) return [[1, name], ...value.map((each) => [8, each]), [20, 7]]
  return typeof value === 'number' ? [[1, name], [3, value], [20, 2]] : [[1, name], [2, value], [20, 1]]
}

function valueInfo(name, shape) {
  const sizes = shape.map((size) => [1, [[1, size]]])
  return [[1, name], [2, [[1, [[1, 1], [2, [[1, [[2, 'batch']]], ...sizes]]]]]]]
}

/** A message of [number, value]: a whole number, { real }, a string, bytes, or a message in turn. */
function message(fields) {
  return Buffer.concat(fields.flatMap(([number, value]) => {
    if (typeof value === 'number') return [varint(number << 3), varint(value)]
    if (value.real !== undefined) return [varint((number << 3) | 5), new Uint8Array(Float32Array.of(value.real).buffer)]
    const bytes = typeof value === 'string' ? Buffer.from(value) : Array.isArray(value) ? message(value) : value
    return [varint((number << 3) | 2), varint(bytes.length), bytes]
  }))
}

function varint(value) {
  const bytes = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.from([...bytes, rest])
    bytes.push((rest % 128) | 128)
  }
}
