// What stands behind figures: a tabletop or a wall, or the open air; and what a camera does to it all.

import { Canvas, type Colour } from '../canvas.js'
import { fillContours } from '../coverage.js'
import { near, paintFigure, part, pickColour, shade } from '../figure.js'
import { drawLight } from '../light.js'
import { between, chance, pick, type Random } from '../random.js'
import { ellipse, polygon, rectangle, rounded, type Point } from '../shapes.js'
import { drawWallColour, paintWall } from '../wall.js'

export interface PictureSize {
  readonly width: number
  readonly height: number
}

const clothColours: readonly Colour[] = [
  [236, 232, 222], [60, 92, 140], [160, 44, 48], [72, 120, 80], [214, 180, 92], [120, 84, 120], [196, 214, 220], [44, 46, 54], [222, 150, 130], [110, 74, 48],
]

/** A surface without an up and a down: wood, stone, cloth; sometimes chequered, striped or with other surfaces on it. */
export function drawSurface(random: Random, { width, height }: PictureSize): Canvas {
  const canvas = new Canvas(width, height)
  const unit = Math.min(width, height) / between(random, 2, 6)
  const colour = chance(random, 0.5) ? drawWallColour(random) : pickColour(random, clothColours, 20)
  paintWall(random, canvas, colour, unit)
  if (chance(random, 0.35)) paintCheques(random, canvas, pickColour(random, clothColours, 20), unit * between(random, 0.4, 1.2))
  for (let count = Math.floor(random() * 3); count > 0; count--) paintScrap(random, canvas)
  return canvas
}

export interface Landscape {
  readonly canvas: Canvas
  /** Where the ground begins, in pixels from the top. */
  readonly horizon: number
}

/** Skies above and at the horizon, with the light they go with. */
const skies: readonly (readonly [Colour, Colour])[] = [
  [[86, 142, 206], [196, 216, 232]], [[120, 168, 216], [222, 230, 234]], [[150, 156, 166], [196, 198, 202]], [[104, 112, 128], [156, 160, 170]],
  [[84, 96, 150], [238, 170, 120]], [[24, 30, 58], [70, 76, 108]], [[190, 200, 210], [232, 234, 236]],
]
const grounds: readonly Colour[] = [[104, 136, 72], [126, 122, 84], [150, 144, 136], [98, 100, 104], [206, 186, 140], [226, 230, 236], [84, 110, 60], [140, 108, 78]]

/** The open air: a sky with clouds, far hills or roofs, a ground, often with a road. */
export function drawLandscape(random: Random, { width, height }: PictureSize, low = 0.35, high = 0.62): Landscape {
  const canvas = new Canvas(width, height)
  const horizon = height * between(random, low, high)
  const [above, below] = pick(random, skies).map((colour) => near(random, colour, 14)) as [Colour, Colour]
  const ground = pickColour(random, grounds, 22)
  const nearby = shade(ground, between(random, 0.7, 1.15))
  canvas.paint((_, y) => (y < horizon ? mix(above, below, y / horizon) : mix(ground, nearby, (y - horizon) / (height - horizon))))
  paintClouds(random, canvas, horizon)
  paintFarAway(random, canvas, horizon, ground, below)
  if (chance(random, 0.5)) paintRoad(random, canvas, horizon)
  speckle(random, canvas, horizon, ground)
  return { canvas, horizon }
}

/** Light, blur and noise over the whole picture. `strength` 1 is a small camera on a fair day. */
export function takePhoto(random: Random, canvas: Canvas, strength = 1): Canvas {
  canvas.light(drawLight(random, canvas.width, canvas.height).at)
  canvas.blur(between(random, 0.35, 0.35 + 0.5 * strength))
  canvas.addNoise(random, between(random, 2, 2 + 5 * strength))
  return canvas
}

/** `colour` in the shade of `other`, by the share of it. */
export function mix(colour: Colour, other: Colour, share: number): Colour {
  return [colour[0] + (other[0] - colour[0]) * share, colour[1] + (other[1] - colour[1]) * share, colour[2] + (other[2] - colour[2]) * share]
}

function paintCheques(random: Random, canvas: Canvas, colour: Colour, size: number): void {
  const opacity = between(random, 0.25, 0.6)
  const isStriped = chance(random, 0.4)
  const bands = (length: number, outline: (from: number) => number[]): void => {
    for (let from = between(random, -size, 0); from < length; from += 2 * size) canvas.fill(fillContours([outline(from)]), colour, opacity)
  }
  bands(canvas.width, (from) => [from, 0, from + size, 0, from + size, canvas.height, from, canvas.height])
  if (!isStriped) bands(canvas.height, (from) => [0, from, canvas.width, from, canvas.width, from + size, 0, from + size])
}

/** A napkin, a plate's edge, a book: something flat that is of no class. */
function paintScrap(random: Random, canvas: Canvas): void {
  const size = between(random, 0.12, 0.5) * Math.min(canvas.width, canvas.height)
  const [x, y] = [between(random, -0.1, 1.1) * canvas.width, between(random, -0.1, 1.1) * canvas.height]
  const colour = pickColour(random, clothColours, 30)
  const corners = Math.floor(between(random, 3, 6))
  const points = Array.from({ length: corners }, (_, corner): Point => {
    const angle = (2 * Math.PI * (corner + between(random, 0, 0.6))) / corners
    return [x + size * Math.cos(angle), y + size * Math.sin(angle)]
  })
  canvas.fill(fillContours([chance(random, 0.3) ? ellipse(x, y, size, size * between(random, 0.6, 1)) : polygon(points)]), colour, between(random, 0.6, 1))
}

function paintClouds(random: Random, canvas: Canvas, horizon: number): void {
  for (let clouds = Math.floor(between(random, 0, 5)); clouds > 0; clouds--) {
    const [x, y, size] = [random() * canvas.width, between(random, 0.05, 0.8) * horizon, between(random, 0.06, 0.22) * canvas.width]
    for (let puff = 0; puff < 4; puff++) {
      const contour = ellipse(x + between(random, -1, 1) * size, y + between(random, -0.2, 0.2) * size, size * between(random, 0.4, 0.9), size * between(random, 0.12, 0.3))
      canvas.fill(fillContours([contour]), [238, 240, 244], between(random, 0.2, 0.5))
    }
  }
}

/** Hills or roofs, hazy with distance. */
function paintFarAway(random: Random, canvas: Canvas, horizon: number, ground: Colour, haze: Colour): void {
  const { width } = canvas
  const steps = 9
  const isTown = chance(random, 0.4)
  const heights = Array.from({ length: steps + 1 }, () => horizon - between(random, 0.02, isTown ? 0.3 : 0.4) * horizon)
  const points = heights.flatMap((y, step): Point[] => (isTown ? [[(step * width) / steps, y], [((step + 1) * width) / steps, y]] : [[(step * width) / steps, y]]))
  const line: Point[] = [[-width * 0.2, horizon + 1], ...points, [width * 1.2, horizon + 1]]
  const colour = mix(isTown ? drawWallColour(random) : shade(ground, 0.7), haze, between(random, 0.3, 0.7))
  canvas.fill(fillContours([polygon(isTown ? line : rounded(line, 2))]), colour)
}

function paintRoad(random: Random, canvas: Canvas, horizon: number): void {
  const { width, height } = canvas
  const colour = pickColour(random, [[92, 92, 96], [120, 118, 114], [150, 130, 100]], 14)
  if (chance(random, 0.5)) {
    const far = between(random, 0.2, 0.8) * width
    const [left, right] = [between(random, -0.3, 0.3) * width, between(random, 0.7, 1.3) * width]
    paintFigure(canvas, [part(colour, [far - 2, horizon, far + 2, horizon, right, height, left, height]), part([214, 212, 204], [far, horizon, far, horizon, (left + right) / 2 + 3, height, (left + right) / 2 - 3, height])])
  } else {
    const top = horizon + between(random, 0.15, 0.5) * (height - horizon)
    paintFigure(canvas, [part(colour, rectangle(0, top, width, height)), part(shade(colour, 1.25), rectangle(0, top, width, top + 2))])
  }
}

/** Tufts, stones, leaves: the ground is not one colour. */
function speckle(random: Random, canvas: Canvas, horizon: number, ground: Colour): void {
  for (let count = 40; count > 0; count--) {
    const y = horizon + random() ** 0.7 * (canvas.height - horizon)
    const size = (0.5 + (3 * (y - horizon)) / (canvas.height - horizon)) * between(random, 0.4, 1)
    canvas.fill(fillContours([ellipse(random() * canvas.width, y, size * between(random, 1, 2), size)]), shade(ground, between(random, 0.7, 1.25)), 0.6)
  }
}
