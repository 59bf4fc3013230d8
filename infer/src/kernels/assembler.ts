// A small WebAssembly assembler: functions that return the bytes of instructions, and `buildModule`,
// which lays sections round them. Kernels are generated for their shapes, so the binary is written
// directly; opcodes are those of the WebAssembly core specification 2.0 (chapter 5, binary format).
//
//   module  = "\0asm" 1 | type section | import section (memory) | function | export | code
//   section = id byte, byte length (LEB128), content

/** The bytes of a run of instructions. */
export type Code = readonly number[]

export type ValueType = 'i32' | 'f32' | 'v128'

/** One function of a module. Parameters and locals share one index space, parameters first. */
export interface FunctionSpec {
  readonly name: string
  readonly parameters: readonly ValueType[]
  readonly locals: readonly ValueType[]
  readonly body: Code
  /** Whether JavaScript may call it. Functions return nothing. */
  readonly exported: boolean
}

const valueTypeCodes = { i32: 0x7f, f32: 0x7d, v128: 0x7b } as const
const emptyBlockType = 0x40

export interface ModuleOptions {
  /** Most pages of 64 KiB of a memory that threads share. Default: the memory is not shared. */
  readonly sharedPages?: number
  /** Names of imported constants (`env.NAME`, i32), in the order of their indices. Default: none. */
  readonly constants?: readonly string[]
}

/** A whole module over one imported memory (`env.memory`). */
export function buildModule(functions: readonly FunctionSpec[], { sharedPages, constants = [] }: ModuleOptions = {}): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ parameters }) => [0x60, ...vector(parameters.map((type) => [valueTypeCodes[type]])), 0])
  const limits = sharedPages === undefined ? [0x00, 0x00] : [0x03, 0x00, ...unsigned(sharedPages)] // at least 0 pages
  const memoryImport = [...text('env'), ...text('memory'), 0x02, ...limits]
  const constantImports = constants.map((name) => [...text('env'), ...text(name), 0x03, valueTypeCodes.i32, 0x00])
  const exports = functions.flatMap(({ name, exported }, index) => (exported ? [[...text(name), 0x00, ...unsigned(index)]] : []))
  const bodies = functions.map(({ locals, body }) => {
    const content = [...vector(locals.map((type) => [1, valueTypeCodes[type]])), ...body, 0x0b]
    return [...unsigned(content.length), ...content]
  })
  return Uint8Array.from([
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00,
    ...section(1, vector(types)),
    ...section(2, vector([memoryImport, ...constantImports])),
    ...section(3, vector(functions.map((_, index) => unsigned(index)))),
    ...section(7, vector(exports)),
    ...section(10, vector(bodies)),
  ])
}

export const localGet = (index: number): Code => [0x20, ...unsigned(index)]
export const localSet = (index: number): Code => [0x21, ...unsigned(index)]
export const localTee = (index: number): Code => [0x22, ...unsigned(index)]
/** An imported constant. */
export const globalGet = (index: number): Code => [0x23, ...unsigned(index)]
export const call = (functionIndex: number): Code => [0x10, ...unsigned(functionIndex)]

export const block = (...body: Code[]): Code => [0x02, emptyBlockType, ...body.flat(), 0x0b]
export const loop = (...body: Code[]): Code => [0x03, emptyBlockType, ...body.flat(), 0x0b]
export const ifThen = (...body: Code[]): Code => [0x04, emptyBlockType, ...body.flat(), 0x0b]
export const branch = (depth: number): Code => [0x0c, ...unsigned(depth)]
export const branchIf = (depth: number): Code => [0x0d, ...unsigned(depth)]

export const i32Const = (value: number): Code => [0x41, ...signed(value)]
export const i32EqualsZero: Code = [0x45]
export const i32LessOrEqualSigned: Code = [0x4c]
/** Loads and stores whole numbers with the alignment that their size wants. */
export const i32Load = (offsetBytes = 0): Code => [0x28, 2, ...unsigned(offsetBytes)]
export const i32Store = (offsetBytes = 0): Code => [0x36, 0, ...unsigned(offsetBytes)]
export const i32Load8Unsigned = (offsetBytes = 0): Code => [0x2d, 0, ...unsigned(offsetBytes)]
export const i32Store8 = (offsetBytes = 0): Code => [0x3a, 0, ...unsigned(offsetBytes)]
export const i32Store16 = (offsetBytes = 0): Code => [0x3b, 0, ...unsigned(offsetBytes)]
export const i32LessSigned: Code = [0x48]
export const i32LessUnsigned: Code = [0x49]
export const i32GreaterSigned: Code = [0x4a]
/** Of two values and a condition on the stack, the first where the condition is not 0. */
export const select: Code = [0x1b]
/** Sets a run of bytes: address, value, count. */
export const memoryFill: Code = [0xfc, 0x0b, 0x00]
export const i32Add: Code = [0x6a]
export const i32Subtract: Code = [0x6b]
export const i32Multiply: Code = [0x6c]
export const i32ShiftLeft: Code = [0x74]
export const i32ShiftRightUnsigned: Code = [0x76]

export const f32Load = (offsetBytes = 0): Code => [0x2a, 2, ...unsigned(offsetBytes)]
export const f32Store = (offsetBytes = 0): Code => [0x38, 2, ...unsigned(offsetBytes)]
export const f32Add: Code = [0x92]
export const f32Multiply: Code = [0x94]

// Loads and stores promise an alignment of 4 bytes (2 = log2 4): tensors are no better aligned.
export const v128Load = (offsetBytes = 0): Code => [0xfd, 0x00, 2, ...unsigned(offsetBytes)]
export const v128Load32Splat = (offsetBytes = 0): Code => [0xfd, 0x09, 2, ...unsigned(offsetBytes)]
export const v128Store = (offsetBytes = 0): Code => [0xfd, 0x0b, 2, ...unsigned(offsetBytes)]
/** 8 bytes into the low half, zeros above. Like the next three, at any address. */
export const v128Load64Zero = (offsetBytes = 0): Code => [0xfd, 0x5d, 0, ...unsigned(offsetBytes)]
/** 4 bytes into the lowest lane, zeros above. */
export const v128Load32Zero = (offsetBytes = 0): Code => [0xfd, 0x5c, 0, ...unsigned(offsetBytes)]
/** 2 bytes into one lane of 8 of the vector on the stack. */
export const v128Load16Lane = (lane: number, offsetBytes = 0): Code => [0xfd, 0x55, 0, ...unsigned(offsetBytes), lane]
/** The low 4 or 8 bytes of the vector on the stack. */
export const v128Store32 = (offsetBytes = 0): Code => [0xfd, 0x5a, 0, ...unsigned(offsetBytes), 0]
export const v128Store64 = (offsetBytes = 0): Code => [0xfd, 0x5b, 0, ...unsigned(offsetBytes), 0]
/** 4 bytes into one lane of the vector on the stack. */
export const v128Load32Lane = (lane: number, offsetBytes = 0): Code => [0xfd, 0x56, 0, ...unsigned(offsetBytes), lane]
/** One lane of 32 bits. */
export const v128Store32Lane = (lane: number, offsetBytes = 0): Code => [0xfd, 0x5a, 0, ...unsigned(offsetBytes), lane]
/** A vector of 16 bytes, lowest address first. */
export const v128Const = (bytes: readonly number[]): Code => [0xfd, 0x0c, ...bytes]
/** Ones in the first lanes of 32 bits, zeros in the others. */
export const firstLanes = (lanes: number): Code => v128Const(Array.from({ length: 16 }, (_, byte) => (byte < 4 * lanes ? 255 : 0)))
/** Byte i of the result is the byte of the first vector that byte i of the second names; 0 where that is 128 or more. */
export const i8x16Swizzle: Code = [0xfd, 0x0e]
export const f32x4Splat: Code = [0xfd, 0x13]
export const i8x16Add: Code = [0xfd, 0x6e]
export const i8x16Subtract: Code = [0xfd, 0x71]
/** (a + b + 1) >> 1 */
export const i8x16AverageUnsigned: Code = [0xfd, 0x7b]
/** 16-bit lanes to unsigned bytes, saturated: the first vector's, then the second's. */
export const i8x16NarrowUnsigned: Code = [0xfd, 0x66]
/** 32-bit lanes to signed 16-bit ones, saturated. */
export const i16x8NarrowSigned: Code = [0xfd, 0x85, 0x01]
/** The low 8 unsigned bytes as 16-bit lanes. */
export const i16x8ExtendLowUnsigned: Code = [0xfd, 0x89, 0x01]
/** The high 8 unsigned bytes as 16-bit lanes. */
export const i16x8ExtendHighUnsigned: Code = [0xfd, 0x8a, 0x01]
/** The high four unsigned 16-bit lanes as 32-bit ones. */
export const i32x4ExtendHighUnsigned: Code = [0xfd, 0xaa, 0x01]
/** The low four unsigned 16-bit lanes as 32-bit ones. */
export const i32x4ExtendLowUnsigned: Code = [0xfd, 0xa9, 0x01]
/** Neighbouring unsigned bytes, added in pairs. */
export const i16x8AddPairsUnsigned: Code = [0xfd, 0x7d]
export const i16x8Absolute: Code = [0xfd, 0x80, 0x01]
export const i16x8Subtract: Code = [0xfd, 0x91, 0x01]
export const i16x8MinimumSigned: Code = [0xfd, 0x96, 0x01]
export const i16x8Equal: Code = [0xfd, 0x2d]
export const i16x8Add: Code = [0xfd, 0x8e, 0x01]
export const i16x8ShiftRightUnsigned: Code = [0xfd, 0x8d, 0x01]
export const i32x4ShiftRightSigned: Code = [0xfd, 0xac, 0x01]
export const i32x4Multiply: Code = [0xfd, 0xb5, 0x01]
export const i32x4Add: Code = [0xfd, 0xae, 0x01]
/** a0·b0 + a1·b1 of neighbouring signed 16-bit lanes. */
export const i32x4DotProduct: Code = [0xfd, 0xba, 0x01]
/** To the nearest whole number, halves to the even one. */
export const f32x4Nearest: Code = [0xfd, 0x6a]
export const i32x4TruncateF32x4: Code = [0xfd, 0xf8, 0x01]
export const f32x4ConvertI32x4: Code = [0xfd, 0xfa, 0x01]
export const i32x4Subtract: Code = [0xfd, 0xb1, 0x01]
export const i32x4ShiftRightUnsigned: Code = [0xfd, 0xad, 0x01]
export const i32x4ShiftLeft: Code = [0xfd, 0xab, 0x01]
export const f32x4Absolute: Code = [0xfd, 0xe0, 0x01]
export const f32x4SquareRoot: Code = [0xfd, 0xe3, 0x01]
export const f32x4Divide: Code = [0xfd, 0xe7, 0x01]
export const f32x4Less: Code = [0xfd, 0x43]
/** Bits of the first where the mask on top has ones, else of the second. */
export const v128BitSelect: Code = [0xfd, 0x52]
/** a·b + c, rounded once or twice, whichever is quick: not in every engine (relaxed SIMD). */
export const f32x4RelaxedMultiplyAdd: Code = [0xfd, 0x85, 0x02]
export const f32x4ExtractLane = (lane: number): Code => [0xfd, 0x1f, lane]
export const f32ConvertI32: Code = [0xb2]
export const f32Divide: Code = [0x95]
export const f32Maximum: Code = [0x97]
export const f32Const = (value: number): Code => [0x43, ...floatBytes(value)]
/** The same value in all four lanes. */
export const f32x4Const = (value: number): Code => v128Const(Array.from({ length: 4 }, () => floatBytes(value)).flat())
export const v128And: Code = [0xfd, 0x4e]
export const v128Or: Code = [0xfd, 0x50]
/** a & ~b */
export const v128AndNot: Code = [0xfd, 0x4f]
export const v128Xor: Code = [0xfd, 0x51]
export const f32x4Equal: Code = [0xfd, 0x41]
/** All ones where they differ, as a NaN does from itself. */
export const f32x4NotEqual: Code = [0xfd, 0x42]
export const f32x4Greater: Code = [0xfd, 0x44]
export const f32x4Add: Code = [0xfd, 0xe4, 0x01]
export const f32x4Subtract: Code = [0xfd, 0xe5, 0x01]
export const f32x4Multiply: Code = [0xfd, 0xe6, 0x01]
/** NaN where either is NaN. */
export const f32x4Maximum: Code = [0xfd, 0xe9, 0x01]
/** b < a ? b : a, one instruction on x86-64; a where either is NaN. */
export const f32x4PseudoMinimum: Code = [0xfd, 0xea, 0x01]
/** a < b ? b : a, one instruction on x86-64; a where either is NaN. */
export const f32x4PseudoMaximum: Code = [0xfd, 0xeb, 0x01]

/** Adds a constant or another local (an index) to an i32 local. */
export const advance = (local: number, by: Code): Code => [...localGet(local), ...by, ...i32Add, ...localSet(local)]

/** Runs the body `counter` times, counting it down to 0; not at all if it is 0 already. */
export const repeat = (counter: number, ...body: Code[]): Code =>
  block(localGet(counter), i32EqualsZero, branchIf(0), loop(...body, localGet(counter), i32Const(1), i32Subtract, localTee(counter), branchIf(0)))

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content]
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()]
}

function text(value: string): number[] {
  const bytes = new TextEncoder().encode(value)
  return [...unsigned(bytes.length), ...bytes]
}

function floatBytes(value: number): number[] {
  return [...new Uint8Array(Float32Array.of(value).buffer)]
}

/** LEB128, unsigned. */
function unsigned(value: number): number[] {
  const bytes: number[] = []
  do {
    const low = value & 0x7f
    value >>>= 7
    bytes.push(value === 0 ? low : low | 0x80)
  } while (value !== 0)
  return bytes
}

/** LEB128, signed. */
function signed(value: number): number[] {
  const bytes: number[] = []
  for (;;) {
    const low = value & 0x7f
    value >>= 7
    const done = (value === 0 && (low & 0x40) === 0) || (value === -1 && (low & 0x40) !== 0)
    bytes.push(done ? low : low | 0x80)
    if (done) return bytes
  }
}
