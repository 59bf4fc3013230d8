// saveModel and loadModel: a round trip, what is never overwritten, and folders damaged in every way.

import t from 'tap'
import { createHash } from 'node:crypto'
import { cp, mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeSafetensors, InferError, loadModel, readModelFolder, saveModel, type NamedTensor } from '@millrace/infer'
import { digitsGraph, randomWeights } from './networks.js'

const graph = digitsGraph()
const weights = randomWeights(graph)
const provenance = { run: 'runs/7', scores: { accuracy: 0.9 } }

t.test('what is saved is what is loaded', async (t) => {
  const parent = t.testdir()
  const folder = join(parent, 'deep/er/model')
  await saveModel(folder, graph, weights, provenance)
  t.same((await readdir(folder)).sort(), ['graph.json', 'weights.safetensors'])
  t.same(await readdir(join(parent, 'deep/er')), ['model'], 'nothing temporary is left')
  const parts = await readModelFolder(folder)
  t.same(parts.graph, graph)
  t.same(parts.provenance, provenance)
  t.same([...parts.weights], [...weights])
  const model = await loadModel(folder)
  const input = new Float32Array(64).fill(0.5)
  t.same(model.run(input, 1).get('length')!.length, 4)
})

t.test('the same model gives the same bytes, whatever the order of the weights', async (t) => {
  const parent = t.testdir()
  await saveModel(join(parent, 'a'), graph, weights, provenance)
  await saveModel(join(parent, 'b'), graph, new Map([...weights].reverse()), provenance)
  for (const name of ['graph.json', 'weights.safetensors']) t.same(await readFile(join(parent, 'a', name)), await readFile(join(parent, 'b', name)), name)
})

t.test('a model gives way to a new one, with what was compiled from it; nothing else does', async (t) => {
  const parent = t.testdir({ model: {}, photos: { 'a.png': 'x' }, other: { 'graph.json': '{}' }, mixed: {}, file: 'x' })
  const model = join(parent, 'model')
  await saveModel(model, graph, weights, { number: 1 })
  await mkdir(join(model, 'compiled'))
  await saveModel(model, graph, weights, { number: 2 })
  t.same((await readModelFolder(model)).provenance, { number: 2 })
  t.same((await readdir(model)).sort(), ['graph.json', 'weights.safetensors'], 'what was compiled from the old one went with it')
  await cp(model, join(parent, 'mixed'), { recursive: true })
  await writeFile(join(parent, 'mixed/notes.txt'), 'mine')
  await t.rejects(saveModel(join(parent, 'photos'), graph, weights, {}), { code: 'INFER_MODEL_WRITE', message: /found one with "a.png" in it; choose another folder/ })
  await t.rejects(saveModel(join(parent, 'other'), graph, weights, {}), { code: 'INFER_MODEL_WRITE', message: /"graph.json"/ })
  await t.rejects(saveModel(join(parent, 'mixed'), graph, weights, {}), { code: 'INFER_MODEL_WRITE', message: /"notes.txt"/ })
  await t.rejects(saveModel(join(parent, 'file'), graph, weights, {}), { code: 'INFER_MODEL_WRITE', message: /cannot be written/ })
  await t.rejects(saveModel(join(parent, 'file/below'), graph, weights, {}), { code: 'INFER_MODEL_WRITE' })
  t.same((await readdir(parent)).sort(), ['file', 'mixed', 'model', 'other', 'photos'])
  t.equal(await readFile(join(parent, 'mixed/notes.txt'), 'utf8'), 'mine')
})

t.test('a link to a model folder stays a link', async (t) => {
  const parent = t.testdir()
  await saveModel(join(parent, 'v1'), graph, weights, { number: 1 })
  await symlink('v1', join(parent, 'current'))
  await saveModel(join(parent, 'current'), graph, weights, { number: 2 })
  t.same((await readModelFolder(join(parent, 'v1'))).provenance, { number: 2 })
  t.same((await readdir(parent)).sort(), ['current', 'v1'])
})

t.test('what could not be loaded again is not saved', async (t) => {
  const folder = join(t.testdir(), 'model')
  const without = new Map(weights)
  without.delete('conv/bias')
  await t.rejects(saveModel(folder, graph, without, {}), { code: 'INFER_WEIGHTS', message: /"conv\/bias".*found none/ })
  await t.rejects(saveModel(folder, graph, new Map([...weights, ['x', new Float32Array(1)]]), {}), { code: 'INFER_WEIGHTS' })
  await t.rejects(saveModel(folder, graph, new Map([...weights, ['conv/bias', Float32Array.of(0, 0, NaN, 0)]]), {}), { code: 'INFER_NOT_FINITE', message: /conv\/bias: value 2 is NaN/ })
  await t.rejects(saveModel(folder, { ...graph, name: 'two words' }, weights, {}), { code: 'INFER_GRAPH_FORMAT' })
  await t.rejects(saveModel(folder, { ...graph, outputs: [] }, weights, {}), { code: 'INFER_GRAPH_INVALID' })
  await t.rejects(readdir(folder), { code: 'ENOENT' })
})

t.test('damaged folders', async (t) => {
  const folder = join(t.testdir(), 'model')
  const graphPath = join(folder, 'graph.json')
  const weightsPath = join(folder, 'weights.safetensors')
  const tensors = (change: (tensor: NamedTensor) => NamedTensor | undefined): NamedTensor[] =>
    shapedWeights().flatMap((tensor) => change(tensor) ?? [])

  const cases: readonly [name: string, damage: () => Promise<unknown>, code: string, message: RegExp][] = [
    ['no folder', () => rm(folder, { recursive: true }), 'INFER_MODEL_READ', /graph.json: there is no such file; a model folder holds/],
    ['no graph', () => rm(graphPath), 'INFER_MODEL_READ', /graph.json: there is no such file/],
    ['no weights', () => rm(weightsPath), 'INFER_MODEL_READ', /weights.safetensors: there is no such file/],
    ['a folder for a file', () => rm(weightsPath).then(() => mkdir(weightsPath)), 'INFER_MODEL_READ', /not a plain file/],
    ['an endless file', () => rm(weightsPath).then(() => symlink('/dev/zero', weightsPath)), 'INFER_MODEL_READ', /not a plain file/],
    ['a graph cut short', async () => writeFile(graphPath, (await readFile(graphPath)).subarray(0, 500)), 'INFER_GRAPH_FORMAT', /graph.json: expected JSON/],
    ['a graph of bytes', () => writeFile(graphPath, Uint8Array.of(0xff, 0xfe)), 'INFER_GRAPH_FORMAT', /graph.json: expected JSON/],
    ['another document', () => writeFile(graphPath, '{"format":"layers"}'), 'INFER_GRAPH_FORMAT', /found "layers"/],
    ['no digest', () => editGraph((document) => ({ ...document, weights: undefined })), 'INFER_GRAPH_FORMAT', /expected weights to hold sha256 and byteLength/],
    ['weights cut short', async () => writeFile(weightsPath, (await readFile(weightsPath)).subarray(0, 800)), 'INFER_MODEL_CHANGED', /expected \d+ bytes, found 800/],
    ['one bit of the weights', () => flipLastBit(weightsPath), 'INFER_MODEL_CHANGED', /its SHA-256 is/],
    ['weights without header', () => replaceWeights(new Uint8Array(16).fill(255)), 'INFER_SAFETENSORS', /at most 100000000 bytes, found 18446744073709551615/],
    ['a weight missing', () => replaceWeights(encodeSafetensors(tensors((tensor) => (tensor.name === 'norm/beta' ? undefined : tensor)))), 'INFER_WEIGHTS', /weights.safetensors: graph two-digits: weight "norm\/beta": expected 4 values .* found none/],
    ['a weight too many', () => replaceWeights(encodeSafetensors([...shapedWeights(), { name: '../\u001b[2J', shape: [1], data: new Float32Array(1) }])), 'INFER_WEIGHTS', /"..\/\\u001b\[2J": the graph has no such weight/],
    ['a weight of another size', () => replaceWeights(encodeSafetensors(tensors((tensor) => (tensor.name === 'conv/bias' ? { ...tensor, shape: [5], data: new Float32Array(5) } : tensor)))), 'INFER_WEIGHTS', /"conv\/bias": expected 4 values for shape \[4\], found 5/],
    ['a weight of another shape', () => replaceWeights(encodeSafetensors(tensors((tensor) => (tensor.name === 'heads/kernel' ? { ...tensor, shape: [26, 64] } : tensor)))), 'INFER_WEIGHTS', /"heads\/kernel": expected shape \[64, 26\], found \[26, 64\]/],
    ['a node that does not fit', () => editGraph((document) => ({ ...document, outputs: ['nowhere'] })), 'INFER_GRAPH_INVALID', /graph.json: graph two-digits: outputs: there is no node "nowhere"/],
  ]
  for (const [name, damage, code, message] of cases) {
    await rm(folder, { recursive: true, force: true })
    await saveModel(folder, graph, weights, provenance)
    await damage()
    await t.rejects(loadModel(folder), { name: 'InferError', code, message }, name)
  }

  async function editGraph(edit: (document: Record<string, unknown>) => object): Promise<void> {
    await writeFile(graphPath, JSON.stringify(edit(JSON.parse(await readFile(graphPath, 'utf8')) as Record<string, unknown>)))
  }
  /** Other weights, with a digest that fits: as a hostile author would. */
  async function replaceWeights(bytes: Uint8Array): Promise<void> {
    await writeFile(weightsPath, bytes)
    await editGraph((document) => ({ ...document, weights: { sha256: createHash('sha256').update(bytes).digest('hex'), byteLength: bytes.length } }))
  }
  t.same(shapedWeights().length, weights.size)
})

t.test('any byte of graph.json changed: a model or a typed error', async (t) => {
  const folder = join(t.testdir(), 'model')
  await saveModel(folder, graph, weights, provenance)
  const path = join(folder, 'graph.json')
  const text = await readFile(path)
  for (let place = 0; place < text.length; place += 37) {
    const damaged = Uint8Array.from(text)
    damaged[place]! ^= 0x11
    await writeFile(path, damaged)
    await loadModel(folder).catch((error: unknown) => {
      if (!(error instanceof InferError)) throw error
    })
  }
  t.pass()
})

async function flipLastBit(path: string): Promise<void> {
  const bytes = await readFile(path)
  bytes[bytes.length - 1]! ^= 1
  await writeFile(path, bytes)
}

function shapedWeights(): NamedTensor[] {
  const shapes: Record<string, number[]> = { 'conv/kernel': [3, 3, 1, 4], 'heads/kernel': [64, 26] }
  return Array.from(weights, ([name, data]) => ({ name, shape: shapes[name] ?? [data.length], data }))
}
