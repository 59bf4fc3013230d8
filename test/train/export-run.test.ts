// From a trained run to a model folder: which checkpoint, and that the reference executor of @millrace/infer
// gives what the training engine gives.

import t from 'tap'
import { cpSync, readFileSync, rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { decodeSafetensors, loadModel, preprocessImage, readModelFolder, runReference } from '@millrace/infer'
import { decodeImage } from '@millrace/pipeline/images'
import { createNetwork, exportRun, trainNetwork } from '@millrace/train'
import { openWasmEngine } from '../../../train/dist/engine/wasm/wasm-engine.js'
import { layoutWeights, viewWeight } from '../../../train/dist/engine/parameters.js'
import { digitRecords, typedError, writeRecords } from './digit-records.js'

t.setTimeout(60_000)

const folder = t.testdir()
const records = await digitRecords(96)
const training = await writeRecords(join(folder, 'train.rec'), records)
const validation = await writeRecords(join(folder, 'validation.rec'), await digitRecords(40, 2))
const run = join(folder, 'run')
const report = await trainNetwork({ graph: createNetwork('svhn-digits'), records: [training], validation: [validation], run, epochs: 5, batchSize: 16, seed: 3 })

/** The exported weights, to be compared with those of a checkpoint. */
function weightsOf(path: string): object {
  return Object.fromEntries([...decodeSafetensors(readFileSync(path), path)].map(([name, { data }]) => [name, Buffer.from(data.slice().buffer).toString('base64')]))
}

t.test('best, last, or an epoch that is still there', async (t) => {
  const cases = [[undefined, report.best!.epoch, 'best'], ['best', report.best!.epoch, 'best'], ['last', 5, 'checkpoints/epoch-0005'], [4, 4, 'checkpoints/epoch-0004']] as const
  for (const [checkpoint, epoch, source] of cases) {
    const model = join(folder, `model-${checkpoint}`)
    const state = await exportRun(run, model, checkpoint === undefined ? {} : { checkpoint })
    t.match(state, { epoch, step: 6 * epoch })
    t.same(weightsOf(join(model, 'weights.safetensors')), weightsOf(join(run, source, 'weights.safetensors')))
    t.match(JSON.parse(readFileSync(join(model, 'graph.json'), 'utf8')), { provenance: { epoch, steps: 6 * epoch, seed: 3, trainingRecords: 96, validation: { images: 40, accuracy: state.metrics!.accuracy } } })
  }
})

t.test('a checkpoint that is not there, or not whole', async (t) => {
  const model = join(folder, 'none')
  t.match(await typedError(() => exportRun(run, model, { checkpoint: 1 })), { code: 'TRAIN_NO_CHECKPOINT', message: /no checkpoint "1"; there are epochs 3, 4, 5/ })
  t.match(await typedError(() => exportRun(folder, model)), { code: 'TRAIN_RUN_DAMAGED', message: /config\.json.*give the folder that "millrace train" wrote/ })
  const copy = join(folder, 'copy')
  cpSync(run, copy, { recursive: true })
  truncateSync(join(copy, 'best/weights.safetensors'), 1000)
  t.match(await typedError(() => exportRun(copy, model)), { code: 'TRAIN_RUN_DAMAGED', message: /best.weights\.safetensors: cannot be read .*another checkpoint may be whole/ })
  for (const name of ['best', 'checkpoints']) rmSync(join(copy, name), { recursive: true })
  for (const checkpoint of ['best', 'last', 1] as const) {
    t.match(await typedError(() => exportRun(copy, model, { checkpoint })), { code: 'TRAIN_NO_CHECKPOINT', message: `no checkpoint "${checkpoint}"; there are none yet` })
  }
  const other = join(folder, 'other')
  await trainNetwork({ graph: createNetwork('svhn-digits-linear'), records: [training], run: other, epochs: 1 })
  cpSync(join(other, 'best'), join(copy, 'best'), { recursive: true })
  t.match(await typedError(() => exportRun(copy, model)), { code: 'TRAIN_RUN_MISMATCH' })
})

t.test('the reference executor agrees with the training engine on the trained network', async (t) => {
  const model = join(folder, 'agreeing')
  await exportRun(run, model)
  const { graph, weights } = await readModelFolder(model)
  const count = 16
  const inputs = new Float32Array(count * 1024)
  for (let index = 0; index < count; index++) inputs.set(preprocessImage(await decodeImage(records[index]!.image), graph.preprocessing), 1024 * index)

  const layout = layoutWeights(graph)
  const state = { trained: new Float32Array(layout.trainedSize), statistics: new Float32Array(layout.statisticsSize) }
  for (const place of layout.weights) viewWeight(place, state).set(weights.get(place.name)!)
  const trained = (await openWasmEngine()).compile(graph).run(state, inputs, count)
  const answers: [string, Map<string, Float32Array>][] = [['runReference', runReference(graph, weights, inputs, count)], ['loadModel', (await loadModel(model)).run(inputs, count)]]
  for (const [name, answer] of answers) {
    t.same([...answer.keys()].sort(), [...trained.keys()].sort())
    const furthest = Math.max(...[...answer].flatMap(([output, values]) => [...values].map((value, index) => Math.abs(value - trained.get(output)![index]!))))
    t.ok(furthest < 1e-5, `${name}: ${furthest}`)
  }
})
