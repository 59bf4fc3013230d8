// Undoing PNG's filters: value = filtered value + predictor, mod 256 (W3C PNG, 9.2), where a is the same
// byte of the pixel to the left, b of the one above, c of the one above to the left, 0 outside the image:
//
//   0  0      1  a      2  b      3  ⌊(a + b) / 2⌋      4  the nearest of a, b, c to a + b − c
//
// The bytes of a pixel are lanes of a vector; filters 0 and 2 take 16 bytes at once. Each step writes four
// bytes or 16: those beyond the pixel or the row are overwritten by what follows. All of it goes on in the
// memory of the kernels that resize, which is lent for it. The rows take the place of the filtered ones,
// from a little before them, so that no step writes what is still to be read:
//
//   zeros, the row above | 32 bytes | filter byte, row, filter byte, row, …
//                        ^ rows

import { assembler, borrowPixels, pixelMemory } from '@millrace/infer/kernels'

const { advance, buildModule, i16x8Absolute, i16x8Add, i16x8Equal, i16x8ExtendLowUnsigned, i16x8MinimumSigned, i16x8Subtract, i32Const, i8x16Add, i8x16AverageUnsigned, i8x16NarrowUnsigned } = assembler
const { i8x16Subtract, localGet, localSet, localTee, repeat, v128And, v128BitSelect, v128Const, v128Load, v128Load32Zero, v128Store, v128Store32, v128Xor } = assembler

type Code = assembler.Code
type FilterType = 0 | 1 | 2 | 3 | 4
type PixelBytes = 1 | 2 | 3 | 4
/** One row of so many bytes: of pixels, or vectors with filters 0 and 2. */
type UndoRow = (filtered: number, out: number, above: number, steps: number) => void

const types = [0, 1, 2, 3, 4] as const
const pixelSizes = [1, 2, 3, 4] as const
/** More than the 16 bytes of a step. */
const headStart = 32

let undoRows: readonly (readonly UndoRow[])[] | undefined

/**
 * A place for filtered rows, each a filter byte and `rowBytes` bytes; `undefined` where they are too many.
 * It is the borrower's until this thread borrows again.
 */
export function borrowFiltered(rowBytes: number, height: number): Uint8Array | undefined {
  const lent = borrowPixels(rowBytes + headStart + height * (rowBytes + 1))
  lent?.fill(0, 0, rowBytes)
  return lent?.subarray(rowBytes + headStart)
}

/**
 * The rows without their filter bytes, in the same borrowed memory; `undefined` for an unknown filter.
 * @param filtered from {@link borrowFiltered}, filled
 */
export function removeFilters(filtered: Uint8Array, rowBytes: number, height: number, pixelBytes: PixelBytes): Uint8Array | undefined {
  undoRows ??= instantiate()
  const undo = undoRows[pixelBytes - 1]!
  const [vectors, pixels] = [Math.ceil(rowBytes / 16), rowBytes / pixelBytes]
  const rowsAt = filtered.byteOffset - headStart
  for (let row = 0, from = 0, to = rowsAt; row < height; row++, from += rowBytes + 1, to += rowBytes) {
    const type = filtered[from]!
    if (type > 4) return undefined
    undo[type]!(filtered.byteOffset + from + 1, to, to - rowBytes, type === 0 || type === 2 ? vectors : pixels)
  }
  return new Uint8Array(filtered.buffer, rowsAt, rowBytes * height)
}

function instantiate(): UndoRow[][] {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(buildModule(pixelSizes.flatMap((size) => types.map((type) => undoFunction(type, size))))), { env: { memory: pixelMemory } })
  return pixelSizes.map((size) => types.map((type) => exports[`undo${type}Of${size}`] as UndoRow))
}

/** undoTOfN, an {@link UndoRow}. */
function undoFunction(type: FilterType, pixelBytes: PixelBytes): assembler.FunctionSpec {
  const [filtered, out, above, steps, a, b, c, toA, toB, toC, nearest] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10] as const
  const inVectors = type === 0 || type === 2
  const load = inVectors ? v128Load() : v128Load32Zero()
  const value: Code = [...localGet(filtered), ...load]
  const upper: Code = [...localGet(above), ...load]
  const sum: Record<FilterType, Code> = {
    0: value,
    1: [...value, ...localGet(a), ...i8x16Add, ...localTee(a)],
    2: [...value, ...upper, ...i8x16Add],
    // The average of the machine rounds up where a + b is odd.
    3: [
      ...value, ...localGet(a), ...upper, ...localTee(b), ...i8x16AverageUnsigned,
      ...localGet(a), ...localGet(b), ...v128Xor, ...bytesOf(1), ...v128And, ...i8x16Subtract, ...i8x16Add, ...localTee(a),
    ],
    // In 16-bit lanes: the distances of a, b, c from a + b − c are |b − c|, |a − c|, |a − c + b − c|.
    4: [
      ...upper, ...i16x8ExtendLowUnsigned, ...localTee(b), ...localGet(c), ...i16x8Subtract, ...localTee(toA),
      ...localGet(a), ...localGet(c), ...i16x8Subtract, ...localTee(toB), ...i16x8Add, ...i16x8Absolute, ...localSet(toC),
      ...localGet(toA), ...i16x8Absolute, ...localTee(toA), ...localGet(toB), ...i16x8Absolute, ...localTee(toB), ...i16x8MinimumSigned, ...localGet(toC), ...i16x8MinimumSigned, ...localSet(nearest),
      ...localGet(a), ...localGet(b), ...localGet(c), ...localGet(toB), ...localGet(nearest), ...i16x8Equal, ...v128BitSelect,
      ...localGet(toA), ...localGet(nearest), ...i16x8Equal, ...v128BitSelect,
      ...value, ...i16x8ExtendLowUnsigned, ...i16x8Add, ...v128Const(alternating(255, 0)), ...v128And, ...localTee(a),
      ...localGet(b), ...localSet(c), ...localGet(a), ...i8x16NarrowUnsigned,
    ],
  }
  const stepBytes = i32Const(inVectors ? 16 : pixelBytes)
  return {
    name: `undo${type}Of${pixelBytes}`,
    parameters: ['i32', 'i32', 'i32', 'i32'],
    locals: ['v128', 'v128', 'v128', 'v128', 'v128', 'v128', 'v128'],
    exported: true,
    body: repeat(
      steps, localGet(out), sum[type], inVectors ? v128Store() : v128Store32(),
      advance(filtered, stepBytes), advance(out, stepBytes), advance(above, stepBytes),
    ),
  }
}

function bytesOf(value: number): Code {
  return v128Const(new Array<number>(16).fill(value))
}

function alternating(even: number, odd: number): number[] {
  return Array.from({ length: 16 }, (_, index) => (index % 2 === 0 ? even : odd))
}
