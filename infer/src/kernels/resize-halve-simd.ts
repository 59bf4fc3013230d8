// The fast path for images halved in both directions (resize-area-whole.ts: the mean of 2 x 2 pixels,
// halves up), which bilinear and area share. Bytes that meet are brought side by side and added in
// pairs, two rows at a time:
//
//   R0 G0 B0 R1 G1 B1 …  →  R0 R1 G0 G1 B0 B1 …  →  R0+R1, G0+G1, B0+B1, …   + the row below + 2, >> 2

import {
  advance, buildModule, i16x8Add, i16x8AddPairsUnsigned, i16x8ShiftRightUnsigned, i32Add, i32Const, i8x16NarrowUnsigned, i8x16Swizzle, localGet,
  localSet, repeat, v128Const, v128Load, v128Store64, type Code, type FunctionSpec, type ValueType,
} from './assembler.js'
import { bandRows, bandSize, layRegions, resizeMemory, SourceBand } from './resize-memory.js'
import type { PixelImage, PixelSize } from './resize-method.js'

/** Halves `rowCount` pairs of rows that follow each other, `stepCount` vectors in each. */
type HalveRows = (rowCount: number, source: number, inRowLength: number, stepCount: number, out: number, rowLength: number) => void

const channelCounts = [1, 3, 4] as const

/** The order of the bytes, and how many of them an output of how many takes. */
const steps = {
  1: { order: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], inBytes: 16, outBytes: 8 },
  3: { order: [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11, 12, 13, 14, 15], inBytes: 12, outBytes: 6 },
  4: { order: [0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15], inBytes: 16, outBytes: 8 },
} as const

let halveRows: readonly HalveRows[] | undefined

/** The image at half its width and height, both of which are even. */
export function halveSimd(image: PixelImage, { width, height }: PixelSize): PixelImage {
  halveRows ??= instantiate()
  const { channels } = image
  const rowLength = width * channels
  const bandOutRows = Math.min(height, Math.max(1, Math.floor(bandRows(2 * rowLength) / 2)))
  const at = layRegions({ source: bandSize(image, 2 * bandOutRows), out: bandOutRows * rowLength })
  const band = new SourceBand(image, at.source, 2 * bandOutRows)
  const out = new Uint8Array(resizeMemory.buffer, at.out, bandOutRows * rowLength)
  const halve = halveRows[channelCounts.indexOf(channels)]!
  const stepCount = Math.ceil(rowLength / steps[channels].outBytes)
  const data = new Uint8Array(rowLength * height)
  for (let begin = 0; begin < height; begin += bandOutRows) {
    const rows = Math.min(bandOutRows, height - begin)
    band.clear()
    const source = band.place(2 * begin)
    for (let row = 2 * begin + 1; row < 2 * (begin + rows); row++) band.place(row)
    band.move()
    halve(rows, source, 2 * rowLength, stepCount, at.out, rowLength)
    data.set(out.subarray(0, rows * rowLength), begin * rowLength)
  }
  return { data, width, height, channels }
}

function instantiate(): HalveRows[] {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(buildModule(channelCounts.map(halveFunction))), { env: { memory: resizeMemory } })
  return channelCounts.map((channels) => exports[`halve${channels}`] as HalveRows)
}

function halveFunction(channels: 1 | 3 | 4): FunctionSpec {
  const [rows, source, inRowLength, stepCount, out, rowLength, upper, lower, to, left, order, two] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] as const
  const { order: bytes, inBytes, outBytes } = steps[channels]
  const pairs = (at: number): Code => [...localGet(at), ...v128Load(), ...localGet(order), ...i8x16Swizzle, ...i16x8AddPairsUnsigned]
  return {
    name: `halve${channels}`,
    parameters: new Array<ValueType>(6).fill('i32'),
    locals: ['i32', 'i32', 'i32', 'i32', 'v128', 'v128'],
    exported: true,
    body: [
      ...v128Const(bytes), ...localSet(order), ...v128Const([2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0]), ...localSet(two),
      ...repeat(
        rows, localGet(source), localSet(upper), localGet(source), localGet(inRowLength), i32Add, localSet(lower),
        localGet(out), localSet(to), localGet(stepCount), localSet(left),
        repeat(
          left, localGet(to), pairs(upper), pairs(lower), i16x8Add, localGet(two), i16x8Add, i32Const(2), i16x8ShiftRightUnsigned,
          localGet(two), i8x16NarrowUnsigned, v128Store64(),
          advance(upper, i32Const(inBytes)), advance(lower, i32Const(inBytes)), advance(to, i32Const(outBytes)),
        ),
        advance(source, localGet(inRowLength)), advance(source, localGet(inRowLength)), advance(out, localGet(rowLength)),
      ),
    ],
  }
}
