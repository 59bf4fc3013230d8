// What we write, read by Python and OpenCV (test/second-opinion/read_records.py), which share no code
// with us.

import t from 'tap'
import { readRecords, RecordWriter, type NewImageRecord } from '@millrace/recordio'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { realData } from '../support.js'
import { collect, magic } from './support.js'

const python = '/usr/bin/python3' // Debian's own, for which python3-opencv is packaged
const program = fileURLToPath(new URL('../../second-opinion/read_records.py', import.meta.url))
const hasOpenCv = existsSync(python) && spawnSync(python, ['-c', 'import cv2']).status === 0
const skip = hasOpenCv ? false : `${python} has no cv2 (apt-get install python3-opencv)`

interface Opinion {
  records: { offset: number; id: string; id2: string; label: number; labels: number[]; sha256: string; height: number | null; width: number | null; meanBlueGreenRed: number[] | null }[]
  index: [string, string][]
}

function ask(recordsPath: string, indexPath: string): Opinion {
  const { status, stdout, stderr } = spawnSync(python, [program, recordsPath, indexPath], { encoding: 'utf8', maxBuffer: 2 ** 26 })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as Opinion
}

t.test('Python reads our records, ids, labels and JPEGs', { skip }, async (t) => {
  const path = join(t.testdir(), 'x.rec')
  const picture = (width: number, height: number, red: number) => sharp({ create: { width, height, channels: 3, background: { r: red, g: 20, b: 90 } } })
  const plainJpeg = await picture(31, 17, 200).jpeg({ quality: 95 }).toBuffer()
  const trailing = Buffer.alloc(4 - (plainJpeg.length % 4)) // puts the magic after it on the 4-byte grid
  const records: NewImageRecord[] = [
    { id: 5n, label: 3, image: plainJpeg },
    { id: 2n ** 64n - 1n, labels: Float32Array.of(2, 1, 9, 10, 10, 10), image: await picture(8, 64, 100).png().toBuffer() },
    { id: 3470205706n, label: -1804698880, image: Buffer.concat([plainJpeg, trailing, magic, magic, Buffer.from('!')]) },
    { id: 5n, id2: 7n, label: 0.1, image: Buffer.alloc(0) },
  ]
  const writer = await RecordWriter.create(path, { labelKind: 'class', labelWidth: 1 })
  for (const record of records) await writer.write(record)
  await writer.close()

  const opinion = ask(path, path.replace(/rec$/, 'idx'))
  const found = await collect(readRecords(path))
  t.same(opinion.index, found.map(({ id, offsetBytes }) => [String(id), String(offsetBytes)]))
  t.same(opinion.records.map(({ offset, id, id2, label, labels, sha256 }) => ({ offset, id, id2, label, labels, sha256 })), records.map((record, ordinal) => ({
    offset: found[ordinal]!.offsetBytes,
    id: String(record.id),
    id2: String(record.id2 ?? 0n),
    label: Math.fround(record.label ?? 0),
    labels: [...(record.labels ?? [])],
    sha256: createHash('sha256').update(record.image).digest('hex'),
  })))
  t.same(opinion.records.map(({ width, height }) => [width, height]), [[31, 17], [8, 64], [31, 17], [null, null]])
  const [blue, green, red] = opinion.records[0]!.meanBlueGreenRed!
  t.ok(Math.abs(blue! - 90) < 3 && Math.abs(green! - 20) < 3 && Math.abs(red! - 200) < 3, 'the colours of the JPEG')
})

{
  const { path, skip: noData } = realData('recordio/adaface')
  t.test('Python and we find the same in a file of im2rec.py', { skip: skip || noData }, async (t) => {
    const opinion = ask(`${path}/train.rec`, `${path}/train.idx`)
    const found = await collect(readRecords(`${path}/train.rec`))
    t.same(opinion.records.map(({ offset, id, label, sha256 }) => ({ offset, id, label, sha256 })), found.map(({ offsetBytes, id, label, image }) => ({
      offset: offsetBytes, id: String(id), label, sha256: createHash('sha256').update(image).digest('hex'),
    })))
  })
}
