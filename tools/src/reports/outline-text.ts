// Text as SVG outlines, from a typeface that the package brings: it looks the same on machines without
// fonts. The typeface has the Latin letters; others show as its empty box.

import { loadTypeface } from '../samples/typefaces.js'

const typeface = (): ReturnType<typeof loadTypeface> => loadTypeface('roboto-mono-500')

/** Width of a line whose digits are `digitHeight` pixels high. */
export function textWidth(line: string, digitHeight: number): number {
  return [...line].reduce((width, character) => width + typeface().glyph(character).advance * digitHeight, 0)
}

/** The line, with … for its end where it is wider than `width`. */
export function shortenText(line: string, digitHeight: number, width: number): string {
  const room = width - textWidth('…', digitHeight)
  let [shown, end] = ['', 0]
  let whole = 0 // of the line so far
  for (const character of line) {
    whole += typeface().glyph(character).advance * digitHeight
    if (whole > width) return `${shown}…`
    if (whole <= room && shown.length === end) shown += character
    end += character.length
  }
  return line
}

/** A <path> of one line whose baseline begins at (left, baseline). */
export function outlineText(line: string, left: number, baseline: number, digitHeight: number, colour: string): string {
  let x = left
  let path = ''
  for (const character of line) {
    const glyph = typeface().glyph(character)
    for (const contour of glyph.contours) path += outline(contour, x, baseline, digitHeight)
    x += glyph.advance * digitHeight
  }
  return `<path fill="${colour}" d="${path}"/>`
}

function outline(contour: Float32Array, left: number, baseline: number, scale: number): string {
  let path = ''
  for (let at = 0; at + 1 < contour.length; at += 2) {
    path += `${at === 0 ? 'M' : 'L'}${(left + contour[at]! * scale).toFixed(2)} ${(baseline + contour[at + 1]! * scale).toFixed(2)}`
  }
  return `${path}Z`
}
