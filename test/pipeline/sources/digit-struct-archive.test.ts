// SVHN as it is published: one archive with the images and, somewhere among them, digitStruct.mat.

import t from 'tap'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { digitStruct, type Sample } from '@millrace/pipeline'
import { realData } from '../../support.js'
import { tar, tarGz, zip } from '../archive-fixture.js'
import { collect, outcome } from '../collect.js'
import { box, writeMat } from '../digit-struct-fixture.js'

const entries = ['1.png', '2.png', 'gone.png', '3.png'].map((name, index) => ({ name, boxes: [box(index + 1, 20), box(10, 5)] }))

function members(folder: string): { name: string; bytes: Buffer }[] {
  writeMat(join(folder, 'digitStruct.mat'), entries)
  return [
    { name: 'train/3.png', bytes: Buffer.from('three') },
    { name: 'train/see_bboxes.m', bytes: Buffer.from('not an image') },
    { name: 'train/1.png', bytes: Buffer.from('one') },
    { name: 'train/2.png', bytes: Buffer.from('two') },
    { name: 'train/digitStruct.mat', bytes: readFileSync(join(folder, 'digitStruct.mat')) },
  ]
}

function temporaryFolders(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('millrace-'))
}

async function show(source: AsyncIterable<Sample>): Promise<string[]> {
  return Promise.all((await collect(source)).map(async (sample) => `${sample.id} ${sample.key} ${sample.label.kind === 'digits' && sample.label.digits.join('')} ${await outcome(sample)}`))
}

const inOrder = ['1 1.png 01 one', '2 2.png 02 two', '3 gone.png 03 PIPE_IMAGE_MISSING', '4 3.png 04 three']
const inOrderOfTar = ['4 3.png 04 three', '1 1.png 01 one', '2 2.png 02 two', '3 gone.png 03 PIPE_IMAGE_MISSING']

for (const [name, write, expected] of [['train.tar.gz', tarGz, inOrderOfTar], ['train.tar', tar, inOrderOfTar], ['train.zip', async (files: Parameters<typeof zip>[0]) => zip(files), inOrder]] as const) {
  t.test(`${name}, the .mat first, in the middle and last`, async (t) => {
    const folder = t.testdir()
    const [mat, ...images] = members(folder).reverse()
    const before = temporaryFolders().length
    for (const at of [0, 2, 4]) {
      const files = images.toReversed().toSpliced(at, 0, mat!)
      writeFileSync(join(folder, name), await write(files))
      const source = digitStruct(join(folder, name))
      t.same((await collect(source.outlines!())).map(({ id, key, regions }) => [id, key, regions?.length]), entries.map(({ name: key }, index) => [BigInt(index + 1), key, 2]), 'known without the images')
      t.equal(await source.count(), 4)
      t.same(await show(source), expected)
      t.same(await show(source), expected, 'again')
    }
    t.ok(temporaryFolders().length <= before, 'no temporary folder stays')
  })
}

t.test('which digitStruct.mat, and none', async (t) => {
  const folder = t.testdir()
  const files = members(folder)
  const test = files.map(({ name, bytes }) => ({ name: name.replace('train', 'test'), bytes: name.endsWith('.png') ? Buffer.from('test') : bytes }))
  const path = join(folder, 'both.tar.gz')
  writeFileSync(path, await tarGz([...files, ...test]))
  await t.rejects(digitStruct(path).count(), { code: 'PIPE_OPTION', message: /train\/digitStruct\.mat, test\/digitStruct\.mat/ })
  t.equal((await show(digitStruct(path, { root: 'test' })))[0], '4 3.png 04 test')
  await t.rejects(digitStruct(path, { root: 'extra' }).count(), { code: 'PIPE_SOURCE_MISSING', message: /extra\/digitStruct\.mat/ })
  t.same(await show(digitStruct(join(folder, 'digitStruct.mat'), { images: path, root: 'train' })), inOrderOfTar, 'the .mat beside the archive')
  writeFileSync(path, await tarGz(files.filter(({ name }) => name.endsWith('.png'))))
  await t.rejects(collect(digitStruct(path)), { code: 'PIPE_SOURCE_MISSING' })
  writeFileSync(path, await tarGz([{ name: 'digitStruct.mat', bytes: Buffer.from('no HDF5') }]))
  await t.rejects(collect(digitStruct(path)), { code: 'PIPE_HDF5_DAMAGED', message: /both\.tar\.gz: digitStruct\.mat/ }, 'the error names the archive, not the copy')
  writeFileSync(path, (await tarGz(files)).subarray(0, 2000))
  await t.rejects(collect(digitStruct(path)), { code: 'PIPE_ARCHIVE_DAMAGED' })
})

const real = realData('svhn/train')
t.test('real SVHN in a tar.gz', { skip: real.skip }, async (t) => {
  const names = ['1.png', 'digitStruct.mat', '3.png', '2.png']
  const path = join(t.testdir(), 'train.tar.gz')
  writeFileSync(path, await tarGz(names.map((name) => ({ name: `train/${name}`, bytes: readFileSync(join(real.path, name)) }))))
  const samples = await collect(digitStruct(path))
  t.same(samples.slice(0, 3).map(({ key }) => key), ['1.png', '3.png', '2.png'])
  t.same(await samples[1]!.image(), new Uint8Array(readFileSync(join(real.path, '3.png'))))
  t.equal(samples.length, 39)
  const plain = await collect(digitStruct(real.path))
  t.same(new Map(samples.map(({ id, label }) => [id, label])).get(17n), plain[16]!.label)
})
