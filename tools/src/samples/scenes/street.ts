// What stands along a street: houses, churches, trees, people, signs and cars. One unit is the height of a
// storey's door, about two metres; all stand on y = 0.

import type { RawImage } from '@millrace/infer'
import type { Colour } from '../canvas.js'
import { boxOf, near, paintFigure, part, pickColour, placeFigure, shade, wholeBoxOf, type Box, type Figure, type Part } from '../figure.js'
import { between, chance, pick, type Random } from '../random.js'
import { ellipse, polygon, rectangle, rounded, stroke, type Point } from '../shapes.js'
import { drawWallColour } from '../wall.js'
import { drawLandscape, takePhoto, type PictureSize } from './backdrop.js'
import { drawAnyCar } from './car.js'
import { americanSigns, signPost } from './sign.js'

export type Thing = keyof typeof things

/** Each draws another one every time. */
export const things = { car, house, person, sign, tree } as const satisfies Record<string, (random: Random) => Figure>

/** The kinds, sorted. */
export const thingNames = Object.keys(things).sort() as Thing[]

export interface SeenThing {
  readonly kind: Thing
  readonly box: Box
  /** Reaches past the picture's edge. */
  readonly isTruncated: boolean
  /** So small that annotators call it difficult. */
  readonly isSmall: boolean
}

export interface StreetPhoto {
  readonly image: RawImage
  readonly things: readonly SeenThing[]
}

/** A street with one to five things, the nearer ones larger and in front; none hides more than a third of another. */
export function drawStreet(random: Random, size: PictureSize): StreetPhoto {
  const { canvas, horizon } = drawLandscape(random, size)
  const count = Math.floor(between(random, 1, 6))
  const placed: PlacedThing[] = []
  const depths = Array.from({ length: count }, () => random() ** 0.8).sort((a, b) => a - b)
  for (const depth of depths) {
    for (let attempt = 0; attempt < 8; attempt++) {
      const thing = placeThing(random, size, horizon, depth)
      if (!thing.isSeen || placed.some(({ box }) => overlap(box, thing.box) > 0.33)) continue
      placed.push(thing)
      break
    }
  }
  for (const { figure } of placed) paintFigure(canvas, figure)
  return { image: takePhoto(random, canvas).toImage(), things: placed }
}

/** How tall a thing is by a person's height; cars by their length. */
const scaleOf: Readonly<Record<Thing, number>> = { car: 2.3, house: 1, person: 1, sign: 0.45, tree: 1 }

interface PlacedThing extends SeenThing {
  readonly figure: Figure
  /** Enough of it to tell what it is. */
  readonly isSeen: boolean
}

function placeThing(random: Random, size: PictureSize, horizon: number, depth: number): PlacedThing {
  const kind = pick(random, thingNames)
  const scale = size.height * (0.1 + 0.3 * depth) * scaleOf[kind] * between(random, 0.9, 1.1)
  const [x, y] = [between(random, 0.06, 0.94) * size.width, horizon + 3 + depth * (size.height * 0.97 - horizon - 3)]
  const figure = placeFigure(things[kind](random), { x, y, scale, isMirrored: kind !== 'sign' && chance(random, 0.5), stretch: between(random, 0.93, 1.07), angle: between(random, -0.03, 0.03) })
  const whole = wholeBoxOf(figure)
  const box = boxOf(figure, size)
  const [width, height] = [box.right - box.left, box.bottom - box.top]
  const visible = width > 0 && height > 0 ? (width * height) / ((whole.right - whole.left) * (whole.bottom - whole.top)) : 0
  return { kind, figure, box, isTruncated: visible < 0.999, isSmall: Math.min(width, height) < 10, isSeen: visible > 0.35 && Math.min(width, height) >= 4 }
}

/** What two boxes share, by the smaller one. */
export function overlap(one: Box, other: Box): number {
  const width = Math.min(one.right, other.right) - Math.max(one.left, other.left)
  const height = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top)
  const area = ({ left, top, right, bottom }: Box): number => (right - left) * (bottom - top)
  return width <= 0 || height <= 0 ? 0 : (width * height) / Math.min(area(one), area(other))
}

function car(random: Random): Figure {
  return drawAnyCar(random)
}

const roofs: readonly Colour[] = [[150, 66, 48], [84, 70, 64], [96, 100, 110], [120, 52, 44], [70, 80, 70]]

function house(random: Random): Figure {
  const wall = drawWallColour(random)
  const storeys = chance(random, 0.5) ? 1 : 2
  const half = between(random, 1.1, 2)
  const top = -1.25 * storeys - 0.2
  const peak = top - between(random, 0.6, 1.2)
  const roof = pickColour(random, roofs, 16)
  const columns = half > 1.5 ? 4 : 3
  const windows: Part[] = []
  for (let storey = 0; storey < storeys; storey++) {
    for (let column = 0; column < columns; column++) {
      const [x, y] = [-half + ((column + 0.5) * 2 * half) / columns, -1.25 * storey - 0.55]
      if (storey > 0 || column !== 1) windows.push(part([236, 234, 228], rectangle(x - 0.27, y - 0.37, x + 0.27, y + 0.27)), part(near(random, [70, 84, 100], 24), rectangle(x - 0.22, y - 0.32, x - 0.02, y + 0.22), rectangle(x + 0.02, y - 0.32, x + 0.22, y + 0.22)))
    }
  }
  const doorX = -half + (1.5 * 2 * half) / columns
  return [
    ...(chance(random, 0.6) ? [part(shade(roof, 0.8), rectangle(half * 0.4, peak - 0.15, half * 0.4 + 0.3, top))] : []),
    part(wall, rectangle(-half, top, half, 0)),
    part(roof, polygon(chance(random, 0.5) ? [[-half - 0.2, top], [0, peak], [half + 0.2, top]] : [[-half - 0.2, top], [-half * 0.6, peak], [half * 0.6, peak], [half + 0.2, top]])),
    ...windows,
    part(pickColour(random, [[96, 58, 40], [50, 70, 60], [130, 40, 40]], 16), rectangle(doorX - 0.24, -1, doorX + 0.24, 0)),
  ]
}

/** A nave and a tower with a spire and a cross. */
export function church(random: Random): Figure {
  const wall = drawWallColour(random)
  const roof = pickColour(random, roofs, 16)
  const tower = between(random, 2.6, 3.4)
  const windows = [0.55, 1.15, 1.75].map((x) => polygon(rounded([[x - 0.13, -0.4], [x - 0.13, -1.1], [x, -1.35], [x + 0.13, -1.1], [x + 0.13, -0.4]], 1)))
  return [
    part(wall, rectangle(0.1, -1.6, 2.2, 0), rectangle(-0.6, -tower, 0.3, 0)),
    part(roof, polygon([[0.2, -1.6], [0.5, -2.4], [2.05, -2.4], [2.35, -1.6]]), polygon([[-0.72, -tower], [-0.15, -tower - between(random, 1.3, 2)], [0.42, -tower]])),
    part([58, 66, 86], ...windows, ellipse(-0.15, -tower + 0.45, 0.2)),
    part(shade(wall, 0.4), polygon(rounded([[-0.38, 0], [-0.38, -0.8], [-0.15, -1.1], [0.08, -0.8], [0.08, 0]], 1, 0.15))),
    part([40, 40, 44], ...stroke([[-0.15, -tower - 1.2], [-0.15, -tower - 2.3]], 0.06), ...stroke([[-0.35, -tower - 2], [0.05, -tower - 2]], 0.06)),
  ]
}

function tree(random: Random): Figure {
  const trunk = pickColour(random, [[92, 66, 46], [76, 64, 56], [206, 200, 190]], 12)
  const leaves = pickColour(random, [[64, 110, 52], [96, 134, 60], [50, 86, 60], [190, 120, 44], [150, 60, 40]], 16)
  const height = between(random, 1.6, 3)
  if (chance(random, 0.4)) {
    const tiers = [0, 1, 2].map((tier): Point[] => [[-0.75 + tier * 0.18, -0.4 - tier * height * 0.26], [0, -0.4 - (tier + 1.6) * height * 0.28], [0.75 - tier * 0.18, -0.4 - tier * height * 0.26]])
    return [part(trunk, rectangle(-0.09, -0.5, 0.09, 0)), ...tiers.map((tier, place) => part(shade(leaves, 0.7 + place * 0.12), polygon(tier)))]
  }
  const puffs = Array.from({ length: 9 }, () => part(shade(leaves, between(random, 0.75, 1.2)), ellipse(between(random, -0.55, 0.55), -height * between(random, 0.72, 1.05), between(random, 0.3, 0.5), between(random, 0.28, 0.42))))
  return [part(trunk, polygon([[-0.13, 0], [-0.07, -height * 0.7], [0.07, -height * 0.7], [0.13, 0]])), part(leaves, ellipse(0, -height * 0.88, 0.72, 0.55)), ...puffs]
}

function person(random: Random): Figure {
  const skin = pickColour(random, [[240, 204, 174], [204, 154, 116], [150, 104, 74], [96, 66, 50]], 10)
  const top = pickColour(random, [[160, 40, 44], [40, 70, 120], [220, 214, 200], [50, 50, 56], [70, 120, 80], [230, 180, 60]], 20)
  const bottom = pickColour(random, [[40, 48, 70], [70, 64, 56], [30, 30, 34], [150, 140, 120]], 16)
  const step = between(random, 0.02, 0.2)
  const arm = between(random, -0.2, 0.2)
  const isSkirt = chance(random, 0.25)
  return [
    part(isSkirt ? skin : bottom, ...stroke([[0, -0.5], [-step, -0.25], [-step * 1.2, -0.03]], 0.1), ...stroke([[0, -0.5], [step, -0.25], [step * 0.9, -0.03]], 0.1)),
    part([34, 28, 26], ellipse(-step * 1.2 + 0.03, -0.02, 0.08, 0.035), ellipse(step * 0.9 + 0.03, -0.02, 0.08, 0.035)),
    ...(isSkirt ? [part(bottom, polygon([[-0.1, -0.55], [0.1, -0.55], [0.2, -0.25], [-0.2, -0.25]]))] : []),
    part(top, polygon(rounded([[-0.13, -0.84], [0.13, -0.84], [0.11, -0.46], [-0.11, -0.46]], 1)), ...stroke([[0.1, -0.78], [0.17 + arm, -0.5]], 0.075), ...stroke([[-0.1, -0.78], [-0.17 + arm, -0.5]], 0.075)),
    part(skin, ellipse(0, -0.93, 0.075, 0.09), ellipse(0.17 + arm, -0.47, 0.035), ellipse(-0.17 + arm, -0.47, 0.035)),
    part(pickColour(random, [[36, 28, 24], [112, 74, 42], [190, 150, 90], [180, 176, 170]], 12), polygon(rounded([[-0.085, -0.9], [-0.085, -1.02], [0.085, -1.02], [0.085, -0.94], [0, -0.98]], 1))),
  ]
}

/** On its post. */
export function sign(random: Random): Figure {
  const face = pick(random, [...americanSigns.values()])()
  const height = between(random, 3.2, 4.2)
  return [signPost(height - 0.6), ...face].map((each) => ({ ...each, contours: each.contours.map((contour) => Array.from(contour, (value, place) => (place % 2 === 0 ? value : value - height))) }))
}
