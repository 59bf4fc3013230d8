// Loads a model, runs it and disposes of it again, a thousand times in each manner of loading, and watches the
// memory of the process: it must not grow.
//
//   npm run soak:infer [-- --times 1000]

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { compileGraph, openSession, saveCompiled } from '../infer/dist/compiler/index.js'
import { loadModel, saveModel, weightSpecs } from '../infer/dist/index.js'

const { values } = parseArgs({ options: { times: { type: 'string', default: '1000' } } })
const times = Number(values.times)
/** What a process may have more at the end than after its first quarter. */
const mostGrowthMB = 16

const side = 56
const convolution = (name, input) => ({ op: 'conv2d', name, input, filters: 64, kernelSize: [3, 3], strides: [1, 1], padding: 'same', bias: true })
const graph = {
  format: 'millrace-graph', version: 1, name: 'soak', input: { name: 'image', shape: [side, side, 3] },
  nodes: [
    convolution('first', 'image'), convolution('second', 'first'), { op: 'globalAveragePool2d', name: 'mean', input: 'second' },
    { op: 'dense', name: 'logits', input: 'mean', units: 10, bias: true }, { op: 'softmax', name: 'answer', input: 'logits' },
  ],
  outputs: ['answer'], preprocessing: [], task: { kind: 'class', output: 'answer', classNames: [...'0123456789'] },
}
const weights = new Map(weightSpecs(graph).map(({ name, shape }) => [name, new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(0.01)]))
const input = new Float32Array(side * side * 3).fill(0.5)

const folder = await mkdtemp(join(tmpdir(), 'millrace-soak-'))
try {
  const model = join(folder, 'model')
  await saveModel(model, graph, weights, {})
  const { memoryBytes } = await saveCompiled(model)
  const inMemory = Object.fromEntries(await Promise.all(['graph.json', ...['plan.json', 'packed.bin', 'model.wasm', 'model-relaxed.wasm'].map((name) => `compiled/cpu/${name}`)].map(async (name) => [name, new Uint8Array(await readFile(join(model, name)))])))
  console.log(`Node ${process.version}, ${times} times each, ${(memoryBytes / 1e6).toFixed(1)} MB a model`)
  await soak('compiled folder', () => loadModel(model, { compile: 'never' }))
  await soak('compiled, from bytes', () => loadModel(inMemory, { compile: 'never' }))
  await soak('compiled at load', () => loadModel(model, { compile: 'always' }))
  await soak('a folder that is refused', () => loadModel({ ...inMemory, 'compiled/cpu/packed.bin': new Uint8Array(inMemory['compiled/cpu/packed.bin'].length) }).catch(() => undefined))
  await soak('sessions', () => openSession(compileGraph(graph, weights, { batch: 8 })))
} finally {
  await rm(folder, { recursive: true })
}

async function soak(name, load) {
  const begin = performance.now()
  let early = 0
  let peak = 0
  for (let round = 0; round < times; round++) {
    const model = await load()
    model?.run(input, 1)
    model?.dispose()
    peak = Math.max(peak, process.memoryUsage.rss())
    if (round === Math.floor(times / 4)) early = settledBytes()
  }
  const late = settledBytes()
  const growth = (late - early) / 1e6
  console.log(`${name.padEnd(26)} ${((performance.now() - begin) / times).toFixed(1)} ms each; RSS ${(early / 1e6).toFixed(0)} MB after a quarter, ${(late / 1e6).toFixed(0)} MB at the end, peak ${(peak / 1e6).toFixed(0)} MB${growth > mostGrowthMB ? ' GROWS' : ''}`)
  if (growth > mostGrowthMB) process.exitCode = 1
}

function settledBytes() {
  globalThis.gc?.()
  return process.memoryUsage.rss()
}
