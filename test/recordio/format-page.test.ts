// docs/format.md: its example is what the writer writes.

import t from 'tap'
import { openRecords, RecordWriter } from '@millrace/recordio'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const page = readFileSync(fileURLToPath(new URL('../../../docs/format.md', import.meta.url)), 'utf8')

/** The bytes of the hex block after a title: of each line, the pairs before the remark. */
function hexBlock(title: string): Buffer {
  const block = new RegExp(`^\`${title}\`\n\n\`\`\`hex\n([^\`]*)\`\`\``, 'm').exec(page)![1]!
  return Buffer.from(block.split('\n').map((line) => line.split(/ {3}/)[0]!.replaceAll(' ', '')).join(''), 'hex')
}

const index = /^`x\.idx`\n\n```text\n([^`]*)```/m.exec(page)![1]!

t.test('the writer writes the bytes of the example', async (t) => {
  const folder = t.testdir()
  const writer = await RecordWriter.create(join(folder, 'x.rec'), { labelKind: 'class', labelWidth: 1, classNames: ['cat', 'dog'] })
  await writer.write({ id: 2n, label: 1, image: Buffer.concat([Buffer.from('Mill'), Buffer.from('0a23d7ce', 'hex'), Buffer.from('race!')]) })
  await writer.write({ id: 1n, labels: Float32Array.of(2, 0.5), image: Buffer.from('hi') })
  await writer.close({ rejected: 1 })
  t.equal(readFileSync(join(folder, 'x.rec')).toString('hex'), hexBlock('x.rec').toString('hex'))
  t.equal(readFileSync(join(folder, 'x.meta')).toString('hex'), hexBlock('x.meta').toString('hex'))
  t.equal(readFileSync(join(folder, 'x.idx'), 'utf8'), index)
})

t.test('the reader reads the bytes of the example', async (t) => {
  const folder = t.testdir()
  writeFileSync(join(folder, 'x.rec'), hexBlock('x.rec'))
  writeFileSync(join(folder, 'x.meta'), hexBlock('x.meta'))
  const file = await openRecords(join(folder, 'x.rec'))
  t.match(file.meta, { header: { classNames: ['cat', 'dog'] }, summary: { rejected: 1 } })
  t.equal(Buffer.from((await file.readById(1n)).image).toString(), 'hi')
  await file.close()
})
