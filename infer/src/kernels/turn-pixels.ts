// Turning and mirroring images as EXIF's orientation asks (Exif 2.32, tag 0x0112: which sides of the
// scene the first row and the first column of the file show):
//
//   1 as it is      2 mirrored left to right   3 upside down (180°)      4 mirrored top to bottom
//   5 mirrored along the main diagonal         6 turned right (90°)
//   7 mirrored along the other diagonal        8 turned left (90°)
//
// Stepping right or down in the result is a fixed step in the source, for each of the eight. Pixels move
// in tiles, so that the rows and columns at hand stay in the first-level cache.

import { advance, buildModule, i32Const, i32Load, i32Load8Unsigned, i32ShiftRightUnsigned, i32Store8, i32Store16, localGet, localSet, localTee, repeat, type Code, type FunctionSpec, type ValueType } from './assembler.js'
import { areLent, resizeMemory } from './resize-memory.js'
import type { PixelImage } from './resize-method.js'

/** EXIF's. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8

/** Where the result's first pixel lies in the source, and the steps from there, in values. */
interface Path {
  readonly start: number
  readonly right: number
  readonly down: number
}

type TurnTile = (source: number, right: number, down: number, columns: number, rows: number, out: number, outRowLength: number) => void

const tile = 32

let turnTiles: Readonly<Record<1 | 3, TurnTile>> | undefined

/**
 * The image upright. `data` takes the pixels; it may not overlap those of the image. Where both lie in
 * borrowed pixels it is quick.
 */
export function turnPixels<Channels extends 1 | 3>(image: PixelImage & { readonly channels: Channels }, orientation: Orientation, data: Uint8Array = new Uint8Array(image.data.length)): PixelImage & { readonly channels: Channels } {
  const { channels } = image
  const isOnItsSide = orientation >= 5
  const [width, height] = isOnItsSide ? [image.height, image.width] : [image.width, image.height]
  const path = pathOf(image, orientation)
  const turn = areLent(image.data) && areLent(data) ? turnLent(image.data, data, channels) : turnPlain(image.data, data, channels)
  for (let y = 0; y < height; y += tile) {
    for (let x = 0; x < width; x += tile) {
      turn(path.start + x * path.right + y * path.down, path.right, path.down, Math.min(tile, width - x), Math.min(tile, height - y), (y * width + x) * channels, width * channels)
    }
  }
  return { data, width, height, channels }
}

function pathOf({ width, height, channels }: PixelImage, orientation: Orientation): Path {
  const [column, row] = [channels, width * channels]
  const [lastColumn, lastRow] = [(width - 1) * column, (height - 1) * row]
  const fromRight = orientation === 2 || orientation === 3 || orientation === 7 || orientation === 8
  const fromBottom = orientation === 3 || orientation === 4 || orientation === 6 || orientation === 7
  const start = (fromRight ? lastColumn : 0) + (fromBottom ? lastRow : 0)
  const alongRow = fromRight ? -column : column
  const alongColumn = fromBottom ? -row : row
  return orientation >= 5 ? { start, right: alongColumn, down: alongRow } : { start, right: alongRow, down: alongColumn }
}

/** The reference. */
function turnPlain(source: Uint8Array, data: Uint8Array, channels: 1 | 3): TurnTile {
  return (begin, right, down, columns, rows, out, outRowLength) => {
    for (let row = 0; row < rows; row++) {
      let from = begin + row * down
      let to = out + row * outRowLength
      for (let column = 0; column < columns; column++, from += right, to += channels) {
        for (let channel = 0; channel < channels; channel++) data[to + channel] = source[from + channel]!
      }
    }
  }
}

function turnLent(source: Uint8Array, data: Uint8Array, channels: 1 | 3): TurnTile {
  turnTiles ??= instantiate()
  const turn = turnTiles[channels]
  return (begin, right, down, columns, rows, out, outRowLength) => turn(source.byteOffset + begin, right, down, columns, rows, data.byteOffset + out, outRowLength)
}

function instantiate(): Record<1 | 3, TurnTile> {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(buildModule([turnFunction(1), turnFunction(3)])), { env: { memory: resizeMemory } })
  return { 1: exports['turn1'] as TurnTile, 3: exports['turn3'] as TurnTile }
}

/** turnN, a {@link TurnTile}. */
function turnFunction(channels: 1 | 3): FunctionSpec {
  const [source, right, down, columns, rows, out, outRowLength, from, to, left, pixel] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10] as const
  const grey: Code = [...localGet(to), ...localGet(from), ...i32Load8Unsigned(), ...i32Store8()]
  // Four bytes are read, three are written: the fourth may be of a pixel that is finished.
  const rgb: Code = [
    ...localGet(to), ...localGet(from), ...i32Load(), ...localTee(pixel), ...i32Store16(),
    ...localGet(to), ...localGet(pixel), ...i32Const(16), ...i32ShiftRightUnsigned, ...i32Store8(2),
  ]
  return {
    name: `turn${channels}`,
    parameters: new Array<ValueType>(7).fill('i32'),
    locals: new Array<ValueType>(4).fill('i32'),
    exported: true,
    body: repeat(
      rows, localGet(source), localSet(from), localGet(out), localSet(to), localGet(columns), localSet(left),
      repeat(left, channels === 1 ? grey : rgb, advance(from, localGet(right)), advance(to, i32Const(channels))),
      advance(source, localGet(down)), advance(out, localGet(outRowLength)),
    ),
  }
}
