// Fills polygons with exact antialiasing: a pixel's value is the share of its area inside. Every edge is
// cut at the pixel borders; a piece of height dy whose middle lies at the fraction m of its pixel's width
// covers dy·(1 − m) of that pixel and dy of every pixel to the right of it. So each piece adds
//
//   pixel:      dy·(1 − m)        next pixel:  dy·m
//
// to a row of differences, and a running sum along the row gives the coverage. No native code and no
// SVG: the same numbers on every machine.

/** A closed line: x and y by turns. */
export type Contour = Float32Array | readonly number[]

/** What a shape covers: `alpha` [height, width], 0..1, whose first pixel lies at (left, top). */
export interface Coverage {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
  readonly alpha: Float32Array
}

/** The coverage of a shape given by its contours (counters run the other way round), in pixels. */
export function fillContours(contours: readonly Contour[]): Coverage {
  const bounds = boundsOf(contours)
  const left = Math.floor(bounds.left)
  const top = Math.floor(bounds.top)
  const width = Math.max(0, Math.ceil(bounds.right) - left)
  const height = Math.max(0, Math.ceil(bounds.bottom) - top)
  const stride = width + 2 // an edge on the right border adds to two pixels past it
  const differences = new Float32Array(stride * height)
  for (const contour of contours) {
    const count = contour.length / 2
    for (let point = 0; point < count; point++) {
      const next = point + 1 < count ? point + 1 : 0
      addEdge(differences, stride, contour[2 * point]! - left, contour[2 * point + 1]! - top, contour[2 * next]! - left, contour[2 * next + 1]! - top)
    }
  }
  return { left, top, width, height, alpha: sumRows(differences, stride, width, height) }
}

/** The smallest rectangle around `contours`. */
export function boundsOf(contours: readonly Contour[]): { left: number; top: number; right: number; bottom: number } {
  let left = Infinity
  let top = Infinity
  let right = -Infinity
  let bottom = -Infinity
  for (const contour of contours) {
    for (let place = 0; place + 1 < contour.length; place += 2) {
      left = Math.min(left, contour[place]!)
      right = Math.max(right, contour[place]!)
      top = Math.min(top, contour[place + 1]!)
      bottom = Math.max(bottom, contour[place + 1]!)
    }
  }
  return left > right ? { left: 0, top: 0, right: 0, bottom: 0 } : { left, top, right, bottom }
}

function addEdge(differences: Float32Array, stride: number, x0: number, y0: number, x1: number, y1: number): void {
  if (y0 === y1) return
  const direction = y0 < y1 ? 1 : -1
  if (direction < 0) [x0, y0, x1, y1] = [x1, y1, x0, y0]
  const slope = (x1 - x0) / (y1 - y0)
  let x = x0
  for (let row = Math.floor(y0), y = y0; y < y1; row++) {
    const nextY = Math.min(row + 1, y1)
    const nextX = nextY === y1 ? x1 : x + slope * (nextY - y)
    addRowPiece(differences, row * stride, x, nextX, direction * (nextY - y))
    x = nextX
    y = nextY
  }
}

/** A piece within one row, from x to nextX (either way), which goes down by `rise`. */
function addRowPiece(differences: Float32Array, rowStart: number, x: number, nextX: number, rise: number): void {
  const low = Math.min(x, nextX)
  const high = Math.max(x, nextX)
  const span = high - low
  let from = low
  let column = Math.floor(low)
  do {
    const to = Math.min(column + 1, high)
    const part = span > 0 ? (rise * (to - from)) / span : rise
    const middle = (from + to) / 2 - column
    differences[rowStart + column]! += part * (1 - middle)
    differences[rowStart + column + 1]! += part * middle
    from = to
    column++
  } while (from < high)
}

function sumRows(differences: Float32Array, stride: number, width: number, height: number): Float32Array {
  const alpha = new Float32Array(width * height)
  for (let row = 0; row < height; row++) {
    let sum = 0
    for (let column = 0; column < width; column++) {
      sum += differences[row * stride + column]!
      alpha[row * width + column] = Math.min(1, Math.abs(sum)) // overlapping strokes wind twice
    }
  }
  return alpha
}
