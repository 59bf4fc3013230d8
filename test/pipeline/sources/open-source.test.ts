// Choosing among a data set's samples: classes, parts, shares; and what format a path is in.

import t from 'tap'
import fc from 'fast-check'
import { join } from 'node:path'
import { guessFormats, openSource, PipelineError, selectClasses, sourceFormats, splitSource, unreadOptions, type Label, type PartName, type Sample, type Source } from '@millrace/pipeline'
import { collect, describe, outcome } from '../collect.js'

/** A source of labels; an error in place of one cannot be understood. */
function sourceOf(labels: readonly (Label | PipelineError)[], others: Partial<Source> = {}): Source & { passes: number } {
  const source = {
    labelKind: 'class' as const,
    passes: 0,
    count: () => Promise.resolve(labels.length),
    async *[Symbol.asyncIterator](): AsyncGenerator<Sample> {
      source.passes++
      for (const [index, label] of labels.entries()) {
        const isBad = label instanceof PipelineError
        yield { id: BigInt(index), key: `${index}.png`, label: isBad ? { kind: 'class', value: 0 } : label, ...(isBad && { error: label }), image: () => (isBad ? Promise.reject(label) : Promise.resolve(Buffer.from(`${index}`))) }
      }
    },
    ...others,
  }
  return source
}

const classes = (...values: number[]): Label[] => values.map((value) => ({ kind: 'class', value }))
const misread = new PipelineError('PIPE_TABLE', 'line 7')

t.test('some classes, numbered anew; what is not understood stays', async (t) => {
  const source = sourceOf([...classes(0, 1, 2, 1), misread], { classNames: ['cat', 'dog', 'eel'], ignored: new Map([['hidden', 3]]) })
  const chosen = selectClasses(source, ['eel', 'dog'])
  t.same([chosen.classNames, await chosen.count()], [['eel', 'dog'], 4])
  t.same(await describe(chosen), [[1, '1.png', 1, '1'], [2, '2.png', 0, '2'], [3, '3.png', 1, '3'], [4, '4.png', 0, 'PIPE_TABLE']])
  t.same([...chosen.ignored!], [['hidden', 3], ['of other classes', 1]])
  t.same((await collect(selectClasses(source, ['1']))).length, 3, 'by number, where no class has that name')
  t.same(selectClasses(source, ['1']).classNames, ['dog'])
  t.same(selectClasses(sourceOf(classes(5, 6)), ['6']).classNames, undefined)
  for (const [bad, message] of [[['ant'], /data set's 3 classes \(cat, dog, eel\), found "ant"/], [['3'], /found "3"/], [[], /one or more/], [['dog', '1'], /"1" again/]] as const) t.throws(() => selectClasses(source, bad), { code: 'PIPE_OPTION', message })
  t.throws(() => selectClasses({ ...source, labelKind: 'digits' }, ['dog']), { code: 'PIPE_OPTION', message: /labels of kind digits/ })
})

t.test('boxes of other classes go, with their regions, and images without any', async (t) => {
  const box = (number: number): { class: number; xmin: number; ymin: number; xmax: number; ymax: number } => ({ class: number, xmin: 0, ymin: 0, xmax: 1, ymax: 1 })
  const labels: Label[] = [[0, 1, 2], [1], []].map((numbers) => ({ kind: 'boxes', width: 4, height: 4, boxes: numbers.map(box) }))
  const source = sourceOf(labels, { labelKind: 'boxes', classNames: ['cat', 'dog', 'eel'] })
  const withRegions: Source = { ...source, async *[Symbol.asyncIterator]() { for await (const sample of source) yield { ...sample, regions: sample.label.kind === 'boxes' ? sample.label.boxes.map((each) => ({ left: each.class, top: 0, width: 1, height: 1 })) : [] } } }
  const [only, ...none] = await collect(selectClasses(withRegions, ['eel', 'cat']))
  t.same(none, [])
  t.same([(only!.label as Label & { kind: 'boxes' }).boxes.map((each) => each.class), only!.regions!.map(({ left }) => left)], [[1, 0], [0, 2]])
})

t.test('shares: every sample in one part, class by class, whatever the order', async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.oneof(fc.nat(3), fc.constant('bad')), { maxLength: 60 }), fc.nat(5), fc.constantFrom(0, 0.1, 0.25, 0.5), fc.constantFrom(0, 0.2, 0.4), async (numbers, seed, test, validation) => {
    const source = sourceOf(numbers.map((number) => (number === 'bad' ? misread : { kind: 'class', value: Number(number) })))
    const asked: PartName[] = ['train', ...(validation > 0 ? ['val' as const] : []), ...(test > 0 ? ['test' as const] : [])]
    const keys: string[] = []
    for (const part of asked) {
      const one = splitSource(source, { test: { share: test }, validation: { share: validation }, part }, seed)
      const samples = await collect(one)
      keys.push(...samples.map(({ key }) => key))
      if (samples.length !== (await one.count())) return false
      for (const number of [0, 1, 2, 3]) {
        const all = numbers.filter((each) => each === number).length
        const here = samples.filter(({ label, error }) => !error && label.kind === 'class' && label.value === number).length
        if (part === 'test' && here !== Math.min(Math.max(0, all - 1), Math.round(test * all))) return false
      }
    }
    return keys.length === numbers.length && new Set(keys).size === keys.length
  }), { numRuns: 60 })
})

t.test('so many of each class; images that are added move no other', async (t) => {
  const labels = classes(...Array.from({ length: 40 }, (_, index) => index % 2))
  const keysOf = async (source: Source): Promise<string[]> => (await collect(source)).map(({ key }) => key)
  const share = { test: { count: 5 }, part: 'test' } as const
  const test = splitSource(sourceOf(labels), share)
  t.same((await collect(test)).map(({ label }) => label.kind === 'class' && label.value).sort().join(''), '0000011111')
  const before = new Set(await keysOf(splitSource(sourceOf(labels), { test: { share: 0.5 }, part: 'train' })))
  const after = await keysOf(splitSource(sourceOf([...labels, ...classes(0, 1)]), { test: { share: 0.5 }, part: 'train' }))
  t.ok(after.filter((key) => !before.has(key)).length <= 4)
  t.same(await keysOf(splitSource(sourceOf([...labels, misread]), share)), await keysOf(test), 'what has no class stays with training')
  await t.rejects(collect(splitSource(sourceOf(classes(0, 0, 0)), share)), { code: 'PIPE_CLASS_TOO_SMALL', message: /more than the 5 images/ })
  for (const bad of [{ test: { share: 1 }, part: 'test' }, { test: { share: 0.5 }, part: 'val' }] as const) t.throws(() => splitSource(test, bad), { code: 'PIPE_OPTION' })
  t.throws(() => splitSource(test, share, -1), { code: 'PIPE_OPTION', message: /seed/ })
  const one = sourceOf(labels)
  const half = splitSource(one, { test: { share: 0.5 }, part: 'test' })
  await half.count()
  await collect(half)
  t.equal(one.passes, 2, 'one pass for the limits, which counts too')
})

t.test('samples of one image stay together, and are counted so', async (t) => {
  const single = sourceOf(classes(...Array.from({ length: 31 }, () => 0)))
  const doubled: Source = { ...single, async *[Symbol.asyncIterator]() { for await (const sample of single) yield* [sample, { ...sample, id: sample.id + 100n }] } }
  for (const part of ['train', 'val', 'test'] as const) {
    const source = splitSource(doubled, { test: { share: 0.25 }, validation: { share: 0.15 }, part })
    const samples = await collect(source)
    t.equal(await source.count(), samples.length)
    t.equal(samples.length, 2 * new Set(samples.map(({ key }) => key)).size)
  }
})

t.test('by the name of the format, with what it reads', async (t) => {
  const folder = t.testdir({ cat: { 'a.png': 'A', 'b.png': 'B' }, dog: { 'c.png': 'C', 'd.png': 'D' }, 'x.lst': '7\t1\tcat/a.png\n' })
  t.same(await describe(await openSource('folder', folder, { classes: ['dog'] })), [[2, 'dog/c.png', 0, 'C'], [3, 'dog/d.png', 0, 'D']])
  const parts = await Promise.all((['train', 'test'] as const).map(async (part) => describe(await openSource('folder', folder, { share: { test: { share: 0.5 }, part }, seed: 3 }))))
  t.same(parts.map((part) => part.map(([, , number]) => number)), [[0, 1], [0, 1]])
  await t.rejects(openSource('tape', folder), { code: 'PIPE_OPTION', message: /expected one of digit-struct, .*found "tape"/ })
  await t.rejects(openSource('folder', folder, { split: 'test' }), { code: 'PIPE_OPTION', message: /no part, as it has none of its own/ })
  await t.rejects(openSource('folder', folder, { task: 'age', where: [] }), { code: 'PIPE_OPTION', message: /format folder: does not read task, where/ })
  await t.rejects(openSource('folder', folder, { seed: 1 }), { code: 'PIPE_OPTION' }, 'there is nothing to draw')
  t.same(unreadOptions('csv', { imageColumn: 'x', flat: true, seed: 1 }), ['flat', 'seed'])
  t.same(await guessFormats(join(folder, 'x.lst')), ['list'])
  t.same(await guessFormats(folder), [])
  await t.rejects(guessFormats(join(folder, 'none')), { code: 'PIPE_SOURCE_MISSING' })
})

t.test('every format says what it is', (t) => {
  for (const [name, format] of Object.entries(sourceFormats)) {
    t.match(name, /^[a-z0-9-]+$/)
    t.ok(format.about.length > 10 && format.about.length < 130 && format.path.length > 5, name)
    t.equal(new Set(format.options).size, format.options.length, `${name}: each option once`)
    if (format.tasks) t.ok(format.options.includes('task'), `${name} reads its task`)
    if (format.splits) t.ok(format.options.includes('split'), `${name} reads its parts`)
  }
  t.end()
})

t.test('the images of a tar are not read to choose among them', async (t) => {
  const folder = t.testdir({ cat: { 'a.png': 'A' }, dog: { 'b.png': 'B' } })
  const source = await openSource('folder', folder)
  t.same((await collect(source.outlines!())).map(({ key, label }) => [key, label]), [['cat/a.png', { kind: 'class', value: 0 }], ['dog/b.png', { kind: 'class', value: 1 }]])
  t.same(await Promise.all((await collect(source)).map(outcome)), ['A', 'B'])
})
