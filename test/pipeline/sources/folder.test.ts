// The folder source: classes from folders, what is left out, the same from archives.

import t from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sourceFormats, type Source, type SourceOptions } from '@millrace/pipeline'
import { realData } from '../../support.js'
import { tarGz, zip } from '../archive-fixture.js'
import { collect, describe, reason } from '../collect.js'

const open = (path: string, options: SourceOptions = {}): Promise<Source> => sourceFormats['folder']!.open(path, options)

const tree = { dog: { 'b.PNG': 'b', deep: { 'c.jpg': 'c' }, 'note.txt': 'x' }, cat: { 'a.jpeg': 'a', '.d.png': 'x' }, empty: { 'readme.md': 'x' } }
const files = ['dog/b.PNG', 'dog/deep/c.jpg', 'dog/note.txt', 'cat/a.jpeg', 'cat/.d.png', 'empty/readme.md']
const rows = [[0, 'cat/a.jpeg', 0, 'a'], [1, 'dog/b.PNG', 1, 'b'], [2, 'dog/deep/c.jpg', 1, 'c']]

t.test('a class a folder', async (t) => {
  const folder = t.testdir(tree)
  const source = await open(folder)
  t.same([source.labelKind, source.classNames, await source.count()], ['class', ['cat', 'dog'], 3])
  t.same(await describe(source), rows)
  t.same(await describe(source), rows, 'again')
  t.same([...source.ignored!], [['hidden', 1], ['no image', 2]])
  t.same(await describe(await open(folder, { flat: true })), rows.map(([id, key, , image]) => [id, key, 0, image]))
  t.same(await describe(await open(folder, { root: 'dog', flat: true })), [[0, 'b.PNG', 0, 'b'], [1, 'deep/c.jpg', 0, 'c']])
  t.same(await describe(await open(folder, { extensions: ['.TXT'] })), [[0, 'dog/note.txt', 0, 'x']])
})

t.test('the same in a zip and a tar.gz', async (t) => {
  const folder = t.testdir()
  const entries = files.map((name) => ({ name: `set/${name}`, bytes: Buffer.from(rows.find((row) => row[1] === name)?.[3]?.toString() ?? 'x') }))
  writeFileSync(join(folder, 'set.zip'), zip(entries))
  writeFileSync(join(folder, 'set.tar.gz'), await tarGz([{ name: 'set', type: 'directory' }, ...entries, { name: 'set/dog/link.png', type: 'symlink', linkname: 'b.PNG' }]))
  const zipped = await open(join(folder, 'set.zip'), { root: 'set' })
  t.same([zipped.classNames, await describe(zipped), [...zipped.ignored!]], [['cat', 'dog'], rows, [['hidden', 1], ['no image', 2]]])
  const tarred = await open(join(folder, 'set.tar.gz'), { root: 'set' })
  t.equal(await tarred.count(), 4)
  t.same(await describe(tarred), [rows[1], rows[2], rows[0], [3, 'dog/link.png', 1, 'PIPE_ARCHIVE_UNSUPPORTED']], 'in the order of the tar')
  t.same((await open(join(folder, 'set.zip'))).classNames, ['set'])
})

t.test('no classes, and images beside them', async (t) => {
  const folder = t.testdir({ flat: { 'b.png': 'b', 'a.png': 'a', notes: { 'x.txt': 'x' } }, mixed: { 'b.png': 'b', cat: { 'a.png': 'a' } }, none: { 'x.txt': 'x' }, names: 'dog\ncat' })
  const flat = await open(join(folder, 'flat'))
  t.equal(flat.classNames, undefined)
  t.same(await describe(flat), [[0, 'a.png', 0, 'a'], [1, 'b.png', 0, 'b']])
  const mixed = await open(join(folder, 'mixed'), { classNames: join(folder, 'names') })
  t.same(mixed.classNames, ['dog', 'cat'])
  t.same(await describe(mixed), [[0, 'b.png', 0, 'PIPE_LABEL'], [1, 'cat/a.png', 1, 'a']])
  t.match(await reason((await collect(mixed))[0]!), /b\.png: expected an image in a folder of its class/)
  t.same(await describe(await open(folder, { classNames: join(folder, 'names') })), [[0, 'flat/a.png', 0, 'PIPE_LABEL'], [1, 'flat/b.png', 0, 'PIPE_LABEL'], [2, 'mixed/b.png', 0, 'PIPE_LABEL'], [3, 'mixed/cat/a.png', 0, 'PIPE_LABEL']])
  await t.rejects(open(join(folder, 'none')), { code: 'PIPE_EMPTY' })
  await t.rejects(open(join(folder, 'nowhere')), { code: 'PIPE_SOURCE_MISSING' })
})

t.test('names that leave an archive reject by name', async (t) => {
  const folder = t.testdir()
  const entries = ['a/1.png', '../up.png', '/absolute.png', 'a\\2.png'].map((name) => ({ name, bytes: Buffer.from('x') }))
  writeFileSync(join(folder, 'set.zip'), zip(entries))
  writeFileSync(join(folder, 'set.tar'), await tarGz(entries))
  for (const name of ['set.zip', 'set.tar']) {
    const found = await describe(await open(join(folder, name), { flat: true }))
    t.same(found.map((row) => row.slice(1)).sort(), [['../up.png', 0, 'PIPE_NAME_OUTSIDE'], ['/absolute.png', 0, 'PIPE_NAME_OUTSIDE'], ['a/1.png', 0, 'x'], ['a\\2.png', 0, 'PIPE_NAME_OUTSIDE']], name)
  }
})

const coco = realData('coco128')
t.test('128 photos', { skip: coco.skip }, async (t) => {
  const source = await open(coco.path)
  t.same([source.classNames, await source.count()], [['images'], 128])
  t.match([...source.ignored!], [['no image', 130]])
})
