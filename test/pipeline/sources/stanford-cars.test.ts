// The stanford-cars source: the authors' files as they publish them, the table, and every trap.

import t from 'tap'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { openSource, type OpenSourceOptions, type Sample, type Source } from '@millrace/pipeline'
import { encodePng } from '@millrace/pipeline/images'
import { realData } from '../../support.js'
import { tarGz } from '../archive-fixture.js'
import { collect, describe, reason } from '../collect.js'
import { matlabFile, type MatlabFixtureValue } from '../matlab/matlab-fixture.js'

const open = (path: string, options: OpenSourceOptions = {}): Promise<Source> => openSource('stanford-cars', path, options)

const classNames = { cells: ['Audi RS 4 Convertible 2008', 'AM General Hummer SUV 2000', 'Volkswagen Golf Hatchback 2012', 'Volkswagen Golf Hatchback 1991'] }
type Entry = Readonly<Record<string, MatlabFixtureValue>>

function entry(name: string, number: MatlabFixtureValue, box: readonly MatlabFixtureValue[] = [1, 2, 30, 20], more: Entry = {}): Entry {
  const [bbox_x1 = 0, bbox_y1 = 0, bbox_x2 = 0, bbox_y2 = 0] = box
  return { bbox_x1, bbox_y1, bbox_x2, bbox_y2, class: number, fname: name, ...more }
}

/** As cars_annos.mat has it. */
function whole(name: string, number: number, test: number): Entry {
  const { fname: _, ...fields } = entry(name, number)
  return { relative_im_path: name, ...fields, test }
}

function write(folder: string, files: Readonly<Record<string, string | Uint8Array>>): string {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
  return folder
}

const entries = [whole('car_ims/000001.jpg', 4, 0), whole('car_ims/000002.jpg', 1, 1), whole('car_ims/000003.jpg', 3, 0)]
const models = ['AM General:Hummer', 'Audi:RS 4', 'Volkswagen:Golf']
const rows = [[0, 'car_ims/000001.jpg', 2, 'a'], [1, 'car_ims/000002.jpg', 1, 'b'], [2, 'car_ims/000003.jpg', 2, 'c']]
const images = { 'car_ims/000001.jpg': 'a', 'car_ims/000002.jpg': 'b', 'car_ims/000003.jpg': 'c' }

t.test('cars_annos.mat: tasks, parts, classes', async (t) => {
  const folder = write(t.testdir(), { ...images, 'cars_annos.mat': matlabFile({ annotations: { struct: entries }, class_names: classNames }, { isCompressed: true }) })
  const source = await open(folder)
  t.same([source.labelKind, source.classNames, await source.count()], ['class', models, 3])
  t.same(await describe(source), rows)
  t.same(await describe(source), rows, 'again')
  t.same((await collect(source))[0]!.regions, [{ left: 0, top: 1, width: 30, height: 19 }], "pixels count from 1, the last is the box's")
  const all = await open(join(folder, 'cars_annos.mat'), { task: 'class' })
  t.same([all.classNames, (await describe(all)).map((row) => row[2])], [classNames.cells, [3, 0, 2]])
  t.same(await describe(await open(folder, { split: 'train' })), [rows[0], rows[2]])
  t.same(await describe(await open(folder, { split: 'test' })), [rows[1]])
  t.same(await describe(await open(folder, { classes: ['Volkswagen:Golf'] })), [rows[0], rows[2]].map((row) => row!.with(2, 0)))
  await t.rejects(open(folder, { split: 'val' }), { code: 'PIPE_OPTION', message: /train, test/ })
  await t.rejects(open(folder, { task: 'year' }), { code: 'PIPE_OPTION', message: /make-model or class or boxes/ })
  await t.rejects(open(folder, { where: [{ column: 'make', value: 'Audi' }] }), { code: 'PIPE_OPTION', message: /no columns/ })
  writeFileSync(join(folder, 'car_ims.tgz'), await tarGz(Object.entries(images).reverse().map(([name, text]) => ({ name, bytes: Buffer.from(text) }))))
  t.same(await describe(await open(folder, { images: join(folder, 'car_ims.tgz') })), [...rows].reverse())
  writeFileSync(join(folder, 'names.txt'), 'Ford GT Coupe 2006\nFord Edge SUV 2012\n')
  const named = await open(folder, { classNames: join(folder, 'names.txt') })
  t.same([named.classNames, (await describe(named)).map((row) => row[3])], [['Ford:Edge', 'Ford:GT'], ['PIPE_STANFORD_CARS', 'b', 'PIPE_STANFORD_CARS']])
  t.match(await reason((await collect(named))[0]!), /annotations\(1\): expected a class from 1 to 2, found 4/)
})

t.test('train and test files, as they are published', async (t) => {
  const train = matlabFile({ annotations: { struct: [entry('00001.jpg', 1), entry('00002.jpg', 2)] } })
  const test = matlabFile({ annotations: { struct: [entry('00001.jpg', 3)] } })
  const folder = write(t.testdir(), { 'devkit/cars_train_annos.mat': train, 'devkit/cars_meta.mat': matlabFile({ class_names: classNames }), 'cars_test_annos_withlabels.mat': test, 'cars_train/00001.jpg': 'a', 'cars_train/00002.jpg': 'b', 'cars_test/00001.jpg': 'c' })
  const both = [[0, 'cars_train/00001.jpg', 1, 'a'], [1, 'cars_train/00002.jpg', 0, 'b'], [2, 'cars_test/00001.jpg', 2, 'c']]
  t.same(await describe(await open(folder)), both)
  t.same(await describe(await open(folder, { split: 'test' })), [both[2]], 'with the id that it has among all')
  t.same(await describe(await open(join(folder, 'devkit/cars_train_annos.mat'), { images: join(folder, 'cars_train') })), [[0, '00001.jpg', 1, 'a'], [1, '00002.jpg', 0, 'b']])
  await t.rejects(open(join(folder, 'devkit/cars_train_annos.mat'), { split: 'test' }), { code: 'PIPE_OPTION', message: /expected train, as .*cars_train_annos\.mat has, found "test"/ })
  t.same(await describe(await open(join(folder, 'cars_test_annos_withlabels.mat'), { root: 'cars_test' })), [[0, '00001.jpg', 2, 'c']])
  write(folder, { 'alone/cars_train_annos.mat': train })
  await t.rejects(open(join(folder, 'alone')), { code: 'PIPE_STANFORD_CARS', message: /cars_meta\.mat beside it, found neither/ })
  await t.rejects(open(join(folder, 'cars_train')), { code: 'PIPE_SOURCE_MISSING', message: /expected cars_annos\.mat, cars_train_annos\.mat/ })
})

t.test('boxes', async (t) => {
  const image = await encodePng({ data: new Uint8Array(40 * 20 * 3), width: 40, height: 20, channels: 3 })
  const annotations = { struct: [entry('1.png', 3, [1, 1, 20, 20]), entry('2.png', 2, [21, 11, 60, 20]), entry('3.png', 1, [5, 5, 4, 9])] }
  const folder = write(t.testdir(), { 'cars_annos.mat': matlabFile({ annotations, class_names: classNames }), '1.png': image, '2.png': image, '3.png': image })
  const source = await open(folder, { task: 'boxes' })
  const samples = await collect(source)
  t.same([source.labelKind, source.classNames], ['boxes', models])
  t.same(samples[0]!.label, { kind: 'boxes', width: 40, height: 20, boxes: [{ class: 2, xmin: 0, ymin: 0, xmax: 0.5, ymax: 1 }] })
  t.same(samples[1]!.label, { kind: 'boxes', width: 40, height: 20, boxes: [{ class: 0, xmin: 0.5, ymin: 0.5, xmax: 1, ymax: 1 }] })
  t.match(samples[1]!.adjusted, /reached past the image of 40x20/)
  t.match(await reason(samples[2]!), /annotations\(3\): expected a box with xmin < xmax/)
  t.match(await reason((await collect(await open(folder)))[2]!), /annotations\(3\): expected a box with xmin < xmax and ymin < ymax, found 4,4 to 4,9/)
  for (const task of ['boxes', 'make-model']) {
    const dropping = await open(folder, { task, badBoxes: 'drop' })
    const third: Sample = (await collect(dropping))[2]!
    t.same([third.error, third.regions ?? [], [...dropping.ignored!]], [undefined, [], [['inverted or empty box', 1]]], task)
    t.match(third.adjusted, /dropped/)
  }
})

t.test('entries and files that cannot be understood', async (t) => {
  const odd = [entry('1.jpg', 1, [1, 'x', 3, 4]), entry('', 1), entry('3.jpg', 0), entry('4.jpg', 1.5), entry('1.jpg', [1, 2]), entry('1.jpg', 1), entry('1.jpg', 2), entry('../1.jpg', 2), entry('2.jpg', 2)]
  const folder = write(t.testdir(), { '1.jpg': 'a', 'cars_annos.mat': matlabFile({ annotations: { struct: odd }, class_names: classNames }) })
  const samples = await collect(await open(folder))
  const reasons = await Promise.all(samples.map(reason))
  t.match(reasons, [
    /annotations\(1\): expected one number for bbox_y1, found text of 1x1/,
    /annotations\(2\): expected the name of an image in fname, found text of 1x0/,
    /annotations\(3\): expected a class from 1 to 4, found 0/,
    /annotations\(4\): expected a class from 1 to 4, found 1\.5/,
    /annotations\(5\): expected one number for class, found numbers of 1x2 \(1 2\)/,
    /^read$/,
    /annotations\(7\): expected every image once, found "1\.jpg" again, as in .*annotations\(6\)/,
    /expected the name of an image within the data set/,
    /2\.jpg: expected this image, named by .*annotations\(9\)/,
  ])
  const opening = (variables: Readonly<Record<string, MatlabFixtureValue>>): Promise<Source> => open(join(write(folder, { 'other.mat': matlabFile(variables) }), 'other.mat'))
  const { class: _, ...unlabelled } = entry('1.jpg', 1)
  await t.rejects(opening({ annotations: { struct: [unlabelled] }, class_names: classNames }), { code: 'PIPE_STANFORD_CARS', message: /the fields "class" of annotations, found only "bbox_x1"/ })
  await t.rejects(opening({ annotations: { struct: [] }, class_names: classNames }), { code: 'PIPE_EMPTY' })
  await t.rejects(opening({ annotation: 1 }), { code: 'PIPE_STANFORD_CARS', message: /a struct "annotations", found only "annotation"/ })
  await t.rejects(opening({ annotations: { struct: [entry('1.jpg', 1)] }, class_names: 'x' }), { code: 'PIPE_STANFORD_CARS', message: /cells of text in class_names/ })
  await t.rejects(open(join(folder, '1.jpg')), { code: 'PIPE_MATLAB_DAMAGED' })
  await t.rejects(open(join(folder, 'nowhere.mat')), { code: 'PIPE_SOURCE_MISSING' })
})

t.test('the table', async (t) => {
  const text = '\ufefffilename,make,model,type,year\r\ncar_ims/000001.jpg,Audi,A5,coupe,2012\r\n"car_ims/000002.jpg",AM General,"Hummer, old",SUV,2000\r\n,Audi,A5,coupe,2012\r\ncar_ims/000003.jpg,Audi,,coupe,2012\r\ncar_ims/000001.jpg,Audi,A5,coupe,2012\r\n'
  const folder = write(t.testdir(), { ...images, 'complete_dataset.csv': text })
  const source = await open(folder)
  t.same([source.classNames, await source.count()], [['AM General:Hummer, old', 'Audi:A5'], 5])
  t.same(await describe(source), [[0, 'car_ims/000001.jpg', 1, 'a'], [1, 'car_ims/000002.jpg', 0, 'b'], [2, 'line 4', 0, 'PIPE_TABLE'], [3, 'car_ims/000003.jpg', 0, 'PIPE_TABLE'], [4, 'car_ims/000001.jpg', 0, 'PIPE_TABLE']])
  t.match(await reason((await collect(source))[4]!), /line 6: expected every image once, found "car_ims\/000001\.jpg" again, as in line 2/)
  t.same(await describe(await open(join(folder, 'complete_dataset.csv'), { where: [{ column: 'type', value: 'SUV' }] })), [[0, 'car_ims/000002.jpg', 0, 'b']])
  await t.rejects(open(folder, { split: 'train' }), { code: 'PIPE_OPTION', message: /does not tell train from test/ })
  await t.rejects(open(folder, { task: 'class' }), { code: 'PIPE_OPTION', message: /expected make-model/ })
  const opening = (content: string | Uint8Array): Promise<Source> => open(join(write(folder, { 'x.csv': content }), 'x.csv'))
  await t.rejects(opening('filename,brand\n1.jpg,Audi\n'), { code: 'PIPE_TABLE', message: /"make", "model", found only "filename", "brand"/ })
  await t.rejects(opening('filename,make,model\n'), { code: 'PIPE_EMPTY' })
  await t.rejects(opening(''), { code: 'PIPE_TABLE' })
  await t.rejects(opening(Buffer.from('filename,make,model\n1.jpg,Citro\xebn,C4\n', 'latin1')), { code: 'PIPE_TABLE', message: /line 2: expected text in UTF-8/ })
})

const real = realData('annotations/stanford-cars')
t.test("the authors' training file", { skip: real.skip }, async (t) => {
  const path = join(real.path, 'cars_train_annos.mat')
  const source = await open(path)
  t.same([await source.count(), source.classNames!.length], [8144, 164])
  t.same([source.classNames![0], source.classNames![40], source.classNames![163]], ['AM General:Hummer', 'Cadillac:Escalade EXT', 'smart:fortwo'])
  const [first, second] = await collect(source)
  t.same([first!.key, source.classNames![(first!.label as { value: number }).value], first!.regions], ['00001.jpg', 'Audi:TTS', [{ left: 38, top: 115, width: 531, height: 260 }]])
  t.equal(source.classNames![(second!.label as { value: number }).value], 'Acura:TL')
  const all = await open(path, { task: 'class' })
  t.same([all.classNames![0], all.classNames![195]], ['AM General Hummer SUV 2000', 'smart fortwo Convertible 2012'])
  const histogram = new Array<number>(196).fill(0)
  for await (const { label } of all.outlines!()) if (label.kind === 'class') histogram[label.value]!++
  t.same([histogram[0], Math.min(...histogram), Math.max(...histogram), histogram.reduce((sum, count) => sum + count)], [45, 24, 68, 8144])
  const parts = await Promise.all((['train', 'val', 'test'] as const).map(async (part) => (await open(path, { share: { part, validation: { share: 0.15 }, test: { share: 0.15 } } })).count()))
  t.equal(parts.reduce((sum, count) => sum + count), 8144)
  t.ok(Math.abs(parts[1]! - 8144 * 0.15) < 30 && Math.abs(parts[2]! - 8144 * 0.15) < 30, `${parts.join(' / ')}`)
})
