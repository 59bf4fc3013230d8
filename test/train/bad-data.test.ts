// Records that cannot be trained on, options that cannot be meant, a loss that runs away: each ends in an
// error that names the place, and never in a hang.

import t from 'tap'
import { existsSync, readFileSync, truncateSync, writeFileSync, copyFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createNetwork, resumeTraining, trainNetwork, type TrainOptions } from '@millrace/train'
import { readRecords, type NewImageRecord } from '@millrace/recordio'
import { checkpoints, digitLabels, digitRecords, readLog, typedError, writeRecords } from './digit-records.js'

t.setTimeout(120_000)

const folder = t.testdir()
const records = await digitRecords(48)
const good = await writeRecords(join(folder, 'good.rec'), records)
let runs = 0

/** The error of a run, and whether it left a run folder. */
async function refusal(options: Partial<TrainOptions>): Promise<{ code: string; message: string; hasRun: boolean } | undefined> {
  const run = join(folder, `run${runs++}`)
  const error = await typedError(() => trainNetwork({ graph: createNetwork('svhn-digits-linear'), records: [good], run, epochs: 1, batchSize: 8, ...options }))
  return error && { code: error.code, message: error.message, hasRun: existsSync(run) }
}

/** The good records with one of them changed. */
function written(name: string, ordinal: number, change: Partial<NewImageRecord>): Promise<string> {
  return writeRecords(join(folder, name), records.map((record, index) => (index === ordinal ? { ...record, ...change } : record)))
}

t.test('labels that the network does not learn, seen before a run folder is made', async (t) => {
  const classes = await writeRecords(join(folder, 'classes.rec'), records.map(({ id, image }) => ({ id, image, label: 1 })), 'class')
  const expected = { code: 'TRAIN_LABEL_KIND', message: /classes\.rec: .*"class".*"digits"/, hasRun: false }
  t.match(await refusal({ records: [classes] }), expected)
  t.match(await refusal({ validation: [classes] }), expected)
  for (const sibling of ['meta', 'idx']) truncateSync(classes.replace('rec', sibling))
  const bare = join(folder, 'bare.rec')
  copyFileSync(classes, bare)
  t.match(await refusal({ records: [bare] }), { code: 'TRAIN_LABEL_KIND', message: /bare\.rec: record 0: .*digits labels of 6 values, found 1/, hasRun: false }, 'without a manifest')
})

t.test('labels out of range are named by file and record', async (t) => {
  const cases: [number[], RegExp][] = [
    [[2, 11, 3, 10, 10, 10], /record 17: expected digit 1 from 0 to 10, found 11/],
    [[9, 1, 2, 3, 4, 5], /record 17: expected a length from 0 to 6, found 9/],
    [[-1, 10, 10, 10, 10, 10], /record 17: expected a length from 0 to 6, found -1/],
    [[1, 0.5, 10, 10, 10, 10], /record 17: expected digit 1 .*found 0.5/],
    [[2, 1, NaN, 10, 10, 10], /record 17: expected digit 2 .*found NaN/],
  ]
  for (const [labels, message] of cases) {
    const path = await written('range.rec', 17, { labels: Float32Array.from(labels) })
    t.match(await refusal({ records: [path] }), { code: 'TRAIN_LABEL_RANGE', message }, `${labels}`)
  }
  t.match(await refusal({ validation: [await written('range.rec', 17, { labels: Float32Array.of(9, 1, 1, 1, 1, 1) })] }), { code: 'TRAIN_LABEL_RANGE' }, 'validation as well')
  t.match(await refusal({ records: [await written('width.rec', 5, { labels: digitLabels([1]).subarray(0, 5) })] }), { code: 'TRAIN_LABEL_KIND', message: /width\.rec: record 5: .*found 5/ })
})

t.test('an image that cannot be decoded is named by file and record', async (t) => {
  for (const [name, image] of [['half.rec', records[9]!.image.subarray(0, 400)], ['words.rec', Buffer.from('no image')], ['empty.rec', Buffer.alloc(0)]] as const) {
    const path = await written(name, 9, { image })
    t.match(await refusal({ records: [path], loaderWorkers: 2 }), { code: 'TRAIN_IMAGE_DAMAGED', message: `${path}: record 9: its image cannot be used` })
    t.match(await refusal({ validation: [path] }), { code: 'TRAIN_IMAGE_DAMAGED', message: `${path}: record 9: ` })
  }
})

t.test('an image that is smaller than the crop', async (t) => {
  const graph = createNetwork('svhn-digits-linear')
  const preprocessing = [{ step: 'grey' }, { step: 'crop', width: 65, height: 32 }, { step: 'resize', width: 32, height: 32 }] as const
  t.match(await refusal({ graph: { ...graph, preprocessing } }), { code: 'TRAIN_IMAGE_DAMAGED', message: /good\.rec: record \d+: its image cannot be used \(.*65/ })
})

t.test('too few records', async (t) => {
  const few = await writeRecords(join(folder, 'few.rec'), records.slice(0, 7))
  const none = await writeRecords(join(folder, 'none.rec'), [])
  t.match(await refusal({ records: [few] }), { code: 'TRAIN_TOO_FEW_RECORDS', message: /few\.rec: 7 records do not fill one batch of 8/, hasRun: false })
  t.match(await refusal({ records: [none] }), { code: 'TRAIN_TOO_FEW_RECORDS', hasRun: false })
  t.match(await refusal({ records: [] }), { code: 'TRAIN_TOO_FEW_RECORDS', hasRun: false })
  t.match(await refusal({ validation: [none] }), { code: 'TRAIN_TOO_FEW_RECORDS', message: /none\.rec: expected records to validate on/, hasRun: false })
  t.match(await refusal({ records: readRecords(few) }), { code: 'TRAIN_TOO_FEW_RECORDS', message: /stream ended before one batch of 8/ })
  writeFileSync(join(folder, 'blank.rec'), '')
  t.match(await refusal({ records: [join(folder, 'blank.rec')] }), { code: 'TRAIN_TOO_FEW_RECORDS', hasRun: false })
  t.match(await refusal({ records: [join(folder, 'missing.rec')] }), { code: 'REC_FILE', message: /missing\.rec/, hasRun: false })
})

t.test('a record file cut anywhere, with its siblings or without, as a file or as a stream', async (t) => {
  const { size } = statSync(good)
  for (const length of [3, 8, 30, 700, Math.floor(size / 2), size - 1]) {
    const cut = join(folder, `cut${length}.rec`)
    copyFileSync(good, cut)
    truncateSync(cut, length)
    t.match(await refusal({ records: [cut] }), { code: /^REC_/, hasRun: false }, `${length} bytes, no siblings`)
    t.match(await refusal({ records: readRecords(cut) }), { code: 'REC_CUT', message: cut }, `${length} bytes as a stream`)
    copyFileSync(good.replace('.rec', '.meta'), cut.replace('.rec', '.meta'))
    t.match(await refusal({ records: [cut] }), { code: 'REC_META_MISMATCH', hasRun: false }, `${length} bytes with .meta`)
  }
})

t.test('a byte that changed in an image is found by its checksum', async (t) => {
  const path = await writeRecords(join(folder, 'flip.rec'), records)
  const bytes = readFileSync(path)
  bytes[bytes.length - 300]! ^= 1
  writeFileSync(path, bytes)
  t.match(await refusal({ records: [path] }), { code: 'REC_BAD_CHECKSUM', message: /flip\.rec: record 47 at byte/ })
})

t.test('a loss that is no number: the run ends, the last checkpoint is intact', async (t) => {
  const run = join(folder, 'diverging')
  const options = { graph: createNetwork('svhn-digits'), records: [good], run, batchSize: 8 }
  t.match(await typedError(() => trainNetwork({ ...options, learningRate: 1e30, schedule: { kind: 'constant' } })), {
    code: 'TRAIN_LOSS_NOT_FINITE', message: /^step 2: the loss is .*--learning-rate.*the batch holds records \d+, /,
  })
  t.same(checkpoints(run), [])
  t.match(await refusal({ records: [good], batchSize: 48, learningRate: 1e300, schedule: { kind: 'constant' }, optimiser: { kind: 'sgd', momentum: 0, nesterov: false } }), { code: 'TRAIN_LOSS_NOT_FINITE' }, 'in the only step')

  // An epoch that is good, then a configuration that sends the next one astray.
  const later = join(folder, 'diverging-later')
  await trainNetwork({ ...options, run: later, epochs: 1 })
  const before = readFileSync(join(later, 'checkpoints/epoch-0001/weights.safetensors'))
  const config = JSON.parse(readFileSync(join(later, 'config.json'), 'utf8')) as object
  writeFileSync(join(later, 'config.json'), JSON.stringify({ ...config, epochs: 2, learningRate: 1e30, totalSteps: 12, schedule: { kind: 'constant' } }))
  t.match(await typedError(() => resumeTraining(later)), { code: 'TRAIN_LOSS_NOT_FINITE' })
  t.same(checkpoints(later), ['epoch-0001'])
  t.ok(readFileSync(join(later, 'checkpoints/epoch-0001/weights.safetensors')).equals(before))
  t.equal(readLog(later).length, 1)
})

t.test('a run folder that is in use or cannot be made', async (t) => {
  const { length } = checkpoints(join(folder, 'diverging-later'))
  t.match(await refusal({ run: join(folder, 'diverging-later') }), { code: 'TRAIN_RUN_EXISTS', message: /diverging-later: .*millrace train --resume/ })
  t.equal(checkpoints(join(folder, 'diverging-later')).length, length)
  const photos = t.testdir({ 'holiday.jpg': '' })
  t.match(await refusal({ run: photos }), { code: 'TRAIN_RUN_EXISTS', message: /found holiday\.jpg in it; choose another folder/ })
  t.notOk(existsSync(join(photos, 'checkpoints')), 'nothing is left in it')
  t.match(await refusal({ run: join(good, 'run') }), { code: 'TRAIN_RUN_WRITE', message: /good\.rec.run: cannot be written \(ENOTDIR/ })
  t.match(await refusal({ run: good }), { code: 'TRAIN_RUN_WRITE' })
})

t.test('options outside their range', async (t) => {
  const cases: Partial<TrainOptions>[] = [
    { epochs: 0 }, { epochs: NaN }, { batchSize: 1.5 }, { batchSize: -1 }, { replicas: 0 }, { loaderWorkers: 0 }, { keepCheckpoints: 0 },
    { shuffleRecords: 0 }, { learningRate: 0 }, { learningRate: Infinity }, { cacheBytes: NaN }, { seed: 0.5 },
    { optimiser: { kind: 'sgd', momentum: NaN, nesterov: false } }, { optimiser: { kind: 'sgd', momentum: 1, nesterov: false } },
    { optimiser: { kind: 'adam', beta1: 0.9, beta2: 2, epsilon: 1e-7 } }, { optimiser: { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 0 } },
    { schedule: { kind: 'cosine', warmUpSteps: -1, flatShare: 0, endShare: 0 } }, { schedule: { kind: 'cosine', warmUpSteps: 0, flatShare: 2, endShare: 0 } },
  ]
  for (const options of cases) {
    t.match(await refusal(options), { code: 'TRAIN_OPTION', message: `${Object.keys(options)[0]}: expected `, hasRun: false })
  }
  t.match(await refusal({ records: readRecords(good), epochs: 2 }), { code: 'TRAIN_STREAM_ONCE', message: /--spool/, hasRun: false })
  t.match(await refusal({ records: readRecords(good), batchSize: 2 ** 40 }), { code: 'TRAIN_OPTION', message: /--batch-size/ })
})
