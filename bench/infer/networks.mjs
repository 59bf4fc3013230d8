// The networks that inference is measured with, as graphs without weights.
//
//   svhn          Goodfellow et al. 2014 as `createNetwork('svhn-digits-published')` has it, 54x54
//   mobilenet     MobileNetV1 1.0, 224x224         resnet50    v1.5: the 3x3 convolution has the stride
//   squeezenet    v1.0, 227x227                    vgg16-32    for 32x32 images, one dense layer
//   googlenet     with batch norm, 224x224         emotion     EmotionVGGNet, 48x48 grey; batch norm after ELU
//
// The last two were not looked at when the kernels were tuned. What goes into the softmax is an output too: it shows
// differences that the softmax of random weights would hide.

import { createNetwork } from '../../train/dist/index.js'

const batchNormEpsilon = 1e-3

/** Name → graph. */
export const networks = {
  svhn,
  mobilenet,
  squeezenet,
  resnet50,
  'vgg16-32': vgg16,
  googlenet,
  emotion,
}

function svhn() {
  const graph = createNetwork('svhn-digits-published')
  return { ...graph, outputs: [...graph.outputs, 'heads'] }
}

function mobilenet() {
  const net = new Network([224, 224, 3])
  const block = (settings) => {
    net.add('conv2d', { ...convolution, ...settings })
    net.add('batchNorm', { epsilon: batchNormEpsilon })
    net.add('clip', { min: 0, max: 6 })
  }
  block({ filters: 32, kernelSize: [3, 3], strides: [2, 2] })
  let channels = 32
  for (const [filters, stride] of [[64, 1], [128, 2], [128, 1], [256, 2], [256, 1], [512, 2], [512, 1], [512, 1], [512, 1], [512, 1], [512, 1], [1024, 2], [1024, 1]]) {
    block({ filters: channels, kernelSize: [3, 3], strides: [stride, stride], groups: channels })
    block({ filters, kernelSize: [1, 1] })
    channels = filters
  }
  net.add('globalAveragePool2d')
  return net.classify('mobilenet', 1000)
}

function resnet50() {
  const net = new Network([224, 224, 3])
  const block = (input, filters, size, stride) => {
    const output = net.add('conv2d', { ...convolution, input, filters, kernelSize: [size, size], strides: [stride, stride], padding: margins((size - 1) / 2) })
    return net.add('batchNorm', { input: output, epsilon: batchNormEpsilon })
  }
  const relu = (input) => net.add('relu', { input })
  relu(block(net.last, 64, 7, 2))
  net.add('maxPool2d', { ...pooling, padding: margins(1) })
  for (const [stage, [filters, count]] of [[64, 3], [128, 4], [256, 6], [512, 3]].entries()) {
    for (let unit = 0; unit < count; unit++) {
      const [input, stride] = [net.last, unit === 0 && stage > 0 ? 2 : 1]
      const inner = relu(block(relu(block(input, filters, 1, 1)), filters, 3, stride))
      const outer = block(inner, 4 * filters, 1, 1)
      const shortcut = unit === 0 ? block(input, 4 * filters, 1, stride) : input
      relu(net.add('add', { inputs: [outer, shortcut] }))
    }
  }
  net.add('globalAveragePool2d')
  return net.classify('resnet50', 1000)
}

function squeezenet() {
  const net = new Network([227, 227, 3])
  const block = (input, filters, size, settings = {}) => {
    net.add('conv2d', { ...convolution, bias: true, input, filters, kernelSize: [size, size], ...settings })
    return net.add('relu')
  }
  const pool = () => net.add('maxPool2d', { ...pooling, padding: 'valid' })
  block(net.last, 96, 7, { strides: [2, 2], padding: 'valid' })
  pool()
  for (const [fire, [squeezed, expanded]] of [[16, 64], [16, 64], [32, 128], [32, 128], [48, 192], [48, 192], [64, 256], [64, 256]].entries()) {
    const input = block(net.last, squeezed, 1)
    net.add('concat', { inputs: [block(input, expanded, 1), block(input, expanded, 3)] })
    if (fire === 2 || fire === 6) pool()
  }
  block(net.last, 1000, 1)
  net.add('globalAveragePool2d')
  return net.finish('squeezenet', 1000)
}

function vgg16() {
  const net = new Network([32, 32, 3])
  for (const [filters, count] of [[64, 2], [128, 2], [256, 3], [512, 3], [512, 3]]) {
    for (let index = 0; index < count; index++) {
      net.add('conv2d', { ...convolution, bias: true, filters, kernelSize: [3, 3] })
      net.add('relu')
    }
    net.add('maxPool2d', halving)
  }
  net.add('flatten')
  return net.classify('vgg16-32', 10)
}

function googlenet() {
  const net = new Network([224, 224, 3])
  const block = (input, filters, size, stride = 1) => {
    net.add('conv2d', { ...convolution, bias: true, input, filters, kernelSize: [size, size], strides: [stride, stride], padding: margins((size - 1) / 2) })
    net.add('batchNorm', { epsilon: batchNormEpsilon })
    return net.add('relu')
  }
  const pool = (input, stride) => net.add('maxPool2d', { ...pooling, input, strides: [stride, stride], padding: margins(1) })
  const inception = ([one, reduce3, three, reduce5, five, project]) => {
    const input = net.last
    net.add('concat', { inputs: [block(input, one, 1), block(block(input, reduce3, 1), three, 3), block(block(input, reduce5, 1), five, 5), block(pool(input, 1), project, 1)] })
  }
  block(net.last, 64, 7, 2)
  pool(net.last, 2)
  block(block(net.last, 64, 1), 192, 3)
  pool(net.last, 2)
  for (const widths of [[64, 96, 128, 16, 32, 32], [128, 128, 192, 32, 96, 64]]) inception(widths)
  pool(net.last, 2)
  for (const widths of [[192, 96, 208, 16, 48, 64], [160, 112, 224, 24, 64, 64], [128, 128, 256, 24, 64, 64], [112, 144, 288, 32, 64, 64], [256, 160, 320, 32, 128, 128]]) inception(widths)
  pool(net.last, 2)
  for (const widths of [[256, 160, 320, 32, 128, 128], [384, 192, 384, 48, 128, 128]]) inception(widths)
  net.add('globalAveragePool2d')
  return net.classify('googlenet', 1000)
}

function emotion() {
  const net = new Network([48, 48, 1])
  const block = (op, settings) => {
    net.add(op, settings)
    net.add('elu', { alpha: 1 })
    net.add('batchNorm', { epsilon: batchNormEpsilon })
  }
  for (const filters of [32, 64, 128]) {
    for (let index = 0; index < 2; index++) block('conv2d', { ...convolution, bias: true, filters, kernelSize: [3, 3] })
    net.add('maxPool2d', halving)
    net.add('dropout', { rate: 0.25 })
  }
  net.add('flatten')
  for (let index = 0; index < 2; index++) {
    block('dense', { units: 64, bias: true })
    net.add('dropout', { rate: 0.5 })
  }
  return net.classify('emotion', 7)
}

const convolution = { strides: [1, 1], padding: 'same', bias: false }
const pooling = { poolSize: [3, 3], strides: [2, 2] }
const halving = { poolSize: [2, 2], strides: [2, 2], padding: 'valid' }
const margins = (pixels) => ({ top: pixels, bottom: pixels, left: pixels, right: pixels })

/** Nodes one after the other; each reads the one before it if nothing else is said. */
class Network {
  #nodes = []
  last = 'image'

  constructor(shape) {
    this.shape = shape
  }

  /** The name of the new node. */
  add(op, settings = {}) {
    const name = `${op}${this.#nodes.length}`
    this.#nodes.push({ op, name, ...(!settings.inputs && { input: this.last }), ...settings })
    this.last = name
    return name
  }

  classify(name, classes) {
    this.add('dense', { units: classes, bias: true })
    return this.finish(name, classes)
  }

  finish(name, classes) {
    const logits = this.last
    const output = this.add('softmax')
    const classNames = Array.from({ length: classes }, (_, index) => `class ${index}`)
    return { format: 'millrace-graph', version: 1, name, input: { name: 'image', shape: this.shape }, nodes: this.#nodes, outputs: [output, logits], preprocessing: [], task: { kind: 'class', output, classNames } }
  }
}
