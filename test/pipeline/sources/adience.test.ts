// The adience source: age ranges, rows that do not count, folds, and where the faces lie.

import t from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openSource, type OpenSourceOptions, type Source } from '@millrace/pipeline'
import { realData } from '../../support.js'
import { tarGz } from '../archive-fixture.js'
import { collect, describe, reason } from '../collect.js'

const open = (path: string, options: OpenSourceOptions = {}): Promise<Source> => openSource('adience', path, options)

const header = 'user_id\toriginal_image\tface_id\tage\tgender\tx\ty\tdx\tdy\ttilt_ang\tfiducial_yaw_angle\tfiducial_score'

/** A fold file of rows "image age gender". */
function fold(rows: readonly (readonly [image: string, age: string, gender: string])[]): string {
  return [header, ...rows.map(([image, age, gender]) => `7@N0\t${image}\t1\t${age}\t${gender}\t0\t414\t1086\t1383\t-115\t30\t17`)].map((line) => `${line}\r\n`).join('')
}

const outcomes = async (source: Source): Promise<unknown[]> => (await collect(source)).map(({ id, label, error }) => [Number(id), label.kind === 'class' ? label.value : label.kind, error?.code])

t.test('age ranges', async (t) => {
  const ages = ['(0, 2)', '(4, 6)', '(8, 13)', '(8, 12)', '(15, 20)', '(25, 32)', '(27, 32)', '(38, 43)', '(38, 42)', '(48, 53)', '(60, 100)', '(38, 48)', '(8, 23)', '35', 'None', '', '(25,32)', '(25 to 32)']
  const folder = t.testdir({ 'fold_0_data.txt': fold(ages.map((age, index) => [`${index}.jpg`, age, 'f'])) })
  const source = await open(folder)
  t.same(source.classNames, ['0_2', '4_6', '8_13', '15_20', '25_32', '38_43', '48_53', '60_inf'], 'from young to old')
  const classes = [0, 1, 2, 2, 3, 4, 4, 5, 5, 6, 7]
  t.same(await outcomes(source), [...classes.map((value, index) => [index + 2, value, undefined]), [18, 4, undefined], [19, 0, 'PIPE_TABLE']])
  t.equal(await source.count(), 13)
  t.same(Object.fromEntries(source.ignored!), { 'with an age range within none of the classes': 2, 'without an age range': 3 })
  t.match(await reason((await collect(source)).at(-1)!), /fold_0_data\.txt: line 19: expected an age range such as \(25, 32\), found "\(25 to 32\)"/)
  t.equal(await (await open(folder, { task: 'gender' })).count(), 15, 'gender also of those in no class of age')
})

t.test('genders, conditions and classes', async (t) => {
  const folder = t.testdir({ 'fold_frontal_0_data.txt': fold([['a', '(0, 2)', 'm'], ['b', '(4, 6)', 'f'], ['c', '(0, 2)', 'u'], ['d', '(0, 2)', ''], ['e', '3', 'f']]) })
  const source = await open(folder, { task: 'gender' })
  t.same([source.classNames, await outcomes(source)], [['male', 'female'], [[2, 0, undefined], [3, 1, undefined]]])
  t.same(Object.fromEntries(source.ignored!), { 'without a gender': 2, 'without an age range': 1 })
  t.same(await outcomes(await open(folder)), [[2, 0, undefined], [3, 1, undefined]], 'the same rows count for the age')
  t.same(await outcomes(await open(folder, { where: [{ column: 'gender', value: 'f' }] })), [[3, 1, undefined]])
  t.same(await outcomes(await open(folder, { classes: ['4_6'] })), [[3, 0, undefined]])
  await t.rejects(open(folder, { task: 'yaw' }), { code: 'PIPE_OPTION' })
  await t.rejects(open(folder, { split: 'fold_0' }), /frontal, all, train, val, test/)
})

t.test('folds', async (t) => {
  const row = (image: string): [string, string, string] => [image, '(0, 2)', 'm']
  const folder = t.testdir({ 'fold_1_data.txt': fold([row('c'), row('a')]), 'fold_0_data.txt': fold([row('a'), row('b')]), 'fold_frontal_4_data.txt': fold([row('b')]), 'notes.txt': '' })
  t.same(await outcomes(await open(folder)), [[4_000_002, 0, undefined]])
  t.same(await outcomes(await open(folder, { split: 'all' })), [[2, 0, undefined], [3, 0, undefined], [1_000_002, 0, undefined], [1_000_003, 0, 'PIPE_TABLE']])
  t.same(await outcomes(await open(join(folder, 'fold_1_data.txt'))), [[1_000_002, 0, undefined], [1_000_003, 0, undefined]])
  const parts = await Promise.all((['train', 'val', 'test'] as const).map(async (split) => (await outcomes(await open(folder, { split }))).length))
  t.same(parts, [1, 0, 0])
})

t.test('faces', async (t) => {
  const text = fold([['a.jpg', '(0, 2)', 'm'], ['b.jpg', '(4, 6)', 'f']])
  const upright = '7@N0/landmark_aligned_face.1.a.jpg'
  const found = '7@N0/coarse_tilt_aligned_face.1.a.jpg'
  const aligned = t.testdir({ 'fold_frontal_0_data.txt': text, aligned: { '7@N0': { 'landmark_aligned_face.1.a.jpg': 'A' } }, faces: { '7@N0': { 'coarse_tilt_aligned_face.1.a.jpg': 'F' } } })
  t.same(await describe(await open(aligned)), [[2, upright, 0, 'A'], [3, upright.replace('a.jpg', 'b.jpg'), 1, 'PIPE_IMAGE_MISSING']])
  t.same((await describe(await open(aligned, { root: 'faces' })))[0], [2, found, 0, 'F'])
  t.same((await describe(await open(aligned, { images: join(aligned, 'aligned') })))[0], [2, upright, 0, 'A'])
  const alone = t.testdir({ 'fold_frontal_0_data.txt': text })
  t.match(await reason((await collect(await open(alone)))[0]!), /aligned\/7@N0\/landmark_aligned_face\.1\.a\.jpg/)
  writeFileSync(join(alone, 'faces.tar.gz'), await tarGz([{ name: `faces/${found}`, bytes: Buffer.from('F') }]))
  t.same((await describe(await open(alone, { images: join(alone, 'faces.tar.gz') })))[0], [2, found, 0, 'F'])
})

t.test('files that cannot be used', async (t) => {
  const one = (text: string | Buffer): string => join(t.testdir({ 'fold_0_data.txt': text as string }), 'fold_0_data.txt')
  await t.rejects(open(one('')), { code: 'PIPE_TABLE' })
  await t.rejects(open(one(`${header}\n`)), { code: 'PIPE_EMPTY' })
  await t.rejects(open(one('user_id\tage\n7\t(0, 2)\n')), { code: 'PIPE_TABLE', message: /"original_image", "face_id", "gender".*only "user_id", "age"/ })
  await t.rejects(open(one(Buffer.from(`${header}\n7@N0\t\xe9.jpg\t1\t(0, 2)\tm\n`, 'latin1'))), { code: 'PIPE_TABLE', message: /line 2/ })
  await t.rejects(open(t.testdir({ 'notes.txt': '' })), { code: 'PIPE_SOURCE_MISSING', message: /fold_frontal_0_data\.txt/ })
  const source = await open(one(`${header}\n7@N0\ta.jpg\tx\t(0, 2)\tm\n7@N0\ta.jpg\n`))
  t.same(await outcomes(source), [[2, 0, 'PIPE_TABLE'], [3, 0, 'PIPE_TABLE']])
})

const real = realData('annotations/adience')

t.test('the published file', { skip: real.skip }, async (t) => {
  const source = await open(real.path)
  const samples = await collect(source)
  const values = samples.map(({ label }) => (label.kind === 'class' ? label.value : -1))
  t.same([await source.count(), values.filter((value) => value === 4).length, values.filter((value) => value === 5).length], [300, 283, 17])
  t.same([samples[0]!.id, samples[0]!.key], [2n, '30601258@N03/landmark_aligned_face.1.10399646885_67c7d20df9_o.jpg'])
  t.equal(samples.filter(({ error }) => error !== undefined).length, 0)
  const gender = await collect(await open(real.path, { task: 'gender' }))
  t.equal(gender.filter(({ label }) => label.kind === 'class' && label.value === 0).length, 191)
  const counts = await Promise.all(['train', 'val', 'test'].map(async (split) => (await open(real.path, { split })).count()))
  t.same(counts, [210, 45, 45])
})
