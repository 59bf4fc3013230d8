// Traffic signs, German and American. One unit is half the sign's height; its centre is the origin.

import type { Colour } from '../canvas.js'
import type { Contour } from '../coverage.js'
import { lettering, part, type Figure, type Part } from '../figure.js'
import { arc, ellipse, polygon, rectangle, regular, rounded, stroke, turned, type Point } from '../shapes.js'
import { loadTypeface } from '../typefaces.js'

const red: Colour = [196, 28, 36]
const blue: Colour = [28, 78, 158]
const yellow: Colour = [244, 196, 40]
const white: Colour = [240, 240, 236]
const black: Colour = [26, 26, 28]
const green: Colour = [30, 120, 70]

/** Signs of the German benchmark by its ClassId; these of the 43 are drawn. */
export const germanSigns: ReadonlyMap<number, () => Figure> = new Map<number, () => Figure>([
  [1, () => limit('30')],
  [2, () => limit('50')],
  [4, () => limit('70')],
  [7, () => limit('100')],
  [9, () => [...ring(), part(black, ...carFront(0.3)), part(red, ...carFront(-0.3))]],
  [11, () => warning(rectangle(-0.06, -0.3, 0.06, 0.5), polygon([[-0.2, 0.0], [0, -0.42], [0.2, 0.0]]), ...stroke([[-0.28, 0.22], [0.28, 0.22]], 0.09))],
  [12, () => [part(white, polygon(rounded(regular(4, 1.1), 1, 0.06))), part(yellow, polygon(regular(4, 0.82)))]],
  [13, () => [part(red, polygon(rounded(regular(3, 1.15, Math.PI / 2), 1, 0.06))), part(white, polygon(regular(3, 0.72, Math.PI / 2)))]],
  [14, () => stopSign('oswald-600')],
  [15, () => ring()],
  [17, () => [part(white, ellipse(0, 0, 1)), part(red, ellipse(0, 0, 0.94)), part(white, rectangle(-0.68, -0.17, 0.68, 0.17))]],
  [18, () => warning(polygon([[-0.09, -0.4], [0.09, -0.4], [0.06, 0.16], [-0.06, 0.16]]), ellipse(0, 0.36, 0.09))],
  [20, () => warning(...stroke([[-0.16, 0.5], [-0.16, 0.16], [0.14, -0.06], [0.14, -0.34]], 0.13))],
  [22, () => warning(ellipse(-0.2, 0.34, 0.2, 0.16), ellipse(0.2, 0.34, 0.2, 0.16), rectangle(-0.48, 0.36, 0.48, 0.5))],
  [25, () => warning(ellipse(0.02, -0.26, 0.09), ...stroke([[0.02, -0.16], [-0.08, 0.14], [-0.24, 0.46]], 0.11), ...stroke([[-0.08, 0.14], [0.1, 0.46]], 0.1), ...stroke([[0, -0.04], [0.3, 0.4]], 0.06), ellipse(0.38, 0.44, 0.14, 0.1))],
  [26, () => [...warning(rectangle(-0.15, -0.36, 0.15, 0.5)), part(red, ellipse(0, -0.2, 0.1)), part(yellow, ellipse(0, 0.07, 0.1)), part(green, ellipse(0, 0.34, 0.1))]],
  [33, () => mandatory([[-0.3, 0.6], [-0.3, -0.1], [0.1, -0.1]], [[0.1, -0.42], [0.62, -0.1], [0.1, 0.22]])],
  [34, () => mandatory([[0.3, 0.6], [0.3, -0.1], [-0.1, -0.1]], [[-0.1, 0.22], [-0.62, -0.1], [-0.1, -0.42]])],
  [35, () => mandatory([[0, 0.66], [0, -0.15]], [[-0.34, -0.1], [0, -0.68], [0.34, -0.1]])],
  [38, () => mandatory([[-0.45, -0.45], [0.2, 0.2]], [[0.42, -0.12], [0.52, 0.52], [-0.12, 0.42]])],
  [40, () => [...mandatory([], []), part(white, ...[0, 1, 2].flatMap((third) => [...stroke(arc(0, 0, 0.52, 0.52, third * 2.094, third * 2.094 + 1.3), 0.17), polygon(turned([[-0.2, -0.02], [0.2, -0.02], [0, 0.3]], 0.52 * Math.cos(third * 2.094 + 1.3), 0.52 * Math.sin(third * 2.094 + 1.3), third * 2.094 + 1.3))]))]],
])

/** Signs of the LISA videos by their tags; these of the 47 are drawn. */
export const americanSigns: ReadonlyMap<string, () => Figure> = new Map<string, () => Figure>([
  ['stop', () => stopSign('bebas-neue-400')],
  ['pedestrianCrossing', () => diamond(ellipse(0.02, -0.5, 0.13), ...stroke([[0.02, -0.34], [-0.02, 0.06]], 0.22), ...stroke([[-0.02, 0.06], [-0.2, 0.5]], 0.11), ...stroke([[0, 0.06], [0.22, 0.5]], 0.11), ...stroke([[-0.3, 0.02], [0, -0.28], [0.3, 0]], 0.09))],
  ['signalAhead', () => [...diamond(rectangle(-0.2, -0.56, 0.2, 0.56)), part(red, ellipse(0, -0.36, 0.14)), part(yellow, ellipse(0, 0, 0.14)), part(green, ellipse(0, 0.36, 0.14))]],
  ['speedLimit35', () => [part(black, rectangle(-0.8, -1, 0.8, 1)), part(white, rectangle(-0.74, -0.94, 0.74, 0.94)), part(black, ...letters('SPEED', 0, -0.68, 0.28), ...letters('LIMIT', 0, -0.28, 0.28), ...letters('35', 0, 0.4, 0.72))]],
  ['yield', () => [part(red, polygon(rounded(regular(3, 1.15, Math.PI / 2), 1, 0.06))), part(white, polygon(regular(3, 0.62, Math.PI / 2))), part(red, ...letters('YIELD', 0, -0.12, 0.2))]],
  ['keepRight', () => [part(black, rectangle(-0.8, -1, 0.8, 1)), part(white, rectangle(-0.74, -0.94, 0.74, 0.94)), part(black, ellipse(-0.34, 0.2, 0.1, 0.6), ...stroke([[-0.1, -0.7], [0.06, -0.2], [0.3, 0.2]], 0.16), polygon([[0.08, 0.3], [0.54, 0.12], [0.5, 0.66]]))]],
])

/** A sign's post, from its lower edge down by `length`. */
export function signPost(length: number): Part {
  return part([132, 134, 136], rectangle(-0.07, 0.6, 0.07, 0.6 + length))
}

function ring(): Figure {
  return [part(red, ellipse(0, 0, 1)), part(white, ellipse(0, 0, 0.76))]
}

function limit(speed: string): Figure {
  return [...ring(), part(black, ...lettering(loadTypeface('oswald-600'), speed, 0, 0, speed.length > 2 ? 0.6 : 0.76))]
}

function warning(...symbol: readonly Contour[]): Figure {
  const triangle = (radius: number): Contour => polygon(rounded(regular(3, radius), 1, 0.06).map(([x, y]): Point => [x, y + 0.12]))
  return [part(red, triangle(1.15)), part(white, triangle(0.84)), part(black, ...symbol.map((contour) => Array.from(contour, (value, place) => value * 0.8 + (place % 2 === 0 ? 0 : 0.2))))]
}

function stopSign(typeface: string): Figure {
  const octagon = (radius: number): Contour => polygon(regular(8, radius, Math.PI / 8))
  return [part(white, octagon(1.05)), part(red, octagon(0.97)), part(white, ...lettering(loadTypeface(typeface), 'STOP', 0, 0, 0.56))]
}

function mandatory(line: readonly Point[], head: readonly Point[]): Figure {
  const arrow = line.length > 0 ? [part(white, ...stroke(line, 0.22), polygon(head))] : []
  return [part(white, ellipse(0, 0, 1)), part(blue, ellipse(0, 0, 0.95)), ...arrow]
}

function diamond(...symbol: readonly Contour[]): Figure {
  return [part(black, polygon(rounded(regular(4, 1.12), 1, 0.06))), part(yellow, polygon(rounded(regular(4, 1.05), 1, 0.06))), part(black, ...symbol)]
}

/** Two round cars side by side stand for "no passing". */
function carFront(x: number): Contour[] {
  return [polygon(rounded([[x - 0.24, 0.18], [x - 0.2, -0.04], [x + 0.2, -0.04], [x + 0.24, 0.18]], 1)), polygon([[x - 0.16, -0.02], [x - 0.1, -0.22], [x + 0.1, -0.22], [x + 0.16, -0.02]]), rectangle(x - 0.2, 0.14, x - 0.1, 0.28), rectangle(x + 0.1, 0.14, x + 0.2, 0.28)]
}

function letters(text: string, x: number, y: number, height: number): Contour[] {
  return lettering(loadTypeface('oswald-600'), text, x, y, height)
}

