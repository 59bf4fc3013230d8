// The reader of MATLAB 5 files: every kind of array in both byte orders, real files, and damage at
// every byte.

import t from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { parseMatlab, PipelineError, readMatlabFile, type MatlabArray } from '@millrace/pipeline'
import { realData } from '../../support.js'
import { matlabFile, MatlabWriter, type MatlabFixtureValue } from './matlab-fixture.js'

const variables = {
  names: { cells: ['AM General Hummer SUV 2000', 'Größe', '', 7] },
  annotations: { struct: [{ x: 39, y: [1, 300], fname: '00001.jpg' }, { x: -0.5, y: [], fname: '2' }] },
  empty: { struct: [] },
} satisfies Record<string, MatlabFixtureValue>

/** As plain values. */
function plain(array: MatlabArray | undefined): unknown {
  switch (array?.kind) {
    case 'numbers':
      return array.numbers()
    case 'text':
      return array.text()
    case 'cells':
      return array.cells.map(plain)
    case 'struct':
      return [array.count, Object.fromEntries([...array.fields].map(([name, values]) => [name, values.map(plain)]))]
    default:
      return array && array.what
  }
}

function parse(bytes: Buffer): Record<string, unknown> {
  return Object.fromEntries([...parseMatlab(bytes, 'x.mat')].map(([name, array]) => [name, plain(array)]))
}

function failure(bytes: Buffer): PipelineError {
  try {
    parse(bytes)
  } catch (error) {
    if (error instanceof PipelineError) return error
    throw error
  }
  throw new Error('expected an error')
}

t.test('arrays of every kind, in both byte orders, plain and compressed', async (t) => {
  const expected = { names: ['AM General Hummer SUV 2000', 'Größe', '', [7]], annotations: [2, { x: [[39], [-0.5]], y: [[1, 300], []], fname: ['00001.jpg', '2'] }], empty: [0, {}] }
  for (const isBigEndian of [false, true]) for (const isCompressed of [false, true]) t.same(parse(matlabFile(variables, { isBigEndian, isCompressed })), expected)
})

t.test('numbers of every type, texts of every coding, and what is passed over', async (t) => {
  for (const isBigEndian of [false, true]) {
    const write = new MatlabWriter(isBigEndian)
    const numbers = (type: number, data: Buffer, count: number): Buffer => write.array(6, [1, count], 'v', write.element(type, data))
    const single = Buffer.alloc(4)
    isBigEndian ? single.writeFloatBE(0.5) : single.writeFloatLE(0.5)
    const long = isBigEndian ? write.words(-1, -2) : write.words(-2, -1)
    const read = (raw: Buffer): unknown => parse(matlabFile({ v: { raw } }, { isBigEndian }))['v']
    t.same(read(numbers(1, Buffer.from([255]), 1)), [-1])
    t.same(read(numbers(3, write.shorts(0xfffe), 1)), [-2])
    t.same(read(numbers(5, write.words(-70000, 8), 2)), [-70000, 8])
    t.same(read(numbers(6, write.words(-1), 1)), [2 ** 32 - 1])
    t.same(read(numbers(7, single, 1)), [0.5])
    t.same([read(numbers(12, long, 1)), read(numbers(13, long, 1))], [[-2], [2 ** 64]])
    t.equal(read(write.array(4, [1, 2], 'v', write.element(16, Buffer.from('ä')))), 'ä', 'UTF-8 counts bytes')
    t.equal(read(write.array(4, [1, 1], 'v', write.element(17, write.shorts(0xe4)))), 'ä')
    t.equal(read(write.array(4, [1, 2], 'v', write.element(2, Buffer.from('ab')))), 'ab')
    t.same([3, 5, 16].map((matlabClass) => read(write.array(matlabClass, [1, 1], 'v'))), ['an object', 'sparse numbers', 'a function'])
    t.equal(read(write.array(0x806, [1, 1], 'v', write.element(2, Buffer.from([1])), write.element(2, Buffer.from([1])))), 'complex numbers')
    t.same(read(write.array(1, [1, 1], 'v', write.element(14, Buffer.alloc(0)))), [[]], 'nothing at all in a cell')
    t.equal(parse(matlabFile({ v: { raw: write.element(14, write.element(6, write.words(17, 0))) } }, { isBigEndian }))[''], 'an object')
  }
})

t.test('what cannot be is told with its byte', async (t) => {
  const write = new MatlabWriter(false)
  const broken = (...content: readonly Buffer[]): string => failure(matlabFile({ v: { raw: write.element(14, Buffer.concat(content)) } })).message
  const [flags, shape, name] = [write.element(6, write.words(1, 0)), write.element(5, write.words(1, 1)), write.element(1, Buffer.from('v'))]
  t.match(broken(flags, write.element(5, write.words(1, 2 ** 30)), name), /x\.mat: at byte \d+: expected 1073741824 arrays, found only 0 bytes/)
  t.match(broken(flags, write.element(5, write.words(1)), name), /two dimensions/)
  t.match(broken(flags, write.element(5, write.words(1, -1)), name), /two dimensions or more, found 1x-1/)
  t.match(broken(write.element(6, write.words(18, 0)), shape, name), /a class of arrays, 1 to 17, found 18/)
  t.match(broken(write.element(6, write.words(6, 0)), shape, name, write.element(9, Buffer.alloc(12))), /expected 1 numbers, found 12 bytes of type 9/)
  t.match(broken(write.element(6, write.words(4, 0)), shape, name, write.element(16, Buffer.from([0xff]))), /text in utf-8/)
  t.match(broken(write.element(6, write.words(2, 0)), shape, name, write.element(5, write.words(0)), write.element(1, Buffer.alloc(8))), /names of 0 bytes each/)
  let nested: MatlabFixtureValue = 1
  for (let depth = 0; depth < 20; depth++) nested = { cells: [nested] }
  t.match(failure(matlabFile({ nested })), { code: 'PIPE_MATLAB_UNSUPPORTED', message: /more than 16 within each other/ })
  const bomb = deflateSync(Buffer.alloc(2 ** 28 + 1))
  t.match(failure(Buffer.concat([matlabFile({}), write.words(15, bomb.length), bomb])), { code: 'PIPE_MATLAB_UNSUPPORTED', message: /at byte 128: a file that inflates to more/ })
  t.match(failure(Buffer.from('MATLAB 7.3 MAT-file, Platform')), { code: 'PIPE_MATLAB_UNSUPPORTED', message: /version 7\.3 \(HDF5\)/ })
  t.match(failure(Buffer.concat([matlabFile({}).subarray(0, 124), Buffer.from([0, 2, 0x49, 0x4d])])), { code: 'PIPE_MATLAB_UNSUPPORTED', message: /version 0x200/ })
})

t.test('cut at every byte, and every bit flipped', async (t) => {
  for (const isCompressed of [false, true]) {
    const whole = matlabFile({ a: variables.annotations, n: variables.names }, { isCompressed })
    const end = (bytes: Buffer): string => {
      try {
        return JSON.stringify(parse(bytes))
      } catch (error) {
        return error instanceof PipelineError ? error.code : `${error as Error}`
      }
    }
    const first = matlabFile({ a: variables.annotations }, { isCompressed }).length
    const odd = new Set<string>()
    for (let length = 0; length < whole.length; length++) {
      const found = end(whole.subarray(0, length))
      if (length !== 128 && length !== first && found !== 'PIPE_MATLAB_DAMAGED') odd.add(`cut to ${length}: ${found}`)
    }
    for (let bit = 0; bit < 8 * whole.length; bit++) {
      const bytes = Buffer.from(whole)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      const found = end(bytes)
      if (!/^(\{|PIPE_MATLAB_(DAMAGED|UNSUPPORTED)$)/.test(found)) odd.add(found)
    }
    t.same([...odd], [])
  }
})

t.test('files that are none', async (t) => {
  const folder = t.testdir({ 'x.txt': 'no MATLAB file'.repeat(20), empty: '' })
  await t.rejects(readMatlabFile(join(folder, 'x.txt')), { code: 'PIPE_MATLAB_DAMAGED', message: /"IM" or "MI" at byte 126/ })
  await t.rejects(readMatlabFile(join(folder, 'empty')), { code: 'PIPE_MATLAB_DAMAGED' })
  await t.rejects(readMatlabFile(join(folder, 'nothing')), { code: 'PIPE_SOURCE_MISSING' })
  writeFileSync(join(folder, 'x.mat'), matlabFile(variables))
  t.equal((await readMatlabFile(join(folder, 'x.mat'))).size, 3)
})

const cars = realData('annotations/stanford-cars')
t.test("Stanford Cars' files, with the sums that SciPy gives", { skip: cars.skip }, async (t) => {
  const names = (await readMatlabFile(join(cars.path, 'cars_meta.mat'))).get('class_names')
  t.equal(names?.kind === 'cells' && names.cells.length, 196)
  t.same((plain(names) as string[])[195], 'smart fortwo Convertible 2012')
  const annotations = (await readMatlabFile(join(cars.path, 'cars_train_annos.mat'))).get('annotations')
  if (annotations?.kind !== 'struct') throw new Error('no struct')
  t.same([annotations.count, annotations.shape, [...annotations.fields.keys()]], [8144, [1, 8144], ['bbox_x1', 'bbox_y1', 'bbox_x2', 'bbox_y2', 'class', 'fname']])
  const sums = [...annotations.fields].slice(0, 5).map(([, values]) => values.flatMap((value) => (value.kind === 'numbers' ? value.numbers() : [])).reduce((sum, value) => sum + value, 0))
  t.same(sums, [528601, 884937, 5197571, 3391419, 806088])
  t.equal(plain(annotations.fields.get('fname')![8143]), '08144.jpg')
})
