// Every line of a list is in exactly one part, whatever its line ends and the number of parts.

import t from 'tap'
import fc from 'fast-check'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { im2recSource } from '@millrace/pipeline'

t.test('the parts together are the list, in its order', async (t) => {
  const path = join(t.testdir(), 'a.lst')
  const line = fc.tuple(fc.integer({ min: 0, max: 99999 }), fc.constantFrom('\n', '\r\n', '\n\n', '\n# comment\n'))
  await fc.assert(fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 6 }), fc.boolean(), async (lines, count, endsWithLine) => {
    const text = lines.map(([id, end]) => `${id}\t1\t${id}.jpg${end}`).join('')
    writeFileSync(path, endsWithLine ? text : text.trimEnd())
    const ids: bigint[] = []
    for (let index = 0; index < count; index++) {
      const source = await im2recSource(path, { flavour: 'im2rec.cc', root: '', part: { index, count } })
      let inPart = 0
      for await (const { id } of source) {
        ids.push(id)
        inPart++
      }
      t.equal(await source.count(), inPart)
    }
    t.same(ids, lines.map(([id]) => BigInt(id)))
  }), { numRuns: 60 })
})

t.test('a list that is not there, a part that is none', async (t) => {
  await t.rejects(im2recSource('none.lst', { flavour: 'im2rec.cc', root: '', part: { index: 0, count: 2 } }), { code: 'PIPE_SOURCE_MISSING' })
  await t.rejects(im2recSource('none.lst', { flavour: 'im2rec.cc', root: '', part: { index: 2, count: 2 } }), { code: 'PIPE_OPTION' })
})
