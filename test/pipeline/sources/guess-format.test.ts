// What a data set certainly is, and what is said of a path that cannot be read.

import t from 'tap'
import { join } from 'node:path'
import { guessFormats, openSource } from '@millrace/pipeline'
import { realData } from '../../support.js'

t.test('folders and files with telling names or first bytes', async (t) => {
  const folder = t.testdir({
    mnist: { 't10k-images-idx3-ubyte.gz': 'x' }, fer: { 'fer2013.csv': '' }, cars: { 'cars_train_annos.mat': 'x' }, ilsvrc: { 'train_cls.txt': 'x' },
    voc: { Annotations: {}, JPEGImages: {} }, photos: { cat: {} }, 'train-images.idx3-ubyte': 'x', 'readme.txt': 'x',
  })
  const wanted = { mnist: 'idx', fer: 'fer2013', cars: 'stanford-cars', ilsvrc: 'imagenet', voc: 'voc', 'train-images.idx3-ubyte': 'idx' }
  for (const [name, format] of Object.entries(wanted)) t.same(await guessFormats(join(folder, name)), [format], name)
  for (const name of ['photos', 'readme.txt']) t.same(await guessFormats(join(folder, name)), [], name)
})

const annotations = realData('annotations')
t.test('what people have', { skip: annotations.skip }, async (t) => {
  const wanted = { 'gtsrb/GT-final_test.csv': 'gtsrb', 'open-images/test-annotations-bbox.csv': 'open-images', 'fer2013/fer2013.csv': 'fer2013', adience: 'adience', ilsvrc: 'imagenet', 'stanford-cars': 'stanford-cars', 'dlib/training.xml': 'dlib-xml' }
  for (const [name, format] of Object.entries(wanted)) t.same(await guessFormats(join(annotations.path, name)), [format], name)
})

t.test('a path that cannot be read', async (t) => {
  const folder = t.testdir({ 'table.csv': 'x', 'photo.csv': Buffer.from('ffd8ffe000104a46494600', 'hex') })
  await t.rejects(openSource('csv', join(folder, 'none.csv')), { code: 'PIPE_SOURCE_MISSING', message: /none\.csv: expected this file or folder, found none of that name; check the path/ })
  await t.rejects(openSource('csv', folder), { code: 'PIPE_SOURCE_MISSING', message: /expected a file, found a folder; name the file in it/ })
  await t.rejects(openSource('csv', join(folder, 'table.csv', 'x')), { code: 'PIPE_SOURCE_MISSING', message: /expected a folder above it, found a file/ })
  await t.rejects(openSource('csv', join(folder, 'photo.csv')), { code: 'PIPE_TABLE', message: /line 1: expected a table, found bytes that are no text/ })
})
