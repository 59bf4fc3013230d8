// The list source: ids, labels and widths, lines that cannot be used, images in archives.

import t from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sourceFormats, type Source, type SourceOptions } from '@millrace/pipeline'
import { realData } from '../../support.js'
import { tarGz } from '../archive-fixture.js'
import { collect, describe, reason } from '../collect.js'

const open = (path: string, options: SourceOptions = {}): Promise<Source> => sourceFormats['list']!.open(path, options)

function write(folder: string, text: string): string {
  writeFileSync(join(folder, 'x.lst'), text)
  return join(folder, 'x.lst')
}

t.test('ids, classes, values', async (t) => {
  const folder = t.testdir({ images: { 'a.png': 'A', 'b.png': 'B' }, names: 'dog\ncat' })
  const images = join(folder, 'images')
  const classes = await open(write(folder, '18446744073709551615\t1.000000\ta.png\n7\t0\tb.png\n8\t2\tnone.png\n'), { images, classNames: join(folder, 'names') })
  t.same([classes.labelKind, classes.classNames, await classes.count()], ['class', ['dog', 'cat'], 3])
  t.equal((await collect(classes))[0]!.id, 2n ** 64n - 1n)
  t.same((await describe(classes)).slice(1), [[7, 'b.png', 0, 'B'], [8, 'none.png', 2, 'PIPE_IMAGE_MISSING']])
  t.same(await describe(await open(write(folder, '0\t1\timages/a.png\n1\t2\timages/b.png\n'))), [[0, 'images/a.png', 1, 'A'], [1, 'images/b.png', 2, 'B']], "from the list's folder")
  const values = await open(write(folder, '0\t1\ta.png\n1\t0.5\tb.png\n'), { images })
  t.same([values.labelKind, await describe(values)], ['values', [[0, 'a.png', [1], 'A'], [1, 'b.png', [0.5], 'B']]])
})

t.test('label widths', async (t) => {
  const folder = t.testdir({ 'a.png': 'A' })
  const path = write(folder, '0\t1\t2\ta.png\n1\t3\ta.png\n2\t4\t5\t6\ta.png\n')
  t.same(await describe(await open(path)), [[0, 'a.png', [1, 2], 'A'], [1, 'a.png', [3], 'PIPE_LABEL'], [2, 'a.png', [4, 5], 'PIPE_LABEL']])
  t.same(await describe(await open(path, { labelWidth: 1 })), [[0, 'a.png', 1, 'A'], [1, 'a.png', 3, 'A'], [2, 'a.png', 4, 'A']], 'of more labels the first count')
  t.same(await describe(await open(path, { labelWidth: 2 })), [[0, 'a.png', [1, 2], 'A'], [1, 'a.png', [3], 'PIPE_LABEL'], [2, 'a.png', [4, 5], 'A']])
  t.same((await describe(await open(path, { labelWidth: 0 }))).map((row) => row[2]), [[1, 2], [3], [4, 5, 6]])
  t.same(await describe(await open(write(folder, '0 1 2 a.png\n'), { labelWidth: 2, listFlavour: 'im2rec.cc' })), [[0, 'a.png', [1, 2], 'A']])
  await t.rejects(open(path, { labelWidth: 1.5 }), { code: 'PIPE_OPTION' })
})

t.test('lines that cannot be understood', async (t) => {
  const folder = t.testdir({ 'a.png': 'A' })
  const source = await open(write(folder, '# made by hand\n0\t1\ta.png\nx\t1\ta.png\n\n2\t1\n3\t1\t../a.png\n4\t1\ta.png'))
  t.equal(await source.count(), 5)
  t.same(await describe(source), [[0, 'a.png', 1, 'A'], [3, 'line 3', 0, 'PIPE_LIST'], [5, 'line 5', 0, 'PIPE_LIST'], [3, '../a.png', 1, 'PIPE_NAME_OUTSIDE'], [4, 'a.png', 1, 'A']])
  t.match(await reason((await collect(source))[1]!), /x\.lst: line 3/)
  await t.rejects(open(write(folder, '\n# nothing\n')), { code: 'PIPE_EMPTY' })
  await t.rejects(open(join(folder, 'none.lst')), { code: 'PIPE_SOURCE_MISSING' })
})

t.test('an id for the second time; an image for the second time', async (t) => {
  const folder = t.testdir({ 'a.png': 'A' })
  const source = await open(write(folder, '7\t0\ta.png\n8\t1\ta.png\n7\t2\ta.png\n'))
  t.same(await describe(source), [[7, 'a.png', 0, 'A'], [8, 'a.png', 1, 'A'], [7, 'a.png', 2, 'PIPE_LIST']])
  t.match(await reason((await collect(source))[2]!), /line 3: expected an id that no other line has, found 7, as in line 1/)
})

t.test('images in a tar.gz, in its order', async (t) => {
  const folder = t.testdir()
  writeFileSync(join(folder, 'images.tar.gz'), await tarGz(['c.png', 'b.png', 'x.png', 'a.png'].map((name) => ({ name, bytes: Buffer.from(name[0]!) }))))
  const source = await open(write(folder, '0\t1\ta.png\n1\t2\tb.png\n2\t3\ta.png\n3\t4\tgone.png\n'), { images: join(folder, 'images.tar.gz') })
  t.same(await describe(source), [[1, 'b.png', 2, 'b'], [0, 'a.png', 1, 'a'], [2, 'a.png', 3, 'a'], [3, 'gone.png', 4, 'PIPE_IMAGE_MISSING']])
})

const golden = realData('im2rec-golden')
t.test("im2rec's own lists", { skip: golden.skip }, async (t) => {
  const photos = await open(join(golden.path, 'photos.lst'), { images: realData('coco128/images').path })
  t.equal(photos.labelKind, 'class')
  t.same(new Set((await describe(photos)).map((row) => /^PIPE/.test(`${row[3]}`))), new Set([false]))
  const multi = await open(join(golden.path, 'multi.lst'))
  t.equal(multi.labelKind, 'values')
})
