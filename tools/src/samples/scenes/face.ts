// Faces as simple figures: expression, age and gender as an artist would hint at them. One unit is half the
// head's height; the head's centre is the origin.

import type { Colour } from '../canvas.js'
import { part, pickColour, shade, type Figure, type Part } from '../figure.js'
import { between, chance, type Random } from '../random.js'
import { arc, ellipse, polygon, rectangle, rounded, stroke, type Point } from '../shapes.js'

export type Expression = keyof typeof expressions

/** How a feeling moves a face. All values are shares of the most there can be. */
interface Features {
  /** Brows: raised; inner ends raised (sadness) or lowered (anger). */
  readonly brow: number
  readonly browTilt: number
  /** Eyes: 1 as usual, less when narrowed, more when wide. */
  readonly eye: number
  /** Mouth: corners up or down, opened, its width by the usual one. */
  readonly smile: number
  readonly open: number
  readonly wide: number
  /** A wrinkled nose and a raised lip. */
  readonly sneer: number
  /** One corner of the mouth alone. */
  readonly lopsided: number
}

const calm: Features = { brow: 0, browTilt: 0, eye: 1, smile: 0, open: 0, wide: 1, sneer: 0, lopsided: 0 }

/** Named as FER2013's seven and FER+'s contempt. */
export const expressions = {
  angry: { ...calm, brow: -0.7, browTilt: -1, eye: 0.72, smile: -0.45, wide: 0.85 },
  disgust: { ...calm, brow: -0.4, browTilt: -0.45, eye: 0.55, smile: -0.6, wide: 0.9, sneer: 1 },
  fear: { ...calm, brow: 0.75, browTilt: 0.8, eye: 1.4, smile: -0.25, open: 0.45, wide: 1.15 },
  happy: { ...calm, brow: 0.15, eye: 0.75, smile: 1, open: 0.35, wide: 1.25 },
  sad: { ...calm, brow: 0, browTilt: 1, eye: 0.65, smile: -0.9, wide: 0.85 },
  surprise: { ...calm, brow: 1, eye: 1.4, open: 1, wide: 0.65 },
  neutral: calm,
  contempt: { ...calm, eye: 0.85, browTilt: -0.15, lopsided: 1 },
} as const satisfies Record<string, Features>

export interface Person {
  readonly expression: Expression
  /** Years. */
  readonly age: number
  readonly isFemale: boolean
}

const skins: readonly Colour[] = [[244, 208, 178], [228, 184, 148], [204, 154, 116], [168, 116, 80], [126, 84, 58], [92, 62, 46]]
const hairs: readonly Colour[] = [[36, 28, 24], [70, 46, 30], [112, 74, 42], [176, 134, 78], [150, 70, 36], [50, 44, 44]]
const clothes: readonly Colour[] = [[50, 70, 110], [140, 40, 44], [70, 110, 80], [200, 190, 170], [40, 40, 46], [170, 140, 60], [120, 80, 130]]
const ink: Colour = [44, 30, 28]

/** A head with shoulders. What stays the same in all pictures of a person comes from `identity`. */
export function drawFace(random: Random, person: Person, identity: Random = random): Figure {
  const look = drawLook(identity, person)
  const features = drawFeatures(random, person.expression)
  return [
    ...backHair(random, look),
    ...shoulders(random, look),
    part(shade(look.skin, 0.9), ellipse(-look.width, 0.08, 0.12, 0.18), ellipse(look.width, 0.08, 0.12, 0.18)),
    part(look.skin, polygon(headOutline(look))),
    ...wrinkles(random, look),
    ...beard(random, look),
    ...eyes(random, look, features),
    ...noseAndMouth(look, features),
    ...topHair(random, look),
    ...(chance(random, look.age > 45 ? 0.35 : look.age > 10 ? 0.15 : 0) ? glasses(random, look) : []),
  ]
}

interface Look extends Person {
  readonly skin: Colour
  readonly hair: Colour
  /** Half the head's width, the jaw's share of it, and how far down the features sit. */
  readonly width: number
  readonly jaw: number
  readonly drop: number
  readonly eyeSize: number
  /** 0 for a baby, 1 grown up. */
  readonly growth: number
}

function drawLook(random: Random, person: Person): Look {
  const { age, isFemale } = person
  const growth = Math.min(1, age / 18)
  const greying = Math.min(1, Math.max(0, (age - 40) / 25 + between(random, -0.2, 0.2)))
  const skin = pickColour(random, skins, 12)
  const hair = pickColour(random, hairs.filter(([red]) => Math.abs(red - skin[0]) > 34), 14) // else a face is one blot
  return {
    ...person,
    skin,
    hair: [hair[0] + (205 - hair[0]) * greying, hair[1] + (203 - hair[1]) * greying, hair[2] + (198 - hair[2]) * greying],
    width: between(random, 0.68, 0.76) + 0.14 * (1 - growth),
    jaw: (isFemale ? between(random, 0.5, 0.6) : between(random, 0.62, 0.78)) + 0.1 * (1 - growth),
    drop: 0.2 * (1 - growth),
    eyeSize: 1 + 0.5 * (1 - growth) + (isFemale ? 0.08 : 0),
    growth,
  }
}

/** The expression, never twice alike. */
function drawFeatures(random: Random, expression: Expression): Features {
  const strength = between(random, 0.75, 1.15)
  const off = (): number => between(random, -0.1, 0.1)
  const { brow, browTilt, eye, smile, open, wide, sneer, lopsided } = expressions[expression]
  return { brow: brow * strength + off(), browTilt: browTilt * strength + off(), eye: 1 + (eye - 1) * strength + off() / 2, smile: smile * strength + off(), open: Math.max(0, open * strength + (open > 0 ? off() : 0)), wide: wide + off() / 2, sneer: sneer * strength, lopsided: lopsided * strength }
}

function headOutline({ width, jaw, growth }: Look): Point[] {
  const chin = 0.28 + 0.05 * growth
  return rounded([[-width, -0.35], [-width * 0.75, -0.98], [width * 0.75, -0.98], [width, -0.35], [width, 0.3], [width * jaw + 0.05, 0.82], [chin, 1.04], [-chin, 1.04], [-width * jaw - 0.05, 0.82], [-width, 0.3]], 2)
}

function shoulders(random: Random, { skin, isFemale, growth }: Look): Part[] {
  const neck = (isFemale ? 0.26 : 0.36) * (0.7 + 0.3 * growth)
  const reach = between(random, 1.05, 1.25) * (isFemale ? 0.9 : 1.05) * (0.7 + 0.3 * growth)
  return [
    part(shade(skin, 0.82), rectangle(-neck, 0.6, neck, 1.5)),
    part(pickColour(random, clothes, 24), polygon(rounded([[-reach, 2.6], [-reach, 1.55], [-neck - 0.1, 1.22], [0, 1.5], [neck + 0.1, 1.22], [reach, 1.55], [reach, 2.6]], 1))),
  ]
}

/** Long hair behind the head: of most women and girls, of few men. */
function backHair(random: Random, { hair, width, isFemale, age }: Look): Part[] {
  if (age < 2.5 || !chance(random, isFemale ? (age > 60 ? 0.45 : 0.88) : 0.05)) return []
  const length = between(random, 0.7, 1.6)
  return [part(shade(hair, 0.85), polygon(rounded([[-width - 0.28, -0.3], [-0.55, -1.18], [0.55, -1.18], [width + 0.28, -0.3], [width + 0.3, length], [-width - 0.3, length]], 2)))]
}

function topHair(random: Random, { hair, width, isFemale, age }: Look): Part[] {
  const isBald = (age < 1.5 && chance(random, 0.6)) || (!isFemale && age > 45 && chance(random, Math.min(0.65, (age - 35) / 50)))
  if (isBald) return age < 10 ? [] : [part(hair, ellipse(-width + 0.02, -0.1, 0.1, 0.3), ellipse(width - 0.02, -0.1, 0.1, 0.3))]
  const line = between(random, -0.72, -0.5)
  const parting = between(random, -0.5, 0.5) * width
  const side = isFemale ? between(random, -0.1, 0.5) : between(random, -0.35, -0.05)
  const fringe: Point[] = [[-width - 0.06, side], [-width - 0.08, -0.6], [-0.5, -1.16], [0.5, -1.16], [width + 0.08, -0.6], [width + 0.06, side], [width * 0.86, line + 0.1], [parting, line - 0.18], [-width * 0.86, line + 0.1]]
  return [part(hair, polygon(rounded(fringe, 2, 0.2)))]
}

function eyes(random: Random, { skin, hair, drop, eyeSize, width, isFemale, age }: Look, { brow, browTilt, eye }: Features): Part[] {
  const [x, y] = [width * 0.46, -0.12 + drop]
  const [across, down] = [0.15 * eyeSize, 0.085 * eyeSize * Math.max(0.25, eye)]
  const iris = pickColour(random, [[80, 56, 36], [70, 100, 130], [80, 110, 70], [50, 38, 30]], 12)
  const lash = isFemale && age > 10 ? 0.05 : 0.03
  const browY = y - 0.2 * eyeSize - 0.13 * brow
  return [-1, 1].flatMap((side) => {
    const browLine: Point[] = [[side * (x - across), browY - 0.13 * browTilt], [side * x, browY - 0.05], [side * (x + across * 1.2), browY + 0.08 * browTilt]]
    return [
      part([238, 236, 232], ellipse(side * x, y, across, down)),
      part(iris, ellipse(side * x, y, Math.min(down, 0.078 * eyeSize))),
      part([16, 14, 14], ellipse(side * x, y, Math.min(down, 0.04 * eyeSize))),
      part(ink, ...stroke(arc(side * x, y, across, down, Math.PI, 2 * Math.PI), lash)),
      part(shade(skin, 0.78), ...stroke(arc(side * x, y, across, down, 0.3, Math.PI - 0.3), 0.018)),
      ...(age < 1 ? [] : [part(shade(hair, 0.7), ...stroke(browLine, isFemale ? 0.055 : 0.085))]),
    ]
  })
}

function noseAndMouth({ skin, drop, isFemale, age, growth }: Look, { smile, open, wide, sneer, lopsided }: Features): Part[] {
  const shadow = shade(skin, 0.7)
  const noseY = 0.24 + drop * 0.7
  const [mouthY, reach] = [0.56 + drop * 0.4, 0.26 * wide * (0.8 + 0.2 * growth)]
  const corner = (side: number): number => mouthY - 0.13 * smile - (side > 0 ? 0.16 * lopsided : 0)
  const bend = mouthY + 0.11 * smile - 0.05 * open
  const upper = Array.from({ length: 9 }, (_, step): Point => {
    const across = step / 4 - 1
    return [across * reach, bend + (corner(across) - bend) * across * across - 0.08 * sneer * (1 - Math.abs(across))]
  })
  const depth = 0.34 * open
  const lips: Colour = isFemale && age > 14 ? [168, 50, 60] : shade(skin, 0.62)
  const isToothy = smile > 0.3 || wide > 1.05
  const teeth = part([240, 238, 232], polygon([...upper.slice(1, 8), [reach * 0.55, bend + depth * 0.42], [-reach * 0.55, bend + depth * 0.42]]))
  const lowerLip = part(lips, ...stroke(arc(0, bend + depth * 0.5, reach * 0.72, depth * 0.5, 0.25, Math.PI - 0.25), 0.05))
  const mouth = open < 0.12 ? [] : [part([64, 20, 24], polygon([...upper, ...arc(0, bend + depth * 0.3, reach * 0.85, depth * 0.7, 0.2, Math.PI - 0.2)])), ...(isToothy ? [teeth] : []), lowerLip]
  const folds = (Math.abs(smile) > 0.4 ? 0.5 : 0) + sneer
  return [
    part(shadow, ...stroke([[-0.04, noseY - 0.24], [-0.09, noseY], [-0.02, noseY + 0.04], [0.09, noseY]], 0.03)),
    ...(sneer > 0.3 ? [part(shadow, ...stroke([[-0.1, noseY - 0.2], [0.1, noseY - 0.22]], 0.026), ...stroke([[-0.08, noseY - 0.28], [0.08, noseY - 0.3]], 0.026))] : []),
    ...(folds > 0.4 ? [part(shade(skin, 0.78), ...[-1, 1].flatMap((side) => stroke([[side * 0.14, noseY], [side * (reach + 0.08), mouthY - 0.05]], 0.026)))] : []),
    ...mouth,
    part(lips, ...stroke(upper, isFemale ? 0.06 : 0.045)),
  ]
}

function wrinkles(random: Random, { age, skin, width, drop }: Look): Part[] {
  const depth = Math.min(1, Math.max(0, (age - 34) / 35))
  if (depth === 0) return []
  const colour = shade(skin, 1 - 0.34 * depth)
  const count = 1 + Math.round(2 * depth)
  const forehead = Array.from({ length: count }, (_, line) => stroke(arc(0, -0.5 - line * 0.09, width * 0.5, between(random, 0.02, 0.05), Math.PI * 1.05, Math.PI * 1.95), 0.022)).flat()
  const crows = [-1, 1].flatMap((side) => Array.from({ length: count }, (_, line) => stroke([[side * width * 0.74, -0.12 + drop + line * 0.04], [side * width * 0.9, -0.16 + drop + line * 0.08]], 0.02)).flat())
  const cheeks = [-1, 1].flatMap((side) => stroke(arc(side * 0.3, 0.42, 0.14, 0.24, side > 0 ? -0.9 : Math.PI - 0.3, side > 0 ? 0.3 : Math.PI + 0.9), 0.026))
  const bags = [-1, 1].flatMap((side) => stroke(arc(side * width * 0.46, 0.0 + drop, 0.15, 0.06, 0.4, Math.PI - 0.4), 0.022))
  return [part(colour, ...forehead, ...crows, ...bags, ...(depth > 0.4 ? cheeks : []))]
}

/** Stubble, moustache or beard, of grown men. */
function beard(random: Random, { isFemale, age, hair, width, jaw, skin }: Look): Part[] {
  if (isFemale || age < 18 || chance(random, 0.45)) return []
  const full = polygon(rounded([[-width, 0.25], [-width * 0.62, 0.44], [0, 0.4], [width * 0.62, 0.44], [width, 0.25], [width * jaw + 0.06, 0.84], [0.3, 1.1], [-0.3, 1.1], [-width * jaw - 0.06, 0.84]], 2, 0.2))
  const kind = random()
  if (kind < 0.4) return [{ ...part(shade(skin, 0.6), full), opacity: between(random, 0.2, 0.4) }]
  if (kind < 0.75) return [part(hair, full)]
  return [part(hair, polygon(rounded([[-0.3, 0.5], [-0.12, 0.36], [0.12, 0.36], [0.3, 0.5], [0, 0.47]], 1)))]
}

function glasses(random: Random, { width, drop }: Look): Part[] {
  const [x, y] = [width * 0.46, -0.1 + drop]
  const rims = [-1, 1].flatMap((side) => stroke(arc(side * x, y, 0.23, between(random, 0.17, 0.22), 0, 2 * Math.PI), 0.03))
  return [part([30, 28, 32], ...rims, ...stroke([[-x + 0.23, y], [x - 0.23, y]], 0.03), ...stroke([[x + 0.23, y], [width, y - 0.05]], 0.03), ...stroke([[-x - 0.23, y], [-width, y - 0.05]], 0.03))]
}
