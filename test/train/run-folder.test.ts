// The run folder by itself: what is written is what is read, whole or not at all; the log goes back to a step.

import t from 'tap'
import { appendFileSync, chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createNetwork } from '@millrace/train'
import { layoutWeights, type NetworkState } from '../../../train/dist/engine/parameters.js'
import { defaultAdam } from '../../../train/dist/optimiser.js'
import { readRunConfig, type RunConfig } from '../../../train/dist/run-config.js'
import { createRun, listCheckpoints, logReport, readNewestCheckpoint, readRunState, rewindLog, writeBest, writeCheckpoint, type RunState } from '../../../train/dist/run-folder.js'

const graph = createNetwork('svhn-digits')
const layout = layoutWeights(graph)
const config: RunConfig = {
  format: 'millrace-run', version: 1, graph, data: { training: [{ path: '/data/a.rec', records: 10, bytes: 1000, metaDigest: 'ab' }], validation: [] },
  seed: 7, epochs: 5, batchSize: 4, replicas: 2, optimiser: defaultAdam, learningRate: 0.1, schedule: { kind: 'cosine', warmUpSteps: 3, flatShare: 0.5, endShare: 0 }, statisticsMomentum: 0.9, totalSteps: 10,
}

/** A network and an optimiser memory in which every number is `value`. */
function filled(value: number): { state: NetworkState; memory: Float32Array[] } {
  const array = (size: number, offset: number): Float32Array => new Float32Array(size).fill(value + offset)
  return { state: { trained: array(layout.trainedSize, 0), statistics: array(layout.statisticsSize, 1) }, memory: [array(layout.trainedSize, 2), array(layout.trainedSize, 3)] }
}

async function write(run: string, epoch: number, keep = 3): Promise<void> {
  const { state, memory } = filled(epoch)
  await writeCheckpoint(run, layout, state, memory, { epoch, step: 2 * epoch }, keep)
}

t.test('a configuration comes back as it was', async (t) => {
  const run = join(t.testdir(), 'deep', 'run')
  await createRun(run, config)
  t.same(await readRunConfig(run), config)
  t.same(readdirSync(run).sort(), ['checkpoints', 'config.json'])
})

t.test('checkpoints: the newest comes back to the bit, the oldest go', async (t) => {
  const run = t.testdir()
  const { state, memory } = filled(0)
  t.same(await readNewestCheckpoint(run, layout, state, memory), { stored: undefined, damaged: [] })
  for (const epoch of [1, 2, 9, 10, 11]) await write(run, epoch)
  t.same(await listCheckpoints(run), [9, 10, 11])
  t.same(readdirSync(join(run, 'checkpoints')).sort(), ['epoch-0009', 'epoch-0010', 'epoch-0011'])
  t.same(await readNewestCheckpoint(run, layout, state, memory), { stored: { epoch: 11, step: 22 }, damaged: [] })
  t.same([state.trained[5], state.statistics[5], memory[0]![5], memory[1]!.at(-1)], [11, 12, 13, 14])
  await write(run, 12000, 1)
  t.same(await listCheckpoints(run), [12000], 'numbers above four digits, and a smaller number to keep')
})

t.test('the same epoch again replaces it, whatever a broken write has left', async (t) => {
  const run = t.testdir()
  await write(run, 1)
  writeFileSync(join(run, 'checkpoints/epoch-0001/stray'), '')
  mkdirSync(join(run, 'checkpoints/epoch-0001.partial'))
  writeFileSync(join(run, 'checkpoints/epoch-0001.partial/other'), '')
  await write(run, 1)
  t.same(readdirSync(join(run, 'checkpoints')), ['epoch-0001'])
  t.same(readdirSync(join(run, 'checkpoints/epoch-0001')).sort(), ['optimiser.safetensors', 'state.json', 'weights.safetensors'])
})

t.test('best: weights and state', async (t) => {
  const run = t.testdir()
  const runState: RunState = { epoch: 2, step: 20, metrics: { images: 5, loss: 0.5, accuracy: 0.8, headAccuracy: { length: 1 } }, best: { epoch: 2, accuracy: 0.8 } }
  await writeBest(run, layout, filled(1).state, { epoch: 1, step: 10 })
  await writeBest(run, layout, filled(2).state, runState)
  t.same(await readRunState(join(run, 'best')), runState)
})

t.test('the log goes back to a step, without what a crash has cut', async (t) => {
  const run = t.testdir()
  await rewindLog(run, 0)
  t.equal(readFileSync(join(run, 'log.jsonl'), 'utf8'), '')
  for (const step of [50, 60, 100, 120]) await logReport(run, { kind: 'steps', step })
  appendFileSync(join(run, 'log.jsonl'), '{"kind":"epoch","st')
  await rewindLog(run, 100)
  t.same(readFileSync(join(run, 'log.jsonl'), 'utf8'), '{"kind":"steps","step":50}\n{"kind":"steps","step":60}\n{"kind":"steps","step":100}\n')
  t.same(readdirSync(run), ['log.jsonl'])
})

t.test('what cannot be read is not taken for nothing', async (t) => {
  const run = t.testdir({ checkpoints: 'a file', 'log.jsonl': {} })
  await t.rejects(listCheckpoints(run), { code: 'TRAIN_RUN_DAMAGED', message: /checkpoints: cannot be read \(ENOTDIR/ })
  await t.rejects(rewindLog(run, 0), { code: 'TRAIN_RUN_DAMAGED', message: /log\.jsonl: cannot be read \(EISDIR/ })
})

t.test('what the operating system refuses has a code and names the path', async (t) => {
  const run = t.testdir({ checkpoints: 'a file' })
  await t.rejects(write(run, 1), { code: 'TRAIN_RUN_WRITE', message: /checkpoints.epoch-0001: cannot be written \(E/ })
  mkdirSync(join(run, 'log.jsonl'))
  await t.rejects(logReport(run, {}), { code: 'TRAIN_RUN_WRITE', message: /log\.jsonl: cannot be written/ })
  rmSync(join(run, 'checkpoints'))
})

t.test('a folder without rights', { skip: process.getuid?.() === 0 ? 'root may write anywhere' : false }, async (t) => {
  const run = t.testdir({ sealed: {} })
  chmodSync(join(run, 'sealed'), 0o500)
  await t.rejects(createRun(join(run, 'sealed', 'run'), config), { code: 'TRAIN_RUN_WRITE' })
  chmodSync(join(run, 'sealed'), 0o700)
})
