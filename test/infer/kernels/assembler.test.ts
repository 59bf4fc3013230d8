// The assembler's bytes mean to WebAssembly what its functions' names say: numbers of every length,
// every instruction, modules of many functions.

import t from 'tap'
import fc from 'fast-check'
import { assembler } from '@millrace/infer/kernels'

const {
  advance, block, branch, branchIf, buildModule, call, f32Add, f32Load, f32Multiply, f32Store, i32Add, i32Const, i32EqualsZero,
  i32LessOrEqualSigned, i32Multiply, i32ShiftLeft, i32Subtract, ifThen, localGet, localSet, localTee, loop, repeat, v128Load, v128Load32Splat, v128Store,
} = assembler
type Code = assembler.Code
type Exports = Readonly<Record<string, (...parameters: number[]) => void>>

const pages = 2
const i32ToFloat: Code = [0xb2] // f32.convert_i32_s

/** A function of i32 parameters with i32 locals, over a memory of its own. */
function assemble(parameters: number, locals: readonly assembler.ValueType[], ...body: Code[]): { run: (...parameters: number[]) => void; floats: Float32Array; integers: Int32Array } {
  const memory = new WebAssembly.Memory({ initial: pages })
  const bytes = buildModule([{ name: 'run', parameters: new Array<'i32'>(parameters).fill('i32'), locals, body: body.flat(), exported: true }])
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } })
  return { run: (exports as Exports)['run']!, floats: new Float32Array(memory.buffer), integers: new Int32Array(memory.buffer) }
}

/** LEB128 read back, from its definition: seven bits a byte, the lowest first, the sign in the last byte's bit 6. */
function readSigned(bytes: Code): number {
  const value = bytes.reduce((sum, byte, index) => sum + BigInt(byte & 0x7f) * 128n ** BigInt(index), 0n)
  return Number(BigInt.asIntN(7 * bytes.length, value))
}

t.test('constants as in the specification, and back', (t) => {
  t.same(i32Const(-123456), [0x41, 0xc0, 0xbb, 0x78])
  t.same(localGet(624485), [0x20, 0xe5, 0x8e, 0x26])
  for (const value of [0, 1, -1, 63, 64, -64, -65, 127, 128, 8191, 8192, -8192, -8193, 2 ** 31 - 1, -(2 ** 31)]) t.equal(readSigned(i32Const(value).slice(1)), value)
  t.equal(i32Const(63).length, 2)
  t.equal(i32Const(64).length, 3, 'bit 6 would read as a sign')
  t.equal(i32Const(-(2 ** 31)).length, 6)
  t.doesNotThrow(() => fc.assert(fc.property(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (value) => readSigned(i32Const(value).slice(1)) === value)))
  t.same(f32Load(2 ** 32 - 1).slice(2), [0xff, 0xff, 0xff, 0xff, 0x0f], 'the largest offset')
  t.end()
})

t.test('WebAssembly reads the constants alike', (t) => {
  // Copies the float at (constant + parameter) to address 0.
  for (const value of [0, 4, -4, 64, -64, 8192, -8192, 65536, -65536, 2 ** 31 - 4, -(2 ** 31)]) {
    const { run, floats } = assemble(1, [], i32Const(0), i32Const(value), localGet(0), i32Add, f32Load(), f32Store())
    floats[100] = 7
    run(400 - value)
    t.equal(floats[0], 7, String(value))
  }
  const { run, floats } = assemble(0, [], i32Const(0), i32Const(0), f32Load(70000), f32Store(131000))
  floats[70000 / 4] = 5
  run()
  t.equal(floats[131000 / 4], 5, 'offsets of three bytes')
  t.end()
})

t.test('integers: add, subtract, multiply, shift, compare, if', (t) => {
  // Stores the float at address 4 to the address that the expression gives.
  const address = (code: Code, ...parameters: number[]): number => {
    const { run, floats } = assemble(parameters.length, [], code, i32Const(4), f32Load(), f32Store())
    floats[1] = 1
    run(...parameters)
    return 4 * floats.indexOf(1, 2)
  }
  t.equal(address([...localGet(0), ...localGet(1), ...i32Add], 40, 20), 60)
  t.equal(address([...localGet(0), ...localGet(1), ...i32Subtract], 40, 20), 20)
  t.equal(address([...localGet(0), ...localGet(1), ...i32Multiply], 40, 20), 800)
  t.equal(address([...localGet(0), ...i32Const(2), ...i32ShiftLeft], 40), 160)
  const isLessOrEqual = assemble(2, [], localGet(0), localGet(1), i32LessOrEqualSigned, ifThen(i32Const(0), i32Const(4), f32Load(), f32Store()))
  isLessOrEqual.floats[1] = 1
  for (const [left, right, expected] of [[-1, 0, 1], [0, 0, 1], [1, 0, 0], [0, -1, 0]] as const) {
    isLessOrEqual.floats[0] = 0
    isLessOrEqual.run(left, right)
    t.equal(isLessOrEqual.floats[0], expected, `${left} <= ${right}`)
  }
  t.end()
})

t.test('loops: repeat counts, branch goes to the loop, branchIf out of the block', (t) => {
  const addOne = [...i32Const(0), ...i32Const(0), ...f32Load(), ...i32Const(4), ...f32Load(), ...f32Add, ...f32Store()]
  const counted = assemble(1, [], repeat(0, addOne))
  const whileNotZero = assemble(1, ['i32'], block(loop(localGet(0), localTee(1), i32EqualsZero, branchIf(1), addOne, localGet(1), i32Const(1), i32Subtract, localSet(0), branch(0))))
  for (const { run, floats } of [counted, whileNotZero]) {
    floats[1] = 1
    for (const count of [0, 1, 2, 1000]) {
      floats[0] = 0
      run(count)
      t.equal(floats[0], count)
    }
  }
  const advanced = assemble(1, [], advance(0, i32Const(8)), localGet(0), i32Const(4), f32Load(), f32Store())
  advanced.floats[1] = 3
  advanced.run(12)
  t.equal(advanced.floats[5], 3)
  t.end()
})

t.test('vectors: every operation on four floats', (t) => {
  const a = [1, -2, NaN, 0]
  const b = [1, 3, 5, -0]
  const binary = (operation: Code): Float32Array => {
    const { run, floats } = assemble(0, [], i32Const(36), i32Const(4), v128Load(), i32Const(20), v128Load(), operation, v128Store())
    floats.set([...a, ...b], 1)
    run()
    return floats.slice(9, 13)
  }
  const bits = (values: Float32Array): number[] => [...new Int32Array(values.buffer, values.byteOffset, values.length)]
  t.same([...binary(assembler.f32x4Add)], [2, 1, NaN, 0])
  t.same([...binary(assembler.f32x4Subtract)], [0, -5, NaN, 0])
  t.same([...binary(assembler.f32x4Multiply)], [1, -6, NaN, -0])
  t.same([...binary(assembler.f32x4PseudoMaximum)], [1, 3, NaN, 0], 'a < b ? b : a')
  t.same(bits(binary(assembler.f32x4Equal)), [-1, 0, 0, -1])
  t.same(bits(binary(assembler.f32x4Greater)), [0, 0, 0, 0])
  const [left, right] = [bits(Float32Array.from(a)), bits(Float32Array.from(b))]
  t.same(bits(binary(assembler.v128And)), left.map((value, lane) => value & right[lane]!))
  t.same(bits(binary(assembler.v128AndNot)), left.map((value, lane) => value & ~right[lane]!))

  const scalars = assemble(0, ['v128', 'f32'], i32Const(16), i32Const(4), v128Load32Splat(), localSet(0), localGet(0), v128Store(), i32Const(8), i32Const(4), f32Load(), localTee(1), localGet(1), f32Multiply, f32Store())
  scalars.floats[1] = 3
  scalars.run()
  t.same([...scalars.floats.subarray(2, 8)], [9, 0, 3, 3, 3, 3])
  t.end()
})

t.test('vectors: every operation on bytes and whole numbers', (t) => {
  const a = Uint8Array.from({ length: 16 }, (_, index) => 17 * index)
  const b = Uint8Array.from({ length: 16 }, (_, index) => (index * 83 + 200) % 256)
  /** The bytes at 64 after `operation` on the vectors (or whatever `load` takes) at 16 and 32. */
  const run = (operation: Code, load: Code = [...i32Const(16), ...v128Load(), ...i32Const(32), ...v128Load()], store = v128Store()): Uint8Array => {
    const { run: call, floats } = assemble(0, [], i32Const(64), load, operation, store)
    const bytes = new Uint8Array(floats.buffer)
    bytes.set(a, 16)
    bytes.set(b, 32)
    call()
    return bytes.slice(64, 80)
  }
  const first = [...i32Const(16), ...v128Load()]
  const halves = (bytes: Uint8Array): number[] => [...new Int16Array(bytes.slice().buffer)]
  const words = (bytes: Uint8Array): number[] => [...new Int32Array(bytes.slice().buffer)]
  const saturate = (values: readonly number[], min: number, max: number): number[] => values.map((value) => Math.min(max, Math.max(min, value)))
  const [a16, b16, a32, b32] = [halves(a), halves(b), words(a), words(b)]

  t.same([...run(assembler.v128Load64Zero(1), i32Const(16))], [...a.slice(1, 9), ...new Array<number>(8).fill(0)])
  t.same([...run(assembler.v128Load32Zero(3), i32Const(16))], [...a.slice(3, 7), ...new Array<number>(12).fill(0)])
  t.same([...run(assembler.v128Load16Lane(2, 1), [...i32Const(16), ...i32Const(32), ...v128Load()])], [...b.slice(0, 4), a[1], a[2], ...b.slice(6)])
  t.same([...run(assembler.v128Const([...b]), [])], [...b])
  t.same([...run([], first, assembler.v128Store64())], [...a.slice(0, 8), ...new Array<number>(8).fill(0)])
  t.same([...run([], first, assembler.v128Store32())], [...a.slice(0, 4), ...new Array<number>(12).fill(0)])
  t.same([...run(assembler.i8x16Swizzle)], [...b].map((index) => a[index] ?? 0))
  t.same([...run(assembler.i8x16NarrowUnsigned)], saturate([...a16, ...b16], 0, 255))
  t.same(halves(run(assembler.i16x8NarrowSigned)), saturate([...a32, ...b32], -32768, 32767))
  t.same(halves(run(assembler.i16x8ExtendLowUnsigned, first)), [...a.slice(0, 8)])
  t.same(words(run(assembler.i32x4ExtendLowUnsigned, first)), a16.slice(0, 4).map((value) => value & 0xffff))
  t.same(halves(run(assembler.i16x8AddPairsUnsigned, first)), Array.from({ length: 8 }, (_, pair) => a[2 * pair]! + a[2 * pair + 1]!))
  t.same(halves(run(assembler.i16x8Add)), a16.map((value, lane) => ((value + b16[lane]!) << 16) >> 16))
  t.same(halves(run([...i32Const(2), ...assembler.i16x8ShiftRightUnsigned], first)), a16.map((value) => (value & 0xffff) >> 2))
  t.same(words(run([...i32Const(4), ...assembler.i32x4ShiftRightSigned], first)), a32.map((value) => value >> 4))
  t.same(words(run(assembler.i32x4Add)), a32.map((value, lane) => (value + b32[lane]!) | 0))
  t.same(words(run(assembler.i32x4DotProduct)), a32.map((_, lane) => (a16[2 * lane]! * b16[2 * lane]! + a16[2 * lane + 1]! * b16[2 * lane + 1]!) | 0))
  t.same([...new Float32Array(run(assembler.f32x4ConvertI32x4, first).buffer)], a32.map(Math.fround))
  const rounded = [...Uint8Array.from([2.5, -2.5, 3.5, 0.4].flatMap((value) => [...new Uint8Array(Float32Array.of(value).buffer)]))]
  t.same(words(run([...assembler.f32x4Nearest, ...assembler.i32x4TruncateF32x4], assembler.v128Const(rounded))), [2, -2, 4, 0])

  const scalars = assemble(2, [], i32Const(0), localGet(0), localGet(1), assembler.i32ShiftRightUnsigned, localGet(0), localGet(1), assembler.i32LessSigned, i32Add, i32ToFloat, f32Store())
  scalars.run(64, 3)
  t.equal(scalars.floats[0], 8)
  scalars.run(-1, 31)
  t.equal(scalars.floats[0], 2)
  const splat = assemble(0, [], i32Const(16), i32Const(4), f32Load(), assembler.f32x4Splat, v128Store())
  splat.floats[1] = 1.5
  splat.run()
  t.same([...splat.floats.subarray(4, 8)], [1.5, 1.5, 1.5, 1.5])
  const loads = assemble(0, [], i32Const(0), i32Const(4), assembler.i32Load(4), assembler.i32Load(), i32ToFloat, f32Store())
  loads.integers.set([16, 77], 2)
  loads.integers[4] = 99
  loads.run()
  t.equal(loads.floats[0], 99)
  t.end()
})

t.test('modules of many functions, of which some are exported', (t) => {
  const memory = new WebAssembly.Memory({ initial: 1 })
  // Function i stores the float at 4 to address 8 + 4i, and calls the one before it.
  const functions = Array.from({ length: 300 }, (_, index): assembler.FunctionSpec => ({
    name: `größe ${index}`,
    parameters: [],
    locals: [],
    body: [...i32Const(8 + 4 * index), ...i32Const(4), ...f32Load(), ...f32Store(), ...(index > 0 ? call(index - 1) : [])],
    exported: index % 100 === 99,
  }))
  const bytes = buildModule(functions)
  t.ok(WebAssembly.validate(bytes))
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } })
  t.same(Object.keys(exports), ['größe 99', 'größe 199', 'größe 299'])
  const floats = new Float32Array(memory.buffer)
  floats[1] = 2
  ;(exports as Exports)['größe 199']!()
  t.same([...floats.subarray(2, 203)], [...new Array<number>(200).fill(2), 0])
  t.ok(WebAssembly.validate(buildModule([])), 'none at all')
  t.notOk(WebAssembly.validate(buildModule([{ name: 'wrong', parameters: [], locals: [], body: f32Add, exported: true }])), 'an operation without operands')
  t.end()
})
