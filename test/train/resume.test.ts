// A run that was stopped, killed or damaged, and goes on: it ends as if nothing had happened, or says why
// it cannot.

import t from 'tap'
import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { createNetwork, resumeTraining, trainNetwork, type TrainOptions, type TrainProgress } from '@millrace/train'
import { checkpoints, checkpointText, digitRecords, readLog, typedError, writeRecords } from './digit-records.js'

t.setTimeout(120_000)

const folder = t.testdir()
const records = await digitRecords(96)
const training = await writeRecords(join(folder, 'train.rec'), records)
const validation = await writeRecords(join(folder, 'validation.rec'), await digitRecords(20, 2))
// 24 steps an epoch: step 50, which is logged, is the second of the last epoch.
const options: Omit<TrainOptions, 'run'> = { graph: createNetwork('svhn-digits-linear'), records: [training], validation: [validation], epochs: 3, batchSize: 4, learningRate: 3e-3 }
const whole = join(folder, 'whole')
await trainNetwork({ ...options, run: whole })
let copies = 0

/** A copy of the whole run, of which only some checkpoints are left. */
function copyRun(epochs: readonly number[] = [1, 2, 3]): string {
  const run = join(folder, `copy${copies++}`)
  cpSync(whole, run, { recursive: true })
  for (const epoch of [1, 2, 3].filter((number) => !epochs.includes(number))) rmSync(join(run, `checkpoints/epoch-000${epoch}`), { recursive: true })
  return run
}

/** The end of a run, as bytes, and its log. */
function outcome(run: string): object {
  return { last: checkpointText(join(run, 'checkpoints/epoch-0003')), best: checkpointText(join(run, 'best')), log: readLog(run) }
}

/** Trains until `isTime`, then asks it to stop. */
async function stopped(run: string, isTime: (progress: TrainProgress) => boolean): Promise<void> {
  const stop = new AbortController()
  const error = await typedError(() => trainNetwork({ ...options, run, signal: stop.signal, onProgress: (progress) => { if (isTime(progress)) stop.abort() } }))
  t.match(error, { code: 'TRAIN_ABORTED', message: `millrace train --resume ${run}` })
}

const stops: [string, number, (progress: TrainProgress) => boolean][] = [
  ['before the first checkpoint', 0, ({ kind, step }) => kind === 'steps' && step === 10],
  ['after an epoch', 1, ({ kind }) => kind === 'epoch'],
  ['within an epoch, after lines of it were logged', 2, ({ kind, step }) => kind === 'steps' && step === 60],
]
for (const [name, epochs, isTime] of stops) {
  t.test(`stopped ${name}: goes on as if it had never stopped`, async (t) => {
    const run = join(folder, `stopped${epochs}`)
    await stopped(run, isTime)
    t.equal(checkpoints(run).length, epochs)
    const seen: TrainProgress[] = []
    await resumeTraining(run, { loaderWorkers: 2, onProgress: (progress) => seen.push(progress) })
    t.same(outcome(run), outcome(whole))
    t.same(seen.filter(({ kind }) => kind === 'resumed'), epochs === 0 ? [] : [{ kind: 'resumed', epoch: epochs, epochs: 3, step: 24 * epochs, damaged: [] }])
  })
}

t.test('what a kill leaves behind does no harm', async (t) => {
  const run = copyRun([1, 2])
  for (const name of ['checkpoints/epoch-0003.partial', 'checkpoints/epoch-0009.partial', 'best.partial']) {
    mkdirSync(join(run, name))
    writeFileSync(join(run, name, 'weights.safetensors'), 'half of')
  }
  writeFileSync(join(run, 'log.jsonl.partial'), '{"ki')
  appendFileSync(join(run, 'log.jsonl'), '{"kind":"steps","epo')
  rmSync(join(run, 'best'), { recursive: true }) // killed between its removal and its renaming
  await resumeTraining(run)
  t.same(checkpointText(join(run, 'checkpoints/epoch-0003')), checkpointText(join(whole, 'checkpoints/epoch-0003')))
  t.same(readLog(run), readLog(whole))
})

t.test('a finished run is left as it is', async (t) => {
  const run = copyRun()
  t.match(await resumeTraining(run), { epochs: 3, steps: 72, best: JSON.parse(readFileSync(join(run, 'best/state.json'), 'utf8')).best })
  t.same(outcome(run), outcome(whole))
})

const damages: [string, RegExp, (checkpoint: string) => void][] = [
  ['weights that were cut', /epoch-0003.weights\.safetensors: cannot be read/, (checkpoint) => truncateSync(join(checkpoint, 'weights.safetensors'), 1000)],
  ['no optimiser file', /epoch-0003.optimiser\.safetensors: cannot be read.*ENOENT/, (checkpoint) => rmSync(join(checkpoint, 'optimiser.safetensors'))],
  ['an empty optimiser file', /epoch-0003.optimiser\.safetensors: cannot be read/, (checkpoint) => truncateSync(join(checkpoint, 'optimiser.safetensors'))],
  ['no state', /epoch-0003.state\.json: cannot be read.*ENOENT/, (checkpoint) => rmSync(join(checkpoint, 'state.json'))],
  ['a state without a step', /epoch-0003.state\.json: expected the epoch and step/, (checkpoint) => writeFileSync(join(checkpoint, 'state.json'), '{"epoch": 3}')],
  ['nothing at all', /epoch-0003.state\.json: cannot be read/, (checkpoint) => { rmSync(checkpoint, { recursive: true }); mkdirSync(checkpoint) }],
]
t.test('a damaged checkpoint: the one before it serves, and the report says so', async (t) => {
  for (const [name, message, damage] of damages) {
    const run = copyRun()
    damage(join(run, 'checkpoints/epoch-0003'))
    const { damaged, steps } = await resumeTraining(run)
    t.equal(damaged.length, 1, name)
    t.match(damaged[0], message)
    t.equal(steps, 72)
    t.same(outcome(run), outcome(whole))
  }
})

t.test('no checkpoint that can be read: an error, not a start from nothing', async (t) => {
  const run = copyRun([2, 3])
  for (const epoch of [2, 3]) truncateSync(join(run, `checkpoints/epoch-000${epoch}/weights.safetensors`), 100)
  t.match(await typedError(() => resumeTraining(run)), { code: 'TRAIN_RUN_DAMAGED', message: /epoch-0003.weights.*start a new run/ })
})

t.test('weights of another network', async (t) => {
  const other = join(folder, 'other')
  await trainNetwork({ ...options, graph: createNetwork('svhn-digits'), run: other, epochs: 1, batchSize: 32 })
  const run = copyRun()
  cpSync(join(other, 'checkpoints/epoch-0001'), join(run, 'checkpoints/epoch-0003'), { recursive: true })
  t.match(await typedError(() => resumeTraining(run)), { code: 'TRAIN_RUN_MISMATCH', message: /epoch-0003.weights\.safetensors: heads\/kernel: expected 63488 values, found/ })
})

t.test('data that changed', async (t) => {
  const data = join(folder, 'data.rec')
  const run = join(folder, 'changing')
  await writeRecords(data, records)
  await trainNetwork({ ...options, records: [relative(process.cwd(), data)], run, epochs: 1 })
  const refusal = (): Promise<unknown> => typedError(() => resumeTraining(run))
  t.equal(await refusal(), undefined, 'as it was; its path is absolute')
  await writeRecords(data, records.slice(1))
  t.match(await refusal(), { code: 'TRAIN_DATA_CHANGED', message: /data\.rec: the run began with 96 records in \d+ bytes, found 95 in/ })
  await writeRecords(data, records.map((record) => ({ ...record, labels: record.labels!.map((value, place) => (place === 1 ? 9 - value : value)) })))
  t.match(await refusal(), { code: 'TRAIN_DATA_CHANGED', message: /data\.rec: its \.meta/ }, 'other labels, the same size')
  rmSync(data)
  t.match(await refusal(), { code: 'REC_FILE', message: /data\.rec/ })
})

t.test('a configuration that cannot be used', async (t) => {
  const config = JSON.parse(readFileSync(join(whole, 'config.json'), 'utf8')) as Record<string, unknown>
  const cases: [unknown, RegExp][] = [
    ['', /config\.json: cannot be read/],
    ['{"format": "millr', /config\.json: cannot be read/],
    ['null', /expected an object, found null/],
    [{ ...config, format: 'millrace-graph' }, /expected format to be "millrace-run", found "millrace-graph"/],
    [{ ...config, version: 2 }, /expected version to be 1 .*found 2/],
    [{ ...config, data: { training: [{ path: 5 }], validation: [] } }, /expected data to be lists of record files/],
    [{ ...config, epochs: '3' }, /expected epochs to be a whole number above 0, found "3"/],
    [{ ...config, replicas: 0 }, /expected replicas/],
    [{ ...config, optimiser: { kind: 'lion' } }, /expected optimiser .*found \{"kind":"lion"\}/],
    [{ ...config, schedule: undefined }, /expected schedule .*found undefined/],
  ]
  for (const [contents, message] of cases) {
    const run = t.testdir({ 'config.json': typeof contents === 'string' ? contents : JSON.stringify(contents) })
    t.match(await typedError(() => resumeTraining(run)), { code: 'TRAIN_RUN_DAMAGED', message })
  }
  t.match(await typedError(() => resumeTraining(join(folder, 'nowhere'))), { code: 'TRAIN_RUN_DAMAGED', message: /nowhere.config\.json: cannot be read .*give the folder that "millrace train" wrote/ })
  const run = t.testdir({ 'config.json': JSON.stringify({ ...config, graph: { ...config['graph'] as object, nodes: [] } }) })
  await t.rejects(resumeTraining(run), { name: 'InferError' }, 'a graph that cannot be run')
})
