// The plate under a number: a rectangle with round corners, sometimes with a frame, casting a small shadow.

import type { Canvas, Colour } from './canvas.js'
import { fillContours } from './coverage.js'
import { project, type Projection } from './house-number.js'
import { between, chance, type Random } from './random.js'

/** In wall units: a digit's height is 1, the baseline y = 0, the number from x = 0 to `width`. */
export interface Plate {
  readonly width: number
  /** Room left and right of the number. */
  readonly padding: number
  /** Room above and below it. */
  readonly rise: number
  readonly corner: number
  /** How far inside the edge the frame's line begins and how thick it is; none if undefined. */
  readonly frame: { readonly inset: number; readonly thickness: number } | undefined
}

/** A plate for a number of `width` units. */
export function drawPlate(random: Random, width: number): Plate {
  return {
    width,
    padding: between(random, 0.16, 0.42),
    rise: between(random, 0.14, 0.36),
    corner: chance(random, 0.5) ? between(random, 0.04, 0.16) : 0,
    frame: chance(random, 0.5) ? { inset: chance(random, 0.5) ? 0 : 0.04, thickness: between(random, 0.03, 0.06) } : undefined,
  }
}

/** Paints the plate; its frame has the colour of the numerals. */
export function paintPlate(canvas: Canvas, plate: Plate, projection: Projection, colour: Colour, frameColour: Colour): void {
  const fill = (inset: number, shift: number, colour: Colour, opacity = 1): void => {
    canvas.fill(fillContours(project([roundRectangle(plate, inset, shift)], projection)), colour, opacity)
  }
  fill(0, 0.05, [20, 18, 18], 0.45)
  fill(0, 0, colour)
  if (!plate.frame) return
  fill(plate.frame.inset, 0, frameColour)
  fill(plate.frame.inset + plate.frame.thickness, 0, colour)
}

/** The outline `inset` units inside the plate's edge, moved right and down by `shift`. */
function roundRectangle(plate: Plate, inset: number, shift: number): number[] {
  const left = -plate.padding + inset
  const right = plate.width + plate.padding - inset
  const top = -1 - plate.rise + inset
  const bottom = plate.rise - inset
  const radius = Math.max(0, plate.corner - inset)
  const centres = [[right - radius, bottom - radius], [left + radius, bottom - radius], [left + radius, top + radius], [right - radius, top + radius]]
  return centres.flatMap(([x, y], corner) =>
    [0, 1, 2, 3].flatMap((step) => {
      const angle = ((corner + step / 3) * Math.PI) / 2
      return [x! + radius * Math.cos(angle) + shift, y! + radius * Math.sin(angle) + shift]
    }),
  )
}
