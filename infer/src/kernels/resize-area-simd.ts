// The fast paths of area averaging: with weights (resize-area.ts) and of whole pixels
// (resize-area-whole.ts). The channels of a pixel are the lanes of a vector, whatever their number:
//
//   for each source row of an output row, each column:   sum = Σ pixel · weight      (whole: Σ pixel)
//                                                        sums[column] += sum · row weight
//   after the last of its rows:                          bytes = round(sums)         (whole: sums · 1/(m·n))
//
// A plan entry a source row says what is to be done: its address, its weight (float32) and whether it
// is the output row's last.

import {
  advance, buildModule, f32x4Add, f32x4ConvertI32x4, f32x4Multiply, f32x4Nearest, f32x4Splat, i16x8ExtendLowUnsigned, i16x8NarrowSigned, i32Add,
  i32Const, i32Load, i32x4Add, i32x4ExtendLowUnsigned, i32x4TruncateF32x4, i8x16NarrowUnsigned, ifThen, localGet, localSet, repeat,
  v128Const, v128Load, v128Load32Splat, v128Load32Zero, v128Store, v128Store32, type Code, type FunctionSpec, type ValueType,
} from './assembler.js'
import { areaAxis, type AreaAxis } from './resize-area.js'
import { bandRows, bandSize, layRegions, resizeMemory, SourceBand } from './resize-memory.js'
import type { PixelImage, PixelSize } from './resize-method.js'

/** `columns` holds an offset and a number of pixels for each of `columnCount`; `factor` is that of whole pixels. */
type AverageRows = (entryCount: number, plan: number, columns: number, weights: number, columnCount: number, sums: number, out: number, rowLength: number, factor: number) => void

type Averages = 'weighted' | 'whole'

const channelCounts = [1, 3, 4] as const

let averageRows: Readonly<Record<string, AverageRows>> | undefined

/** The same as `resizeArea`, through WebAssembly's vectors. */
export function resizeAreaSimd(image: PixelImage, to: PixelSize): PixelImage {
  return average('weighted', image, areaAxis(image.width, to.width), areaAxis(image.height, to.height))
}

/** The same as `resizeAreaWhole` where that does not halve both sides. */
export function resizeAreaWholeSimd(image: PixelImage, to: PixelSize): PixelImage {
  return average('whole', image, wholeAxis(image.width, to.width), wholeAxis(image.height, to.height))
}

function average(kind: Averages, image: PixelImage, horizontal: AreaAxis, vertical: AreaAxis): PixelImage {
  averageRows ??= instantiate()
  const { channels } = image
  const [width, height] = [horizontal.first.length, vertical.first.length]
  const rowLength = width * channels
  const inRows = Math.min(bandRows(image.width * channels), image.height)
  const outRows = Math.min(bandRows(rowLength), height)
  const entries = 2 * inRows
  const at = layRegions({
    plan: entries * 12, columns: width * 8, weights: horizontal.weights.byteLength, sums: width * 16,
    source: bandSize(image, inRows), out: outRows * rowLength,
  })
  const memory = resizeMemory.buffer
  writeColumns(horizontal, channels, new Int32Array(memory, at.columns, width * 2))
  new Float32Array(memory, at.weights).set(horizontal.weights)
  new Float32Array(memory, at.sums, width * 4).fill(0)
  const band = new SourceBand(image, at.source, inRows)
  const plan = new DataView(memory, at.plan, entries * 12)
  const out = new Uint8Array(memory, at.out, outRows * rowLength)
  const factor = (width * height) / (image.width * image.height)
  const run = averageRows[kind + channels]!
  const data = new Uint8Array(rowLength * height)
  for (let y = 0, row = 0; y < height;) {
    const begin = y
    let entry = 0
    band.clear()
    for (; y < height && y - begin < outRows && entry < entries && band.room > 0; entry++) {
      const tap = vertical.begin[y]! + row
      const isLast = tap + 1 === vertical.begin[y + 1]!
      plan.setInt32(12 * entry, band.place(vertical.first[y]! + row), true)
      plan.setFloat32(12 * entry + 4, vertical.weights[tap]!, true)
      plan.setInt32(12 * entry + 8, isLast ? 1 : 0, true)
      row = isLast ? 0 : row + 1
      if (isLast) y++
    }
    band.move()
    run(entry, at.plan, at.columns, at.weights, width, at.sums, at.out, rowLength, factor)
    data.set(out.subarray(0, (y - begin) * rowLength), begin * rowLength)
  }
  return { data, width, height, channels }
}

/** Every output place covers the same number of source places; no weights are read. */
function wholeAxis(inSize: number, outSize: number): AreaAxis {
  const pixels = inSize / outSize
  return {
    first: Int32Array.from({ length: outSize }, (_, o) => o * pixels),
    begin: Int32Array.from({ length: outSize + 1 }, (_, o) => o * pixels),
    weights: new Float32Array(inSize),
  }
}

function writeColumns({ first, begin }: AreaAxis, channels: number, columns: Int32Array): void {
  for (let x = 0; x < first.length; x++) {
    columns[2 * x] = first[x]! * channels
    columns[2 * x + 1] = begin[x + 1]! - begin[x]!
  }
}

function instantiate(): Record<string, AverageRows> {
  const functions = channelCounts.flatMap((channels) => [averageFunction('weighted', channels), averageFunction('whole', channels)])
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(buildModule(functions)), { env: { memory: resizeMemory } })
  return exports as unknown as Record<string, AverageRows>
}

function averageFunction(kind: Averages, channels: 1 | 3 | 4): FunctionSpec {
  const [entries, plan, columns, weights, columnCount, sums, out, rowLength, factor] = [0, 1, 2, 3, 4, 5, 6, 7, 8] as const
  const [column, weight, sumAt, left, at, taps, to, sum, rowWeight, scale, zero] = [9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19] as const
  const isWeighted = kind === 'weighted'
  const pixel: Code = [...localGet(at), ...v128Load32Zero(), ...i16x8ExtendLowUnsigned, ...i32x4ExtendLowUnsigned]
  const term: Code = isWeighted ? [...pixel, ...f32x4ConvertI32x4, ...localGet(weight), ...v128Load32Splat(), ...f32x4Multiply] : pixel
  const add = isWeighted ? f32x4Add : i32x4Add
  const rowSum: Code = isWeighted ? [...localGet(sum), ...localGet(rowWeight), ...f32x4Multiply] : localGet(sum)
  const total: Code = [...localGet(sumAt), ...v128Load(), ...(isWeighted ? [] : [...f32x4ConvertI32x4, ...localGet(scale), ...f32x4Multiply])]
  const addRow = repeat(
    left, localGet(plan), i32Load(), localGet(column), i32Load(), i32Add, localSet(at),
    localGet(column), i32Load(4), localSet(taps), localGet(zero), localSet(sum),
    repeat(taps, localGet(sum), term, add, localSet(sum), advance(at, i32Const(channels)), isWeighted ? advance(weight, i32Const(4)) : []),
    localGet(sumAt), localGet(sumAt), v128Load(), rowSum, add, v128Store(),
    advance(column, i32Const(8)), advance(sumAt, i32Const(16)),
  )
  const finishRow = repeat(
    left, localGet(to), total, f32x4Nearest, i32x4TruncateF32x4, localGet(zero), i16x8NarrowSigned, localGet(zero), i8x16NarrowUnsigned, v128Store32(),
    localGet(sumAt), localGet(zero), v128Store(), advance(sumAt, i32Const(16)), advance(to, i32Const(channels)),
  )
  const toFirstColumn: Code = [...localGet(sums), ...localSet(sumAt), ...localGet(columnCount), ...localSet(left)]
  return {
    name: kind + channels,
    parameters: [...new Array<ValueType>(8).fill('i32'), 'f32'],
    locals: [...new Array<ValueType>(7).fill('i32'), 'v128', 'v128', 'v128', 'v128'],
    exported: true,
    body: [
      ...v128Const(new Array<number>(16).fill(0)), ...localSet(zero), ...localGet(factor), ...f32x4Splat, ...localSet(scale),
      ...repeat(
        entries, toFirstColumn, localGet(columns), localSet(column), localGet(weights), localSet(weight),
        localGet(plan), v128Load32Splat(4), localSet(rowWeight), addRow,
        localGet(plan), i32Load(8), ifThen(toFirstColumn, localGet(out), localSet(to), finishRow, advance(out, localGet(rowLength))),
        advance(plan, i32Const(12)),
      ),
    ],
  }
}
