// `millrace compile` as a person runs it.

import t from 'tap'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { loadModel, saveModel } from '@millrace/infer'
import { digitsGraph, randomWeights } from '../infer/networks.js'
import { millrace } from './run-millrace.js'

t.setTimeout(60_000)

const model = join(t.testdir(), 'model')
await saveModel(model, digitsGraph(), randomWeights(digitsGraph()), {})

t.test('compiles into the model folder and says what came of it', async (t) => {
  const run = await millrace('compile', model)
  t.match(run, { exitCode: 0, stderr: '' })
  t.match(run.stdout, /model.compiled.cpu: \d+ steps, [\d.]+ kFLOP an image, batches of up to 8\nmemory +[\d.]+ kB: weights [\d.]+ kB, arena [\d.]+ kB\nfiles +plan\.json [\d.]+ kB, packed\.bin [\d.]+ kB, model\.wasm [\d.]+ kB, model-relaxed\.wasm [\d.]+ kB\n$/)
  t.same(readdirSync(join(model, 'compiled')), ['cpu'])
  const loaded = await loadModel(model, { compile: 'never' })
  t.equal(loaded.run(new Float32Array(2 * 64), 2).get('length')!.length, 8)
})

t.test('--explain: a line a step; with --profile how long each takes', async (t) => {
  const { stdout } = await millrace('compile', model, '--explain')
  const [head, ...lines] = stdout.split('\n').slice(4, -1)
  t.match(head, /^layer +kernel +tile +MFLOP +weights KB +values KB$/)
  t.match(lines.find((line) => line.includes('direct 3x3')), /^relu +direct 3x3 +4x4 +0\.00\d\d +\d+\.\d +\d+\.\d$/)
  t.match((await millrace('compile', model, '--explain', '--no-winograd')).stdout, /direct 3x3/)
  const profiled = (await millrace('compile', model, '--profile')).stdout.trimEnd().split('\n')
  t.match(profiled[4], / +ms +share +GFLOP\/s$/)
  t.match(profiled.at(-1), /^\d+\.\d\d ms an image, variant (simd|relaxed)$/)
  t.equal(profiled.length, lines.length + 6)
})

t.test('--json: one document', async (t) => {
  const plain = JSON.parse((await millrace('compile', model, '--batch', '3', '--json')).stdout) as Record<string, unknown>
  t.match(plain, { model, target: 'cpu', batch: 3, files: { 'packed.bin': Number }, memoryBytes: Number, arenaBytes: Number, weightBytes: Number, flops: Number })
  t.notOk('steps' in plain)
  t.equal((plain['files'] as Record<string, number>)['packed.bin'], statSync(join(model, 'compiled/cpu/packed.bin')).size)
  const full = JSON.parse((await millrace('compile', model, '--profile', '--json')).stdout) as { milliseconds: number; steps: { milliseconds: number; share: number }[] }
  t.ok(Math.abs(full.steps.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-9)
  t.ok(Math.abs(full.steps.reduce((sum, { milliseconds }) => sum + milliseconds, 0) - full.milliseconds) < 1e-9)
})

t.test('what cannot be compiled: exit 1; wrong usage: exit 2', async (t) => {
  t.match(await millrace('compile', join(model, '..', 'nowhere')), { exitCode: 1, stderr: /^error INFER_MODEL_READ: .*nowhere.graph\.json: there is no such file/ })
  t.match(await millrace('compile', model, '--batch', '2000000'), { exitCode: 1, stderr: /^error INFER_MEMORY: / })
  t.match(await millrace('compile', model, '--batch', '0'), { exitCode: 2 })
  t.match(await millrace('compile', model, '--target', 'gpu'), { exitCode: 2, stderr: /--target: expected "cpu", found "gpu"/ })
  t.match(await millrace('compile', '--help'), { exitCode: 0, stdout: /--profile/ })
})
