// TensorFlow.js layers models: networks that it wrote against its own answers, what is not known, and damage.

import t from 'tap'
import fc from 'fast-check'
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runReference } from '@millrace/infer'
import { TrainError } from '@millrace/train'
import { readTfjs } from '@millrace/train/interchange'
import { fixture } from '../../support.js'

for (const name of ['functional', 'sequential']) {
  t.test(`${name}: as TensorFlow.js computes it`, async (t) => {
    const { graph, weights } = await readTfjs(fixture(`tfjs/${name}/model.json`), { softmax: false })
    const wanted = JSON.parse(await readFile(fixture(`tfjs/${name}/answer.json`), 'utf8')) as number[]
    const input = Float32Array.from({ length: 2 * graph.input.shape.reduce((product, size) => product * size, 1) }, (_, index) => Math.sin(0.37 * index))
    const [found] = runReference(graph, weights, input, 2).values()
    t.equal(found!.length, wanted.length)
    t.ok(wanted.every((value, index) => Math.abs(value - found![index]!) < 2e-6))
    t.equal(graph.name, name)
    t.equal(graph.task.kind, name === 'functional' ? 'class' : 'tensors')
  })
}

t.test('class names, and a softmax behind logits', async (t) => {
  t.match((await readTfjs(fixture('tfjs/sequential/model.json'), { classNames: ['a', 'b', 'c', 'd'] })).graph.task, { kind: 'class', classNames: ['a', 'b', 'c', 'd'] })
  await t.rejects(readTfjs(fixture('tfjs/sequential/model.json'), { classNames: ['a'] }), { code: 'TRAIN_NETWORK_UNSUPPORTED' })
})

t.test('what is wrong is named', async (t) => {
  const folder = t.testdir()
  await cp(fixture('tfjs/sequential'), folder, { recursive: true })
  const path = join(folder, 'model.json')
  const text = await readFile(path, 'utf8')
  const refused = async (from: string | RegExp, to: string, message: RegExp, code = 'TRAIN_NETWORK_UNSUPPORTED'): Promise<void> => {
    const changed = text.replace(from, to)
    t.not(changed, text)
    await writeFile(path, changed)
    await t.rejects(readTfjs(path), { name: 'TrainError', code, message })
  }
  await refused('"MaxPooling2D"', '"Lambda"', /layer "max_pooling2d[^"]*" \(Lambda\): this layer is not known here/)
  await refused('"MaxPooling2D"', '"constructor"', /not known/)
  await refused('"activation":"tanh"', '"activation":"selu"', /activation "selu" is not known/)
  await refused('"channels_last"', '"channels_first"', /data_format/)
  await refused('"layers-model"', '"graph-model"', /graph model/)
  await refused('"Sequential"', '"Odd"', /expected a Sequential or Functional model/)
  await refused('group1-shard1of2.bin', '../x.bin', /outside its folder/)
  await refused('group1-shard1of2.bin', 'none.bin', /cannot be read/, 'TRAIN_NETWORK_FILE')
  await refused('"shape":[3,2,1,4],"dtype":"float32"', '"shape":[3,2,1,4],"dtype":"string"', /type "string" is not read/)
  await refused(/"shape":\[3,2,1,4\]/, '"shape":[3,2,1,5]', /of its group|bytes of weights/, 'TRAIN_NETWORK_FILE')
  await refused('{', '', /expected JSON/, 'TRAIN_NETWORK_FILE')
})

t.test('a damaged model.json gives an error of ours, or a network', async (t) => {
  const folder = t.testdir()
  await cp(fixture('tfjs/functional'), folder, { recursive: true })
  const path = join(folder, 'model.json')
  const bytes = await readFile(path)
  await fc.assert(fc.asyncProperty(fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.constantFrom(...Buffer.from('0129-[]{}",:nlx'))), { minLength: 1, maxLength: 4 }), async (changes) => {
    const damaged = Buffer.from(bytes)
    for (const [place, value] of changes) damaged[place] = value
    await writeFile(path, damaged)
    await readTfjs(path).catch((error: unknown) => {
      if (!(error instanceof TrainError)) throw error
    })
  }), { numRuns: 200 })
})
