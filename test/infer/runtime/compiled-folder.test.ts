// The compiled part of a model folder: what is in it, when it is used, and that it answers as the reference does.

import t from 'tap'
import { createServer } from 'node:http'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { InferError, loadModel, runReference, saveModel } from '@millrace/infer'
import { openCompiledModel, saveCompiled } from '@millrace/infer/compiler'
import { randomWeights } from '../networks.js'
import { compiledFiles, editPlan, readFiles, smallGraph, smallInput, smallWeights, staticImports, type Files } from './compiled-model.js'

const files = await compiledFiles()
const input = smallInput(3)
const expected = runReference(smallGraph, smallWeights, input, 3).get('answer')!
const distance = (found: Float32Array, wanted = expected): number => found.reduce((most, value, index) => Math.max(most, Math.abs(value - wanted[index]!)), found.length === wanted.length ? 0 : Infinity)
/** Graph and compiled part alone, as a page would ship them. */
const shipped = Object.fromEntries(Object.entries(files).filter(([name]) => name !== 'weights.safetensors'))

t.test('what is written: always the same bytes, a plan that names the sources', async (t) => {
  const folder = join(t.testdir(), 'model')
  await saveModel(folder, smallGraph, smallWeights, {})
  const first = await saveCompiled(folder, { batch: 3 })
  t.same(await readFiles(folder), files, 'the same bytes as another time')
  t.same((await readdir(join(folder, 'compiled/cpu'))).sort(), ['model-relaxed.wasm', 'model.wasm', 'packed.bin', 'plan.json'])
  t.same(await readdir(join(folder, 'compiled')), ['cpu'], 'nothing temporary is left')
  for (const [name, bytes] of Object.entries(first.files)) t.equal(files[`compiled/cpu/${name}`]!.length, bytes, name)
  t.equal(first.memoryBytes % 65536, 0)
  t.ok(first.memoryBytes >= first.plan.weightBytes + first.plan.arenaBytes)
  t.equal(first.plan.steps.reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0), 24 * 24 * 16 * 27 + 12 * 12 * 24 * 16 * 9 + 24 * 5)
  t.same(first.plan.steps.find(({ node }) => node === 'relu')?.tiles, { simd: '4x8', relaxed: '6x8' })

  t.equal((await saveCompiled(folder)).plan.batch, 8, 'another batch takes its place')
  await writeFile(join(folder, 'compiled/cpu/notes.txt'), 'mine')
  await t.rejects(saveCompiled(folder), { code: 'INFER_MODEL_WRITE', message: /compiled model folder, found one with "notes.txt" in it/ })
  await t.rejects(saveCompiled(folder, { batch: 0 }), { code: 'INFER_ARGUMENT' })
  await t.rejects(saveCompiled(folder, { batch: 1_000_000 }), { code: 'INFER_MEMORY', message: /compile it for a smaller batch/ })
  await t.rejects(saveCompiled(folder, { target: '../../elsewhere' as 'cpu' }), { code: 'INFER_ARGUMENT' })
})

t.test('it loads from a folder, an address, bytes, and modules; the weights file is not needed', async (t) => {
  const folder = t.testdir()
  for (const [name, bytes] of Object.entries(shipped)) await writeWithin(folder, name, bytes)
  const server = createServer((request, response) => {
    const bytes = shipped[request.url!.replace(/^\/model\//, '')]
    response.writeHead(bytes === undefined ? 404 : 200).end(bytes)
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const simd = new WebAssembly.Module(files['compiled/cpu/model.wasm'] as Uint8Array<ArrayBuffer>)
  const ready: Record<string, Uint8Array | WebAssembly.Module> = { ...shipped, 'compiled/cpu/model.wasm': simd }
  delete ready['compiled/cpu/model-relaxed.wasm']
  const sources = [folder, pathToFileURL(`${folder}/`), new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/model/`), shipped] as const
  for (const source of sources) {
    const model = await loadModel(source, { compile: 'never' })
    t.ok(distance(model.run(input, 3).get('answer')!) < 1e-6, String(source))
    t.equal(model.run(smallInput(8), 8).get('answer')!.length, 40, 'more than the batch, in parts')
    t.equal(model.run(new Float32Array(0), 0).get('answer')!.length, 0)
    model.dispose()
  }
  const model = await loadModel(ready, { compile: 'never' })
  t.ok(distance(model.run(input, 3).get('answer')!) < 1e-6, 'with a module ready compiled')
  t.equal(model.runsOn, 'simd', 'the only one that was shipped')
  await t.rejects(loadModel(ready, { compile: 'never', variant: 'relaxed' }), { code: 'INFER_MODEL_READ', message: /model-relaxed\.wasm: there is no such file/ })
})

t.test('when it is used', async (t) => {
  const runsOn = async (source: Files, options: Parameters<typeof loadModel>[1]): Promise<string> => {
    const model = await loadModel(source, options)
    t.ok(distance(model.run(input, 3).get('answer')!) < 1e-6)
    return model.runsOn
  }
  t.equal(await runsOn(shipped, { batch: 2 }), await runsOn(files, {}), 'for a smaller batch')
  t.match(await runsOn(files, { batch: 4 }), /simd|relaxed/, 'not for a larger batch: compiled now')
  await t.rejects(loadModel(shipped, { batch: 4 }), { code: 'INFER_MODEL_READ', message: /weights\.safetensors: there is no such file/ })
  await t.rejects(loadModel(files, { batch: 4, compile: 'never' }), { code: 'INFER_COMPILED', message: /for batches of 4, found one for batches of 3; run "millrace compile"/ })
  await t.rejects(loadModel(files, { winograd: 'never', compile: 'never' }), { code: 'INFER_COMPILED', message: /with winograd "never", found "auto"/ })
  await runsOn(files, { winograd: 'never' })
  await t.rejects(loadModel(files, { target: 'gpu', compile: 'never' }), { code: 'INFER_COMPILED', message: /expected a compiled part, found none/ })
  await t.rejects(loadModel(files, { target: '../x' }), { code: 'INFER_ARGUMENT' })
  const broken = { ...files, 'compiled/cpu/plan.json': new Uint8Array(4) }
  t.equal(await runsOn(broken, { compile: 'always', variant: 'simd' }), 'simd', 'not at all where graph and weights alone are trusted')
  t.equal((await loadModel(files, { execute: () => new Map() })).runsOn, 'own')
})

t.test('a build of another graph or other weights is refused', async (t) => {
  const folder = join(t.testdir(), 'model')
  const save = (graph: typeof smallGraph, seed: number): Promise<void> => saveModel(folder, graph, randomWeights(graph, seed), {})
  await save(smallGraph, 1)
  await saveCompiled(folder)
  const kept = join(t.testdirName, 'kept')
  await cp(join(folder, 'compiled'), kept, { recursive: true })
  for (const [graph, seed, part] of [[smallGraph, 2, 'graph.json'], [{ ...smallGraph, name: 'renamed' }, 1, 'graph.json']] as const) {
    await save(graph, seed)
    await cp(kept, join(folder, 'compiled'), { recursive: true })
    await t.rejects(loadModel(folder), { code: 'INFER_MODEL_CHANGED', message: new RegExp(`compiled from another ${part} than the one that is there; run "millrace compile"`) })
    await saveCompiled(folder)
    t.ok(await loadModel(folder, { compile: 'never' }), 'compiled again')
  }
  const otherWeights = editPlan(files, (plan) => ({ ...plan, weights: { sha256: '0'.repeat(64), byteLength: 1 } }))
  await t.rejects(loadModel(otherWeights), { code: 'INFER_MODEL_CHANGED', message: /another weights\.safetensors/ })
})

t.test('limits, variants, the end', async (t) => {
  await t.rejects(loadModel(files, { maxMemoryBytes: 65536 }), { code: 'INFER_MEMORY', message: /at most 65536 bytes of memory, found that it takes \d+ for batches of 3/ })
  await t.rejects(loadModel(files, { compile: 'always', maxMemoryBytes: 65536 }), { code: 'INFER_MEMORY' })
  t.equal((await loadModel(files, { variant: 'simd' })).runsOn, 'simd')
  await loadModel(files, { variant: 'relaxed' }).then(
    (model) => t.ok(distance(model.run(input, 3).get('answer')!) < 1e-5),
    (error: InferError) => t.equal(error.code, 'INFER_COMPILED', 'this engine has no relaxed SIMD'))

  const model = await loadModel(files)
  t.throws(() => model.run(input, 2), { code: 'INFER_ARGUMENT' })
  model.dispose()
  model.dispose()
  t.throws(() => model.run(input, 3), { code: 'INFER_ARGUMENT', message: /disposed of; load it again/ })

  const folder = join(t.testdir(), 'model')
  for (const [name, bytes] of Object.entries(files)) await writeWithin(folder, name, bytes)
  const session = await openCompiledModel(folder)
  t.equal(session.timeSteps(smallInput(1), 1).length, session.plan.steps.length)
  t.throws(() => session.run(smallInput(4), 4), { code: 'INFER_ARGUMENT', message: /from 1 to 3, found 4/ })
  await rm(join(folder, 'compiled'), { recursive: true })
  await t.rejects(openCompiledModel(folder), { code: 'INFER_COMPILED' })
})

t.test('what a page fetches to run compiled models has no compiler in it and nothing of Node', async (t) => {
  const dist = new URL('../../../../infer/dist/', import.meta.url)
  const fetched = staticImports(dist, 'runtime/index.js')
  t.ok(fetched.includes('runtime/session.js') && fetched.length > 15, `${fetched.length} files`)
  t.same(fetched.filter((path) => /^(compiler|kernels\/network|reference)\//.test(path)), [])
  for (const entry of ['runtime/index.js', 'index.js']) {
    for (const path of staticImports(dist, entry)) t.notMatch(await readFile(new URL(path, dist), 'utf8'), /['"]node:/, path)
  }
})

async function writeWithin(folder: string, name: string, bytes: Uint8Array): Promise<void> {
  const path = join(folder, name)
  await mkdir(join(path, '..'), { recursive: true })
  await writeFile(path, bytes)
}
