// The fast paths of interpolation over 4 x 4 and 8 x 8 pixels (resize-cubic.ts and resize-lanczos.ts have
// the formulas). Source rows are lengthened by the pixels at their ends, so that no tap lies outside, and
// blended along themselves into exact 32-bit sums, each kept while output rows need it; then mixed:
//
//   blend:  8 bytes hold the pixels of two taps              R0 G0 B0 R1 G1 B1 …
//           swizzled to 16-bit pairs, multiplied and added   R0·a0 + R1·a1, G…, B…, (0)    for each two taps
//   mix:    Σ b·S + 2^21, >> 22          whole numbers: lanczos4, and the end of cubic's rows
//           Σ (b / 2^22)·S, rounded      float32, from the lowest row up: cubic, 8 values at a time
//
// A plan of the mix: `taps` addresses of sums, then `taps` weights.

import {
  advance, buildModule, f32x4Add, f32x4ConvertI32x4, f32x4Multiply, f32x4Nearest, i16x8NarrowSigned, i32Add, i32Const, i32Load, i32x4Add, i32x4DotProduct,
  i32x4Multiply, i32x4ShiftRightSigned, i32x4TruncateF32x4, i8x16NarrowUnsigned, i8x16Swizzle, localGet, localSet, repeat, v128Const, v128Load,
  v128Load32Splat, v128Load64Zero, v128Store, v128Store64, type Code, type FunctionSpec, type ValueType,
} from './assembler.js'
import type { FixedPointAxis } from './resize-axis.js'
import { layRegions, resizeMemory } from './resize-memory.js'
import type { PixelImage } from './resize-method.js'

type BlendRow = (source: number, sums: number, offsets: number, weights: number, columnCount: number) => void
/** Mixes `count` times 8 values from the byte offset `begin` of the sums on. */
type MixRow = (plan: number, begin: number, out: number, count: number) => void

interface Kernels {
  readonly blend: BlendRow
  readonly mixWhole: MixRow
  readonly mixFloat: MixRow
}

const channelCounts = [1, 3, 4] as const
const tapCounts = [4, 8] as const
const margin = 8 // pixels at either end of a row; taps reach 4 beyond

let kernels: Readonly<Record<string, Kernels>> | undefined

/** The same as `resizeCubic`. */
export function resizeCubicSimd(image: PixelImage, horizontal: FixedPointAxis, vertical: FixedPointAxis): PixelImage {
  return interpolate(image, horizontal, vertical, (rowLength) => rowLength - (rowLength % 8))
}

/** The same as `resizeLanczos`. */
export function resizeLanczosSimd(image: PixelImage, horizontal: FixedPointAxis, vertical: FixedPointAxis): PixelImage {
  return interpolate(image, horizontal, vertical, () => 0)
}

function interpolate(image: PixelImage, horizontal: FixedPointAxis, vertical: FixedPointAxis, floatsOf: (rowLength: number) => number): PixelImage {
  kernels ??= instantiate()
  const { channels } = image
  const { taps } = vertical
  const [width, height] = [horizontal.first.length, vertical.first.length]
  const rowLength = width * channels
  const floats = floatsOf(rowLength)
  const sumBytes = Math.ceil((rowLength + 8) / 8) * 32
  const at = layRegions({ offsets: width * 4, weights: horizontal.weights.byteLength, plan: taps * 8, row: (image.width + 2 * margin) * channels, sums: taps * sumBytes, out: rowLength + 16 })
  const offsets = new Int32Array(resizeMemory.buffer, at.offsets, width)
  for (let x = 0; x < width; x++) offsets[x] = (horizontal.first[x]! + margin) * channels
  new Int16Array(resizeMemory.buffer, at.weights, horizontal.weights.length).set(horizontal.weights)
  const { blend, mixWhole, mixFloat } = kernels[`${channels} ${taps}`]!
  const row = new Uint8Array(resizeMemory.buffer, at.row, (image.width + 2 * margin) * channels)
  const kept = new Int32Array(taps).fill(-1) // which source row each of the sums is of
  const addresses = new Int32Array(resizeMemory.buffer, at.plan, taps)
  const wholeWeights = new Int32Array(resizeMemory.buffer, at.plan + 4 * taps, taps)
  const floatWeights = new Float32Array(resizeMemory.buffer, at.plan + 4 * taps, taps)
  const out = new Uint8Array(resizeMemory.buffer, at.out, rowLength)
  const source = image.data
  const data = new Uint8Array(rowLength * height)
  for (let y = 0; y < height; y++) {
    for (let tap = 0; tap < taps; tap++) {
      const from = Math.min(Math.max(vertical.first[y]! + tap, 0), image.height - 1)
      const place = from % taps
      addresses[tap] = at.sums + place * sumBytes
      if (kept[place] === from) continue
      kept[place] = from
      lengthenRow(source, image, from, row)
      blend(at.row, at.sums + place * sumBytes, at.offsets, at.weights, width)
    }
    for (let tap = 0; tap < taps; tap++) floatWeights[tap] = vertical.weights[y * taps + tap]! * 2 ** -22
    if (floats > 0) mixFloat(at.plan, 0, at.out, floats / 8)
    for (let tap = 0; tap < taps; tap++) wholeWeights[tap] = vertical.weights[y * taps + tap]!
    if (floats < rowLength) mixWhole(at.plan, 4 * floats, at.out + floats, Math.ceil((rowLength - floats) / 8))
    data.set(out, y * rowLength)
  }
  return { data, width, height, channels }
}

/** A row, and its first and last pixel over and over before and after it. */
function lengthenRow(source: Uint8Array, { width, channels }: PixelImage, y: number, row: Uint8Array): void {
  const rowLength = width * channels
  const begin = margin * channels
  row.set(source.subarray(y * rowLength, (y + 1) * rowLength), begin)
  for (let at = 0; at < begin; at++) {
    row[at] = row[begin + (at % channels)]!
    row[begin + rowLength + at] = row[begin + rowLength - channels + (at % channels)]!
  }
}

function instantiate(): Record<string, Kernels> {
  const functions = [...tapCounts.flatMap((taps) => channelCounts.map((channels) => blendFunction(channels, taps))), ...tapCounts.flatMap((taps) => [mixFunction('Whole', taps), mixFunction('Float', taps)])]
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(buildModule(functions)), { env: { memory: resizeMemory } })
  const entries = tapCounts.flatMap((taps) => channelCounts.map((channels) => [`${channels} ${taps}`, {
    blend: exports[`blend${channels}Of${taps}`] as BlendRow, mixWhole: exports[`mixWhole${taps}`] as MixRow, mixFloat: exports[`mixFloat${taps}`] as MixRow,
  }] as const))
  return Object.fromEntries(entries)
}

/** The 16-bit pairs of two pixels' channels; 128 makes a zero byte. */
const pairsOf: Readonly<Record<1 | 3 | 4, readonly number[]>> = {
  1: [0, 128, 1, 128, ...new Array<number>(12).fill(128)],
  3: [0, 128, 3, 128, 1, 128, 4, 128, 2, 128, 5, 128, 128, 128, 128, 128],
  4: [0, 128, 4, 128, 1, 128, 5, 128, 2, 128, 6, 128, 3, 128, 7, 128],
}

/** blendNOfT, a {@link BlendRow}. What a column writes beyond its channels the next overwrites. */
function blendFunction(channels: 1 | 3 | 4, taps: 4 | 8): FunctionSpec {
  const [source, sums, offsets, weights, columns, at, order] = [0, 1, 2, 3, 4, 5, 6] as const
  const pair = (index: number): Code => [
    ...localGet(at), ...v128Load64Zero(2 * index * channels), ...localGet(order), ...i8x16Swizzle, ...localGet(weights), ...v128Load32Splat(4 * index), ...i32x4DotProduct,
  ]
  const sum = Array.from({ length: taps / 2 }, (_, index): Code => [...pair(index), ...(index === 0 ? [] : i32x4Add)]).flat()
  return {
    name: `blend${channels}Of${taps}`, parameters: new Array<ValueType>(5).fill('i32'), locals: ['i32', 'v128'], exported: true,
    body: [
      ...v128Const(pairsOf[channels]), ...localSet(order),
      ...repeat(
        columns, localGet(offsets), i32Load(), localGet(source), i32Add, localSet(at), localGet(sums), sum, v128Store(),
        advance(offsets, i32Const(4)), advance(weights, i32Const(2 * taps)), advance(sums, i32Const(4 * channels)),
      ),
    ],
  }
}

/** mixWholeT or mixFloatT, a {@link MixRow}. */
function mixFunction(kind: 'Whole' | 'Float', taps: 4 | 8): FunctionSpec {
  const [plan, begin, out, count] = [0, 1, 2, 3] as const
  const row = (tap: number): number => 4 + tap
  const weight = (tap: number): number => 4 + taps + tap
  const half = 4 + 2 * taps
  const isFloat = kind === 'Float'
  const order = Array.from({ length: taps }, (_, step) => (isFloat ? taps - 1 - step : step))
  const product = (tap: number, offset: number): Code =>
    [...localGet(row(tap)), ...v128Load(offset), ...(isFloat ? f32x4ConvertI32x4 : []), ...localGet(weight(tap)), ...(isFloat ? f32x4Multiply : i32x4Multiply)]
  const four = (offset: number): Code => {
    const sum = order.flatMap((tap, step) => [...product(tap, offset), ...(step === 0 ? [] : isFloat ? f32x4Add : i32x4Add)])
    return isFloat ? [...sum, ...f32x4Nearest, ...i32x4TruncateF32x4] : [...sum, ...localGet(half), ...i32x4Add, ...i32Const(22), ...i32x4ShiftRightSigned]
  }
  return {
    name: `mix${kind}${taps}`, parameters: new Array<ValueType>(4).fill('i32'), exported: true,
    locals: [...new Array<ValueType>(taps).fill('i32'), ...new Array<ValueType>(taps + 1).fill('v128')],
    body: [
      ...v128Const([0, 0, 32, 0, 0, 0, 32, 0, 0, 0, 32, 0, 0, 0, 32, 0]), ...localSet(half),
      ...order.flatMap((tap) => [
        ...localGet(plan), ...i32Load(4 * tap), ...localGet(begin), ...i32Add, ...localSet(row(tap)),
        ...localGet(plan), ...v128Load32Splat(4 * (taps + tap)), ...localSet(weight(tap)),
      ]),
      ...repeat(
        count, localGet(out), four(0), four(16), i16x8NarrowSigned, localGet(half), i8x16NarrowUnsigned, v128Store64(),
        ...order.map((tap) => advance(row(tap), i32Const(32))), advance(out, i32Const(8)),
      ),
    ],
  }
}
