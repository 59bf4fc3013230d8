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
