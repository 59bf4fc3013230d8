// tfjs-backend-wasm by the fused calls that a converted graph model makes. Its threads do not start in Node.

import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
import { readFolded } from './folded.mjs'
import { placesOf } from '../padding.mjs'

export async function load({ folder, batch }) {
  setWasmPaths(`${dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm'))}/`)
  await tf.setBackend('wasm')
  const { graph, shapes, weights } = await readFolded(folder)
  const tensors = new Map([...weights].map(([name, { shape, data }]) => [name, tf.tensor(data, shape)]))
  const run = (images) => {
    const values = new Map([[graph.input.name, tf.tensor(images, [batch, ...graph.input.shape])]])
    for (const node of graph.nodes) {
      const inputs = (node.inputs ?? [node.input]).map((name) => values.get(name))
      values.set(node.name, operators[node.op]({ node, x: inputs[0], inputs, shape: shapes[node.input], batch, weight: (part) => tensors.get(`${node.name}/${part}`) }))
    }
    return graph.outputs.map((name) => values.get(name))
  }
  return {
    prepare: (images) => images,
    infer(images) {
      const outputs = tf.tidy(() => run(images))
      const answers = new Map(outputs.map((tensor, index) => [graph.outputs[index], tensor.dataSync()]))
      tf.dispose(outputs)
      return answers
    },
  }
}

const operators = {
  conv2d({ node, x, shape, weight }) {
    const { top, bottom, left, right } = placesOf(node, node.kernelSize, shape)
    const settings = { x, strides: node.strides, pad: typeof node.padding === 'string' ? node.padding : [[0, 0], [top, bottom], [left, right], [0, 0]], bias: weight('bias'), activation: activationOf(node) }
    const kernel = weight('kernel')
    if (node.groups === undefined) return tf.fused.conv2d({ ...settings, filter: kernel })
    return tf.fused.depthwiseConv2d({ ...settings, filter: tf.reshape(kernel, [...node.kernelSize, shape.at(-1), 1]) })
  },
  dense: ({ node, x, weight }) => tf.fused.matMul({ a: x, b: weight('kernel'), bias: weight('bias'), activation: activationOf(node) }),
  batchNorm: ({ node, x, weight }) => tf.batchNorm(x, weight('mean'), weight('variance'), weight('beta'), weight('gamma'), node.epsilon),
  relu: ({ x }) => tf.relu(x),
  maxPool2d: ({ node, x }) => tf.maxPool(x, node.poolSize, node.strides, typeof node.padding === 'string' ? node.padding : node.padding.top),
  globalAveragePool2d: ({ x }) => tf.mean(x, [1, 2]),
  flatten: ({ x, batch }) => tf.reshape(x, [batch, -1]),
  softmax: ({ x }) => tf.softmax(x),
  add: ({ inputs: [one, other] }) => tf.add(one, other),
  concat: ({ inputs }) => tf.concat(inputs, -1),
  slice: ({ node, x, batch }) => tf.slice(x, [0, node.begin], [batch, node.size]),
}

const activationOf = ({ activation }) => ({ clip: 'relu6' })[activation] ?? activation ?? 'linear'
