// `millrace train` as a person runs it: real processes, pipes, signals.

import t from 'tap'
import { spawn, type ChildProcess } from 'node:child_process'
import { createReadStream, existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync, copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { networks } from '@millrace/train'
import { openRecords } from '@millrace/recordio'
import { sampleSvhn } from 'millrace'
import { checkpointText, digitRecords, readLog, writeRecords } from '../train/digit-records.js'

t.setTimeout(120_000)

const program = fileURLToPath(new URL('../../../tools/bin/millrace.js', import.meta.url))
const folder = t.testdir()
const records = await writeRecords(join(folder, 'train.rec'), await digitRecords(96))
const linear = ['--network', 'svhn-digits-linear', '--batch-size', '8']

interface Outcome {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Outcome>
}

function start(args: readonly string[], cwd = folder): Running {
  const child = spawn(process.execPath, [program, ...args], { cwd, stdio: ['pipe', 'pipe', 'pipe'] })
  const output: Buffer[] = []
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  child.stdin.on('error', () => {}) // it may end before it has read all
  const ended = new Promise<Outcome>((resolve) => {
    child.on('close', (exitCode, signal) => resolve({ exitCode, signal, stdout: Buffer.concat(output).toString(), stderr }))
  })
  return { child, ended }
}

async function train(...args: readonly string[]): Promise<Outcome> {
  const { child, ended } = start(['train', ...args])
  child.stdin!.end()
  return await ended
}

/** Trains from what is piped in; the pipe stays open after it unless `isEnded`. */
async function trainStream(bytes: Uint8Array | string, args: readonly string[], isEnded = true): Promise<Outcome> {
  const { child, ended } = start(['train', '-', ...args])
  if (typeof bytes === 'string') createReadStream(bytes).pipe(child.stdin!, { end: isEnded })
  else if (isEnded) child.stdin!.end(bytes)
  else child.stdin!.write(bytes)
  return await ended
}

function lastWeights(run: string, epoch: number): string {
  return checkpointText(join(folder, run, `checkpoints/epoch-000${epoch}`))['weights.safetensors']!
}

/** Resolves once a file is there. */
async function appears(path: string): Promise<void> {
  while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 5))
}

t.test('trains and says how it went: in words, as JSON, quietly', async (t) => {
  const words = await train('train.rec', '--validation', 'train.rec', '--run', 'words', '--epochs', '2', ...linear)
  t.match(words, { exitCode: 0, stdout: /^words: 2 epochs, 24 steps in \d+ s, best validation accuracy \d+\.\d % in epoch [12]\n$/ })
  t.match(words.stderr, /epoch 1\/2 {2}step 12 {2}.*validation: loss \d.*\(best\)\nepoch 2\/2 {2}step 24 /)
  const json = await train('train.rec', '--run', 'json', '--epochs', '1', '--json', '--quiet', ...linear)
  t.match(json, { exitCode: 0, stderr: '' })
  t.match(JSON.parse(json.stdout), { run: 'json', epochs: 1, steps: 12, damaged: [] })
  t.match(JSON.parse((await train('--resume', 'json', '--json', '--quiet')).stdout), { run: 'json', epochs: 1, steps: 12 })
})

t.test('help names every option with its default, and the networks there are', async (t) => {
  const { exitCode, stdout } = await train('--help')
  t.equal(exitCode, 0)
  const text = stdout.replace(/\s+/g, ' ')
  t.match(text, `(choices: ${Object.keys(networks).map((name) => `"${name}"`).join(', ')}, default: "svhn-digits")`)
  const withDefault = { 'batch-size': 32, 'learning-rate': 0.001, momentum: 0.9, seed: 1, replicas: 2, 'loader-threads': 1, 'cache-mb': 512, 'shuffle-records': 2048 }
  for (const [name, value] of Object.entries(withDefault)) t.match(text, new RegExp(`--${name} <[a-z]+> [^(]*(\\([^(]*\\))?[^(]*\\(default: ${value}\\)`), name)
  t.match(text, /--optimiser .*default: "adam".*--schedule .*default: "cosine"/)
})

t.test('wrong usage: exit 2, said before anything is written', async (t) => {
  const cases: [string[], RegExp][] = [
    [[], /name the record files/],
    [['train.rec'], /--run FOLDER/],
    [['train.rec', '--run', 'r', '--network', 'alexnet'], /alexnet.*Allowed choices are svhn-digits/],
    [['train.rec', '--run', 'r', '--epochs', '0'], /whole number from 1/],
    [['train.rec', '--run', 'r', '--learning-rate', 'fast'], /number above 0/],
    [['train.rec', '--run', 'r', '--spool', 'x.rec'], /--spool is for a stream/],
    [['train.rec', '--run', 'r', '--label-kind', 'digits'], /--label-kind is for a stream/],
    [['train.rec', '-', '--run', 'r', '--label-kind', 'digits'], /"-" stands alone/],
    [['-', '--run', 'r'], /give --label-kind \(the network svhn-digits learns digits\)/],
    [['-', '--run', 'r', '--label-kind', 'class'], /learns labels of kind "digits"/],
    [['-', '--run', 'r', '--label-kind', 'digits', '--epochs', '2'], /--spool FILE/],
    [['train.rec', '--run', 'r', '--optimiser', 'sgd', '--momentum', '1'], /share from 0 to below 1/],
    [['train.rec', '--run', 'r', '--momentum', '0.5'], /--momentum is for --optimiser sgd/],
    [['train.rec', '--run', 'r', '--shuffle-records', '9'], /--shuffle-records is for a stream/],
    [['-', '--run', 'r', '--label-kind', 'digits', '--schedule', 'cosine'], /--schedule cosine is for files/],
    [['train.rec', '--resume', 'json'], /--resume takes the records from the run/],
    [['--resume', 'json', '--epochs', '5', '--run', 'r'], /leave out --run, --epochs/],
  ]
  for (const [args, message] of cases) {
    const { exitCode, stderr } = await train(...args)
    t.equal(exitCode, 2, args.join(' '))
    t.match(stderr, message)
  }
  t.notOk(existsSync(join(folder, 'r')))
})

t.test('an error: exit 1, its code, no stack; with --debug the stack', async (t) => {
  const failed = await train('missing.rec', '--run', 'r')
  t.match(failed, { exitCode: 1, stderr: /^error REC_FILE: missing\.rec: .*\n$/ })
  t.match(await train('train.rec', '--run', 'json'), { exitCode: 1, stderr: /^error TRAIN_RUN_EXISTS: / })
  t.match(await train('--resume', 'nowhere'), { exitCode: 1, stderr: /^error TRAIN_RUN_DAMAGED: / })
  t.match(await train('missing.rec', '--run', 'r', '--debug'), { exitCode: 1, stderr: /\n {4}at / })
  const diverged = await train('train.rec', '--run', 'astray', '--learning-rate', '1e30', '--schedule', 'constant', '--quiet')
  t.match(diverged, { exitCode: 1, stderr: /^error TRAIN_LOSS_NOT_FINITE: step \d+: .*\n$/ })
})

t.test('a checkpoint that is damaged: named even when quiet', async (t) => {
  await train('train.rec', '--run', 'hurt', '--epochs', '2', '--quiet', ...linear)
  const before = lastWeights('hurt', 2)
  truncateSync(join(folder, 'hurt/checkpoints/epoch-0002/optimiser.safetensors'), 99)
  t.match(await train('--resume', 'hurt', '--quiet'), { exitCode: 0, stderr: /^passed over: hurt.checkpoints.epoch-0002.optimiser\.safetensors: cannot be read .*\n$/ })
  t.equal(lastWeights('hurt', 2), before)
})

t.test('interrupted or killed, then resumed: the weights and the log of a run that never stopped', async (t) => {
  const options = ['train.rec', '--epochs', '6', '--batch-size', '2', '--network', 'svhn-digits']
  t.equal((await train(...options, '--run', 'whole', '--quiet')).exitCode, 0)
  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    const run = `stopped-${signal}`
    const { child, ended } = start(['train', ...options, '--run', run])
    await appears(join(folder, run, 'checkpoints/epoch-0001'))
    child.kill(signal)
    const outcome = await ended
    if (signal === 'SIGINT') {
      t.equal(outcome.exitCode, 130)
      t.match(outcome.stderr, /error TRAIN_ABORTED: stopped-SIGINT: stopped in epoch \d of 6; go on with it by "millrace train --resume stopped-SIGINT"\n$/)
    } else t.equal(outcome.signal, 'SIGKILL')
    t.notOk(existsSync(join(folder, run, 'checkpoints/epoch-0006')), 'it did not reach the end')
    const resumed = await train('--resume', run)
    t.match(resumed, { exitCode: 0, stderr: /^going on after epoch \d\/6, step \d+\n/ })
    t.equal(lastWeights(run, 6), lastWeights('whole', 6))
    t.same(readLog(join(folder, run)), readLog(join(folder, 'whole')))
  }
})

t.test('SIGTERM: exit 143', async (t) => {
  const { child, ended } = start(['train', 'train.rec', '--epochs', '500', '--run', 'terminated', ...linear])
  await appears(join(folder, 'terminated/checkpoints/epoch-0001'))
  child.kill('SIGTERM')
  t.match(await ended, { exitCode: 143, stderr: /error TRAIN_ABORTED/ })
})

t.test('pack | train', async (t) => {
  await sampleSvhn({ folder: join(folder, 'svhn'), train: 40, validation: 1, test: 1 })
  const args = ['--label-kind', 'digits', '--quiet', '--shuffle-records', '10', ...linear]
  const pack = start(['pack', join(folder, 'svhn/train'), '-', '--quiet'])
  const training = start(['train', '-', '--run', 'piped', '--json', ...args])
  pack.child.stdout!.pipe(training.child.stdin!)
  t.equal((await pack.ended).exitCode, 0)
  const { exitCode, stdout, stderr } = await training.ended
  t.same([exitCode, stderr], [0, ''])
  t.match(JSON.parse(stdout), { run: 'piped', epochs: 1, steps: 5 })

  await start(['pack', join(folder, 'svhn/train'), 'svhn.rec']).ended
  t.equal((await trainStream(join(folder, 'svhn.rec'), ['--run', 'from-file', ...args])).exitCode, 0)
  t.equal(lastWeights('from-file', 1), lastWeights('piped', 1), 'the same records by another way')
})

const stream = ['--label-kind', 'digits', '--quiet', ...linear]

t.test('--spool keeps the stream for more epochs', async (t) => {
  t.match(await trainStream(records, ['--run', 'spooled', '--spool', 'kept.rec', '--epochs', '2', '--json', ...stream]), { exitCode: 0, stdout: /"epochs": 2,\n {2}"steps": 24/ })
  t.ok(readFileSync(join(folder, 'kept.rec')).equals(readFileSync(records)))
  const kept = await openRecords(join(folder, 'kept.rec'))
  t.match([kept.count, kept.meta?.header], [96, { labelKind: 'digits', labelWidth: 6 }])
  await kept.close()
})

t.test('a stream that is cut, empty or no stream of records: exit 1, no spool file', async (t) => {
  const bytes = readFileSync(records)
  const cases: [string, Uint8Array, RegExp][] = [
    ['cut', bytes.subarray(0, bytes.length - 700), /^error REC_CUT: standard input: record 95 at byte/],
    ['cut-early', bytes.subarray(0, 20), /^error REC_CUT: standard input: record 0 /],
    ['words', Buffer.from('no records at all'), /^error REC_BAD_MAGIC: standard input/],
    ['empty', Buffer.alloc(0), /^error TRAIN_TOO_FEW_RECORDS: the stream ended/],
  ]
  for (const [name, input, message] of cases) {
    const outcome = await trainStream(input, ['--run', `stream-${name}`, '--spool', `${name}.rec`, '--epochs', '2', ...stream])
    t.match(outcome, { exitCode: 1, stderr: message }, name)
    t.same(readdirSync(folder).filter((file) => file.includes(`${name}.`)), [])
  }
})

t.test('an error ends the program although the pipe stays open', async (t) => {
  const damaged = await digitRecords(96)
  const labels = Float32Array.of(1, 11, 10, 10, 10, 10)
  const path = await writeRecords(join(folder, 'eleven.rec'), damaged.map((record, index) => (index === 40 ? { ...record, labels } : record)))
  t.match(await trainStream(readFileSync(path), ['--run', 'eleven', ...stream], false), { exitCode: 1, stderr: /^error TRAIN_LABEL_RANGE: the stream: record 40: expected digit 1 from 0 to 10, found 11/ })
  t.match(await trainStream(readFileSync(path), ['--run', 'spooled', ...stream], false), { exitCode: 1, stderr: /^error TRAIN_RUN_EXISTS/ })
})

t.test('interrupted while the pipe is silent: exit 130', async (t) => {
  const { child, ended } = start(['train', '-', '--run', 'silent', '--spool', 'silent.rec', '--epochs', '2', ...stream])
  child.stdin!.write(readFileSync(records).subarray(0, 9000))
  await appears(join(folder, 'silent/log.jsonl'))
  await new Promise((resolve) => setTimeout(resolve, 300))
  child.kill('SIGINT')
  t.match(await ended, { exitCode: 130, stderr: /^error TRAIN_ABORTED: silent: stopped in epoch 1 of 2; a stream cannot be resumed: train again\n$/ })
  t.same(readdirSync(folder).filter((file) => file.includes('silent.')), [])
})

t.test('changed data, and a configuration that is none', async (t) => {
  copyFileSync(records, join(folder, 'changing.rec'))
  await train('changing.rec', '--run', 'changed', '--epochs', '1', '--quiet', ...linear)
  truncateSync(join(folder, 'changing.rec'), statSync(records).size - 8)
  t.match(await train('--resume', 'changed'), { exitCode: 1, stderr: /^error REC_CUT: .*changing\.rec/ })
  copyFileSync(join(folder, 'eleven.rec'), join(folder, 'changing.rec'))
  writeFileSync(join(folder, 'changing.rec'), readFileSync(records), { flag: 'a' })
  t.match(await train('--resume', 'changed'), { exitCode: 1, stderr: /^error TRAIN_DATA_CHANGED: .*changing\.rec/ })
  writeFileSync(join(folder, 'changed/config.json'), 'garbage')
  t.match(await train('--resume', 'changed'), { exitCode: 1, stderr: /^error TRAIN_RUN_DAMAGED: changed.config\.json: cannot be read/ })
})
