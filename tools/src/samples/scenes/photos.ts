// Photos with one subject, or several of one sort, and where they are in it: food on a table, a face, a car,
// traffic, signs. Each photo has its own size, place, turn, light and surroundings.

import type { RawImage } from '@millrace/infer'
import type { Canvas } from '../canvas.js'
import { boxOf, paintFigure, placeFigure, wholeBoxOf, type Box, type Figure } from '../figure.js'
import { between, chance, pick, type Random } from '../random.js'
import { drawLandscape, drawSurface, takePhoto, type PictureSize } from './backdrop.js'
import { drawCar, drawCarEnd, type CarShape } from './car.js'
import { drawFace, type Person } from './face.js'
import { foods, type Food } from './food.js'
import { signPost } from './sign.js'
import { overlap } from './street.js'

export interface Seen<Kind> {
  readonly kind: Kind
  readonly box: Box
}

export interface PhotoOf<Kind> {
  readonly image: RawImage
  readonly seen: readonly Seen<Kind>[]
}

/** The size of a photo whose longer side has so many pixels: lying, standing or square. */
export function drawPictureSize(random: Random, longest: number): PictureSize {
  const shorter = Math.round(longest * pick(random, [0.75, 0.75, 0.67, 0.8, 1]))
  return chance(random, 0.7) ? { width: longest, height: shorter } : { width: shorter, height: longest }
}

/** One figure on a table, filling much of the photo. */
export function drawStill(random: Random, longest: number, figure: Figure): RawImage {
  const size = drawPictureSize(random, longest)
  const canvas = drawSurface(random, size)
  const scale = Math.min(size.width, size.height) * between(random, 0.22, 0.42)
  paintFigure(canvas, placeFigure(figure, { ...drawPlace(random, size, scale), scale, angle: between(random, -0.7, 0.7), stretch: between(random, 0.85, 1.18), slant: between(random, -0.12, 0.12), isMirrored: chance(random, 0.5) }))
  return takePhoto(random, canvas).toImage()
}

/** Something that stands in the open air, filling much of the photo's height. */
export function drawOutdoors(random: Random, longest: number, figure: Figure): RawImage {
  const size = drawPictureSize(random, longest)
  const { canvas, horizon } = drawLandscape(random, size, 0.4, 0.75)
  const { left, top, right, bottom } = wholeBoxOf(figure)
  const scale = Math.min((size.height * between(random, 0.45, 0.85)) / (bottom - top), (size.width * 0.9) / (right - left))
  const y = between(random, Math.max(horizon, scale * (bottom - top)), size.height * 0.97)
  paintFigure(canvas, placeFigure(figure, { x: between(random, 0.3, 0.7) * size.width, y, scale, angle: between(random, -0.06, 0.06), stretch: between(random, 0.9, 1.1) }))
  return takePhoto(random, canvas).toImage()
}

/** One to four pieces of food on a table, the first of them `first`. */
export function drawMeal(random: Random, longest: number, first: Food, kinds: readonly Food[]): PhotoOf<Food> {
  const size = drawPictureSize(random, longest)
  const canvas = drawSurface(random, size)
  const count = pick(random, [1, 1, 2, 2, 3, 4])
  const wanted = Array.from({ length: count }, (_, place) => (place === 0 || chance(random, 0.5) ? first : pick(random, kinds)))
  const seen = placeApart(wanted, 0.15, size, (kind) => {
    const scale = Math.min(size.width, size.height) * between(random, count > 2 ? 0.12 : 0.16, count > 2 ? 0.24 : 0.36)
    return placeFigure(foods[kind](random), { ...drawPlace(random, size, scale), scale, angle: between(random, -0.6, 0.6), stretch: between(random, 0.9, 1.12), isMirrored: chance(random, 0.5) })
  })
  return { image: photo(random, canvas, seen), seen: seen.map(({ kind, box }) => ({ kind, box })) }
}

/** A face before a wall, `upright` or as it was held. */
export function drawPortrait(random: Random, side: number, person: Person, upright: boolean, identity?: Random): RawImage {
  const canvas = drawSurface(random, { width: side, height: side })
  const scale = side * between(random, 0.32, 0.4)
  const turn = upright ? 0.05 : 0.3
  const view = { x: side * between(random, 0.44, 0.56), y: side * between(random, 0.43, 0.53), scale, angle: between(random, -turn, turn), stretch: between(random, 0.92, 1.08), slant: between(random, -0.05, 0.05) }
  paintFigure(canvas, placeFigure(drawFace(random, person, identity), view))
  return takePhoto(random, canvas, side < 64 ? 0.4 : 1).toImage()
}

/** A car on a road or a field, seen from its side. */
export function drawCarPhoto(random: Random, longest: number, shape: CarShape): PhotoOf<'car'> {
  const size = { width: longest, height: Math.round(longest * pick(random, [0.6, 0.67, 0.75])) }
  const { canvas, horizon } = drawLandscape(random, size, 0.3, 0.6)
  const scale = size.width * between(random, 0.55, 0.92)
  const y = between(random, Math.max(horizon + 4, size.height * 0.66), size.height * 0.93)
  const figure = placeFigure(drawCar(random, shape), { x: size.width / 2 + between(random, -0.4, 0.4) * (size.width - scale), y, scale, angle: between(random, -0.04, 0.04), stretch: between(random, 0.94, 1.06), isMirrored: chance(random, 0.5) })
  const seen = [{ kind: 'car' as const, box: boxOf(figure, size), figure }]
  return { image: photo(random, canvas, seen), seen: seen.map(({ kind, box }) => ({ kind, box })) }
}

/** Cars ahead, from behind or coming towards one; the far ones too small to tell. */
export function drawTraffic(random: Random, longest: number): PhotoOf<'front' | 'rear'> {
  const size = { width: longest, height: Math.round(longest * 0.67) }
  const { canvas, horizon } = drawLandscape(random, size, 0.3, 0.5)
  const cars = Array.from({ length: Math.floor(between(random, 1, 6)) }, () => ({ depth: random(), end: pick(random, ['front', 'rear'] as const) }))
  cars.sort((one, other) => one.depth - other.depth)
  const seen = placeApart(cars, 0.3, size, ({ depth, end }) => {
    const view = { x: between(random, 0.02, 0.98) * size.width, y: horizon + 4 + depth * (size.height - horizon - 6), scale: size.width * (0.05 + 0.33 * depth), stretch: between(random, 0.92, 1.06) }
    return placeFigure(drawCarEnd(random, end), view)
  })
  return { image: photo(random, canvas, seen), seen: seen.map(({ kind, box }) => ({ kind: kind.end, box })) }
}

/** A frame of a drive past one to three signs on posts, the first of them `first`; the boxes are around the signs alone. */
export function drawDrive<Kind>(random: Random, longest: number, first: Kind, signs: ReadonlyMap<Kind, () => Figure>): PhotoOf<Kind> {
  const size = { width: longest, height: Math.round(longest * pick(random, [0.56, 0.75])) }
  const { canvas } = drawLandscape(random, size, 0.45, 0.65)
  const wanted = [first, ...Array.from({ length: pick(random, [0, 0, 0, 1, 2]) }, () => pick(random, [...signs.keys()]))]
  const posts = new Map<Figure, Figure>()
  const seen = placeApart(wanted, 0, size, (kind) => {
    const view = { x: between(random, 0.08, 0.92) * size.width, y: between(random, 0.15, 0.6) * size.height, scale: size.width * between(random, 0.018, 0.075), angle: between(random, -0.09, 0.09), stretch: between(random, 0.8, 1.05), slant: between(random, -0.06, 0.06) }
    const sign = placeFigure(signs.get(kind)!(), view)
    posts.set(sign, placeFigure([signPost(between(random, 3, 5))], view))
    return sign
  })
  for (const { figure } of seen) paintFigure(canvas, posts.get(figure)!)
  return { image: photo(random, canvas, seen), seen: seen.map(({ kind, box }) => ({ kind, box })) }
}

/** A sign cut out with about a tenth of border, near or far, sharp or not, in sun or dusk. */
export function drawSignCrop(random: Random, sign: Figure): PhotoOf<'sign'> {
  const side = Math.round(24 + 56 * random() ** 2)
  const size = { width: side + Math.floor(between(random, -2, 3)), height: side }
  const { canvas } = drawLandscape(random, size, 0.2, 0.9)
  const scale = (side / 2) * between(random, 0.74, 0.82)
  const figure = placeFigure(sign, { x: size.width / 2 + between(random, -1.5, 1.5), y: size.height / 2 + between(random, -1.5, 1.5), scale: scale / 1.1, angle: between(random, -0.12, 0.12), stretch: between(random, 0.84, 1.06), slant: between(random, -0.12, 0.12) })
  const box = boxOf(figure, size)
  paintFigure(canvas, figure)
  const brightness = between(random, 0.25, 1.15)
  canvas.light(() => brightness)
  return { image: takePhoto(random, canvas, between(random, 0.4, 1.4)).toImage(), seen: [{ kind: 'sign', box }] }
}

/** Places a figure for each of `wanted` where it hides no more than `hidden` of another; those without a place are left out. */
function placeApart<Kind>(wanted: readonly Kind[], hidden: number, size: PictureSize, place: (kind: Kind) => Figure): (Seen<Kind> & { readonly figure: Figure })[] {
  const placed: (Seen<Kind> & { readonly figure: Figure })[] = []
  for (const kind of wanted) {
    for (let attempt = 0; attempt < 12; attempt++) {
      const figure = place(kind)
      const box = boxOf(figure, size)
      if (box.right - box.left < 4 || box.bottom - box.top < 4 || placed.some((other) => overlap(other.box, box) > hidden)) continue
      placed.push({ kind, box, figure })
      break
    }
  }
  return placed
}

function photo(random: Random, canvas: Canvas, seen: readonly { readonly figure: Figure }[]): RawImage {
  for (const { figure } of seen) paintFigure(canvas, figure)
  return takePhoto(random, canvas).toImage()
}

function drawPlace(random: Random, { width, height }: PictureSize, scale: number): { readonly x: number; readonly y: number } {
  const room = (side: number): number => between(random, Math.min(scale, side / 2), Math.max(side - scale, side / 2))
  return { x: room(width), y: room(height) }
}
