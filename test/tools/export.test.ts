// `millrace export` as a person runs it, and `millrace predict` on what it wrote.

import t from 'tap'
import { execFile } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createNetwork, trainNetwork } from '@millrace/train'
import { fixture } from '../support.js'
import { digitRecords, writeRecords } from '../train/digit-records.js'

t.setTimeout(60_000)

const program = fileURLToPath(new URL('../../../tools/bin/millrace.js', import.meta.url))
const folder = t.testdir()
const records = await writeRecords(join(folder, 'train.rec'), await digitRecords(64))
await trainNetwork({ graph: createNetwork('svhn-digits-linear'), records: [records], validation: [records], run: join(folder, 'run'), epochs: 4 })

interface Outcome {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

function millrace(...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { cwd: folder }, (error, stdout, stderr) => resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr }))
  })
}

t.test('the best, the last, an epoch; in words or as JSON; and predict reads it', async (t) => {
  t.match(await millrace('export', 'run', 'model'), { exitCode: 0, stderr: '', stdout: /^model: weights of epoch [1-4], validation accuracy \d+\.\d %, compiled for batches of up to 8\n$/ })
  t.same(readdirSync(join(folder, 'model')).sort(), ['compiled', 'graph.json', 'weights.safetensors'])
  const json = await millrace('export', 'run', 'model', '--checkpoint', 'last', '--json')
  t.match(JSON.parse(json.stdout), { model: 'model', epoch: 4, step: 8, validation: { images: 64 }, compiled: { batch: 8, files: { 'plan.json': Number } } }, 'a former model gives way')
  t.match(JSON.parse((await millrace('export', 'run', 'bare', '--no-compile', '--json')).stdout), { model: 'bare', compiled: null })
  t.same(readdirSync(join(folder, 'bare')).sort(), ['graph.json', 'weights.safetensors'])
  t.match(await millrace('export', 'run', 'third', '--checkpoint', '3'), { exitCode: 0, stdout: /^third: weights of epoch 3,/ })
  t.match(await millrace('predict', 'model', 'train.rec'), { exitCode: 0, stdout: /\n\d+ of 64 records read right in full: \d+\.\d\d %\n$/ })
})

t.test('what cannot be exported: exit 1; wrong usage: exit 2', async (t) => {
  t.match(await millrace('export', 'run', 'none', '--checkpoint', '1'), { exitCode: 1, stderr: /^error TRAIN_NO_CHECKPOINT: run: has no checkpoint "1"; there are epochs 2, 3, 4\n$/ })
  t.match(await millrace('export', 'nowhere', 'none'), { exitCode: 1, stderr: /^error TRAIN_RUN_DAMAGED: nowhere.config\.json/ })
  t.match(await millrace('export', 'run', '.'), { exitCode: 1, stderr: /^error INFER_MODEL_WRITE: / })
  t.match(await millrace('export', 'run', 'none', '--checkpoint', 'newest'), { exitCode: 2, stderr: /Expected "best", "last" or the number of an epoch/ })
  t.match(await millrace('export', 'run'), { exitCode: 2 })
  t.notOk(readdirSync(folder).includes('none'))
  t.match(await millrace('export', '--help'), { exitCode: 0, stdout: /default: "best"/ })
})

t.test('to ONNX and back: the same readings', async (t) => {
  t.match(await millrace('export', 'run', 'net.onnx', '--checkpoint', 'last'), { exitCode: 0, stdout: /^net\.onnx: weights of epoch 4/ })
  t.match(await millrace('export', 'net.onnx', 'again'), { exitCode: 0, stdout: /^again: svhn-digits-linear, \d+ nodes, gives digits, compiled for batches of up to 8\n$/ })
  await millrace('export', 'run', 'direct', '--checkpoint', 'last')
  t.equal((await millrace('predict', 'again', 'train.rec')).stdout, (await millrace('predict', 'direct', 'train.rec')).stdout)
  t.match(await millrace('export', 'direct', 'other.onnx'), { exitCode: 0 }, 'a model folder too')
})

t.test('networks of other tools', async (t) => {
  writeFileSync(join(folder, 'classes.txt'), 'one\ntwo\nthree\nfour\nfive\n')
  writeFileSync(join(folder, 'steps.json'), JSON.stringify([{ step: 'resize', width: 13, height: 17 }, { step: 'normalise', mean: [124, 116, 104], scale: [0.017, 0.017, 0.017] }]))
  const onnx = fixture('onnx/residual.onnx')
  t.match(await millrace('export', onnx, 'residual', '--classes', 'classes.txt', '--preprocessing', 'steps.json'), { exitCode: 0, stdout: /^residual: residual, \d+ nodes, gives classes, compiled for batches of up to 8\n$/ })
  t.match(await millrace('predict', 'residual', 'train.rec'), { exitCode: 0, stdout: /\t(one|two|three|four|five)\t/ })
  t.match(JSON.parse((await millrace('export', onnx, 'raw', '--no-softmax', '--json')).stdout), { model: 'raw', network: 'residual', task: 'tensors' })
  t.match(await millrace('predict', 'raw', 'train.rec'), { exitCode: 2, stderr: /gives tensors/ })
  t.match(await millrace('export', fixture('tfjs/functional'), 'functional', '--name', 'mine'), { exitCode: 0, stdout: /^functional: mine, / })
  t.match(await millrace('export', fixture('tfjs/sequential/model.json'), 'sequential.onnx'), { exitCode: 0 })
  t.match(await millrace('export', 'run', 'none', '--name', 'x'), { exitCode: 2, stderr: /networks of other tools/ })
  t.match(await millrace('export', onnx, 'none', '--input-size', '5'), { exitCode: 2, stderr: /HEIGHTxWIDTH/ })
  t.match(await millrace('export', onnx, 'none', '--input-size', '5x5'), { exitCode: 1, stderr: /TRAIN_NETWORK_UNSUPPORTED/ })
  t.match(await millrace('export', onnx, 'none', '--preprocessing', 'classes.txt'), { exitCode: 2, stderr: /--preprocessing classes\.txt/ })
})
