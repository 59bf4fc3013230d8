// safetensors: what we write is what we read; every malformation is its own message; nothing but
// INFER_SAFETENSORS comes out of damaged bytes.

import t from 'tap'
import fc from 'fast-check'
import { decodeSafetensors, encodeSafetensors, InferError } from '@millrace/infer'

const two = [
  { name: 'conv/kernel', shape: [2, 1, 3], data: Float32Array.of(1, -2, 0.5, 4, 5, 6) },
  { name: 'conv/bias', shape: [1], data: Float32Array.of(-0) },
]

/** A file with any header text and so many bytes of data. */
function file(header: string, dataBytes: number): Uint8Array {
  const text = new TextEncoder().encode(header)
  const bytes = new Uint8Array(8 + text.length + dataBytes)
  new DataView(bytes.buffer).setUint32(0, text.length, true)
  bytes.set(text, 8)
  return bytes
}

const tensor = (fields: object = {}): string => JSON.stringify({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 8], ...fields } })

t.test('the bytes are laid out as the format says', (t) => {
  const bytes = encodeSafetensors(two, { by: 'us' })
  const headerBytes = Number(new DataView(bytes.buffer).getBigUint64(0, true))
  t.equal(headerBytes % 8, 0, 'the data begin at a multiple of 8')
  t.equal(bytes.length, 8 + headerBytes + 28)
  const text = new TextDecoder().decode(bytes.subarray(8, 8 + headerBytes))
  t.same(JSON.parse(text), {
    __metadata__: { by: 'us' },
    'conv/kernel': { dtype: 'F32', shape: [2, 1, 3], data_offsets: [0, 24] },
    'conv/bias': { dtype: 'F32', shape: [1], data_offsets: [24, 28] },
  })
  t.match(text, /^\{.*\} *$/, 'padded with spaces')
  t.equal(new DataView(bytes.buffer).getFloat32(8 + headerBytes + 4, true), -2)
  t.end()
})

t.test('tensors come back as they were, wherever the bytes lie', (t) => {
  const bytes = encodeSafetensors(two)
  for (const shift of [0, 1, 4]) {
    const moved = new Uint8Array(bytes.length + shift).subarray(shift)
    moved.set(bytes)
    t.same([...decodeSafetensors(moved, 'x')], two.map(({ name, shape, data }) => [name, { shape, data }]), `shifted by ${shift}`)
  }
  t.same([...decodeSafetensors(encodeSafetensors([]), 'x')], [])
  t.same([...decodeSafetensors(file('{"b":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[0,3],"data_offsets":[4,4]}}', 4), 'x')].map(([name, { shape }]) => [name, shape]), [['b', []], ['a', [0, 3]]], 'scalars and empty tensors')
  t.end()
})

t.test('any tensors come back, bit for bit', (t) => {
  const name = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'ünïcode/重み'))
  const tensors = fc.uniqueArray(fc.record({ name, data: fc.float32Array({ maxLength: 9 }) }), { selector: (one) => one.name, maxLength: 5 })
  fc.assert(
    fc.property(tensors, (list) => {
      const decoded = decodeSafetensors(encodeSafetensors(list.map((one) => ({ ...one, shape: [one.data.length] }))), 'x')
      return decoded.size === list.length && list.every((one) => one.data.every((value, index) => Object.is(value, decoded.get(one.name)!.data[index])))
    }),
  )
  t.end()
})

t.test('what cannot be written', (t) => {
  t.throws(() => encodeSafetensors([...two, ...two]), { code: 'INFER_ARGUMENT', message: /used twice/ })
  t.throws(() => encodeSafetensors([{ ...two[0]!, name: '__metadata__' }]), { code: 'INFER_ARGUMENT' })
  t.throws(() => encodeSafetensors([{ ...two[0]!, shape: [2, 2] }]), { code: 'INFER_ARGUMENT', message: /expected 4 values for shape \[2, 2\], found 6/ })
  t.end()
})

t.test('every malformation says what and where', (t) => {
  const cases: readonly [name: string, bytes: Uint8Array, message: RegExp][] = [
    ['empty file', new Uint8Array(0), /^x: expected a header length of 8 bytes, found a file of 0$/],
    ['no header', new Uint8Array(8), /byte 8: expected the header to begin with "\{"/],
    ['header longer than any', new Uint8Array(9).fill(255), /byte 0: expected a header of at most 100000000 bytes, found 18446744073709551615/],
    ['header longer than the file', file('{}', 0).subarray(0, 9), /byte 0: the header ends at byte 10, but the file has 9/],
    ['a list', file('[]', 0), /byte 8: expected the header to begin/],
    ['not JSON', file('{"a":', 0), /byte 8: the header is not JSON/],
    ['not UTF-8', Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff, 0x7d), /byte 8: the header is not JSON/],
    ['metadata of numbers', file('{"__metadata__":{"a":1}}', 0), /expected __metadata__ to hold strings/],
    ['not an object', file('{"a":[]}', 0), /tensor "a": expected an object/],
    ['another dtype', file(tensor({ dtype: 'F16' }), 8), /tensor "a": expected dtype F32, found "F16"/],
    ['no dtype', file(tensor({ dtype: undefined }), 8), /expected dtype F32, found undefined/],
    ['shape of text', file(tensor({ shape: ['2'] }), 8), /expected its shape to be a list of whole numbers/],
    ['negative shape', file(tensor({ shape: [-1, -2] }), 8), /expected its shape/],
    ['shape beyond all numbers', file(tensor({ shape: [2 ** 50, 2 ** 50] }), 8), /expected 4 bytes a value of/],
    ['a shape without end', file(tensor({ shape: Array.from({ length: 33 }, () => 1) }), 8), /expected its shape/],
    ['one offset', file(tensor({ data_offsets: [0] }), 8), /expected data_offsets to be two whole numbers/],
    ['half an offset', file(tensor({ data_offsets: [0, 7.5] }), 8), /expected data_offsets/],
    ['offsets the wrong way', file(tensor({ data_offsets: [8, 0] }), 8), /its bytes 8 to 0 do not lie within the 8 bytes/],
    ['offsets past the end', file(tensor(), 7), /its bytes 0 to 8 do not lie within the 7 bytes/],
    ['more bytes than values', file(tensor({ shape: [1] }), 8), /expected 4 bytes a value of \[1\], found 8/],
    ['a hole before', file(tensor({ data_offsets: [4, 12] }), 12), /expected its bytes to begin at 0, found 4 \(a hole\)/],
    ['bytes left over', file(tensor(), 9), /the tensors end at byte 8 of the data, which has 9/],
    ['an overlap', file('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}', 12), /tensor "b": expected its bytes to begin at 8, found 4 \(an overlap\)/],
    ['the same bytes twice', file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4), /an overlap/],
    ['a name twice', file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', 8), /a hole/],
    ['a hostile name', file(`{${JSON.stringify('\u001b[2J\u009b' + 'x'.repeat(1000))}:1}`, 0), /^x: tensor "\\u001b\[2J\?x{50,80}…: expected an object$/],
  ]
  for (const [name, bytes, message] of cases) {
    t.throws(() => decodeSafetensors(bytes, 'x'), { name: 'InferError', code: 'INFER_SAFETENSORS', message, details: { path: 'x' } }, name)
  }
  t.end()
})

t.test('cut at any byte: a typed error', (t) => {
  const bytes = encodeSafetensors(two)
  for (let length = 0; length < bytes.length; length++) {
    t.throws(() => decodeSafetensors(bytes.subarray(0, length), 'x'), { code: 'INFER_SAFETENSORS' }, `${length} bytes`)
  }
  t.end()
})

t.test('any bit turned over: tensors or a typed error', (t) => {
  const bytes = encodeSafetensors(two, { by: 'us' })
  let [read, refused] = [0, 0]
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const damaged = bytes.slice()
    damaged[bit >> 3]! ^= 1 << (bit & 7)
    try {
      decodeSafetensors(damaged, 'x')
      read++
    } catch (error) {
      if (!(error instanceof InferError)) throw error
      refused++
    }
  }
  t.ok(read >= 28 * 8 && refused > 500, `${read} read (values and names may change), ${refused} refused`)
  t.end()
})
