// Lists from a folder tree: what is taken, what is passed over, how it is divided.

import t, { type Test } from 'tap'
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { listFolder, parseClassNames, readListFile, splitClasses, type ListFolderOptions, type ListLine } from '@millrace/pipeline'

const tree = {
  cat: { '2.jpg': '', '10.JPEG': '', 'note.txt': '', '.3.jpg': '', more: { '4.png': '' } },
  Ant: { 'a b.webp': '' },
  bee: {},
  '.git': { '5.jpg': '' },
  'lone.png': '',
}

async function lines(path: string): Promise<ListLine[]> {
  const all: ListLine[] = []
  for await (const line of readListFile(path)) all.push(line)
  return all
}

async function listed(t: Test, options: ListFolderOptions = {}, files: Record<string, unknown> = tree): Promise<{ paths: string[]; labels: number[]; report: Awaited<ReturnType<typeof listFolder>>; out: string }> {
  const folder = t.testdir({ data: files, out: {} } as Parameters<typeof t.testdir>[0])
  const out = join(folder, 'out')
  const report = await listFolder(join(folder, 'data'), join(out, 'x'), { shuffle: false, ...options })
  const all = await lines(join(out, 'x.lst'))
  t.same(all.map(({ id }) => id), all.map((_, index) => BigInt(index)))
  return { paths: all.map(({ path }) => path), labels: all.flatMap(({ labels }) => labels), report, out }
}

t.test('the sorted folders are the classes; all that is passed over is counted', async (t) => {
  const { paths, labels, report, out } = await listed(t)
  t.same(paths, ['Ant/a b.webp', 'cat/10.JPEG', 'cat/2.jpg'])
  t.same(labels, [0, 2, 2], 'an empty class keeps its number')
  t.equal(readFileSync(join(out, 'x.classes.txt'), 'utf8'), 'Ant\nbee\ncat\n')
  t.same(report.classes, [{ name: 'Ant', images: 1 }, { name: 'bee', images: 0 }, { name: 'cat', images: 2 }])
  t.same(report.ignored, { hidden: 2, otherFiles: 1, outsideClasses: 1, innerFolders: 1, links: 0 })
  t.same(readdirSync(out).sort(), ['x.classes.txt', 'x.lst'])
})

t.test('inner folders, other endings, given class names', async (t) => {
  t.same((await listed(t, { recursive: true })).paths, ['Ant/a b.webp', 'cat/10.JPEG', 'cat/2.jpg', 'cat/more/4.png'])
  t.same((await listed(t, { extensions: ['.TXT'] })).paths, ['cat/note.txt'])
  const { paths, labels, report } = await listed(t, { classNames: ['cat', 'yak', 'bee'] })
  t.same([paths, labels], [['cat/10.JPEG', 'cat/2.jpg'], [0, 0]])
  t.match(report, { unknownFolders: ['Ant'], classes: [{ name: 'cat' }, { name: 'yak', images: 0 }, { name: 'bee' }] })
})

t.test('links: passed over, or followed but not in circles', async (t) => {
  const folder = t.testdir({ data: { a: { '1.jpg': '' } }, elsewhere: { '2.jpg': '' }, '3.jpg': '' })
  const link = (target: string, path: string): void => symlinkSync(target, join(folder, 'data', path))
  link(join(folder, 'elsewhere'), 'b')
  link(join(folder, '3.jpg'), 'a/3.jpg')
  link('nowhere.jpg', 'a/4.jpg')
  link('..', 'a/up')
  const prefix = join(folder, 'x')
  const plain = await listFolder(join(folder, 'data'), prefix, { recursive: true })
  t.match(plain, { classes: [{ name: 'a', images: 1 }], ignored: { links: 4 } })
  const followed = await listFolder(join(folder, 'data'), prefix, { recursive: true, followLinks: true, shuffle: false })
  const paths = (await lines(`${prefix}.lst`)).map(({ path }) => path)
  t.same(paths, ['a/1.jpg', 'a/3.jpg', 'b/2.jpg'])
  t.equal(followed.ignored.links, 2, 'to nowhere, and back up')
})

t.test('names that no list can hold are rejected by name', async (t) => {
  const folder = t.testdir({ data: { a: { '1.jpg': '', 'x\ty.jpg': '', 'x\n.jpg': '' }, ' b': { '2.jpg': '' } } })
  writeFileSync(Buffer.concat([Buffer.from(join(folder, 'data/a/')), Buffer.from('\xe9.jpg', 'latin1')]), '')
  const { rejected, lists } = await listFolder(join(folder, 'data'), join(folder, 'x'))
  t.same(rejected.map(({ path }) => path).sort(), [' b/2.jpg', 'a/x\ty.jpg', 'a/x\n.jpg', 'a/\ufffd.jpg'].sort())
  t.equal(lists[0]!.images, 1)
})

t.test('parts: stratified, disjoint, complete, the same again, another with another seed', async (t) => {
  const files = Object.fromEntries(['a', 'b', 'c'].map((name, index) => [name, Object.fromEntries(Array.from({ length: 20 * (index + 1) }, (_, image) => [`${image}.jpg`, '']))]))
  const folder = t.testdir({ data: files })
  const options = { validation: { share: 0.1 }, test: { count: 5 } } as const
  const read = async (name: string, more: ListFolderOptions = {}): Promise<string[]> => {
    const { lists } = await listFolder(join(folder, 'data'), join(folder, name), { ...options, ...more })
    t.same(lists.map(({ part, images }) => [part, images]), [['train', 93], ['val', 12], ['test', 15]])
    return lists.map(({ path }) => readFileSync(path, 'utf8'))
  }
  const [first, again, other] = [await read('x'), await read('y'), await read('z', { seed: 7 })]
  t.same(first, again)
  t.notSame(first, other)
  const all = first.join('').trimEnd().split('\n').map((line) => line.split('\t'))
  t.equal(new Set(all.map(([id]) => id)).size, 120)
  t.equal(new Set(all.map(([, , path]) => path)).size, 120)
  t.same(['0', '1', '2'].map((label) => first[2]!.split('\n').filter((line) => line.split('\t')[1] === label).length), [5, 5, 5])
  t.notSame(first[0]!.split('\n').map((line) => Number(line.split('\t')[0])), first[0]!.split('\n').map((line) => Number(line.split('\t')[0])).sort((a, b) => a - b), 'shuffled')
  await t.rejects(read('x', { test: { count: 20 } }), { code: 'PIPE_CLASS_TOO_SMALL', message: /class "a": expected more than the 20 images .* found 20/ })
})

t.test('any classes and shares: every image in one part, training never without one', (t) => {
  const share = fc.double({ min: 0, max: 0.49, noNaN: true })
  fc.assert(fc.property(fc.array(fc.nat(30), { minLength: 1, maxLength: 4 }), share, share, (sizes, test, validation) => {
    const classes = sizes.map((size, index) => ({ name: `${index}`, images: Array.from({ length: size }, (_, image) => `${index}/${image}`) }))
    const parts = splitClasses(classes, { test: { share: test }, validation: { share: validation } })
    const all = [...parts.values()].flat()
    t.equal(all.length, sizes.reduce((sum, size) => sum + size, 0))
    t.equal(new Set(all.map(({ path }) => path)).size, all.length)
    for (const [label, size] of sizes.entries()) t.equal(parts.get('train')!.some(({ labels }) => labels[0] === label), size > 0)
  }), { numRuns: 100 })
  for (const part of [{ share: -0.1 }, { share: 1 }, { share: NaN }, { count: -1 }, { count: 1.5 }]) t.throws(() => splitClasses([], { test: part }), { code: 'PIPE_OPTION' })
  t.end()
})

t.test('an image added later moves no other', (t) => {
  const images = Array.from({ length: 100 }, (_, index) => `a/${index}.jpg`)
  const testPaths = (images: string[]): Set<string> => new Set(splitClasses([{ name: 'a', images }], { test: { count: 20 } }).get('test')!.map(({ path }) => path))
  const [before, after] = [testPaths(images), testPaths([...images, 'a/new.jpg'])]
  t.ok([...before].filter((path) => !after.has(path)).length <= 1)
  t.end()
})

t.test('what cannot be listed', async (t) => {
  const folder = t.testdir({ none: {}, empty: { a: {} }, file: '' })
  const list = (name: string): Promise<unknown> => listFolder(join(folder, name), join(folder, 'x'))
  await t.rejects(list('none'), { code: 'PIPE_EMPTY', message: /expected a folder for each class/ })
  await t.rejects(list('empty'), { code: 'PIPE_EMPTY', message: /expected images in the class folders, found none that ends in .jpg/ })
  await t.rejects(list('file'), { code: 'PIPE_SOURCE_MISSING', message: /ENOTDIR/ })
  t.same(readdirSync(folder).sort(), ['empty', 'file', 'none'])
})

t.test('class names files', (t) => {
  t.same(parseClassNames('\ufeffa\r\nb c\n\n', 'x'), ['a', 'b c'])
  t.throws(() => parseClassNames('a\n\nb', 'x.txt'), { code: 'PIPE_CLASS_NAME', message: /x.txt: line 2: expected a class name, found none/ })
  t.throws(() => parseClassNames('a\nb\na', 'x.txt'), { code: 'PIPE_CLASS_NAME', message: /line 3: .* found "a" again, as in line 1/ })
  t.throws(() => parseClassNames('', 'x.txt'), { code: 'PIPE_CLASS_NAME' })
  t.end()
})
