// digitStruct.mat as we write it says the same to the HDF5 library (h5wasm, h5py) and to our own reader.

import t from 'tap'
import fc from 'fast-check'
import * as h5wasm from 'h5wasm/node'
import { readDigitStruct } from '@millrace/pipeline'
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { encodeDigitStruct, type DigitStructEntry } from 'millrace'

const fields = ['height', 'left', 'top', 'width', 'label'] as const
const script = fileURLToPath(new URL('../../../second-opinion/read_sample_mat.py', import.meta.url))
/** Debian's Python first: python3-h5py belongs to it even where another Python comes earlier. */
const python = ['/usr/bin/python3', 'python3'].find((program) => spawnSync(program, ['-c', 'import h5py']).status === 0)

const entriesOfBoxes = (counts: readonly number[]): DigitStructEntry[] =>
  counts.map((count, place) => ({
    name: `${place + 1}.png`,
    boxes: Array.from({ length: count }, (_, digit) => ({ height: 20 + place, left: 5 + 12 * digit, top: 3, width: 11, label: 1 + ((place + digit) % 10) })),
  }))

t.test('our own reader finds what was written, whatever was written', async (t) => {
  const number = fc.integer({ min: -5, max: 5000 })
  const box = fc.record({ height: number, left: number, top: number, width: number, label: fc.integer({ min: 1, max: 10 }) }, { noNullPrototype: true })
  const entry = fc.record({ name: fc.stringMatching(/^[ -~]{1,40}$/), boxes: fc.array(box, { minLength: 1, maxLength: 7 }) }, { noNullPrototype: true })
  const path = resolve(t.testdir(), 'digitStruct.mat')
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 40 }), (entries) => {
      writeFileSync(path, encodeDigitStruct(entries))
      const read = [...readDigitStruct(path)].map(({ name, boxes }) => ({ name, boxes }))
      assert.deepStrictEqual(read, entries) // thrown, so that the smallest such file is found
    }),
    { numRuns: 30 },
  )
  t.pass('30 files')
})

t.test('h5wasm reads every field, lone boxes as numbers and several as references', async (t) => {
  await h5wasm.ready
  const entries = entriesOfBoxes([1, 2, 3, 5, 1])
  const path = resolve(t.testdir(), 'digitStruct.mat')
  writeFileSync(path, encodeDigitStruct(entries))
  const file = new h5wasm.File(path, 'r')
  t.teardown(() => file.close())
  const follow = (reference: h5wasm.Reference): unknown => file.dereference(reference)
  const names = file.get('digitStruct/name') as h5wasm.Dataset
  const boxes = file.get('digitStruct/bbox') as h5wasm.Dataset
  t.strictSame(names.shape, [5, 1])
  t.equal((file.get('digitStruct') as h5wasm.Group).attrs['MATLAB_class']?.value, 'struct')
  for (const [place, entry] of entries.entries()) {
    const name = follow((names.value as h5wasm.Reference[])[place]!) as h5wasm.Dataset
    t.equal(String.fromCharCode(...(name.value as Uint16Array)), entry.name)
    t.equal(name.attrs['MATLAB_class']?.value, 'char')
    const group = follow((boxes.value as h5wasm.Reference[])[place]!) as h5wasm.Group
    t.strictSame([...group.keys()].sort(), [...fields].sort())
    for (const field of fields) {
      const data = group.get(field) as h5wasm.Dataset
      t.strictSame(data.shape, [entry.boxes.length, 1])
      const values = entry.boxes.length === 1 ? [...(data.value as Float64Array)] : (data.value as h5wasm.Reference[]).map((reference) => ((follow(reference) as h5wasm.Dataset).value as Float64Array)[0])
      t.strictSame(values, entry.boxes.map((box) => box[field]))
    }
  }
})

t.test('h5py reads it too', { skip: python ? false : 'no h5py (apt-get install python3-h5py)' }, async (t) => {
  const path = resolve(t.testdir(), 'digitStruct.mat')
  const entries = entriesOfBoxes(Array.from({ length: 1000 }, (_, place) => 1 + (place % 5)))
  writeFileSync(path, encodeDigitStruct(entries))
  const { stdout, stderr, status } = spawnSync(python!, [script, path], { encoding: 'utf8', maxBuffer: 1 << 26 })
  t.equal(status, 0, stderr)
  const read = JSON.parse(stdout) as { total: number; entries: unknown }
  t.equal(read.total, 1000)
  t.strictSame(read.entries, entries.map(({ name, boxes }) => [name, boxes.map((box) => fields.map((field) => box[field]))]))
})

t.test('the first bytes are those of a MATLAB 7.3 file', async (t) => {
  const bytes = Buffer.from(encodeDigitStruct(entriesOfBoxes([1])))
  t.match(bytes.toString('latin1', 0, 116), /^MATLAB 7\.3 MAT-file, .* HDF5 schema 1\.00 \. *$/)
  t.equal(bytes.toString('latin1', 116, 128), '\0\0\0\0\0\0\0\0\0\x02IM')
  t.equal(bytes.toString('latin1', 512, 520), '\x89HDF\r\n\x1a\n')
  t.equal(Number(bytes.readBigUInt64LE(512 + 40)), bytes.length, 'the superblock knows the end of the file')
})
