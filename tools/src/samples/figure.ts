// A figure is what a scene is made of: coloured shapes in units of its own, later ones over earlier ones.
// Placing it in a picture gives its box.

import type { Canvas, Colour } from './canvas.js'
import { boundsOf, fillContours, type Contour } from './coverage.js'
import { project, type Projection } from './house-number.js'
import { between, pick, type Random } from './random.js'
import type { Typeface } from './typefaces.js'

export interface Part {
  readonly colour: Colour
  readonly contours: readonly Contour[]
  /** Of shadows and shine, which are no part of the thing's box. Default: opaque. */
  readonly opacity?: number
}

export type Figure = readonly Part[]

/** Edges in pixels. */
export interface Box {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

/** Where a figure's origin lies in the picture, in pixels, and how it is seen. */
export interface View {
  readonly x: number
  readonly y: number
  /** Pixels a unit. */
  readonly scale: number
  /** Radians, clockwise. Default 0. */
  readonly angle?: number
  /** Width by height. Default 1. */
  readonly stretch?: number
  /** How far the top leans to the right, by height. Default 0. */
  readonly slant?: number
  /** Default false. */
  readonly isMirrored?: boolean
}

/** A part of one colour. */
export function part(colour: Colour, ...contours: readonly Contour[]): Part {
  return { colour, contours }
}

/** The figure as the view shows it, in pixels. */
export function placeFigure(figure: Figure, view: View): Figure {
  const projection = toProjection(view)
  return figure.map((each) => ({ ...each, contours: project(each.contours, projection) }))
}

/** Paints a placed figure. */
export function paintFigure(canvas: Canvas, figure: Figure): void {
  for (const { contours, colour, opacity } of figure) canvas.fill(fillContours(contours), colour, opacity)
}

/** The box around a placed figure, also where it reaches out of the picture. */
export function wholeBoxOf(figure: Figure): Box {
  return boundsOf(figure.flatMap(({ contours, opacity }) => (opacity === undefined ? contours : [])))
}

/** The box around as much of a placed figure as a picture of that size shows; empty where it shows none. */
export function boxOf(figure: Figure, { width, height }: { readonly width: number; readonly height: number }): Box {
  const contours = figure.flatMap(({ contours, opacity }) => (opacity === undefined ? contours : []))
  const { left, top, right, bottom } = boundsOf(contours.map((contour) => cutOff(cutOff(cutOff(cutOff(contour, 0, 1, 0), 0, -1, -width), 1, 1, 0), 1, -1, -height)))
  return { left: Math.max(0, left), top: Math.max(0, top), right: Math.min(width, right), bottom: Math.min(height, bottom) } // cutting rounds
}

/** What of a closed line has sign · (x or y) of at least `limit` (Sutherland and Hodgman 1974). */
function cutOff(contour: Contour, axis: 0 | 1, sign: 1 | -1, limit: number): number[] {
  const kept: number[] = []
  for (let place = 0; place < contour.length; place += 2) {
    const before = place === 0 ? contour.length - 2 : place - 2
    const [depth, depthBefore] = [sign * contour[place + axis]! - limit, sign * contour[before + axis]! - limit]
    if (depth >= 0 !== depthBefore >= 0) {
      const share = depthBefore / (depthBefore - depth)
      for (const each of [0, 1]) kept.push(contour[before + each]! + share * (contour[place + each]! - contour[before + each]!))
    }
    if (depth >= 0) kept.push(contour[place]!, contour[place + 1]!)
  }
  return kept
}

/** Letters `height` units high, around (x, y); capitals and digits stand right. */
export function lettering(typeface: Typeface, text: string, x: number, y: number, height: number): Contour[] {
  const glyphs = [...text].map((character) => typeface.glyph(character))
  const width = glyphs.reduce((sum, { advance }) => sum + advance, 0)
  let right = -width / 2
  return glyphs.flatMap(({ contours, advance }) => {
    const left = right
    right += advance
    return contours.map((contour) => contour.map((value, place) => (place % 2 === 0 ? x + (left + value) * height : y + (value + 0.5) * height)))
  })
}

/** A colour up to `amount` off, in brightness and in each channel. */
export function near(random: Random, colour: Colour, amount: number): Colour {
  const shift = between(random, -amount, amount)
  const [red, green, blue] = colour.map((value) => Math.min(252, Math.max(4, value + shift + between(random, -amount / 2, amount / 2))))
  return [red!, green!, blue!]
}

/** One of `colours`, up to `amount` off. */
export function pickColour(random: Random, colours: readonly Colour[], amount = 16): Colour {
  return near(random, pick(random, colours), amount)
}

/** Darker below 1, lighter above. */
export function shade([red, green, blue]: Colour, factor: number): Colour {
  return [Math.min(255, red * factor), Math.min(255, green * factor), Math.min(255, blue * factor)]
}

function toProjection({ x, y, scale, angle = 0, stretch = 1, slant = 0, isMirrored = false }: View): Projection {
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)]
  const across = isMirrored ? -stretch : stretch
  return (unitX, unitY) => {
    const [right, down] = [scale * (unitX * across - unitY * slant), scale * unitY]
    return [x + right * cosine - down * sine, y + right * sine + down * cosine]
  }
}
