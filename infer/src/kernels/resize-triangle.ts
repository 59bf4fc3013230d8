// The fast path of resizing with a triangle filter (resize.ts has the formula, in float64): the same sums in
// float32, through WebAssembly's vectors. Pixels pass through the kernels' memory in bands of rows.
//
//   rows:   16 values of the source rows under an output row, weighted and added     bytes or floats in
//   along:  the pixels under an output pixel; a vector holds a pixel's channels, and its spare lane is
//           overwritten by the next pixel

import {
  branchIf, buildModule, f32Add, f32Load, f32Multiply, f32Store, f32x4Add, f32x4Const, f32x4ConvertI32x4, f32x4Multiply, i16x8ExtendHighUnsigned, i16x8ExtendLowUnsigned, i32Add,
  i32Const, i32LessUnsigned, i32Load, i32x4ExtendHighUnsigned, i32x4ExtendLowUnsigned, localGet, localSet, loop, repeat, v128Load, v128Load32Splat, v128Store, type Code, type FunctionSpec,
} from './assembler.js'
import { FunctionBuilder, move, point } from './function-builder.js'
import { layRegions, resizeMemory } from './resize-memory.js'

/** The weights of one axis: output `o` takes `first[o]` and the next places, weights[begin[o] … begin[o + 1]). */
export interface AxisFilter {
  readonly first: Int32Array
  readonly begin: Int32Array
  readonly weights: ArrayLike<number>
}

interface Image {
  readonly data: Uint8Array | Float32Array
  readonly width: number
  readonly height: number
  /** 1, 3 or 4. */
  readonly channels: number
}

/** Sets a row of sums from the source rows at `source`, `taps` of them. Lengths are of multiples of 16 values. */
type BlendRows = (source: number, rowBytes: number, weights: number, taps: number, sums: number, sumsEnd: number) => void
/** `places` holds for each output pixel the byte offset of its first source pixel and its number of taps. */
type BlendAlong = (sums: number, places: number, weights: number, out: number, count: number) => void

/** So many source rows are moved in at once; at least those of one output row. */
const bandBytes = 2 ** 19

let kernels: Readonly<Record<string, (...parameters: number[]) => void>> | undefined

/** [height, width, channels] as float32. */
export function resizeTriangle(image: Image, vertical: AxisFilter, horizontal: AxisFilter): Float32Array {
  kernels ??= new WebAssembly.Instance(new WebAssembly.Module(triangleModule()), { env: { memory: resizeMemory } }).exports as Readonly<Record<string, () => void>>
  const { data, channels } = image
  const [width, height] = [horizontal.first.length, vertical.first.length]
  const valueBytes = data.BYTES_PER_ELEMENT
  const rowValues = image.width * channels
  const rowBytes = rowValues * valueBytes
  const bandRows = Math.min(image.height, Math.max(Math.floor(bandBytes / rowBytes), longest(vertical)))
  const sumValues = Math.ceil(rowValues / 16) * 16
  const outRow = width * channels
  const at = layRegions({
    across: 4 * horizontal.weights.length, places: 8 * width, down: 4 * vertical.weights.length,
    sums: 4 * sumValues, out: 4 * outRow, source: bandRows * rowBytes + 16 * valueBytes,
  })
  const { buffer } = resizeMemory
  new Float32Array(buffer, at.across, horizontal.weights.length).set(horizontal.weights)
  new Float32Array(buffer, at.down, vertical.weights.length).set(vertical.weights)
  writePlaces(new Int32Array(buffer, at.places, 2 * width), horizontal, 4 * channels)
  const source = new Uint8Array(buffer, at.source)
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  const out = new Float32Array(buffer, at.out, outRow)
  const blendRows = kernels[valueBytes === 1 ? 'bytes' : 'floats'] as BlendRows
  const blendAlong = kernels[`along${channels}`] as BlendAlong
  const result = new Float32Array(outRow * height)
  let [bandFirst, bandEnd] = [0, 0]
  for (let y = 0; y < height; y++) {
    const first = vertical.first[y]!
    const taps = vertical.begin[y + 1]! - vertical.begin[y]!
    if (first < bandFirst || first + taps > bandEnd) {
      ;[bandFirst, bandEnd] = [first, Math.min(image.height, first + bandRows)]
      source.set(bytes.subarray(bandFirst * rowBytes, bandEnd * rowBytes))
    }
    blendRows(at.source + (first - bandFirst) * rowBytes, rowBytes, at.down + 4 * vertical.begin[y]!, taps, at.sums, at.sums + 4 * sumValues)
    blendAlong(at.sums, at.places, at.across, at.out, width)
    result.set(out, y * outRow)
  }
  return result
}

function longest({ begin }: AxisFilter): number {
  let most = 0
  for (let o = 0; o + 1 < begin.length; o++) most = Math.max(most, begin[o + 1]! - begin[o]!)
  return most
}

function writePlaces(places: Int32Array, { first, begin }: AxisFilter, pixelBytes: number): void {
  for (let o = 0; o < first.length; o++) {
    places[2 * o] = first[o]! * pixelBytes
    places[2 * o + 1] = begin[o + 1]! - begin[o]!
  }
}

function triangleModule(): Uint8Array<ArrayBuffer> {
  return buildModule([rowsFunction('bytes'), rowsFunction('floats'), ...[1, 3, 4].map(alongFunction)])
}

/** bytes or floats(source, rowBytes, weights, taps, sums, sumsEnd) */
function rowsFunction(name: 'bytes' | 'floats'): FunctionSpec {
  const [source, rowBytes, weights, taps, sums, sumsEnd] = [0, 1, 2, 3, 4, 5]
  const builder = new FunctionBuilder(['i32', 'i32', 'i32', 'i32', 'i32', 'i32'])
  const [place, weightPlace, left] = builder.locals('i32', 3) as [number, number, number]
  const totals = builder.locals('v128', 4)
  const [weight, loaded, half] = builder.locals('v128', 3) as [number, number, number]
  const addTo = (total: number, values: Code): Code => [...localGet(total), ...values, ...localGet(weight), ...f32x4Multiply, ...f32x4Add, ...localSet(total)]
  const bytes: Code = [
    ...localGet(place), ...v128Load(), ...localSet(loaded),
    ...[i16x8ExtendLowUnsigned, i16x8ExtendHighUnsigned].flatMap((extend, upper) => [
      ...localGet(loaded), ...extend, ...localSet(half),
      ...[i32x4ExtendLowUnsigned, i32x4ExtendHighUnsigned].flatMap((widen, odd) => addTo(totals[2 * upper + odd]!, [...localGet(half), ...widen, ...f32x4ConvertI32x4])),
    ]),
  ]
  const floats = totals.flatMap((total, index) => addTo(total, [...localGet(place), ...v128Load(16 * index)]))
  const spec = builder.finish(name, loop(
    totals.flatMap((total) => [...f32x4Const(0), ...localSet(total)]),
    point(place, source), point(weightPlace, weights), localGet(taps), localSet(left),
    repeat(left,
      [...localGet(weightPlace), ...v128Load32Splat(), ...localSet(weight)],
      name === 'bytes' ? bytes : floats,
      localGet(place), localGet(rowBytes), i32Add, localSet(place), move(weightPlace, 4)),
    totals.flatMap((total, index) => [...localGet(sums), ...localGet(total), ...v128Store(16 * index)]),
    move(source, name === 'bytes' ? 16 : 64), move(sums, 64),
    localGet(sums), localGet(sumsEnd), i32LessUnsigned, branchIf(0)))
  return { ...spec, exported: true }
}

/** alongN(sums, places, weights, out, count) */
function alongFunction(channels: number): FunctionSpec {
  const [sums, places, weights, out, count] = [0, 1, 2, 3, 4]
  const builder = new FunctionBuilder(['i32', 'i32', 'i32', 'i32', 'i32'])
  const [place, left] = builder.locals('i32', 2) as [number, number]
  const isSingle = channels === 1
  const total = builder.local(isSingle ? 'f32' : 'v128')
  const product: Code = isSingle
    ? [...localGet(place), ...f32Load(), ...localGet(weights), ...f32Load(), ...f32Multiply, ...f32Add]
    : [...localGet(place), ...v128Load(), ...localGet(weights), ...v128Load32Splat(), ...f32x4Multiply, ...f32x4Add]
  const zero: Code = isSingle ? [...i32Const(0), 0xb2] : f32x4Const(0) // f32.convert_i32_s
  const spec = builder.finish(`along${channels}`, repeat(count,
    [...zero, ...localSet(total)],
    [...localGet(places), ...i32Load(), ...localGet(sums), ...i32Add, ...localSet(place), ...localGet(places), ...i32Load(4), ...localSet(left)],
    repeat(left, [...localGet(total), ...product, ...localSet(total)], move(place, 4 * channels), move(weights, 4)),
    [...localGet(out), ...localGet(total), ...(isSingle ? f32Store() : v128Store())],
    move(places, 8), move(out, 4 * channels)))
  return { ...spec, exported: true }
}
