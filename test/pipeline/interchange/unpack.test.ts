// Records as a folder of files and a list.

import t, { type Test } from 'tap'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readListFile, unpackRecords } from '@millrace/pipeline'
import type { MetaHeader, NewImageRecord } from '@millrace/recordio'
import { realData } from '../../support.js'
import { collect, picture, plainRecords, typedError, writeRecords } from './support.js'

const images = [await picture('jpeg', 10), await picture('png', 20), await picture('webp', 30), Buffer.from('GIF89a'), Buffer.from('what')]
const classHeader: MetaHeader = { labelKind: 'class', labelWidth: 1 }

function tree(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.\w+$/.test(name)).sort()
}

/** What a packer would make of the list. */
async function packedAgain(listPath: string, folder: string): Promise<unknown> {
  return (await collect(readListFile(listPath))).map(({ id, labels, path }) => ({ id, labels: labels.map(Math.fround), image: readFileSync(join(folder, path)).toString('hex') }))
}

async function unpacked(t: Test, records: readonly NewImageRecord[], header: MetaHeader, options = {}): Promise<{ files: string[]; report: Awaited<ReturnType<typeof unpackRecords>> }> {
  const folder = t.testdir()
  await writeRecords(join(folder, 'x.rec'), records, header)
  const report = await unpackRecords({ input: join(folder, 'x.rec'), folder: join(folder, 'out'), ...options })
  t.same(await packedAgain(report.listPath, join(folder, 'out')), await plainRecords(join(folder, 'x.rec')))
  return { files: tree(join(folder, 'out')), report }
}

t.test('a folder a class, endings by signature, a second record with the same id', async (t) => {
  const records = [...images, images[0]!].map((image, index) => ({ id: BigInt(index % 5), label: index < 5 ? index % 2 : 0, image }))
  const { files, report } = await unpacked(t, records, { ...classHeader, classNames: ['black cat', 'Hund'] })
  t.same(files, ['Hund/1.png', 'Hund/3.gif', 'black cat/0-5.jpg', 'black cat/0.jpg', 'black cat/2.webp', 'black cat/4.bin', 'x.classes.txt', 'x.lst'])
  t.match(report, { images: 6, classFolders: 2 })
  t.equal(readFileSync(report.classesPath!, 'utf8'), 'black cat\nHund\n')
})

t.test('class names that are no names of folders', async (t) => {
  const classNames = ['../x', 'a/b', 'A', 'a', 'con', '3', '.git', 'x.', ' y', 'z\ty', '']
  const records = classNames.map((_, label) => ({ id: BigInt(label), label, image: images[0]! }))
  const { files } = await unpacked(t, [...records, { id: 20n, label: 20, image: images[0]! }, { id: 21n, label: -1.5, image: images[0]! }], { ...classHeader, classNames: classNames.with(-1, 'ok') })
  t.same(files.filter((name) => name.endsWith('.jpg')), ['-1.5/21.jpg', '0/0.jpg', '1/1.jpg', '20/20.jpg', '3/5.jpg', '4/4.jpg', '6/6.jpg', '7/7.jpg', '8/8.jpg', '9/9.jpg', 'A/2.jpg', 'a-3/3.jpg', 'ok/10.jpg'])
})

t.test('other labels lie flat', async (t) => {
  const values = images.map((image, id) => ({ id: BigInt(id), labels: Float32Array.of(0.1, -id / 3), image }))
  t.same((await unpacked(t, values, { labelKind: 'values', labelWidth: 2 })).files, ['0.jpg', '1.png', '2.webp', '3.gif', '4.bin', 'x.lst'])
  const classes = images.map((image, id) => ({ id: BigInt(id), label: id, image }))
  t.match((await unpacked(t, classes, classHeader, { flat: true })).report, { classFolders: 0 })
})

const golden = realData('im2rec-golden/photos_pass.rec')
t.test('what im2rec packed, without a .meta', { skip: golden.skip }, async (t) => {
  const folder = t.testdir()
  const { listPath, classFolders } = await unpackRecords({ input: golden.path, folder: join(folder, 'out') })
  t.same(await packedAgain(listPath, join(folder, 'out')), await plainRecords(golden.path))
  t.ok(classFolders > 1)
})

t.test('nothing is overwritten, nothing stays half done', async (t) => {
  const folder = t.testdir({ full: { file: 'mine' }, empty: {}, file: 'mine' })
  const path = (name: string): string => join(folder, name)
  await writeRecords(path('x.rec'), images.map((image, id) => ({ id: BigInt(id), image })), classHeader)
  const unpack = (to: string, input = 'x.rec', options = {}): Promise<unknown> => unpackRecords({ input: path(input), folder: path(to), ...options })
  await t.rejects(unpack('full'), { code: 'PIPE_OUTPUT', message: /expected a new or an empty folder, found one with 1 entries/ })
  await t.rejects(unpack('file'), { code: 'PIPE_OUTPUT', message: /ENOTDIR/ })
  await t.rejects(unpack('none/deeper'), { code: 'PIPE_OUTPUT' })
  await t.rejects(unpack('new', 'none.rec'), { code: 'REC_FILE' })
  await t.rejects(unpack('new', 'x.rec', { signal: AbortSignal.abort() }), { code: 'PIPE_ABORTED' })
  writeFileSync(path('cut.rec'), readFileSync(path('x.rec')).subarray(0, -3))
  t.match(await typedError(unpack('new', 'cut.rec')), { code: 'REC_CUT' })
  t.same(readdirSync(folder).sort(), ['cut.rec', 'empty', 'file', 'full', 'x.idx', 'x.meta', 'x.rec'])
  await unpack('empty')
  t.ok(existsSync(path('empty/0/4.bin')))
  t.equal(readFileSync(path('full/file'), 'utf8'), 'mine')
})
