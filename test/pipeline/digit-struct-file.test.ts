// Our reader of digitStruct.mat agrees with the HDF5 library, is fast on many entries, and answers
// damage with a typed error.

import t from 'tap'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DigitStructFile, PipelineError, readDigitStruct } from '@millrace/pipeline'
import { realData } from '../support.js'
import { box, readMatWithLibrary, writeMat, type FixtureEntry } from './digit-struct-fixture.js'

for (const part of ['train', 'test']) {
  const { path, skip } = realData(`svhn/${part}/digitStruct.mat`)
  t.test(`SVHN ${part}: every entry as the HDF5 library reads it`, { skip }, (t) => {
    const entries = [...readDigitStruct(path)]
    t.same(entries.map(({ number }) => number), entries.map((_, index) => index + 1))
    t.same(entries.map(({ name, boxes }) => ({ name, boxes })), readMatWithLibrary(path))
    t.equal(entries.length, part === 'train' ? 39 : 40)
    t.end()
  })
}

const sample: FixtureEntry[] = [
  { name: '1.png', boxes: [box(5, 30.5), box(10, 12, -3)] },
  { name: 'zwei é.png', boxes: [box(1, 2)] },
  { name: '3.png', boxes: [] },
  ...Array.from({ length: 40 }, (_, index) => ({ name: `more-${index}.png`, boxes: Array.from({ length: 1 + (index % 6) }, (_, place) => box(1 + place, place * 9)) })),
]

for (const versions of ['oldest', 'middle', 'newest'] as const) {
  t.test(`structures of the ${versions} versions`, (t) => {
    const path = join(t.testdir(), 'digitStruct.mat')
    writeMat(path, sample, { versions })
    t.same([...readDigitStruct(path)].map(({ name, boxes }) => ({ name, boxes })), sample)
    t.end()
  })
}

t.test('lists in compressed chunks', (t) => {
  const path = join(t.testdir(), 'digitStruct.mat')
  writeMat(path, sample, { chunk: 16 })
  t.same([...readDigitStruct(path)].map(({ name, boxes }) => ({ name, boxes })), sample)
  writeMat(path, sample, { chunk: 16, versions: 'newest' })
  t.throws(() => new DigitStructFile(path), { code: 'PIPE_HDF5_UNSUPPORTED', message: /layout version .*-v7\.3/ })
  t.end()
})

t.test('5,000 entries', (t) => {
  const path = join(t.testdir(), 'digitStruct.mat')
  writeMat(path, Array.from({ length: 5000 }, (_, index) => ({ name: `${index + 1}.png`, boxes: Array.from({ length: 1 + (index % 3) }, (_, place) => box(1 + (index % 10), place * 11)) })))
  const startedAt = performance.now()
  let boxes = 0
  let last = ''
  for (const entry of readDigitStruct(path)) {
    boxes += entry.boxes.length
    last = entry.name
  }
  t.comment(`${(performance.now() - startedAt).toFixed(0)} ms`)
  t.same([boxes, last], [9999, '5000.png'])
  t.end()
})

t.test('entries in any order, by number', (t) => {
  const path = join(t.testdir(), 'digitStruct.mat')
  writeMat(path, sample.slice(0, 2))
  const file = new DigitStructFile(path)
  t.equal(file.count, 2)
  t.equal(file.entry(2).name, 'zwei é.png')
  t.equal(file.entry(1).name, '1.png')
  t.throws(() => file.entry(3), { code: 'PIPE_DIGIT_STRUCT', details: { entry: 3 } })
  file.close()
  t.end()
})

t.test('files that are no digitStruct.mat', (t) => {
  const folder = t.testdir({ empty: '', text: 'not HDF5 at all\n'.repeat(100), 'old.mat': 'MATLAB 5.0 MAT-file, Platform: PCWIN64'.padEnd(2000) })
  t.throws(() => new DigitStructFile(join(folder, 'none.mat')), { code: 'PIPE_SOURCE_MISSING', message: /none\.mat.*ENOENT/ })
  t.throws(() => new DigitStructFile(folder), { code: 'PIPE_SOURCE_MISSING', message: /expected a file/ })
  t.throws(() => new DigitStructFile(join(folder, 'empty')), { code: 'PIPE_HDF5_DAMAGED', message: /no HDF5 signature in its 0 bytes/ })
  t.throws(() => new DigitStructFile(join(folder, 'text')), { code: 'PIPE_HDF5_DAMAGED' })
  t.throws(() => new DigitStructFile(join(folder, 'old.mat')), { code: 'PIPE_HDF5_DAMAGED', message: /older MATLAB file; save it from MATLAB with -v7\.3/ })
  t.end()
})

t.test('a file cut anywhere is an error', (t) => {
  const path = join(t.testdir(), 'digitStruct.mat')
  writeMat(path, sample.slice(0, 2))
  const whole = readFileSync(path)
  for (let length = 0; length < whole.length; length += 97) {
    writeFileSync(path, whole.subarray(0, length))
    const { error } = readAll(path)
    if (error?.code !== 'PIPE_HDF5_DAMAGED') t.fail(`cut at ${length}: ${error?.code}`)
  }
  t.end()
})

const real = realData('svhn/test/digitStruct.mat')
t.test('single bytes changed: a typed error or an answer, never a hang', { skip: real.skip }, (t) => {
  const path = join(t.testdir(), 'digitStruct.mat')
  const whole = readFileSync(real.path)
  const outcomes = new Set<string>()
  for (let round = 0; round < 250; round++) {
    const at = (round * 7919 * 131) % (round < 100 ? 4096 : whole.length)
    const changed = Buffer.from(whole)
    changed[at] = changed[at]! ^ (1 << (round % 8))
    writeFileSync(path, changed)
    const { count, error } = readAll(path)
    outcomes.add(error?.code ?? 'answer')
    if (error === undefined && count !== 40) t.fail(`byte ${at}: ${count} entries without an error`)
  }
  t.ok(outcomes.has('answer') && outcomes.has('PIPE_HDF5_DAMAGED'), [...outcomes].join(', '))
  t.end()
})

/** Anything but a PipelineError is thrown on, and fails the test. */
function readAll(path: string): { count: number; error?: PipelineError } {
  let count = 0
  try {
    for (const _ of readDigitStruct(path)) count++
    return { count }
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    return { count, error }
  }
}
