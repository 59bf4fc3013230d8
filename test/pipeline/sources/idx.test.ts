// The idx source: MNIST's own files, pairs of every kind, and files that do not hold what they say.

import t from 'tap'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { openSource, readPixels, type OpenSourceOptions, type Sample, type Source } from '@millrace/pipeline'
import { realData } from '../../support.js'
import { collect, reason } from '../collect.js'

const open = (path: string, options: OpenSourceOptions = {}): Promise<Source> => openSource('idx', path, options)

/** An idx file of bytes. */
function idx(shape: readonly number[], numbers: Iterable<number>, type = 8): Buffer {
  const head = Buffer.alloc(4 + 4 * shape.length)
  head.set([0, 0, type, shape.length])
  for (const [place, length] of shape.entries()) head.writeUInt32BE(length, 4 + 4 * place)
  return Buffer.concat([head, Buffer.from([...numbers])])
}

const pixels = Array.from({ length: 12 }, (_, place) => place * 20)
const files = (images: Buffer, labels: Buffer): Record<string, Buffer> => ({ 'train-images-idx3-ubyte': images, 'train-labels-idx1-ubyte': labels })
const good = files(idx([2, 2, 3], pixels), idx([2], [7, 0]))

function write(folder: string, contents: Readonly<Record<string, Buffer>>): string {
  mkdirSync(folder, { recursive: true })
  for (const [name, bytes] of Object.entries(contents)) writeFileSync(join(folder, name), bytes)
  return folder
}

async function plain(source: Source): Promise<unknown[]> {
  return Promise.all((await collect(source)).map(async (sample: Sample) => {
    const { data, width, height, channels } = await readPixels(sample)
    return [Number(sample.id), sample.key, sample.label.kind === 'class' && sample.label.value, [...data], width, height, channels]
  }))
}

const rows = [[0, 'train-images-idx3-ubyte#0', 7, pixels.slice(0, 6), 3, 2, 1], [1, 'train-images-idx3-ubyte#1', 0, pixels.slice(6), 3, 2, 1]]

t.test('pairs of files, plain and gzipped', async (t) => {
  const folder = write(join(t.testdir(), 'plain'), good)
  const source = await open(folder)
  t.same([source.labelKind, source.classNames, await source.count()], ['class', ['0', '1', '2', '3', '4', '5', '6', '7'], 2])
  t.same(await plain(source), rows)
  t.same(await plain(source), rows, 'again')
  t.same(await plain(await open(join(folder, 'train-images-idx3-ubyte'))), rows, 'by the file of the images')
  const gzipped = write(join(folder, 'gz'), Object.fromEntries(Object.entries(good).map(([name, bytes]) => [`${name}.gz`, gzipSync(bytes)])))
  t.same(await plain(await open(gzipped)), rows)
  write(gzipped, good)
  t.same(await plain(await open(gzipped)), rows, 'unpacked beside the gzipped')
  const dotted = write(join(folder, 'dotted'), { 'train-images.idx4-ubyte': idx([2, 1, 2, 3], pixels), 'train-labels.idx1-ubyte.gz': gzipSync(idx([2], [0, 1])) })
  t.same((await plain(await open(dotted))).map((row) => (row as unknown[]).slice(3)), [[pixels.slice(0, 6), 2, 1, 3], [pixels.slice(6), 2, 1, 3]], 'RGB')
  const first = (await collect(source))[0]!
  const given = await readPixels(first)
  given.data.fill(0)
  t.same([...(await readPixels(first)).data], pixels.slice(0, 6), 'each call gives bytes of its own')
})

t.test('parts', async (t) => {
  const folder = write(t.testdir(), { ...good, 't10k-images-idx3-ubyte': idx([1, 1, 1], [9]), 't10k-labels-idx1-ubyte': idx([1], [1]), 'notes.txt': Buffer.from('x') })
  t.equal(await (await open(folder)).count(), 2, 'train is the default')
  t.same(await plain(await open(folder, { split: 'test' })), [[0, 't10k-images-idx3-ubyte#0', 1, [9], 1, 1, 1]])
  await t.rejects(open(folder, { split: 'val' }), { code: 'PIPE_OPTION', message: /train, test/ })
  await t.rejects(open(join(folder, 't10k-images-idx3-ubyte'), { split: 'train' }), { code: 'PIPE_OPTION', message: /expected test, as/ })
  write(folder, { 'emnist-train-images-idx3-ubyte': idx([1, 1, 1], [9]) })
  await t.rejects(open(folder), { code: 'PIPE_OPTION', message: /found emnist-train-images-idx3-ubyte and train-images-idx3-ubyte; give the path/ })
  await t.rejects(open(join(folder, 'emnist-train-images-idx3-ubyte')), { code: 'PIPE_SOURCE_MISSING', message: /expected its labels in emnist-train-labels-idx1-ubyte/ })
  await t.rejects(open(join(folder, 'notes.txt')), { code: 'PIPE_SOURCE_MISSING' })
  await t.rejects(open(join(folder, 'nowhere')), { code: 'PIPE_SOURCE_MISSING' })
})

t.test('class names', async (t) => {
  const folder = write(t.testdir(), { ...good, 'names.txt': Buffer.from('shirt\nshoe\n') })
  const source = await open(folder, { classNames: join(folder, 'names.txt') })
  t.same(source.classNames, ['shirt', 'shoe'])
  const samples = await collect(source)
  t.match(await reason(samples[0]!), /train-labels-idx1-ubyte: label 0: expected a class from 0 to 1.*found 7/)
  t.equal(samples[1]!.error, undefined)
  const chosen = await open(folder, { classes: ['7'] })
  t.same([await chosen.count(), chosen.classNames], [1, ['7']])
})

t.test('files that do not hold what they say', async (t) => {
  const folder = t.testdir()
  let number = 0
  const opening = (contents: Readonly<Record<string, Buffer>>): Promise<Source> => open(write(join(folder, `${number++}`), contents))
  const [images, labels] = [good['train-images-idx3-ubyte']!, good['train-labels-idx1-ubyte']!]
  await t.rejects(opening(files(images, idx([3], [1, 2, 3]))), { code: 'PIPE_IDX', message: /labels-idx1-ubyte: expected 2 labels, as train-images-idx3-ubyte has images, found 3/ })
  await t.rejects(opening(files(labels, labels)), { code: 'PIPE_IDX', message: /at byte 0: expected 0x00000803 or 0x00000804, .* found 0x00000801/ })
  await t.rejects(opening(files(idx([2, 2, 3], pixels, 13), labels)), { code: 'PIPE_IDX', message: /0x00000d03/ })
  await t.rejects(opening(files(Buffer.alloc(0), labels)), { code: 'PIPE_IDX', message: /an empty file/ })
  await t.rejects(opening(files(images.subarray(0, 9), labels)), { code: 'PIPE_IDX', message: /at byte 4: expected 3 dimensions, found the end after 5 bytes/ })
  await t.rejects(opening(files(images.subarray(0, -1), labels)), { code: 'PIPE_IDX', message: /2x2x3 numbers in a file of 28 bytes, found one of 27/ })
  await t.rejects(opening(files(idx([2, 0, 3], []), labels)), { code: 'PIPE_IDX', message: /found 3x0/ })
  await t.rejects(opening(files(gzipSync(idx([2, 2 ** 16, 2 ** 16], [])), labels)), { code: 'PIPE_IDX', message: /1 to 134217728 pixels, found 65536x65536/ })
  await t.rejects(opening(files(idx([0, 2, 3], []), idx([0], []))), { code: 'PIPE_EMPTY' })
  await t.rejects(opening(files(idx([2, 2, 3, 2], [...pixels, ...pixels]), labels)), { code: 'PIPE_IDX', message: /1 channel or 3, found 2/ })
  await t.rejects(opening(files(images, gzipSync(idx([2], [7])))), { code: 'PIPE_IDX', message: /expected 2 numbers, found the end after 1/ })
  const whole = gzipSync(images)
  for (let length = 0; length < whole.length; length++) {
    const read = opening(files(whole.subarray(0, length), labels)).then(collect)
    await t.rejects(read, { code: 'PIPE_IDX' }, `cut to ${length}`)
  }
  await t.rejects(opening(files(gzipSync(Buffer.concat([images, Buffer.from('x')])), labels)).then(collect), { code: 'PIPE_IDX', message: /more bytes after them/ })
  const stop = new AbortController()
  stop.abort()
  await t.rejects(open(write(join(folder, 'stopped'), good), { signal: stop.signal }), { code: 'PIPE_ABORTED' })
})

const real = realData('mnist-idx')
t.test('MNIST and Fashion-MNIST', { skip: real.skip }, async (t) => {
  const source = await open(join(real.path, 'mnist'))
  t.same([await source.count(), source.classNames?.length], [10_000, 10])
  const histogram = new Array<number>(10).fill(0)
  let first: Sample | undefined
  for await (const sample of source) {
    first ??= sample
    if (sample.label.kind === 'class') histogram[sample.label.value]!++
  }
  t.same(histogram, [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009], "as MNIST's test set has them")
  const { data, width, height } = await readPixels(first!)
  t.same([first!.label, width, height, data.reduce((sum, value) => sum + value, 0)], [{ kind: 'class', value: 7 }, 28, 28, 18454])
  const fashion = await open(join(real.path, 'fashion'))
  t.same([await fashion.count(), (await collect(fashion)).length], [450, 450])
})
