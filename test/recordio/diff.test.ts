// recordio/src/diff.ts: every difference between two files, and none where there is none.

import t, { type Test } from 'tap'
import { diffRecords, encodeRecord, RecordWriter, type DiffReport, type NewImageRecord } from '@millrace/recordio'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { metaHeader, small } from './support.js'

function file(t: Test, name: string, records: readonly NewImageRecord[]): string {
  const path = join(t.testdirName, name)
  writeFileSync(path, Buffer.concat(records.map(encodeRecord)))
  return path
}

const diff = (t: Test, a: readonly NewImageRecord[], b: readonly NewImageRecord[], options?: Parameters<typeof diffRecords>[2]): Promise<DiffReport> =>
  diffRecords(file(t, 'a.rec', a), file(t, 'b.rec', b), options)

const records = Array.from({ length: 6 }, (_, id) => small(BigInt(id)))

t.test('the same', async (t) => {
  t.testdir()
  t.same(await diff(t, records, records), { isSame: true, counts: { missing: 0, added: 0, changed: 0, moved: 0 }, common: 6, differences: [], headerFields: [] })
  t.match(await diff(t, [], []), { isSame: true, common: 0 })
})

t.test('missing, added, moved, changed', async (t) => {
  t.testdir()
  const [zero, one, two, three, four, five] = records as [NewImageRecord, NewImageRecord, NewImageRecord, NewImageRecord, NewImageRecord, NewImageRecord]
  const report = await diff(t, records, [zero, two, one, { ...three, label: 7 }, { ...five, image: Buffer.from('other'), id2: 3n }, small(9n)])
  t.same(report.counts, { missing: 1, added: 1, changed: 2, moved: 1 })
  t.equal(report.common, 5)
  t.same(report.differences, [
    { kind: 'moved', id: 2n, ordinals: [2, 1] },
    { kind: 'changed', id: 3n, ordinals: [3, 3], labels: [[1], [7]] },
    { kind: 'missing', id: 4n, ordinals: [4, undefined] },
    { kind: 'changed', id: 5n, ordinals: [5, 4], id2: [0n, 3n], imageBytes: [7, 5] },
    { kind: 'added', id: 9n, ordinals: [undefined, 5] },
  ])
  t.equal(four.id, 4n)
})

t.test('a tail that only one has; records before it change too', async (t) => {
  t.testdir()
  t.match(await diff(t, records, [...records, small(7n)]), { counts: { added: 1, missing: 0, moved: 0, changed: 0 } })
  t.match(await diff(t, records, records.slice(0, 4)), { counts: { missing: 2, added: 0, moved: 0, changed: 0 } })
  t.match(await diff(t, [], records, { listed: 2 }), { counts: { added: 6 }, differences: [{ id: 0n }, { id: 1n }] })
})

t.test('one label in the header or as the only extra one is the same label; NaN is NaN', async (t) => {
  t.testdir()
  t.match(await diff(t, [{ id: 1n, label: 3, image: Buffer.from('a') }], [{ id: 1n, labels: Float32Array.of(3), image: Buffer.from('a') }]), { isSame: true })
  t.match(await diff(t, [{ id: 1n, label: NaN, image: Buffer.from('a') }], [{ id: 1n, label: NaN, image: Buffer.from('a') }]), { isSame: true })
})

t.test('equal ids are paired in their order', async (t) => {
  t.testdir()
  const [a, b, c] = ['a', 'b', 'c'].map((text) => small(1n, text)) as [NewImageRecord, NewImageRecord, NewImageRecord]
  t.match(await diff(t, [small(5n), a, b, c], [a, b, small(5n)]), { counts: { missing: 1, changed: 0, added: 0, moved: 2 }, differences: [{ kind: 'moved' }, { kind: 'moved' }, { kind: 'missing', id: 1n, ordinals: [3, undefined] }] })
})

t.test('any two files: counts agree with maps of their records', async (t) => {
  t.testdir()
  const someRecords = fc.uniqueArray(fc.nat(12), { maxLength: 10 }).map((ids) => ids.map((id) => small(BigInt(id), `${id}`)))
  await fc.assert(fc.asyncProperty(someRecords, someRecords, fc.nat(12), async (a, b, changed) => {
    const altered = b.map((record) => (record.id === BigInt(changed) ? small(record.id, 'changed') : record))
    const [idsA, idsB] = [a, b].map((list) => list.map(({ id }) => id)) as [bigint[], bigint[]]
    const { counts, common } = await diff(t, a, altered)
    t.equal(counts.missing, idsA.filter((id) => !idsB.includes(id)).length)
    t.equal(counts.added, idsB.filter((id) => !idsA.includes(id)).length)
    t.equal(common, idsA.filter((id) => idsB.includes(id)).length)
    t.equal(counts.changed, idsA.includes(BigInt(changed)) && idsB.includes(BigInt(changed)) ? 1 : 0)
    const sameOrder = idsA.filter((id) => idsB.includes(id)).join() === idsB.filter((id) => idsA.includes(id)).join()
    t.equal(counts.moved === 0, sameOrder)
  }), { numRuns: 100 })
})

t.test('pixels are compared of images whose bytes differ', async (t) => {
  t.testdir()
  const asked: bigint[] = []
  const report = await diff(t, records, [small(0n, 'x'), ...records.slice(1)], { comparePixels: async ({ id }) => (asked.push(id), { maximumDifference: 2, psnr: 40 }) })
  t.same(asked, [0n])
  t.match(report.differences, [{ pixels: { maximumDifference: 2, psnr: 40 } }])
})

t.test('what the .meta files say', async (t) => {
  const folder = t.testdir()
  for (const [name, header] of [['a', metaHeader], ['b', { ...metaHeader, classNames: ['c'], pack: {} }]] as const) {
    const writer = await RecordWriter.create(join(folder, `${name}.rec`), header)
    await writer.close()
  }
  t.match(await diffRecords(join(folder, 'a.rec'), join(folder, 'b.rec')), { isSame: false, headerFields: ['classNames', 'pack'] })
})

t.test('damage and a signal are errors', async (t) => {
  t.testdir()
  const [a, b] = [file(t, 'a.rec', records), file(t, 'b.rec', records)]
  await t.rejects(diffRecords(a, b, { signal: AbortSignal.abort() }), { code: 'REC_ABORTED' })
  writeFileSync(b, Buffer.concat([encodeRecord(records[1]!), Buffer.from('rubbish!')]))
  await t.rejects(diffRecords(a, b), { code: 'REC_BAD_MAGIC' })
})
