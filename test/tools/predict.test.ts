// `millrace predict` as a person runs it: photos, records, what cannot be read, JSON.

import t from 'tap'
import { execFile } from 'node:child_process'
import { stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadModel, saveModel, type DigitsAnswer, type RawImage } from '@millrace/infer'
import { decodeImage, encodePng } from '@millrace/pipeline/images'
import { RecordWriter, type NewImageRecord } from '@millrace/recordio'
import { digitsGraph, randomNumbers, randomWeights } from '../infer/networks.js'

const program = fileURLToPath(new URL('../../../tools/bin/millrace.js', import.meta.url))

interface Outcome {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

function predict(...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, 'predict', ...args], (error, stdout, stderr) => resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr }))
  })
}

function noise(width: number, height: number, seed: number): RawImage {
  const random = randomNumbers(seed)
  return { data: Uint8Array.from({ length: width * height * 3 }, () => 256 * random()), width, height, channels: 3 }
}

/** A model that reads up to two digits, and two photos. */
async function setUp(folder: string): Promise<{ model: string; photos: string[]; answer: (bytes: Uint8Array) => Promise<DigitsAnswer> }> {
  const model = join(folder, 'model')
  await saveModel(model, digitsGraph(), randomWeights(digitsGraph()), {})
  const photos = [join(folder, 'a.png'), join(folder, 'b.png')]
  for (const [index, path] of photos.entries()) await writeFile(path, await encodePng(noise(20 + index, 16, index)))
  const loaded = await loadModel(model)
  return { model, photos, answer: async (bytes) => loaded.predict(await decodeImage(bytes)) as DigitsAnswer }
}

const shown = (digits: string): string => digits || '(none)'

t.test('a line for each photo: path, reading, probability', async (t) => {
  const { model, photos, answer } = await setUp(t.testdir())
  const { exitCode, stdout, stderr } = await predict(model, ...photos)
  const answers = [await answer(await encodePng(noise(20, 16, 0))), await answer(await encodePng(noise(21, 16, 1)))]
  t.equal(stdout, answers.map(({ digits, probability }, index) => `${photos[index]}\t${shown(digits)}\t${probability.toFixed(4)}\n`).join(''))
  t.same([exitCode, stderr], [0, ''])
})

t.test('--json: one document', async (t) => {
  const { model, photos, answer } = await setUp(t.testdir())
  const { stdout } = await predict(model, photos[0]!, '--json')
  const { digits, probability, perDigit } = await answer(await encodePng(noise(20, 16, 0)))
  t.same(JSON.parse(stdout), { model, network: 'two-digits', readings: [{ source: photos[0], reading: digits, probability, perDigit }], rejected: [] })
})

t.test('--box looks at a part', async (t) => {
  const { model, photos, answer } = await setUp(t.testdir())
  const { data, width } = noise(20, 16, 0)
  const part = Uint8Array.from({ length: 9 * 8 * 3 }, (_, index) => data[((2 + Math.floor(index / 27)) * width + 3) * 3 + (index % 27)]!)
  const { digits, probability } = await answer(await encodePng({ data: part, width: 9, height: 8, channels: 3 }))
  t.equal((await predict(model, photos[0]!, '--box', '3,2,9,8')).stdout, `${photos[0]}\t${shown(digits)}\t${probability.toFixed(4)}\n`)
  const outside = await predict(model, photos[0]!, '--box', '3,2,90,8')
  t.same([outside.exitCode, outside.stdout], [3, ''])
  t.match(outside.stderr, /^rejected .*a.png: .*20x16/)
})

t.test('what cannot be read is named and the rest goes on: exit code 3', async (t) => {
  const folder = t.testdir({ 'half.png': '', 'words.jpg': 'no image' })
  const { model, photos } = await setUp(folder)
  const png = await encodePng(noise(20, 16, 0))
  await writeFile(join(folder, 'half.png'), png.subarray(0, png.length / 2))
  const bad = ['half.png', 'words.jpg', 'missing.png'].map((name) => join(folder, name))
  const { exitCode, stdout, stderr } = await predict(model, bad[0]!, photos[0]!, bad[1]!, bad[2]!, folder, photos[1]!)
  t.equal(exitCode, 3)
  t.same(stdout.split('\n').map((line) => line.split('\t')[0]), [...photos, ''])
  t.same(stderr.trim().split('\n').map((line) => /^rejected ([^:]+): ./.exec(line)?.[1]), [...bad, folder])
  t.match(stderr, /missing.png: there is no such file/)
  t.equal(stderr.split(bad[0]!).length, 2, 'a path stands once in its line')
  const json = JSON.parse((await predict(model, ...bad, '--json')).stdout) as { readings: unknown[]; rejected: { source: string }[] }
  t.same([json.readings, json.rejected.map(({ source }) => source)], [[], bad])
})

t.test('records: id, truth, reading, probability, and how many are right in full', async (t) => {
  const folder = t.testdir()
  const { model, answer } = await setUp(folder)
  const records: NewImageRecord[] = []
  const lines: string[] = []
  const path = join(folder, 'test.rec')
  for (let id = 0; id < 9; id++) {
    const image = await encodePng(noise(12, 12, id))
    const { digits, length, probability } = await answer(image)
    const [first = 10, second = 10] = [...digits].filter((digit) => digit !== '…').map(Number)
    const truth = id < 6 ? digits : shown(digits) === '7' ? '8' : '7'
    records.push({ id: BigInt(id), image, labels: truth === digits ? Float32Array.of(length, first, second) : Float32Array.of(1, Number(truth), 10) })
    lines.push(`${path}#${id}\t${shown(truth)}\t${shown(digits)}\t${probability.toFixed(4)}`)
  }
  await write(path, records)
  const { stdout, stderr, exitCode } = await predict(model, path)
  t.same([stdout, stderr, exitCode], [`${lines.join('\n')}\n6 of 9 records read right in full: 66.67 %\n`, '', 0])
  const { accuracy } = JSON.parse((await predict(model, path, '--json')).stdout) as { accuracy: object }
  t.same(accuracy, { right: 6, total: 9, share: 6 / 9 })
  t.equal((await predict(model, path, '--box', '0,0,9,9')).exitCode, 2)
})

t.test('records with labels of another kind have no truth; a damaged file is named', async (t) => {
  const folder = t.testdir()
  const { model, photos } = await setUp(folder)
  const path = join(folder, 'values.rec')
  const image = await encodePng(noise(12, 12, 1))
  await write(path, [
    { id: 1n, image, labels: Float32Array.of(1, 12, 10) },
    { id: 2n, image: Uint8Array.of(1, 2, 3) },
    { id: 3n, image, labels: Float32Array.of(0.5, 0.25, 10) },
    { id: 4n, image },
  ])
  await truncate(path, (await stat(path)).size - 40)
  const { stdout, stderr, exitCode } = await predict(model, path, photos[0]!)
  t.equal(exitCode, 3)
  t.same(stdout.trim().split('\n').map((line) => line.split('\t').length), [3, 3, 3], 'no truth, no last line')
  t.match(stderr, /values.rec#2: /)
  t.match(stderr, /values.rec: .*record 3/)
  t.match(stdout, /a.png\t/, 'the photo after the damaged file is read')
})

t.test('a missing model fails, a wrong box is wrong usage', async (t) => {
  const { model, photos } = await setUp(t.testdir())
  const [missing, box, none, help] = await Promise.all([
    predict(join(model, 'nowhere'), photos[0]!),
    predict(model, photos[0]!, '--box', '1,2,3'),
    predict(model),
    predict('--help'),
  ])
  t.equal(missing.exitCode, 1)
  t.match(missing.stderr, /^error INFER_MODEL_READ: .*graph.json: there is no such file/)
  t.notMatch(missing.stderr, /\n +at /, 'no stack')
  t.same([box.exitCode, none.exitCode, help.exitCode], [2, 2, 0])
  t.match(help.stdout, /expects the number to fill the image/)
})

async function write(path: string, records: readonly NewImageRecord[]): Promise<void> {
  const writer = await RecordWriter.create(path, { labelKind: 'digits', labelWidth: 3 })
  for (const record of records) await writer.write(record)
  await writer.close()
}
