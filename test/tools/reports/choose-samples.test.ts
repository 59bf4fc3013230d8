// Which samples are drawn: the same for a seed, the same share of each split, no image read.

import t from 'tap'
import type { Sample } from '@millrace/pipeline'
import { RecordWriter } from '@millrace/recordio'
import { resolve } from 'node:path'
import { chooseSamples } from '../../../../tools/dist/reports/choose-samples.js'
import { openRecordSource } from '../../../../tools/dist/reports/record-source.js'
import { boxesLabel, sourceOf } from './pictures.js'

const { signal } = new AbortController()

function unread(index: number): Sample {
  return { id: BigInt(index), key: `${index}`, label: { kind: 'class', value: index % 10 }, image: () => Promise.reject(new Error('an image was read')) }
}

const many = (count: number): Sample[] => Array.from({ length: count }, (_, index) => unread(index))

t.test('a seed draws the same again, in the order of the data; another draws others', async (t) => {
  const draw = async (seed: number): Promise<string[]> => (await chooseSamples([{ split: 'train', source: sourceOf(many(1000)) }], { count: 20, seed, signal })).samples.map(({ sample }) => sample.key)
  const drawn = await draw(42)
  t.equal(new Set(drawn).size, 20)
  t.same(drawn, [...drawn].sort((a, b) => Number(a) - Number(b)))
  t.same(await draw(42), drawn)
  t.not((await draw(43)).join(), drawn.join())
})

t.test('every sample is as likely as any other', async (t) => {
  const counts = new Array<number>(10).fill(0)
  for (let seed = 0; seed < 2000; seed++) {
    const { samples } = await chooseSamples([{ split: 'a', source: sourceOf(many(10)) }], { count: 3, seed, signal })
    for (const { sample } of samples) counts[Number(sample.key)]!++
  }
  t.ok(counts.every((count) => Math.abs(count - 600) < 100), counts.join(' '))
})

t.test('splits share the count; one that has less gives what it has', async (t) => {
  const inputs = [{ split: 'train', source: sourceOf(many(500)) }, { split: 'test', source: sourceOf(many(3)) }, { split: 'train', source: sourceOf(many(500)) }]
  const { splits, samples } = await chooseSamples(inputs, { count: 20, seed: 1, signal })
  t.same(splits, [{ name: 'train', total: 1000, chosen: 10 }, { name: 'test', total: 3, chosen: 3 }])
  t.equal(samples.length, 13)
})

t.test('only samples with a class, by name or number, of the image, a box or a digit', async (t) => {
  const classes = new Set(['cat', '2'])
  const { splits } = await chooseSamples([{ split: 'a', source: sourceOf(many(100), ['dog', 'cat']) }], { count: 5, seed: 1, classes, signal })
  t.equal(splits[0]!.total, 20)
  const box = { xmin: 0, ymin: 0, xmax: 1, ymax: 1 }
  const samples: Sample[] = [boxesLabel([{ class: 0, ...box }, { class: 1, ...box }]), boxesLabel([]), { kind: 'digits' as const, digits: [7, 2] }].map((label, index) => ({ ...unread(index), label }))
  const found = await chooseSamples([{ split: 'a', source: sourceOf(samples, ['dog', 'cat']) }], { count: 5, seed: 1, classes, signal })
  t.same(found.samples.map(({ sample }) => sample.key), ['0', '2'])
})

t.test('records are read at their places alone, over all shards', async (t) => {
  const folder = t.testdir()
  const inputs = await Promise.all([0, 1].map(async (shard) => {
    const path = resolve(folder, `x-${shard}.rec`)
    const writer = await RecordWriter.create(path, { labelKind: 'class', labelWidth: 1, classNames: ['a', 'b'] })
    for (let index = 0; index < 50; index++) await writer.write({ id: BigInt(50 * shard + index), label: shard, image: Buffer.from('x') })
    await writer.close()
    return { split: 'x', source: await openRecordSource(path, signal) }
  }))
  const { samples, splits } = await chooseSamples(inputs, { count: 30, seed: 42, signal })
  t.same(splits, [{ name: 'x', total: 100, chosen: 30 }])
  t.ok(samples.every(({ sample: { id, label } }) => label.kind === 'class' && label.value === (id < 50n ? 0 : 1)))
  t.ok(samples.some(({ sample }) => sample.id < 50n) && samples.some(({ sample }) => sample.id >= 50n))
  t.same(samples[0]!.classNames, ['a', 'b'])
  const all = await chooseSamples(inputs, { count: 500, seed: 42, signal })
  t.same(all.samples.map(({ sample }) => sample.id), Array.from({ length: 100 }, (_, index) => BigInt(index)))
})
