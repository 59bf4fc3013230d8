// Clothes laid flat, as silhouettes with a few seams, in the ten classes of Fashion-MNIST. One unit is half
// of the picture; the centre is the origin.

import { part, shade, type Figure } from '../figure.js'
import type { Colour } from '../canvas.js'
import { between, chance, type Random } from '../random.js'
import { arc, ellipse, polygon, rectangle, rounded, stroke, type Point } from '../shapes.js'

/** In the order of their numbers. */
export const garmentNames: readonly string[] = ['T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt', 'Sneaker', 'Bag', 'Ankle boot']

/** A garment of that class, light on black. */
export function drawGarment(random: Random, number: number): Figure {
  const light = between(random, 110, 240)
  const colour: Colour = [light, light, light]
  const off = (amount: number): number => between(random, -amount, amount)
  const seam = shade(colour, 0.62)
  switch (garmentNames[number]) {
    case 'T-shirt/top': return [...shirt(random, colour, 0.45 + off(0.1), chance(random, 0.2) ? 0 : 0.5 + off(0.1)), ...pattern(random, colour)]
    case 'Trouser': return [part(colour, polygon([[-0.34, -0.88], [0.34, -0.88], [0.4 + off(0.08), 0.9], [0.1, 0.9], [0, -0.3 + off(0.15)], [-0.1, 0.9], [-0.4 + off(0.08), 0.9]])), part(seam, rectangle(-0.34, -0.8, 0.34, -0.76))]
    case 'Pullover': return [...shirt(random, colour, 0.5 + off(0.06), 1.35 + off(0.12)), part(seam, rectangle(-0.5, 0.68, 0.5, 0.72), ...stroke(arc(0, -0.72, 0.2, 0.12, 0, Math.PI), 0.06))]
    case 'Dress': return dress(random, colour)
    case 'Coat': return [...shirt(random, colour, 0.52 + off(0.05), 1.45 + off(0.1), 0.95), part(shade(colour, 0.3), ...stroke([[0, -0.6], [0, 0.9]], 0.04)), part(seam, polygon([[-0.2, -0.75], [0, -0.3], [0.2, -0.75], [0.3, -0.5], [0, 0], [-0.3, -0.5]]))]
    case 'Sandal': return sandal(random, colour)
    case 'Shirt': return [...shirt(random, colour, 0.45 + off(0.06), 1.3 + off(0.2)), part(seam, ...stroke([[0, -0.7], [0, 0.75]], 0.035)), part(shade(colour, 0.4), ...[-0.4, -0.1, 0.2, 0.5].map((y) => ellipse(0.03, y, 0.03))), part(shade(colour, 1.25), polygon([[-0.22, -0.82], [0, -0.6], [0.22, -0.82], [0.2, -0.62], [0, -0.5], [-0.2, -0.62]])), ...pattern(random, colour)]
    case 'Sneaker': return shoe(random, colour, -0.15 + off(0.06))
    case 'Bag': return bag(random, colour)
    default: return shoe(random, colour, -0.85 + off(0.1))
  }
}

function shirt(random: Random, colour: Colour, half: number, sleeve: number, hem = 0.8 + between(random, -0.1, 0.1)): Figure {
  const reach = half + 0.28
  const sleeves = [-1, 1].map((side) => polygon([[side * (half - 0.05), -0.72], [side * reach, -0.6 + sleeve * 0.15], [side * (reach + 0.02), -0.72 + sleeve], [side * (reach - 0.22), -0.72 + sleeve], [side * (half - 0.04), -0.25]]))
  const neck = between(random, 0.14, 0.24)
  return [
    ...(sleeve > 0 ? [part(shade(colour, 0.85), sleeves[0]!), part(shade(colour, 0.85), sleeves[1]!)] : []),
    part(colour, polygon([[-neck, -0.8], [-half, -0.7], [-half, hem], [half, hem], [half, -0.7], [neck, -0.8], ...arc(0, -0.8, neck, 0.12 + 0.5 * neck * random(), 0, Math.PI)])),
  ]
}

/** Stripes, a print, or nothing. */
function pattern(random: Random, colour: Colour): Figure {
  if (chance(random, 0.5)) return []
  const dark = shade(colour, between(random, 0.5, 0.8))
  if (chance(random, 0.5)) return [part(dark, ...[-0.4, -0.1, 0.2, 0.5].map((y) => rectangle(-0.36, y, 0.36, y + 0.1)))]
  return [part(dark, chance(random, 0.5) ? ellipse(0, -0.05, 0.2) : rectangle(-0.22, -0.25, 0.22, 0.1))]
}

function dress(random: Random, colour: Colour): Figure {
  const [waist, hem] = [between(random, 0.2, 0.28), between(random, 0.34, 0.62)]
  const outline: Point[] = [[-0.14, -0.92], [-0.3, -0.75], [-waist, -0.2], [-hem, 0.93], [hem, 0.93], [waist, -0.2], [0.3, -0.75], [0.14, -0.92], [0, -0.7]]
  const sleeves = chance(random, 0.35) ? [part(shade(colour, 0.85), polygon([[-0.28, -0.76], [-0.5, -0.1], [-0.38, -0.05], [-0.22, -0.4]]), polygon([[0.28, -0.76], [0.5, -0.1], [0.38, -0.05], [0.22, -0.4]]))] : []
  return [...sleeves, part(colour, polygon(outline)), part(shade(colour, 0.7), rectangle(-waist, -0.23, waist, -0.17))]
}

function shoe(random: Random, colour: Colour, top: number): Figure {
  const back = -0.82
  const outline: Point[] = [[back, 0.4], [back + 0.02, top], [back + 0.5, top], [back + 0.62, -0.02], [0.3, 0.05], [0.82, 0.22], [0.88, 0.4]]
  const heel = top < -0.5 && chance(random, 0.5) ? [rectangle(back, 0.4, back + 0.36, 0.66)] : []
  const laces = [0, 1, 2].flatMap((lace) => stroke([[-0.28 + lace * 0.16, 0.0 + lace * 0.03], [-0.16 + lace * 0.16, 0.14 + lace * 0.03]], 0.04))
  return [part(colour, polygon(rounded(outline, 1, 0.14))), part(shade(colour, top < -0.5 ? 0.45 : 1.3), rectangle(back, 0.38, 0.88, 0.5), ...heel), ...(top > -0.5 ? [part(shade(colour, 0.5), ...laces)] : [])]
}

function sandal(random: Random, colour: Colour): Figure {
  const heel = between(random, 0, 0.5)
  const sole: Point[] = [[-0.85, 0.42 - heel], [-0.3, 0.4 - heel * 0.5], [0.2, 0.38], [0.88, 0.4], [0.88, 0.52], [0.1, 0.54], [-0.7, 0.52 - heel * 0.6]]
  const straps = [[-0.75, -0.4], [0.05, 0.3], [0.45, 0.7]].map(([from, to]) => stroke(arc((from! + to!) / 2, 0.38 - (from! < 0 ? heel : 0), (to! - from!) / 2, between(random, 0.3, 0.55), Math.PI, 2 * Math.PI), between(random, 0.06, 0.12))).flat()
  return [part(shade(colour, 0.7), polygon(sole), ...(heel > 0.2 ? [polygon([[-0.85, 0.42 - heel], [-0.7, 0.42 - heel], [-0.76, 0.54], [-0.82, 0.54]])] : [])), part(colour, ...straps)]
}

function bag(random: Random, colour: Colour): Figure {
  const [half, top] = [between(random, 0.6, 0.85), between(random, -0.25, 0)]
  const lean = between(random, -0.08, 0.12)
  return [part(shade(colour, 0.75), ...stroke(arc(0, top, half * 0.55, between(random, 0.35, 0.65), Math.PI, 2 * Math.PI), 0.08)), part(colour, polygon(rounded([[-half + lean, top], [half - lean, top], [half, 0.75], [-half, 0.75]], 1, 0.1))), part(shade(colour, 0.6), rectangle(-half * 0.9, top + 0.2, half * 0.9, top + 0.25), ellipse(0, top + 0.3, 0.08))]
}
