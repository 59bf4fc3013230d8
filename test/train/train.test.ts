// A training run from its first step to its last: what it writes, that it learns, and that what comes out
// depends on its configuration alone.

import t from 'tap'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { decodeSafetensors } from '@millrace/infer'
import { createNetwork, trainNetwork, type TrainOptions, type TrainProgress } from '@millrace/train'
import { checkpoints, checkpointText, digitRecords, readLog, writeRecords } from './digit-records.js'

t.setTimeout(120_000)

const folder = t.testdir()
const records = await writeRecords(join(folder, 'train.rec'), await digitRecords(96))
const validation = await writeRecords(join(folder, 'validation.rec'), await digitRecords(40, 2))
let runs = 0

/** Trains in a new run folder. */
async function train(options: Partial<TrainOptions> = {}): Promise<string> {
  const run = join(folder, `run${runs++}`)
  await trainNetwork({ graph: createNetwork('svhn-digits-linear'), records: [records], run, epochs: 2, batchSize: 16, learningRate: 3e-3, ...options })
  return run
}

function last(run: string, epochs = 2): Record<string, string> {
  return checkpointText(join(run, `checkpoints/epoch-000${epochs}`))
}

t.test('a run folder: configuration, log, the newest checkpoints, the best weights; and it learns', async (t) => {
  const seen: TrainProgress[] = []
  const run = join(folder, 'whole')
  const graph = createNetwork('svhn-digits')
  const report = await trainNetwork({ graph, records: [records], validation: [validation], run, epochs: 12, batchSize: 16, onProgress: (progress) => seen.push(progress) })
  t.match(report, { epochs: 12, steps: 72, damaged: [] })
  t.same(readdirSync(run).sort(), ['best', 'checkpoints', 'config.json', 'log.jsonl'])
  t.same(checkpoints(run), ['epoch-0010', 'epoch-0011', 'epoch-0012'])
  t.same(readdirSync(join(run, 'checkpoints/epoch-0012')).sort(), ['optimiser.safetensors', 'state.json', 'weights.safetensors'])
  t.same(readdirSync(join(run, 'best')).sort(), ['state.json', 'weights.safetensors'])
  const config = JSON.parse(readFileSync(join(run, 'config.json'), 'utf8')) as object
  t.match(config, { format: 'millrace-run', version: 1, seed: 1, epochs: 12, batchSize: 16, replicas: 2, totalSteps: 72, data: { training: [{ path: records, records: 96 }] } })

  const log = readLog(run)
  const epochs = log.filter(({ kind }) => kind === 'epoch') as { epoch: number; step: number; loss: number; isBest: boolean; validation: { accuracy: number; images: number } }[]
  t.same(epochs.map(({ epoch, step }) => [epoch, step]), Array.from({ length: 12 }, (_, index) => [index + 1, 6 * (index + 1)]))
  t.same(log.filter(({ kind }) => kind === 'steps').map(({ step, epoch }) => [step, epoch]), [[50, 9]])
  t.ok(epochs[11]!.loss < 0.5 * epochs[0]!.loss, `the loss falls from ${epochs[0]!.loss} to ${epochs[11]!.loss}`)
  t.ok(epochs.every(({ validation: { images } }) => images === 40))

  const best = Math.max(...epochs.map(({ validation: { accuracy } }) => accuracy))
  t.same(report.best, { epoch: epochs.find(({ validation: { accuracy } }) => accuracy === best)!.epoch, accuracy: best })
  t.match(JSON.parse(readFileSync(join(run, 'best/state.json'), 'utf8')), { epoch: report.best!.epoch })
  t.same(seen.filter(({ kind }) => kind === 'epoch').length, 12)
  t.same(seen.flatMap((progress) => (progress.kind === 'steps' ? [progress.step] : [])), [10, 20, 30, 40, 50, 60, 70])
})

t.test('the same weights from any number of loader threads, with or without a cache, and from a second run', async (t) => {
  const first = last(await train({ graph: createNetwork('svhn-digits'), validation: [validation] }))
  for (const settings of [{}, { loaderWorkers: 2 }, { loaderWorkers: 5, cacheBytes: 0 }]) {
    t.same(last(await train({ graph: createNetwork('svhn-digits'), validation: [validation], ...settings })), first, JSON.stringify(settings))
  }
})

t.test('several files are one data set', async (t) => {
  const all = await digitRecords(96)
  const parts = [await writeRecords(join(folder, 'a.rec'), all.slice(0, 37)), await writeRecords(join(folder, 'b.rec'), all.slice(37))]
  const run = await train({ records: parts, loaderWorkers: 2 })
  t.match(readLog(run).at(-1), { step: 12 })
  t.same(last(await train({ records: parts })), last(run))
})

t.test('another seed, another network', async (t) => {
  t.not(last(await train({ seed: 2 }))['weights.safetensors'], last(await train())['weights.safetensors'])
})

t.test('without batch norm one replica and several train the same network', async (t) => {
  const weights = async (replicas: number): Promise<Float32Array> => {
    const path = join(await train({ replicas }), 'checkpoints/epoch-0002/weights.safetensors')
    return decodeSafetensors(readFileSync(path), path).get('heads/kernel')!.data
  }
  const one = await weights(1)
  for (const replicas of [2, 3]) {
    const several = await weights(replicas)
    const furthest = one.reduce((most, value, index) => Math.max(most, Math.abs(value - several[index]!)), 0)
    t.ok(furthest < 1e-5, `${replicas} replicas: ${furthest}`)
  }
})

t.test('more replicas than batches in memory: validation goes on', async (t) => {
  t.match(readLog(await train({ replicas: 7, validation: [records, records, records, validation], epochs: 1 })).at(-1), { validation: { images: 3 * 96 + 40 } })
})

t.test('SGD, a constant rate, no validation: the last epoch is the best', async (t) => {
  const run = await train({ optimiser: { kind: 'sgd', momentum: 0.9, nesterov: true }, schedule: { kind: 'constant' }, learningRate: 1e-3 })
  t.same(last(run)['weights.safetensors'], checkpointText(join(run, 'best'))['weights.safetensors'])
  t.same(readLog(run).map(({ validation }) => validation), [undefined, undefined])
})
