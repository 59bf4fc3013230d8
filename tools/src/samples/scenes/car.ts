// Cars seen from the side, as silhouettes with windows, wheels and lights. One unit is the car's length:
// it stands on y = 0 from x = -0.5 (rear) to 0.5 (front).

import type { Colour } from '../canvas.js'
import { near, part, pickColour, shade, type Figure, type Part } from '../figure.js'
import { between, chance, pick, type Random } from '../random.js'
import { ellipse, polygon, rectangle, rounded, type Point } from '../shapes.js'

/** The lines of a model, in lengths of the car. */
export interface CarShape {
  /** Where the bonnet ends and the windscreen begins, and where the roof begins, going backwards. */
  readonly windscreen: readonly [base: number, top: number]
  /** Where the roof ends, and where the rear window ends. */
  readonly rearWindow: readonly [top: number, base: number]
  /** Heights: of the roof, the windows' lower edge, the bonnet's front, the tail. */
  readonly roof: number
  readonly belt: number
  readonly nose: number
  readonly tail: number
  readonly wheel: number
  /** Whether what lies behind the rear window is an open bed, or the roof is missing. */
  readonly open?: 'bed' | 'roof'
  /** Side windows. */
  readonly windows: number
  /** How round its corners are: 0 to 2. */
  readonly roundness: number
}

export type CarBody = keyof typeof carBodies

/** A typical car of each body. */
export const carBodies = {
  sedan: { windscreen: [0.2, 0.07], rearWindow: [-0.2, -0.33], roof: 0.31, belt: 0.21, nose: 0.17, tail: 0.2, wheel: 0.068, windows: 2, roundness: 1 },
  coupe: { windscreen: [0.17, 0.0], rearWindow: [-0.16, -0.42], roof: 0.28, belt: 0.19, nose: 0.15, tail: 0.19, wheel: 0.074, windows: 1, roundness: 2 },
  convertible: { windscreen: [0.16, 0.07], rearWindow: [-0.16, -0.3], roof: 0.29, belt: 0.19, nose: 0.16, tail: 0.19, wheel: 0.074, open: 'roof', windows: 1, roundness: 1 },
  hatchback: { windscreen: [0.24, 0.1], rearWindow: [-0.34, -0.46], roof: 0.38, belt: 0.25, nose: 0.2, tail: 0.25, wheel: 0.078, windows: 2, roundness: 1 },
  wagon: { windscreen: [0.2, 0.08], rearWindow: [-0.4, -0.48], roof: 0.31, belt: 0.21, nose: 0.17, tail: 0.2, wheel: 0.068, windows: 3, roundness: 1 },
  suv: { windscreen: [0.24, 0.16], rearWindow: [-0.43, -0.48], roof: 0.42, belt: 0.28, nose: 0.24, tail: 0.26, wheel: 0.086, windows: 3, roundness: 0 },
  minivan: { windscreen: [0.36, 0.16], rearWindow: [-0.42, -0.48], roof: 0.39, belt: 0.25, nose: 0.2, tail: 0.24, wheel: 0.068, windows: 3, roundness: 1 },
  van: { windscreen: [0.4, 0.3], rearWindow: [-0.49, -0.49], roof: 0.45, belt: 0.29, nose: 0.25, tail: 0.28, wheel: 0.07, windows: 1, roundness: 0 },
  pickup: { windscreen: [0.2, 0.12], rearWindow: [-0.02, -0.04], roof: 0.34, belt: 0.23, nose: 0.21, tail: 0.22, wheel: 0.078, open: 'bed', windows: 1, roundness: 0 },
} as const satisfies Record<string, CarShape>

const paints: readonly Colour[] = [[236, 236, 234], [30, 31, 34], [168, 172, 176], [104, 108, 114], [164, 30, 34], [34, 64, 130], [38, 92, 62], [204, 176, 60], [128, 80, 48], [196, 108, 40], [92, 134, 166]]
const glass: Colour = [52, 66, 78]
const rubber: Colour = [26, 26, 28]

/** A car of that shape: paint, wheels and details are drawn, the lines vary a little. */
export function drawCar(random: Random, model: CarShape): Figure {
  const shape = vary(random, model)
  const paint = pickColour(random, paints, 18)
  const clearance = shape.wheel * 0.75
  const [rear, front] = [-0.5 + between(random, 0.15, 0.18), 0.5 - between(random, 0.17, 0.2)]
  const line = (points: readonly Point[]): readonly Point[] => (shape.roundness > 0 ? rounded(points, shape.roundness, 0.2) : rounded(points, 1, 0.06))
  return [
    { ...part([12, 12, 14], ellipse(0, 0, 0.52, 0.025)), opacity: 0.45 },
    part(paint, polygon(line(profile(shape, clearance)))),
    ...(shape.open === 'roof' ? windscreenOnly(shape, paint) : cabin(shape, paint, line)),
    { ...part([0, 0, 0], rectangle(-0.49, -clearance - 0.02, 0.49, -clearance)), opacity: 0.35 },
    ...details(random, shape, paint),
    ...[rear, front].flatMap((x) => wheelAt(random, x, shape.wheel, paint)),
  ]
}

/** A typical car, of any body. */
export function drawAnyCar(random: Random): Figure {
  return drawCar(random, pick(random, Object.values(carBodies)))
}

function vary(random: Random, { windscreen, rearWindow, ...shape }: CarShape): CarShape {
  const off = (value: number, amount: number): number => value + between(random, -amount, amount)
  return {
    ...shape,
    windscreen: [off(windscreen[0], 0.008), off(windscreen[1], 0.008)],
    rearWindow: [off(rearWindow[0], 0.008), off(rearWindow[1], 0.005)],
    roof: off(shape.roof, 0.008),
    nose: off(shape.nose, 0.006),
    tail: off(shape.tail, 0.006),
  }
}

/** The body's outline with the roof, where there is one, from the rear bumper over the top to the front. */
function profile({ windscreen, rearWindow, roof, belt, nose, tail, open }: CarShape, clearance: number): Point[] {
  const below: Point[] = [[0.5, -nose], [0.5, -clearance], [-0.5, -clearance], [-0.5, -tail]]
  if (open === 'roof') return [...below, [rearWindow[1], -belt], [windscreen[0], -belt]]
  const top: Point[] = [[rearWindow[0], -roof], [windscreen[1], -roof], [windscreen[0], -belt]]
  if (open === 'bed') return [...below, [rearWindow[1] - 0.01, -tail], ...top]
  return [...below, [rearWindow[1], -belt], ...top]
}

/** The glass between belt and roof, cut by pillars in the car's colour. */
function cabin({ windscreen, rearWindow, roof, belt, windows, open }: CarShape, paint: Colour, line: (points: readonly Point[]) => readonly Point[]): Part[] {
  const frame = 0.022
  const isVan = windows === 1 && rearWindow[0] < -0.45
  const back = isVan ? windscreen[1] - 0.14 : rearWindow[0] + frame / 2
  const backBase = isVan || open === 'bed' ? back : rearWindow[1] + 2.5 * frame
  const outline: Point[] = [[backBase, -belt], [back, -roof + frame], [windscreen[1] - frame / 2, -roof + frame], [windscreen[0] - 2 * frame, -belt]]
  const [from, to] = [backBase, windscreen[0] - 2 * frame]
  const pillars = Array.from({ length: windows - 1 }, (_, pillar) => {
    const x = from + ((to - from) * (pillar + 1)) / windows
    return rectangle(x - 0.008, -roof + frame / 2, x + 0.008, -belt + 0.004)
  })
  return [part(glass, polygon(line(outline))), part(shade(paint, 0.85), ...pillars)]
}

function windscreenOnly({ windscreen, rearWindow, roof, belt }: CarShape, paint: Colour): Part[] {
  const seats = [0.02, -0.1].map((x) => polygon(rounded([[x - 0.04, -belt + 0.02], [x - 0.05, -belt - 0.06], [x - 0.015, -belt - 0.06], [x + 0.01, -belt + 0.02]], 1)))
  const pane: Point[] = [[windscreen[0], -belt], [windscreen[1], -roof], [windscreen[1] - 0.014, -roof], [windscreen[0] - 0.05, -belt]]
  const hood = polygon(rounded([[rearWindow[1], -belt + 0.02], [rearWindow[1] - 0.02, -belt - 0.035], [rearWindow[0] - 0.02, -belt - 0.035], [rearWindow[0], -belt + 0.02]], 1))
  return [part([56, 44, 40], ...seats), part(shade(paint, 0.4), hood), part(glass, polygon(pane))]
}

/** Doors, handles, lights, bumpers, and on some a stripe. */
function details(random: Random, { windscreen, nose, tail, belt }: CarShape, paint: Colour): Part[] {
  const dark = shade(paint, 0.68)
  const doors = [windscreen[0] - 0.06, windscreen[0] - between(random, 0.24, 0.28)].map((x) => rectangle(x - 0.003, -belt, x + 0.003, -0.09))
  const handleX = windscreen[0] - 0.2
  return [
    part(dark, ...doors, rectangle(handleX, -belt + 0.03, handleX + 0.035, -belt + 0.04)),
    part([244, 236, 196], ellipse(0.475, -nose + 0.045, 0.022, 0.016)),
    part([190, 24, 28], rectangle(-0.5, -tail + 0.012, -0.475, -tail + 0.055)),
    part(chance(random, 0.5) ? [40, 40, 44] : dark, rectangle(0.44, -0.085, 0.505, -0.055), rectangle(-0.505, -0.085, -0.44, -0.055)),
    ...(chance(random, 0.2) ? [part(shade(paint, chance(random, 0.5) ? 0.5 : 1.5), rectangle(-0.49, -belt + 0.045, 0.46, -belt + 0.06))] : []),
  ]
}

function wheelAt(random: Random, x: number, radius: number, paint: Colour): Part[] {
  return [
    part(shade(paint, 0.3), ellipse(x, -radius, radius * 1.16)),
    part(rubber, ellipse(x, -radius, radius)),
    part(near(random, [164, 166, 170], 30), ellipse(x, -radius, radius * between(random, 0.5, 0.62))),
    part([70, 72, 76], ellipse(x, -radius, radius * 0.16)),
  ]
}

/** A car from behind or from ahead. One unit is its width, it stands on y = 0; both have windows and wheels, lights and plates differ. */
export function drawCarEnd(random: Random, end: 'front' | 'rear'): Figure {
  const paint = pickColour(random, paints, 18)
  const height = between(random, 0.62, 1)
  const belt = height * between(random, 0.5, 0.58)
  const cabin = (inset: number, top: number): Point[] => [[-0.49 + inset, -belt], [-0.38 + inset, -top], [0.38 - inset, -top], [0.49 - inset, -belt]]
  const body: Point[] = [[-0.5, -belt], [0.5, -belt], [0.5, -0.12], [-0.5, -0.12]]
  return [
    { ...part([12, 12, 14], ellipse(0, 0, 0.54, 0.05)), opacity: 0.45 },
    part(rubber, rectangle(-0.46, -0.2, -0.3, 0), rectangle(0.3, -0.2, 0.46, 0)),
    part(paint, polygon(rounded(cabin(0, height), 1, 0.12)), polygon(rounded(body, 2, 0.12)), ellipse(-0.53, -belt - 0.02, 0.06, 0.04), ellipse(0.53, -belt - 0.02, 0.06, 0.04)),
    part(glass, polygon(rounded(cabin(0.06, height - 0.06), 1, 0.1))),
    ...(end === 'front' ? frontOf(random, belt, paint) : rearOf(random, belt, paint)),
  ]
}

function frontOf(random: Random, belt: number, paint: Colour): Part[] {
  const y = -belt + between(random, 0.1, 0.14)
  const bars = Array.from({ length: 3 }, (_, bar) => rectangle(-0.2, y + 0.02 + bar * 0.035, 0.2, y + 0.035 + bar * 0.035))
  return [
    part([30, 30, 32], polygon(rounded([[-0.24, y], [0.24, y], [0.2, y + 0.13], [-0.2, y + 0.13]], 1))),
    part([150, 152, 156], ...bars),
    part(near(random, [250, 246, 220], 6), ellipse(-0.36, y + 0.04, 0.085, 0.055), ellipse(0.36, y + 0.04, 0.085, 0.055)),
    part(shade(paint, 0.6), rectangle(-0.5, -0.19, 0.5, -0.16)),
    part([232, 232, 226], rectangle(-0.12, -0.2, 0.12, -0.14)),
  ]
}

function rearOf(random: Random, belt: number, paint: Colour): Part[] {
  const y = -belt + between(random, 0.06, 0.12)
  const lamp = chance(random, 0.5) ? [0.09, 0.13] as const : [0.15, 0.07] as const
  const lamps = [rectangle(-0.48, y, -0.48 + lamp[0], y + lamp[1]), rectangle(0.48 - lamp[0], y, 0.48, y + lamp[1])]
  return [
    part(near(random, [196, 24, 30], 14), ...lamps),
    part(shade(paint, 0.7), rectangle(-0.4, y + 0.15, 0.4, y + 0.157)),
    part([232, 228, 200], rectangle(-0.13, y + 0.03, 0.13, y + 0.1)),
    part([44, 44, 46], rectangle(-0.5, -0.2, 0.5, -0.14), ellipse(0.28, -0.11, 0.04, 0.03)),
  ]
}
