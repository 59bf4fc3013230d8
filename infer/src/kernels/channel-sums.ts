// Σx and Σx² of red, green and blue over RGB pixels, four at a time: their bytes are spread to 16-bit
// lanes, so that neighbouring lanes are of one channel, and multiplied and added in pairs.
//
//   R0 G0 B0 R1 …  →  R0 R1 R2 R3 G0 G1 G2 G3 and B0 B1 B2 B3 0 0 0 0
//   · 1, · itself  →  [R0+R1, R2+R3, G0+G1, G2+G3], [R0²+R1², …], …

import { advance, buildModule, i32Const, i32x4Add, i32x4DotProduct, i8x16Swizzle, localGet, localSet, localTee, repeat, v128Const, v128Load, v128Store, type Code } from './assembler.js'
import { areLent, layRegions, resizeMemory } from './resize-memory.js'

/** Sums of R, G, B. */
export interface RgbSums {
  readonly sum: [number, number, number]
  readonly sumOfSquares: [number, number, number]
}

/** A lane of squares takes two a step: 4,096 steps stay within 30 bits. */
const pixelsAtOnce = 2 ** 14
const pixelsPerStep = 4
const pixelBytes = 3
const none = 0x80 // a byte that swizzle makes 0
const orders = {
  redGreen: [0, none, 3, none, 6, none, 9, none, 1, none, 4, none, 7, none, 10, none],
  blue: [2, none, 5, none, 8, none, 11, none, ...new Array<number>(8).fill(none)],
}

let sumSteps: ((source: number, steps: number, out: number) => void) | undefined

/** @param data RGB bytes, three a pixel */
export function sumRgb(data: Uint8Array): RgbSums {
  sumSteps ??= instantiate()
  const sums: RgbSums = { sum: [0, 0, 0], sumOfSquares: [0, 0, 0] }
  const isLent = areLent(data)
  const chunkBytes = pixelsAtOnce * pixelBytes
  const at = layRegions({ source: isLent ? 0 : chunkBytes, out: 64 })
  const source = new Uint8Array(resizeMemory.buffer, at.source, isLent ? 0 : chunkBytes)
  const lanes = new Int32Array(resizeMemory.buffer, at.out, 16)
  const whole = data.length - (data.length % (pixelsPerStep * pixelBytes))
  for (let from = 0; from < whole; from += chunkBytes) {
    const chunk = data.subarray(from, Math.min(whole, from + chunkBytes))
    if (!isLent) source.set(chunk)
    sumSteps(isLent ? chunk.byteOffset : at.source, chunk.length / (pixelsPerStep * pixelBytes), at.out)
    for (const [index, totals] of [sums.sum, sums.sumOfSquares].entries()) {
      for (const [channel, lane] of [0, 2, 4].entries()) totals[channel]! += lanes[8 * index + lane]! + lanes[8 * index + lane + 1]!
    }
  }
  addReference(sums, data.subarray(whole))
  return sums
}

/** The same, a byte at a time. */
export function sumRgbReference(data: Uint8Array): RgbSums {
  const sums: RgbSums = { sum: [0, 0, 0], sumOfSquares: [0, 0, 0] }
  addReference(sums, data)
  return sums
}

function addReference({ sum, sumOfSquares }: RgbSums, data: Uint8Array): void {
  data.forEach((value, at) => {
    sum[at % 3]! += value
    sumOfSquares[at % 3]! += value * value
  })
}

function instantiate(): (source: number, steps: number, out: number) => void {
  const [source, steps, out, redGreen, blue, ones, toRedGreen, toBlue] = [0, 1, 2, 3, 4, 5, 6, 7] as const
  const totals = { sumRedGreen: 8, sumBlue: 9, squareRedGreen: 10, squareBlue: 11 } as const
  const addTo = (total: number, first: number, second: number): Code => [...localGet(total), ...localGet(first), ...localGet(second), ...i32x4DotProduct, ...i32x4Add, ...localSet(total)]
  const body: Code[] = [
    v128Const(orders.redGreen), localSet(toRedGreen), v128Const(orders.blue), localSet(toBlue),
    v128Const(Array.from({ length: 16 }, (_, index) => (index + 1) % 2)), localSet(ones),
    repeat(
      steps, localGet(source), v128Load(), localTee(redGreen), localGet(toBlue), i8x16Swizzle, localSet(blue),
      localGet(redGreen), localGet(toRedGreen), i8x16Swizzle, localSet(redGreen),
      addTo(totals.sumRedGreen, redGreen, ones), addTo(totals.sumBlue, blue, ones),
      addTo(totals.squareRedGreen, redGreen, redGreen), addTo(totals.squareBlue, blue, blue),
      advance(source, i32Const(pixelsPerStep * pixelBytes)),
    ),
    ...Object.values(totals).map((total, index): Code => [...localGet(out), ...localGet(total), ...v128Store(16 * index)]),
  ]
  const code = buildModule([{ name: 'sum', parameters: ['i32', 'i32', 'i32'], locals: new Array<'v128'>(9).fill('v128'), body: body.flat(), exported: true }])
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code), { env: { memory: resizeMemory } })
  return exports['sum'] as (source: number, steps: number, out: number) => void
}
