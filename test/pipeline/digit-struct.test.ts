// The digit-struct source: order of the digits, label 10, names, missing and damaged entries.

import t from 'tap'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { digitStruct, PipelineError, type Sample } from '@millrace/pipeline'
import { realData } from '../support.js'
import { box, createPng, writeDataSet, writeMat } from './digit-struct-fixture.js'

async function collect(source: AsyncIterable<Sample>): Promise<Sample[]> {
  const samples: Sample[] = []
  for await (const sample of source) samples.push(sample)
  return samples
}

t.test('digits stand from left to right, 10 is 0, regions follow', async (t) => {
  const folder = t.testdir()
  await writeDataSet(folder, [{ name: 'b.png', boxes: [box(3, 30), box(10, 5), box(9, 20)] }, { name: 'a.png', boxes: [box(7, 1)] }])
  const source = digitStruct(folder)
  const samples = await collect(source)
  t.equal(source.labelKind, 'digits')
  t.equal(await source.count(), 2)
  t.same(samples.map(({ id, key, label }) => ({ id, key, label })), [
    { id: 1n, key: 'b.png', label: { kind: 'digits', digits: [0, 9, 3] } },
    { id: 2n, key: 'a.png', label: { kind: 'digits', digits: [7] } },
  ])
  t.same(samples[0]!.regions, [5, 20, 30].map((left) => ({ left, top: 4, width: 10, height: 20 })))
  t.same(await samples[1]!.image(), await createPng(60, 40, 1))
  t.equal((await collect(digitStruct(join(folder, 'digitStruct.mat')))).length, 2, 'the file itself can be named too')
})

t.test('a source is read anew each time, images only when asked for', async (t) => {
  const folder = t.testdir()
  writeMat(join(folder, 'digitStruct.mat'), [{ name: '1.png', boxes: [box(1, 1)] }])
  const source = digitStruct(folder)
  const [sample] = await collect(source)
  await t.rejects(sample!.image(), { code: 'PIPE_IMAGE_MISSING', message: /1\.png: expected this image, named by digitStruct\(1\)/ })
  writeFileSync(join(folder, '1.png'), 'now it is there')
  t.equal(Buffer.from((await sample!.image()) as Uint8Array).toString(), 'now it is there')
  t.equal((await collect(source)).length, 1)
})

t.test('images may lie in another folder', async (t) => {
  const folder = t.testdir({ images: { '1.png': 'here' } })
  writeMat(join(folder, 'digitStruct.mat'), [{ name: '1.png', boxes: [box(1, 1)] }])
  const [sample] = await collect(digitStruct(folder, { images: join(folder, 'images') }))
  t.equal(Buffer.from((await sample!.image()) as Uint8Array).toString(), 'here')
})

t.test('entries that cannot be understood reject by number, the others go on', async (t) => {
  const folder = t.testdir()
  const names = ['../secret.png', '/etc/passwd', 'a/../../b.png', 'c:\\x.png', 'good.png']
  writeMat(join(folder, 'digitStruct.mat'), [...names.map((name) => ({ name, boxes: [box(1, 1)] })), { name: 'eleven.png', boxes: [box(11, 1)] }, { name: 'half.png', boxes: [box(1.5, 1)] }, { name: 'nan.png', boxes: [box(1, NaN)] }])
  writeFileSync(join(folder, 'good.png'), 'good')
  mkdirSync(join(folder, 'folder.png'))
  const codes = []
  for (const sample of await collect(digitStruct(folder))) {
    codes.push(await sample.image().then(() => 'read', (error: PipelineError) => error.code))
  }
  t.same(codes, [...Array<string>(4).fill('PIPE_NAME_OUTSIDE'), 'read', 'PIPE_DIGIT_STRUCT', 'PIPE_DIGIT_STRUCT', 'PIPE_DIGIT_STRUCT'])
})

t.test('what is not a readable file', async (t) => {
  const folder = t.testdir({ 'folder.png': {} })
  writeMat(join(folder, 'digitStruct.mat'), [{ name: 'folder.png', boxes: [box(1, 1)] }])
  const [sample] = await collect(digitStruct(folder))
  await t.rejects(sample!.image(), { code: 'PIPE_IMAGE_UNREADABLE' })
  await t.rejects(collect(digitStruct(join(folder, 'none'))), { code: 'PIPE_SOURCE_MISSING' })
  await t.rejects(collect(digitStruct(join(folder, 'folder.png'))), { code: 'PIPE_SOURCE_MISSING', message: /digitStruct\.mat/ })
  await t.rejects(digitStruct(join(folder, 'none')).count(), { code: 'PIPE_SOURCE_MISSING' })
})

const real = realData('svhn/test')
t.test('real SVHN', { skip: real.skip }, async (t) => {
  const samples = await collect(digitStruct(real.path))
  t.same(samples.slice(0, 3).map(({ label }) => label), [[5], [2, 1, 0], [6]].map((digits) => ({ kind: 'digits', digits })))
})
