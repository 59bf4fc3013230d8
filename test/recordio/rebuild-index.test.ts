// recordio/src/rebuild-index.ts: the siblings of a .rec, from the .rec alone.

import t from 'tap'
import { openRecords, rebuildIndex, verifyRecords, type MetaHeader, RecordWriter } from '@millrace/recordio'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { golden, matchError, small, written } from './support.js'

const sibling = (path: string, extension: string): string => path.replace(/rec$/, extension)

t.test('the same bytes as the writer wrote, given what only it knows', async (t) => {
  const { meta: path } = await written(t, [small(5n), small(2n), { id: 9n, label: 1, image: Buffer.alloc(0) }])
  const truth = ['idx', 'meta'].map((extension) => readFileSync(sibling(path, extension)))
  rmSync(sibling(path, 'idx'))
  await rebuildIndex(path) // the header comes from the old .meta
  t.ok(['idx', 'meta'].every((extension, index) => readFileSync(sibling(path, extension)).equals(truth[index]!)))
  t.match(await verifyRecords(path), { isSound: true, meta: 'used', hasIndex: true })
  t.same(readdirSync(join(path, '..')).sort(), ['x.idx', 'x.meta', 'x.rec'])
})

t.test('without any .meta: the kind is guessed, names are given', async (t) => {
  const { scan: path } = await written(t, [small(5n), small(2n)])
  const rebuilt = await rebuildIndex(path, { classNames: ['a', 'b'] })
  t.match(rebuilt, { header: { labelKind: 'class', labelWidth: 1, classNames: ['a', 'b'] }, isLabelKindGuessed: true, summary: { count: 2, rejected: 0, labelHistogram: { 1: 2 } } })
  const again = await rebuildIndex(path, { labelKind: 'values' })
  t.match(again, { header: { labelKind: 'values', labelWidth: 1, classNames: ['a', 'b'] }, isLabelKindGuessed: false })
  const file = await openRecords(path)
  t.same((await file.readById(2n)).id, 2n)
  await file.close()
})

t.test('a damaged .meta is replaced; channel statistics stay only if they belong', async (t) => {
  const path = join(t.testdir(), 'x.rec')
  const header: MetaHeader = { labelKind: 'class', labelWidth: 1, pack: { size: 3 } }
  const writer = await RecordWriter.create(path, header)
  await writer.write(small(1n))
  await writer.close({ rejected: 4, channelMean: [1, 2, 3] })
  t.match((await rebuildIndex(path)).summary, { rejected: 4, channelMean: [1, 2, 3] })
  writeFileSync(path, Buffer.concat([readFileSync(path), readFileSync(path)]))
  const { header: kept, summary } = await rebuildIndex(path)
  t.same(kept, header)
  t.same([summary.rejected, summary.channelMean], [0, undefined])
  writeFileSync(sibling(path, 'meta'), 'nonsense')
  t.match(await rebuildIndex(path), { header: { labelKind: 'class' }, isLabelKindGuessed: true })
})

t.test('mixed labels are values; a damaged .rec leaves the old siblings as they are', async (t) => {
  const { scan, meta } = await written(t, [small(5n), { id: 2n, labels: Float32Array.of(1, 2), image: Buffer.from('a') }])
  t.match((await rebuildIndex(scan)).header, { labelKind: 'values', labelWidth: 0 })
  const before = readFileSync(sibling(meta, 'meta'))
  writeFileSync(meta, readFileSync(meta).subarray(0, -4))
  await t.rejects(rebuildIndex(meta), matchError('REC_BAD_FRAME', /x\.rec: record 1 at byte .*found the end of the file.*millrace verify .*millrace repair/))
  t.ok(readFileSync(sibling(meta, 'meta')).equals(before))
  t.ok(existsSync(sibling(meta, 'idx')))
})

const { path: goldenPath, skip } = golden('photos_pass.rec')
t.test('a file of MXNet', { skip }, async (t) => {
  const path = join(t.testdir(), 'x.rec')
  writeFileSync(path, readFileSync(goldenPath))
  const { summary } = await rebuildIndex(path)
  t.match(await verifyRecords(path), { isSound: true, count: summary.count, meta: 'used', hasIndex: true })
})

t.test('a signal ends it, and nothing is left', async (t) => {
  const { scan } = await written(t, [small(5n)])
  await t.rejects(rebuildIndex(scan, { labelKind: 'class', signal: AbortSignal.abort() }), { code: 'REC_ABORTED' })
  t.same(readdirSync(join(scan, '..')), ['x.rec'])
})
