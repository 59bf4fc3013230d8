// C = A·B, or C += A·B, on float32 matrices anywhere in one WebAssembly memory. The strides of A are
// free, so that a transposed matrix, or the overlapping windows of a convolution, is read in place.
//
// C is computed in tiles of 4 rows x 8 columns held in registers (8 accumulators, 2 vectors of B,
// 1 splat of A: 11 of the 16 vector registers of x86-64), then 4 columns, then single ones; rows
// left over go one by one. The loop over k is not unrolled: Node 20's compiler then spills.
//
//   tile:  for each k:   b = B[k, j … j+8)          two vector loads
//                        C[i+r, …] += A[i+r, k]·b    splat, multiply, add; r = 0 … 3

import {
  advance, block, branch, branchIf, buildModule, call, f32Add, f32Load, f32Multiply, f32Store, f32x4Add, f32x4Multiply,
  i32Add, i32Const, i32EqualsZero, i32LessOrEqualSigned, i32Multiply, i32ShiftLeft, ifThen, localGet,
  localSet, loop, repeat, v128Load, v128Load32Splat, v128Store, type Code, type FunctionSpec, type ValueType,
} from './assembler.js'

/**
 * Addresses and strides are in bytes, sizes in elements. A is [m, k] with any row and column stride,
 * B is [k, n] and C is [m, n], both with contiguous rows. `accumulate` 0 overwrites C, 1 adds to it.
 */
export type MatrixMultiply = (
  m: number, n: number, k: number,
  a: number, aRowBytes: number, aColumnBytes: number,
  b: number, bRowBytes: number,
  c: number, cRowBytes: number,
  accumulate: 0 | 1,
) => void

const rowTiles = [4, 1] as const
const columnTiles = [8, 4, 1] as const

let compiled: WebAssembly.Module | undefined

/** Makes the function work on `memory`; the memory may grow afterwards. */
export function createMatrixMultiply(memory: WebAssembly.Memory): MatrixMultiply {
  compiled ??= new WebAssembly.Module(matrixMultiplyModule())
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } })
  return exports['multiply'] as MatrixMultiply
}

/** The reference: the same sums in the same order, one element at a time, on arrays. */
export function multiplyReference(m: number, n: number, k: number, a: Float32Array, b: Float32Array): Float32Array {
  const c = new Float32Array(m * n)
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0
      for (let l = 0; l < k; l++) sum = Math.fround(sum + Math.fround(a[i * k + l]! * b[l * n + j]!))
      c[i * n + j] = sum
    }
  }
  return c
}

function matrixMultiplyModule(): Uint8Array<ArrayBuffer> {
  const tiles = columnTiles.flatMap((columns) => rowTiles.map((rows) => tileFunction(rows, columns)))
  return buildModule([...tiles, driverFunction()])
}

/** Where the tile function stands in the module. */
function tileIndex(rows: number, columns: number): number {
  return columnTiles.findIndex((size) => size === columns) * rowTiles.length + rowTiles.findIndex((size) => size === rows)
}

// Parameters of a tile function.
const [tileK, tileA, tileARow, tileAColumn, tileB, tileBRow, tileC, tileCRow, tileAccumulate] = [0, 1, 2, 3, 4, 5, 6, 7, 8]

/** One tile of C: `rows` x `columns`, its accumulators in locals. */
function tileFunction(rows: number, columns: number): FunctionSpec {
  const isVector = columns >= 4
  const vectors = isVector ? columns / 4 : 1
  const type: ValueType = isVector ? 'v128' : 'f32'
  const aPointer = (row: number): number => (row === 0 ? tileA : 9 + row - 1)
  const cPointer = (row: number): number => (row === 0 ? tileC : 9 + (rows - 1) + row - 1)
  const firstValue = 9 + 2 * (rows - 1)
  const accumulator = (row: number, vector: number): number => firstValue + row * vectors + vector
  const bValue = (vector: number): number => firstValue + rows * vectors + vector
  const aValue = firstValue + rows * vectors + vectors

  const load = isVector ? v128Load : f32Load
  const store = isVector ? v128Store : f32Store
  const splat = isVector ? v128Load32Splat : f32Load
  const multiply = isVector ? f32x4Multiply : f32Multiply
  const add = isVector ? f32x4Add : f32Add
  const eachRow = (code: (row: number) => Code): Code => Array.from({ length: rows }, (_, row) => code(row)).flat()
  const eachVector = (code: (vector: number) => Code): Code => Array.from({ length: vectors }, (_, vector) => code(vector)).flat()

  const setPointers = eachRow((row) =>
    row === 0 ? [] : [
      ...localGet(aPointer(row - 1)), ...localGet(tileARow), ...i32Add, ...localSet(aPointer(row)),
      ...localGet(cPointer(row - 1)), ...localGet(tileCRow), ...i32Add, ...localSet(cPointer(row)),
    ])
  const loadC = eachRow((row) => eachVector((vector) =>
    [...localGet(cPointer(row)), ...load(16 * vector), ...localSet(accumulator(row, vector))]))
  const storeC = eachRow((row) => eachVector((vector) =>
    [...localGet(cPointer(row)), ...localGet(accumulator(row, vector)), ...store(16 * vector)]))
  const step = [
    ...eachVector((vector) => [...localGet(tileB), ...load(16 * vector), ...localSet(bValue(vector))]),
    ...eachRow((row) => [
      ...localGet(aPointer(row)), ...splat(), ...localSet(aValue),
      ...eachVector((vector) => [
        ...localGet(accumulator(row, vector)), ...localGet(aValue), ...localGet(bValue(vector)), ...multiply, ...add,
        ...localSet(accumulator(row, vector)),
      ]),
      ...advance(aPointer(row), localGet(tileAColumn)),
    ]),
    ...advance(tileB, localGet(tileBRow)),
  ]
  return {
    name: `tile${rows}x${columns}`,
    parameters: new Array<ValueType>(9).fill('i32'),
    locals: [...new Array<ValueType>(2 * (rows - 1)).fill('i32'), ...new Array<ValueType>(rows * vectors + vectors + 1).fill(type)],
    body: [
      ...setPointers,
      ...localGet(tileAccumulate), ...ifThen(loadC), // locals start as zero
      ...repeat(tileK, step),
      ...storeC,
    ],
    exported: false,
  }
}

// Parameters of `multiply` (see MatrixMultiply), then its locals.
const [m, n, k, a, aRow, aColumn, b, bRow, c, cRow, accumulate, row, column] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]

/** Cuts C into tiles: column panels outside, so that a panel of B stays in the cache over all rows. */
function driverFunction(): FunctionSpec {
  const callTile = (rows: number, columns: number): Code => [
    ...localGet(k),
    ...localGet(a), ...localGet(row), ...localGet(aRow), ...i32Multiply, ...i32Add,
    ...localGet(aRow), ...localGet(aColumn),
    ...localGet(b), ...localGet(column), ...i32Const(2), ...i32ShiftLeft, ...i32Add,
    ...localGet(bRow),
    ...localGet(c), ...localGet(row), ...localGet(cRow), ...i32Multiply, ...i32Add,
    ...localGet(column), ...i32Const(2), ...i32ShiftLeft, ...i32Add,
    ...localGet(cRow), ...localGet(accumulate),
    ...call(tileIndex(rows, columns)),
  ]
  const rowLoop = (columns: number): Code => [
    ...i32Const(0), ...localSet(row),
    ...rowTiles.flatMap((rows) => whileFits(row, rows, m, callTile(rows, columns))),
  ]
  return {
    name: 'multiply',
    parameters: new Array<ValueType>(11).fill('i32'),
    locals: ['i32', 'i32'],
    body: [...i32Const(0), ...localSet(column), ...columnTiles.flatMap((columns) => whileFits(column, columns, n, rowLoop(columns)))],
    exported: true,
  }
}

/** while (position + size <= end) { body; position += size } */
function whileFits(position: number, size: number, end: number, body: Code): Code {
  const fits: Code = [...localGet(position), ...i32Const(size), ...i32Add, ...localGet(end), ...i32LessOrEqualSigned]
  return block(loop(fits, i32EqualsZero, branchIf(1), body, advance(position, i32Const(size)), branch(0)))
}
