// What a number hangs on: render, painted boards, bricks or a smooth surface, in a colour of houses,
// with stains. Walls are functions from a place to a colour, drawn once a photo.

import type { Canvas, Colour } from './canvas.js'
import { luma } from './canvas.js'
import { fillContours } from './coverage.js'
import { between, chance, pick, type Random } from './random.js'

/** Render, stone, wood, brick, paint. */
const wallColours: readonly Colour[] = [
  [214, 205, 186], [196, 190, 178], [230, 226, 214], [176, 168, 150], [150, 148, 144], [110, 108, 106],
  [142, 84, 66], [164, 104, 80], [120, 70, 58], [128, 98, 70], [96, 70, 50], [168, 134, 96],
  [86, 104, 120], [60, 78, 104], [104, 124, 104], [54, 74, 62], [190, 170, 110], [70, 64, 62], [150, 60, 56],
]

/** Numerals and plates: black, white, brass, enamel blue, … */
const paintColours: readonly Colour[] = [
  [20, 20, 22], [28, 26, 30], [245, 244, 240], [250, 250, 250], [232, 226, 208], [196, 160, 84], [222, 190, 110],
  [30, 54, 120], [24, 44, 90], [150, 32, 34], [40, 84, 58], [74, 48, 32], [176, 180, 184], [60, 62, 68],
]

/** A colour of walls, a little off the palette. */
export function drawWallColour(random: Random): Colour {
  return vary(random, pick(random, wallColours), 14)
}

/**
 * A colour of numerals or plates whose luma differs from `ground`'s by at least `contrast`, where any does,
 * and which is not taken for `other`.
 */
export function drawPaintColour(random: Random, ground: Colour, contrast: number, other?: Colour): Colour {
  const groundLuma = luma(ground)
  for (let attempt = 0; attempt < 16; attempt++) {
    const colour = vary(random, pick(random, paintColours), 8)
    if (other && distance(colour, other) < 90) continue
    if (Math.abs(luma(colour) - groundLuma) >= contrast) return colour
  }
  return groundLuma > 127 ? [12, 12, 14] : [250, 250, 248]
}

/** Covers the canvas with a wall of `colour`. `unit` is a digit's height in pixels. */
export function paintWall(random: Random, canvas: Canvas, colour: Colour, unit: number): void {
  const kind = pick(random, ['render', 'render', 'bricks', 'boards', 'smooth'] as const)
  const joints = kind === 'bricks' ? bricks(random, unit) : kind === 'boards' ? boards(random, unit) : () => 0
  const coarse = smoothNoise(random, canvas, between(random, 0.5, 1.5) * unit)
  const fine = smoothNoise(random, canvas, between(random, 1.5, 3))
  const coarseSize = between(random, 3, 10)
  const fineSize = kind === 'smooth' ? 1 : between(random, 2, kind === 'render' ? 9 : 6)
  canvas.paint((x, y) => {
    const change = joints(x, y) + coarseSize * coarse(x, y) + fineSize * fine(x, y)
    return [colour[0] + change, colour[1] + change, colour[2] + change]
  })
}

/** Sometimes a post beside the number, a ledge above or below it: bands that keep clear of `inner`. */
export function paintStrips(random: Random, canvas: Canvas, inner: { left: number; top: number; right: number; bottom: number }): void {
  const { width, height } = canvas
  for (const [share, room, outline] of [
    [0.18, inner.left, (size: number) => [0, 0, size, 0, size, height, 0, height]],
    [0.18, width - inner.right, (size: number) => [width - size, 0, width, 0, width, height, width - size, height]],
    [0.1, inner.top, (size: number) => [0, 0, width, 0, width, size, 0, size]],
    [0.1, height - inner.bottom, (size: number) => [0, height - size, width, height - size, width, height, 0, height]],
  ] as const) {
    if (!chance(random, share)) continue
    const size = room * between(random, 0.25, 0.75)
    canvas.fill(fillContours([outline(size)]), drawWallColour(random))
  }
}

/** Courses of bricks, every other one shifted by half a brick; each brick its own shade. */
function bricks(random: Random, unit: number): (x: number, y: number) => number {
  const height = Math.max(6, between(random, 0.3, 0.55) * unit)
  const width = height * between(random, 2.2, 3)
  const joint = Math.max(1, 0.12 * height)
  const jointShade = between(random, -22, 26)
  const [left, top] = [between(random, 0, width), between(random, 0, height)]
  const salt = Math.floor(random() * 65536)
  return (x, y) => {
    const course = Math.floor((y + top) / height)
    const along = x + left + (course % 2) * (width / 2)
    const inJoint = y + top - course * height < joint || along % width < joint
    return inJoint ? jointShade : 10 * hashed(Math.floor(along / width) + salt, course)
  }
}

/** Boards, upright or level, with dark joints and their own shades. */
function boards(random: Random, unit: number): (x: number, y: number) => number {
  const size = Math.max(8, between(random, 0.5, 1.4) * unit)
  const level = chance(random, 0.5)
  const offset = between(random, 0, size)
  const joint = Math.max(1, 0.05 * size)
  const jointShade = between(random, -40, -16)
  const salt = Math.floor(random() * 65536)
  return (x, y) => {
    const across = (level ? y : x) + offset
    const board = Math.floor(across / size)
    const grain = 3 * hashed(Math.floor(across), board + salt)
    return across - board * size < joint ? jointShade : 7 * hashed(board, salt) + grain
  }
}

/** Noise of about -1..1 that changes over `cell` pixels: random values on a grid, bilinear between. */
function smoothNoise(random: Random, canvas: Canvas, cell: number): (x: number, y: number) => number {
  const columns = Math.ceil(canvas.width / cell) + 2
  const rows = Math.ceil(canvas.height / cell) + 2
  const grid = Float32Array.from({ length: columns * rows }, () => between(random, -1, 1))
  return (x, y) => {
    const [column, row] = [Math.floor(x / cell), Math.floor(y / cell)]
    const [right, down] = [x / cell - column, y / cell - row]
    const place = row * columns + column
    const above = grid[place]! + right * (grid[place + 1]! - grid[place]!)
    const below = grid[place + columns]! + right * (grid[place + columns + 1]! - grid[place + columns]!)
    return above + down * (below - above)
  }
}

/** A fixed value in -1..1 for a pair of integers. */
function hashed(one: number, other: number): number {
  let mixed = Math.imul(one, 0x9e3779b1) ^ Math.imul(other, 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) // the finishing steps of a 32-bit hash
  return ((mixed ^ (mixed >>> 13)) >>> 0) / 2147483648 - 1
}

function distance(one: Colour, other: Colour): number {
  return Math.hypot(one[0] - other[0], one[1] - other[1], one[2] - other[2])
}

function vary(random: Random, colour: Colour, amount: number): Colour {
  const shift = between(random, -amount, amount)
  const [red, green, blue] = colour.map((value) => Math.min(252, Math.max(6, value + shift + between(random, -amount / 2, amount / 2))))
  return [red!, green!, blue!]
}
