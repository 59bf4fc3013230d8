// The fast path of nearest neighbour (resize-nearest.ts): each pixel in one move, from a table of columns.

import { advance, buildModule, i32Add, i32Const, i32Load, i32Load8Unsigned, i32Store, i32Store8, localGet, localSet, repeat, type FunctionSpec } from './assembler.js'
import { bandRows, bandSize, layRegions, resizeMemory, SourceBand } from './resize-memory.js'
import type { PixelImage, PixelSize } from './resize-method.js'
import { nearestPlaces } from './resize-nearest.js'

/** Copies the pixels at `columnCount` byte offsets for each of `rowCount` addresses of source rows. */
type PickRows = (rowCount: number, rows: number, columns: number, columnCount: number, out: number, rowLength: number) => void

const channelCounts = [1, 3, 4] as const

let pickRows: readonly PickRows[] | undefined

/** The same as the reference. */
export function resizeNearestSimd(image: PixelImage, { width, height }: PixelSize): PixelImage {
  pickRows ??= instantiate()
  const { channels } = image
  const rowLength = width * channels
  const inRows = Math.min(bandRows(image.width * channels), image.height)
  const outRows = Math.min(bandRows(rowLength), height)
  const at = layRegions({ columns: width * 4, rows: outRows * 4, source: bandSize(image, inRows), out: outRows * rowLength })
  const columns = new Int32Array(resizeMemory.buffer, at.columns, width)
  for (const [x, column] of nearestPlaces(image.width, width).entries()) columns[x] = column * channels
  const places = nearestPlaces(image.height, height)
  const rows = new Int32Array(resizeMemory.buffer, at.rows, outRows)
  const out = new Uint8Array(resizeMemory.buffer, at.out, outRows * rowLength)
  const band = new SourceBand(image, at.source, inRows)
  const pick = pickRows[channelCounts.indexOf(channels)]!
  const data = new Uint8Array(rowLength * height)
  for (let begin = 0, end = 0; begin < height; begin = end) {
    band.clear()
    for (; end < height && end - begin < outRows && band.room > 0; end++) rows[end - begin] = band.place(places[end]!)
    band.move()
    pick(end - begin, at.rows, at.columns, width, at.out, rowLength)
    data.set(out.subarray(0, (end - begin) * rowLength), begin * rowLength)
  }
  return { data, width, height, channels }
}

function instantiate(): PickRows[] {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(buildModule(channelCounts.map(pickFunction))), { env: { memory: resizeMemory } })
  return channelCounts.map((channels) => exports[`pick${channels}`] as PickRows)
}

/** pickN, a {@link PickRows}. Of three channels four bytes are moved: the next pixel overwrites the fourth. */
function pickFunction(channels: 1 | 3 | 4): FunctionSpec {
  const [rowCount, rows, columns, columnCount, out, rowLength, row, column, to, left] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] as const
  const [load, store] = channels === 1 ? [i32Load8Unsigned, i32Store8] : [i32Load, i32Store]
  return {
    name: `pick${channels}`,
    parameters: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'],
    locals: ['i32', 'i32', 'i32', 'i32'],
    exported: true,
    body: repeat(
      rowCount, localGet(rows), i32Load(), localSet(row), localGet(columns), localSet(column), localGet(out), localSet(to), localGet(columnCount), localSet(left),
      repeat(
        left, localGet(to), localGet(row), localGet(column), i32Load(), i32Add, load(), store(),
        advance(to, i32Const(channels)), advance(column, i32Const(4)),
      ),
      advance(rows, i32Const(4)), advance(out, localGet(rowLength)),
    ),
  }
}
