// The imagenet source: the development kit's tree and Kaggle's, class orders, validation labels, lists
// that are something else, the test images cut out of train.

import t from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openSource, splitClasses, type Source, type SourceOptions } from '@millrace/pipeline'
import { realData } from '../../support.js'
import { collect, describe, reason } from '../collect.js'

const open = (path: string, options: SourceOptions = {}): Promise<Source> => openSource('imagenet', path, options)
const labels = async (source: Source): Promise<unknown[]> => (await collect(source)).map(({ key, label }) => [key, label.kind === 'class' ? label.value : label.kind])

const kit = {
  ImageSets: { 'CLS-LOC': { 'train_cls.txt': 'n03/n03_7 1\nn01/n01_1 2\nn02/n02_5 3\n', 'val.txt': 'ILSVRC2012_val_00000001 1\nILSVRC2012_val_00000002 2\nILSVRC2012_val_00000003 3\n' } },
  devkit: { data: {
    'map_clsloc.txt': 'n02 1 kit_fox\nn03 2 English_setter\nn01 3 tench\n',
    'ILSVRC2015_clsloc_validation_ground_truth.txt': '3\n1\n2\n',
    'ILSVRC2015_clsloc_validation_blacklist.txt': '2\n',
    'ILSVRC2015_det_validation_ground_truth.txt': 'of another task\n',
  } },
  Data: { 'CLS-LOC': { train: { n01: { 'n01_1.JPEG': 'A' }, n02: { 'n02_5.JPEG': 'B' }, n03: { 'n03_7.JPEG': 'C' } }, val: { 'ILSVRC2012_val_00000001.JPEG': 'D' } } },
}

t.test("the development kit's tree", async (t) => {
  const folder = t.testdir(kit)
  const train = await open(folder)
  t.same(train.classNames, ['n02 kit fox', 'n03 English setter', 'n01 tench'], "the kit's order")
  t.equal(await train.count(), 3)
  t.same(await describe(train), [[1, 'n03/n03_7.JPEG', 1, 'C'], [2, 'n01/n01_1.JPEG', 2, 'A'], [3, 'n02/n02_5.JPEG', 0, 'B']])
  const sorted = await open(folder, { task: 'sorted' })
  t.same(sorted.classNames, ['n01 tench', 'n02 kit fox', 'n03 English setter'])
  t.same((await describe(sorted)).map((row) => row[2]), [2, 0, 1])
  const val = await open(folder, { split: 'val' })
  t.equal(await val.count(), 2)
  t.same(await describe(val), [[1, 'ILSVRC2012_val_00000001.JPEG', 2, 'D'], [3, 'ILSVRC2012_val_00000003.JPEG', 1, 'PIPE_IMAGE_MISSING']])
  t.same([...val.ignored!], [['on the blacklist', 1]])
  const list = await open(join(folder, 'ImageSets/CLS-LOC/val.txt'), { images: join(folder, 'Data/CLS-LOC/val') })
  t.same((await describe(list))[0], [1, 'ILSVRC2012_val_00000001.JPEG', 2, 'D'], 'the list alone, and a folder of these images alone')
  t.same((await describe(await openSource('imagenet', folder, { classes: ['n01 tench'] }))), [[2, 'n01/n01_1.JPEG', 0, 'A']])
  await t.rejects(open(folder, { split: 'trian' }), /one of its parts \(train, val, test\).*"trian"/)
  await t.rejects(open(folder, { task: 'words' }), { code: 'PIPE_OPTION' })
  await t.rejects(open(join(folder, 'ImageSets/CLS-LOC/val.txt'), { split: 'test' }), { code: 'PIPE_OPTION' })
})

t.test("Kaggle's tree", async (t) => {
  const folder = t.testdir({
    'LOC_synset_mapping.txt': 'n02 kit fox, Vulpes macrotis\nn01 tench, Tinca tinca\n',
    'LOC_val_solution.csv': 'ImageId,PredictionString\nILSVRC2012_val_00000002,n01 85 1 499 272 n01 0 0 9 9 \nILSVRC2012_val_00000001,n09 1 2 3 4\n',
    ILSVRC: {
      ImageSets: { 'CLS-LOC': { 'train_cls.txt': 'n02/n02_5 1\n', 'val.txt': 'ILSVRC2012_val_00000001 1\nILSVRC2012_val_00000002 2\nILSVRC2012_val_00000003 3\n' } },
      Data: { 'CLS-LOC': { train: { n02: { 'n02_5.JPEG': 'B' } } } },
    },
  })
  for (const path of [folder, join(folder, 'ILSVRC')]) {
    const train = await open(path)
    t.same([train.classNames, await describe(train)], [['n01 tench', 'n02 kit fox'], [[1, 'n02/n02_5.JPEG', 1, 'B']]])
    const val = await collect(await open(path, { split: 'val' }))
    t.same(val[1]!.label, { kind: 'class', value: 0 })
    t.match(await reason(val[0]!), /LOC_val_solution\.csv: ILSVRC2012_val_00000001: expected the WordNet id.*"n09"/)
    t.match(await reason(val[2]!), /expected a row for ILSVRC2012_val_00000003/)
  }
  await t.rejects(open(folder, { task: 'clsloc' }), /expected "sorted".*map_clsloc\.txt/)
})

t.test('lines that cannot be used', async (t) => {
  const folder = t.testdir({ 'LOC_synset_mapping.txt': 'n01 tench\n', 'train_cls.txt': 'n01/n01_1 1\r\nn01/n01_2.JPEG 0\r\nn02/n02_1 3\r\n\r\nn01/n01_1 5\r\nn01/n01_3 6 7\r\nn01/n01_4' })
  const source = await open(folder)
  const samples = await collect(source)
  t.equal(await source.count(), 6)
  t.same(samples.map(({ id, key, error }) => [Number(id), key, error?.code]), [
    [1, 'n01/n01_1.JPEG', undefined],
    [2, 'line 2', 'PIPE_LIST'],
    [3, 'n02/n02_1.JPEG', 'PIPE_LIST'],
    [5, 'n01/n01_1.JPEG', 'PIPE_LIST'],
    [6, 'line 6', 'PIPE_LIST'],
    [7, 'n01/n01_4.JPEG', undefined],
  ])
  t.match(await reason(samples[1]!), /train_cls\.txt: line 2: .*without an ending.*n01_2\.JPEG 0/, "Caffe's list")
  t.match(await reason(samples[3]!), /line 5: expected every image once, found that of line 1/)
  t.same((await labels(source)).length, 6, 'again')
})

t.test('files that cannot be used', async (t) => {
  const map = 'n01 1 tench\n'
  const cases: [Record<string, string | Buffer>, string, RegExp][] = [
    [{ 'map_clsloc.txt': map }, 'PIPE_SOURCE_MISSING', /expected train_cls\.txt/],
    [{ 'train_cls.txt': 'n01/a 1\n' }, 'PIPE_SOURCE_MISSING', /LOC_synset_mapping\.txt or map_clsloc\.txt/],
    [{ 'map_clsloc.txt': map, 'train_cls.txt': '' }, 'PIPE_EMPTY', /expected an image a line/],
    [{ 'map_clsloc.txt': '\n', 'train_cls.txt': 'n01/a 1\n' }, 'PIPE_EMPTY', /expected a class a line/],
    [{ 'map_clsloc.txt': 'n01 0 tench\n', 'train_cls.txt': 'n01/a 1\n' }, 'PIPE_LIST', /line 1: expected "WNID NUMBER WORDS"/],
    [{ 'map_clsloc.txt': 'n01 1 tench\nn02 1 goldfish\n', 'train_cls.txt': 'n01/a 1\n' }, 'PIPE_LIST', /line 2: expected every class once, found 1 again/],
    [{ 'map_clsloc.txt': 'n01 1 tench\nn02 3 goldfish\n', 'train_cls.txt': 'n01/a 1\n' }, 'PIPE_OPTION', /not every number from 1 to 2/],
    [{ 'map_clsloc.txt': map, 'train_cls.txt': Buffer.from('n01/a 1\nn01/\xe9 2\n', 'latin1') }, 'PIPE_LIST', /train_cls\.txt: line 2: expected text in UTF-8/],
  ]
  for (const [files, code, message] of cases) await t.rejects(open(t.testdir(files as Record<string, string>)), { code, message })
  const val = { 'map_clsloc.txt': map, 'val.txt': 'ILSVRC2012_val_00000001 1\nILSVRC2012_val_00000002 9\nb 3\nc 4' }
  await t.rejects(open(t.testdir(val), { split: 'val' }), /LOC_val_solution\.csv or ILSVRC2015_clsloc_validation_ground_truth\.txt/)
  const years = { 'ILSVRC2012_validation_ground_truth.txt': '1\n', 'ILSVRC2015_clsloc_validation_ground_truth.txt': '1\n' }
  await t.rejects(open(t.testdir({ ...val, ...years }), { split: 'val' }), /only one of/)
  const folder = t.testdir({ ...val, 'ILSVRC2012_validation_ground_truth.txt': '1\n1\n7\n' })
  const samples = await collect(await open(folder, { split: 'val' }))
  t.same(samples.map(({ error }) => error?.code), [undefined, 'PIPE_LIST', 'PIPE_LABEL', 'PIPE_LABEL'])
  t.match(await reason(samples[1]!), /expected the number 2, as in the image's name/)
  t.match(await reason(samples[2]!), /line 3: expected the number of a class from 1 to 1, found 7/)
  t.match(await reason(samples[3]!), /expected a line for image 4, found 3 lines/)
  writeFileSync(join(folder, 'ILSVRC2012_validation_ground_truth.txt'), '1\nx\n')
  await t.rejects(open(folder, { split: 'val' }), /line 2: expected a whole number from 1, found "x"/)
})

t.test('50 of each class for test, as millrace list would draw them', async (t) => {
  const images = ['n01', 'n02'].map((name) => ({ name, images: Array.from({ length: 80 }, (_, index) => `${name}/${name}_${index}.JPEG`) }))
  const lines = images.flatMap((each) => each.images).map((path, index) => `${path.slice(0, -5)} ${index + 1}\n`)
  const folder = t.testdir({ 'LOC_synset_mapping.txt': 'n01 a\nn02 b\n', 'train_cls.txt': lines.join('') })
  const drawn = splitClasses(images, { test: { count: 50 }, shuffle: false })
  for (const split of ['train', 'test'] as const) {
    const source = await open(folder, { split })
    t.equal(await source.count(), split === 'train' ? 60 : 100)
    t.same(await labels(source), drawn.get(split)!.map(({ path, labels }) => [path, labels[0]]))
  }
  t.equal(await (await open(folder)).count(), 160, 'no split: all of the list')
  t.notSame(await labels(await open(folder, { split: 'test', seed: 1 })), await labels(await open(folder, { split: 'test' })))
})

const ilsvrc = realData('annotations/ilsvrc')

t.test("the kit's own list", { skip: ilsvrc.skip }, async (t) => {
  const source = await open(ilsvrc.path)
  t.same([await source.count(), source.classNames!.length, source.classNames!.slice(0, 3)], [2000, 10, ['n01440764 tench', 'n01443537 goldfish', 'n01484850 great white shark']])
  const rows = await labels(source)
  t.same([rows[0], rows[1299], rows[1300], rows[1999]], [['n01440764/n01440764_10026.JPEG', 0], ['n01440764/n01440764_9981.JPEG', 0], ['n01443537/n01443537_10007.JPEG', 1], ['n01443537/n01443537_21605.JPEG', 1]])
  t.same([await (await open(ilsvrc.path, { split: 'train' })).count(), await (await open(join(ilsvrc.path, 'train_cls.txt'), { split: 'test' })).count()], [1900, 100])
})
