// How fast are the embedded engine's kernels beside those that tfjs-backend-wasm brings (XNNPACK)? The
// layers of the svhn-digits network at 16 images, one thread; both in one process, turn by turn; CPU time.
//
//   npm run bench:kernels

import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as tf from '@tensorflow/tfjs-core'
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
import { openWasmEngine } from '../train/dist/engine/wasm/wasm-engine.js'

const rounds = 15
const images = 16

// The stock kernels, kept before ours take their places.
const require = createRequire(import.meta.url)
setWasmPaths(join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'wasm-out/'))
await tf.setBackend('wasm')
const stock = Object.fromEntries(['Conv2D', 'Conv2DBackpropInput', 'BatchMatMul'].map((name) => [name, tf.getKernel(name, 'wasm')]))
await openWasmEngine()

const convolutions = [['conv1', 32, 1, 16], ['conv2', 16, 16, 32], ['conv3', 8, 32, 64]]
const rows = []
for (const [name, size, inputs, filters] of convolutions) {
  const x = tf.randomNormal([images, size, size, inputs])
  const filter = tf.randomNormal([3, 3, inputs, filters])
  const dy = tf.randomNormal([images, size, size, filters])
  const attrs = { strides: [1, 1], pad: 'same', dataFormat: 'NHWC', dilations: 1 }
  const flops = 2 * images * size * size * 9 * inputs * filters
  rows.push(compare(`${name} forward`, 'Conv2D', { x, filter }, attrs, flops))
  rows.push(compare(`${name} input gradient`, 'Conv2DBackpropInput', { dy, filter }, { ...attrs, inputShape: x.shape }, flops))
  rows.push(compare(`${name} filter gradient`, 'Conv2DBackpropFilter', { x, dy }, { ...attrs, filterShape: filter.shape }, flops))
}
const [x, kernel, dy] = [[images, 1024], [1024, 256], [images, 256]].map((shape) => tf.randomNormal(shape))
const flops = 2 * images * 1024 * 256
rows.push(compare('dense1 forward', 'BatchMatMul', { a: x, b: kernel }, { transposeA: false, transposeB: false }, flops))
rows.push(compare('dense1 input gradient', 'BatchMatMul', { a: dy, b: kernel }, { transposeA: false, transposeB: true }, flops))
rows.push(compare('dense1 kernel gradient', 'BatchMatMul', { a: x, b: dy }, { transposeA: true, transposeB: false }, flops))

console.log(`Node ${process.version}, ${fileURLToPath(import.meta.url).split('/').at(-1)}: median of ${rounds} rounds, GFLOP/s by CPU time\n`)
console.log('layer                     millrace  tfjs-wasm  ratio')
for (const { name, own, peer } of rows) {
  console.log(`${name.padEnd(26)}${own.toFixed(1).padStart(8)}${(peer?.toFixed(1) ?? 'none').padStart(11)}${(peer ? (own / peer).toFixed(2) : '').padStart(7)}`)
}

function compare(name, kernelName, inputs, attrs, flops) {
  const own = tf.getKernel(kernelName, 'wasm')
  const samples = { own: [], peer: [] }
  for (let round = 0; round < rounds; round++) {
    samples.own.push(measure(own, inputs, attrs, flops))
    if (stock[kernelName]) samples.peer.push(measure(stock[kernelName], inputs, attrs, flops))
  }
  return { name, own: median(samples.own), peer: samples.peer.length > 0 ? median(samples.peer) : undefined }
}

function measure({ kernelFunc }, inputs, attrs, flops) {
  const backend = tf.backend()
  const runs = Math.max(2, Math.round(2e8 / flops))
  const before = process.cpuUsage()
  for (let run = 0; run < runs; run++) {
    const outputs = [kernelFunc({ inputs, attrs, backend })].flat()
    for (const { dataId } of outputs) backend.disposeData(dataId)
  }
  const { user, system } = process.cpuUsage(before)
  return (flops * runs) / (user + system) / 1e3
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
}
