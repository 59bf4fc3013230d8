// Reading records one after another: what a file's .meta adds to what the frames say.

import { readRecords, RecordWriter } from '@millrace/recordio'
import { rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { collect, matchError } from './support.js'

t.test('a file cut between two records is noticed by its .meta', async (t) => {
  const path = join(t.testdir(), 'x.rec')
  const writer = await RecordWriter.create(path, { labelKind: 'class', labelWidth: 1 })
  for (const label of [1, 2]) await writer.write({ id: BigInt(label), label, image: new Uint8Array(8) })
  await writer.close()
  t.equal((await collect(readRecords(path))).length, 2)
  truncateSync(path, 40)
  await t.rejects(collect(readRecords(path)), matchError('REC_META_MISMATCH', /expected 2 records as its \.meta says, found 1/))
  rmSync(`${path.slice(0, -4)}.meta`)
  t.equal((await collect(readRecords(path))).length, 1, 'without a .meta the rest is all there is')
})
