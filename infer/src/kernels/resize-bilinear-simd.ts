// The fast path of bilinear interpolation (resize-bilinear.ts has the formula). A source row is blended
// along itself into 32-bit sums S >> 4, at most 32,640, so that a 16-bit multiplication, which yields 32
// bits, serves in both directions; two such rows give one output row.
//
//   blend:  8 bytes at a column's offset hold both of its pixels        R0 G0 B0 R1 G1 B1 …
//           swizzled to 16-bit pairs, multiplied and added in pairs     R0·a0 + R1·a1, G…, B…, (0)
//   mix:    ((S0·b0) >> 16) + ((S1·b1) >> 16), + 2, >> 2, to bytes      16 values at a time
//
// Row r is kept in sum buffer r mod 2. For each output row a plan entry of four 32-bit numbers says what
// is to be done: the addresses of the source rows to blend into either buffer (−1 if the row is there
// already), and the weights of either buffer.

import {
  advance, branchIf, buildModule, call, block, i16x8Add, i16x8ExtendLowUnsigned, i16x8NarrowSigned, i16x8ShiftRightUnsigned, i32Add, i32Const,
  i32LessSigned, i32Load, i32ShiftRightUnsigned, i32x4Add, i32x4DotProduct, i32x4ShiftRightSigned, i8x16NarrowUnsigned, i8x16Swizzle, localGet, localSet, repeat,
  v128Const, v128Load, v128Load16Lane, v128Load32Splat, v128Load64Zero, v128Store, type Code, type FunctionSpec, type ValueType,
} from './assembler.js'
import type { FixedPointAxis } from './resize-axis.js'
import { bandRows, bandSize, layRegions, resizeMemory, SourceBand } from './resize-memory.js'
import type { PixelImage } from './resize-method.js'

/** Blends and mixes the output rows of `rowCount` plan entries; columns are blended four at a time. */
type MixRows = (rowCount: number, plan: number, offsets: number, weights: number, columnQuads: number, sums0: number, sums1: number, out: number, rowLength: number) => void

const channelCounts = [1, 3, 4] as const
const nothingToBlend = -1

let mixRows: readonly MixRows[] | undefined

/** The same as the reference, through WebAssembly's vectors. The result goes to `place`, if it is given. */
export function resizeBilinearSimd(image: PixelImage, horizontal: FixedPointAxis, vertical: FixedPointAxis, place?: Uint8Array): PixelImage {
  mixRows ??= instantiate()
  const { channels } = image
  const [width, height] = [horizontal.first.length, vertical.first.length]
  const rowLength = width * channels
  const inRows = Math.min(bandRows(image.width * channels), image.height + 1)
  const outRows = place ? height : Math.min(bandRows(rowLength), height)
  const columns = Math.ceil(width / 4) * 4
  const sums = (columns * channels + 16) * 4
  const at = layRegions({
    offsets: columns * 4, weights: columns * 4, plan: outRows * 16, sums0: sums, sums1: sums,
    source: bandSize(image, inRows), out: place ? 0 : outRows * rowLength,
  })
  writeColumns(horizontal, image.width, channels, new Int32Array(resizeMemory.buffer, at.offsets, columns), new Int32Array(resizeMemory.buffer, at.weights, columns))
  const band = new SourceBand(image, at.source, inRows)
  const planRow = rowPlanner(vertical, image.height, band, new Int32Array(resizeMemory.buffer, at.plan, outRows * 4))
  const out = place ?? new Uint8Array(resizeMemory.buffer, at.out, outRows * rowLength)
  const mix = mixRows[channelCounts.indexOf(channels)]!
  const data = place ?? new Uint8Array(rowLength * height)
  for (let begin = 0, end = 0; begin < height; begin = end) {
    band.clear()
    for (; end < height && end - begin < outRows && band.room >= 2; end++) planRow(end - begin, end)
    band.move()
    const to = out.byteOffset + (place ? begin * rowLength : 0)
    mix(end - begin, at.plan, at.offsets, at.weights, columns / 4, at.sums0, at.sums1, to, rowLength)
    if (!place) data.set(out.subarray(0, (end - begin) * rowLength), begin * rowLength)
  }
  return { data, width, height, channels }
}

/** Gives the function that writes the plan entry of an output row and places the source rows that it wants. */
function rowPlanner({ first, weights }: FixedPointAxis, inHeight: number, band: SourceBand, plan: Int32Array): (entry: number, y: number) => void {
  const kept = [-1, -1] // the source rows in the sum buffers
  return (entry, y) => {
    const upper = clamp(first[y]!, inHeight)
    const lower = clamp(first[y]! + 1, inHeight) // beyond an edge the same row again, in the other buffer
    const place = (row: number, buffer: number, weight: number): void => {
      plan[4 * entry + buffer] = kept[buffer] === row ? nothingToBlend : band.place(row)
      plan[4 * entry + 2 + buffer] = weight
      kept[buffer] = row
    }
    place(upper, upper & 1, weights[2 * y]!)
    place(lower, 1 - (upper & 1), weights[2 * y + 1]!)
  }
}

/** The byte offset of each column's first pixel in a source row, and its two weights as 16-bit pairs. */
function writeColumns({ first, weights }: FixedPointAxis, inWidth: number, channels: number, offsets: Int32Array, pairs: Int32Array): void {
  offsets.fill(0)
  pairs.fill(0)
  for (let x = 0; x < first.length; x++) {
    const [left, right] = [weights[2 * x]!, weights[2 * x + 1]!]
    const isInside = first[x]! >= 0 && first[x]! < inWidth - 1
    offsets[x] = clamp(first[x]!, inWidth) * channels
    pairs[x] = isInside ? left | (right << 16) : left + right // beyond the edge both taps are the edge's pixel
  }
}

function instantiate(): MixRows[] {
  const functions = channelCounts.flatMap((channels, index) => [blendFunction(channels), mixFunction(channels, 2 * index)])
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(buildModule(functions)), { env: { memory: resizeMemory } })
  return channelCounts.map((channels) => exports[`mix${channels}`] as MixRows)
}

/** 128 makes a zero byte: the high half of a 16-bit lane. */
const pairsOf: Readonly<Record<3 | 4, readonly number[]>> = {
  3: [0, 128, 3, 128, 1, 128, 4, 128, 2, 128, 5, 128, 128, 128, 128, 128],
  4: [0, 128, 4, 128, 1, 128, 5, 128, 2, 128, 6, 128, 3, 128, 7, 128],
}

/** blendN(source, sums, offsets, weights, quads) */
function blendFunction(channels: 1 | 3 | 4): FunctionSpec {
  const [source, sums, offsets, weights, quads, order] = [0, 1, 2, 3, 4, 5]
  const address = (column: number): Code => [...localGet(offsets), ...i32Load(4 * column), ...localGet(source), ...i32Add]
  const sum = (pixels: Code, pairs: Code): Code => [...pixels, ...localGet(weights), ...pairs, ...i32x4DotProduct, ...i32Const(4), ...i32x4ShiftRightSigned]
  // Four grey columns fill a vector: two bytes each, in lanes 0-3.
  const zero = v128Const(new Array<number>(16).fill(0))
  const greyPixels = [0, 1, 2, 3].reduce<Code>((vector, column) => [...address(column), ...vector, ...v128Load16Lane(column)], zero)
  const grey: Code = [...localGet(sums), ...sum([...greyPixels, ...i16x8ExtendLowUnsigned], v128Load()), ...v128Store()]
  // A colour column fills one; what is beyond its channels the next column overwrites.
  const colour = (column: number): Code => [
    ...localGet(sums),
    ...sum([...address(column), ...v128Load64Zero(), ...localGet(order), ...i8x16Swizzle], v128Load32Splat(4 * column)),
    ...v128Store(4 * channels * column),
  ]
  return kernel(`blend${channels}`, 5, ['v128'], false, [
    ...(channels === 1 ? [] : [...v128Const(pairsOf[channels]), ...localSet(order)]),
    ...repeat(
      quads, channels === 1 ? grey : [0, 1, 2, 3].flatMap(colour),
      advance(offsets, i32Const(16)), advance(weights, i32Const(16)), advance(sums, i32Const(16 * channels)),
    ),
  ])
}

/** mixN, a {@link MixRows}. */
function mixFunction(channels: 1 | 3 | 4, blendIndex: number): FunctionSpec {
  const [rows, plan, offsets, weights, quads, sums0, sums1, out, rowLength, at0, at1, to, left, weight0, weight1, two] = Array.from({ length: 16 }, (_, index) => index) as [
    number, number, number, number, number, number, number, number, number, number, number, number, number, number, number, number]
  const blend = (buffer: 0 | 1): Code => block(
    localGet(plan), i32Load(4 * buffer), i32Const(0), i32LessSigned, branchIf(0),
    localGet(plan), i32Load(4 * buffer), localGet(buffer === 0 ? sums0 : sums1), localGet(offsets), localGet(weights), localGet(quads), call(blendIndex),
  )
  const product = (at: number, weight: number, offset: number): Code =>
    [...localGet(at), ...v128Load(offset), ...localGet(weight), ...i32x4DotProduct, ...i32Const(16), ...i32x4ShiftRightSigned]
  const four = (offset: number): Code => [...product(at0, weight0, offset), ...product(at1, weight1, offset), ...i32x4Add]
  const eight = (offset: number): Code =>
    [...four(offset), ...four(offset + 16), ...i16x8NarrowSigned, ...localGet(two), ...i16x8Add, ...i32Const(2), ...i16x8ShiftRightUnsigned]
  return kernel(`mix${channels}`, 9, ['i32', 'i32', 'i32', 'i32', 'v128', 'v128', 'v128'], true, [
    ...v128Const([2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0]), ...localSet(two),
    ...repeat(
      rows, blend(0), blend(1),
      // A weight in the low half of a 32-bit lane, above it zeros, against sums that fill no more.
      localGet(plan), v128Load32Splat(8), localSet(weight0), localGet(plan), v128Load32Splat(12), localSet(weight1),
      localGet(sums0), localSet(at0), localGet(sums1), localSet(at1), localGet(out), localSet(to),
      localGet(rowLength), i32Const(15), i32Add, i32Const(4), i32ShiftRightUnsigned, localSet(left),
      repeat(
        left, localGet(to), eight(0), eight(32), i8x16NarrowUnsigned, v128Store(),
        advance(at0, i32Const(64)), advance(at1, i32Const(64)), advance(to, i32Const(16)),
      ),
      advance(plan, i32Const(16)), advance(out, localGet(rowLength)),
    ),
  ])
}

function kernel(name: string, parameters: number, locals: readonly ValueType[], exported: boolean, body: Code): FunctionSpec {
  return { name, parameters: new Array<ValueType>(parameters).fill('i32'), locals, body, exported }
}

function clamp(place: number, size: number): number {
  return Math.min(Math.max(place, 0), size - 1)
}
