// Draws one photo of a house number and writes down its boxes. What varies: typeface, colours, wall, plate,
// slope, slant, perspective, light and shadow, blur, noise, how much of the surroundings is seen, and digits
// of other signs beside the number, which have no boxes. What does not: a person reads every number at a
// glance (digits 20 px and more, contrast about 60 of 255, blur up to 1 px, noise up to 12 of 255).
//
//   wall → posts and ledges → plate → other signs' digits → number's shadow → number → light → blur → noise

import type { RawImage } from '@millrace/infer'
import { Canvas, luma, type Colour } from './canvas.js'
import { boundsOf, fillContours, type Contour, type Coverage } from './coverage.js'
import type { DigitBox } from './digit-struct.js'
import { drawNumber, drawProjection, layOutNumber, project, type HouseNumber, type Projection } from './house-number.js'
import { drawLight } from './light.js'
import { drawPlate, paintPlate, type Plate } from './plate.js'
import { between, chance, pick, type Random } from './random.js'
import { digitGlyph, type Typeface } from './typefaces.js'
import { drawPaintColour, drawWallColour, paintStrips, paintWall } from './wall.js'

/** A photo with its truth. */
export interface Photo {
  readonly digits: string
  readonly typeface: string
  /** Whether digits that are no part of the number stand beside it. */
  readonly hasClutter: boolean
  readonly image: RawImage
  /** One box a digit, left to right. */
  readonly boxes: readonly DigitBox[]
}

/** Parts beside the number, in wall units, and how far they reach beyond its ends. */
interface Clutter {
  readonly shapes: readonly (readonly Contour[])[]
  readonly leftReach: number
  readonly rightReach: number
}

/** What is left of the numeral's contrast after light and shadow, of 255. */
const leastContrast = 64
const clutterShareOfSides = 0.22

/** Draws a photo; everything about it comes from `random`. */
export function drawPhoto(random: Random, typefaces: readonly Typeface[]): Photo {
  const number = layOutNumber(random, drawNumber(random), typefaces)
  const plate = chance(random, 0.45) ? drawPlate(random, number.width) : undefined
  const clutter = drawClutter(random, number, typefaces, plate)
  const unit = drawDigitHeight(random)
  const { projection, canvas, inner } = frame(random, number, clutter, unit)

  const light = drawLight(random, canvas.width, canvas.height)
  const wallColour = drawWallColour(random)
  paintWall(random, canvas, wallColour, unit)
  paintStrips(random, canvas, inner)
  const plateColour = plate ? drawPaintColour(random, wallColour, 25) : undefined
  const ground = plateColour ?? wallColour
  const ink = drawPaintColour(random, ground, leastContrast / light.least)
  if (plate && plateColour) paintPlate(canvas, plate, projection, plateColour, ink)
  const clutterColour = drawPaintColour(random, wallColour, 50, ink)
  for (const shape of clutter.shapes) canvas.fill(fillContours(project(shape, projection)), clutterColour)
  const digits = number.shapes.map((shape) => project(shape, projection))
  if (chance(random, 0.35)) paintShadow(random, canvas, digits, ground, unit)
  const inks = digits.map(fillContours)
  for (const coverage of inks) canvas.fill(coverage, ink)

  canvas.light(light.at)
  canvas.blur(between(random, 0.35, 0.95))
  canvas.addNoise(random, between(random, 2, 12))
  return {
    digits: number.digits,
    typeface: number.typeface.name,
    hasClutter: clutter.shapes.length > 0,
    image: canvas.toImage(),
    boxes: inks.map((coverage, place) => boxAround(random, coverage, number.digits[place]!, canvas)),
  }
}

/** Pixels; half of them under 27, few over 50. */
function drawDigitHeight(random: Random): number {
  return Math.min(80, 21.5 - 8 * Math.log(1 - random()))
}

/** A digit or two of another sign on neither, one or both sides; most are cut by the photo's edge. */
function drawClutter(random: Random, number: HouseNumber, typefaces: readonly Typeface[], plate: Plate | undefined): Clutter {
  const shapes: (readonly Contour[])[] = []
  const reach = [0, 0]
  for (const side of [0, 1]) {
    if (!chance(random, clutterShareOfSides)) continue
    const { contours } = digitGlyph(pick(random, typefaces), String(Math.floor(random() * 10)))
    const size = between(random, 0.7, 1.15)
    const bounds = boundsOf(contours)
    const width = (bounds.right - bounds.left) * size
    const gap = between(random, 0.2, 0.45) + (plate?.padding ?? 0)
    const left = side === 0 ? -gap - width : number.width + gap
    const baseline = between(random, -0.25, 0.2)
    shapes.push(contours.map((contour) => contour.map((value, place) => (place % 2 === 0 ? (value - bounds.left) * size + left : value * size + baseline))))
    reach[side] = gap + width * between(random, 0.35, 1.1)
  }
  return { shapes, leftReach: reach[0]!, rightReach: reach[1]! }
}

/** The photo's size and the view moved into it. `inner` is the number's part of the picture, in pixels. */
function frame(random: Random, number: HouseNumber, clutter: Clutter, unit: number): { projection: Projection; canvas: Canvas; inner: ReturnType<typeof boundsOf> } {
  const view = drawProjection(random, number.width, unit)
  const seen = boundsOf(number.shapes.flatMap((shape) => project(shape, view)))
  const margin = (reach: number, low: number, high: number): number => Math.max(4, unit * (reach > 0 ? reach : between(random, low, high)))
  const left = margin(clutter.leftReach, 0.15, 1)
  const right = margin(clutter.rightReach, 0.15, 1)
  const top = margin(0, 0.1, 0.42)
  const bottom = margin(0, 0.1, 0.42)
  const canvas = new Canvas(Math.ceil(seen.right - seen.left + left + right), Math.ceil(seen.bottom - seen.top + top + bottom))
  const inner = { left, top, right: left + seen.right - seen.left, bottom: top + seen.bottom - seen.top }
  const projection: Projection = (x, y) => {
    const [across, down] = view(x, y)
    return [across - seen.left + left, down - seen.top + top]
  }
  return { projection, canvas, inner }
}

/** Numerals that stand off the wall darken it beside them. */
function paintShadow(random: Random, canvas: Canvas, digits: readonly Contour[][], ground: Colour, unit: number): void {
  const across = between(random, -0.07, 0.07) * unit
  const down = between(random, 0.02, 0.08) * unit
  const opacity = between(random, 0.25, 0.5)
  const dark = ground.map((value) => value * 0.35) as unknown as Colour
  for (const contours of digits) {
    const moved = contours.map((contour) => contour.map((value, place) => value + (place % 2 === 0 ? across : down)))
    canvas.fill(fillContours(moved), dark, luma(ground) > 60 ? opacity : opacity / 2)
  }
}

/** The digit's box as SVHN's annotators drew them: whole pixels counted from 1, tight or one pixel loose. */
function boxAround(random: Random, coverage: Coverage, digit: string, canvas: Canvas): DigitBox {
  const ink = inkBounds(coverage)
  const slack = (): number => (chance(random, 0.35) ? 1 : 0)
  const left = Math.max(1, ink.left + 1 - slack())
  const top = Math.max(1, ink.top + 1 - slack())
  const right = Math.min(canvas.width, ink.right + slack())
  const bottom = Math.min(canvas.height, ink.bottom + slack())
  return { height: bottom - top + 1, left, top, width: right - left + 1, label: digit === '0' ? 10 : Number(digit) }
}

/** The pixels that are at least a quarter covered; right and bottom are one past the last. */
function inkBounds(coverage: Coverage): { left: number; top: number; right: number; bottom: number } {
  let [left, top, right, bottom] = [coverage.width, coverage.height, 0, 0]
  for (let place = 0; place < coverage.alpha.length; place++) {
    if (coverage.alpha[place]! < 0.25) continue
    const x = place % coverage.width
    const y = Math.floor(place / coverage.width)
    left = Math.min(left, x)
    right = Math.max(right, x + 1)
    top = Math.min(top, y)
    bottom = Math.max(bottom, y + 1)
  }
  return { left: left + coverage.left, top: top + coverage.top, right: right + coverage.left, bottom: bottom + coverage.top }
}
