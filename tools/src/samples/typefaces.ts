// The outline typefaces of the sample photos and the reports: the latin WOFF files of @fontsource
// packages (SIL Open Font Licence), read with opentype.js. Nothing depends on the fonts of the machine.

import opentype, { type Font, type CurveCommand, type PathCommand } from 'opentype.js'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** An outline with the digit height as unit, y downwards, the baseline at y = 0. */
export interface Glyph {
  readonly contours: readonly Float32Array[]
  /** The distance to the next glyph's origin. */
  readonly advance: number
}

export interface Typeface {
  /** The package and weight, as `oswald-400`. */
  readonly name: string
  glyph(character: string): Glyph
}

/** The typefaces that every split draws from. */
export const commonTypefaces: readonly string[] = [
  'alfa-slab-one-400',
  'anton-400',
  'bebas-neue-400',
  'lobster-400',
  'old-standard-tt-700',
  'oswald-400',
  'oswald-600',
  'righteous-400',
  'roboto-mono-500',
  'roboto-mono-700',
  'special-elite-400',
]

/** The typefaces that only the test split draws from: a network never trained on them. */
export const testOnlyTypefaces: readonly string[] = ['abril-fatface-400', 'archivo-black-400']

/** Roboto Mono's slashed zero, small and blurred, is an 8; door plates have none. */
const plainZero: Readonly<Record<string, string>> = { 'roboto-mono-500': 'O', 'roboto-mono-700': 'O' }

const loaded = new Map<string, Typeface>()

/** The typeface of a package and weight; read once. */
export function loadTypeface(name: string): Typeface {
  const known = loaded.get(name)
  if (known) return known
  const family = name.slice(0, name.lastIndexOf('-'))
  const weight = name.slice(family.length + 1)
  const url = import.meta.resolve(`@fontsource/${family}/files/${family}-latin-${weight}-normal.woff`)
  const bytes = readFileSync(fileURLToPath(url))
  const font = opentype.parse(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer)
  const typeface = createTypeface(name, font)
  loaded.set(name, typeface)
  return typeface
}

function createTypeface(name: string, font: Font): Typeface {
  const digitHeight = font.charToGlyph('1').getBoundingBox().y2
  const glyphs = new Map<string, Glyph>()
  return {
    name,
    glyph: (character) => {
      const known = glyphs.get(character)
      if (known) return known
      const source = font.charToGlyph(character)
      const { commands } = source.getPath(0, 0, font.unitsPerEm / digitHeight)
      const glyph = { contours: flatten(commands), advance: source.advanceWidth / digitHeight }
      glyphs.set(character, glyph)
      return glyph
    },
  }
}

/** The glyph of a house number's digit: the typeface's own, but for zeros that would not read as such. */
export function digitGlyph(typeface: Typeface, digit: string): Glyph {
  return typeface.glyph(digit === '0' ? (plainZero[typeface.name] ?? '0') : digit)
}

/** Curves become this many straight pieces: under 0.1 px off for digits of 200 px. */
const curvePieces = 8

function flatten(commands: readonly PathCommand[]): Float32Array[] {
  const contours: number[][] = []
  for (const command of commands) {
    if (command.type === 'M') contours.push([command.x, command.y])
    else if (command.type === 'L') contours.at(-1)!.push(command.x, command.y)
    else if (command.type !== 'Z') addCurve(contours.at(-1)!, command)
  }
  return contours.map((points) => Float32Array.from(points))
}

/** Bézier curves of degree 2 and 3; a quadratic one is raised to a cubic one. */
function addCurve(points: number[], command: CurveCommand): void {
  const [x0, y0] = [points.at(-2)!, points.at(-1)!]
  const { x, y } = command
  const cubic = command.type === 'C'
  const x1 = cubic ? command.x1 : x0 + ((command.x1 - x0) * 2) / 3
  const y1 = cubic ? command.y1 : y0 + ((command.y1 - y0) * 2) / 3
  const x2 = cubic ? command.x2 : x + ((command.x1 - x) * 2) / 3
  const y2 = cubic ? command.y2 : y + ((command.y1 - y) * 2) / 3
  for (let piece = 1; piece <= curvePieces; piece++) {
    const t = piece / curvePieces
    const s = 1 - t
    const [a, b, c, d] = [s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t]
    points.push(a * x0 + b * x1 + c * x2 + d * x, a * y0 + b * y1 + c * y2 + d * y)
  }
}
