// A contact sheet: photos enlarged in a grid, each with what it shows and what was read, right ones marked
// in green and wrong ones in red. Text is drawn from an outline typeface that the package brings, so
// the sheet looks the same on machines without fonts.

import type { RawImage } from '@millrace/infer'
import sharp from 'sharp'
import { rename, rm, writeFile } from 'node:fs/promises'
import { Canvas, type Colour } from '../samples/canvas.js'
import { fillContours, type Contour } from '../samples/coverage.js'
import { loadTypeface, type Typeface } from '../samples/typefaces.js'

/** One photo of the sheet. */
export interface ContactSheetCell {
  readonly image: RawImage
  /** The first line under the photo, such as its truth. */
  readonly caption: string
  /** The second line, such as what was read and its probability; in green or red. */
  readonly second?: string
  /** Green with a tick, or red with a cross. */
  readonly good: boolean
}

export interface ContactSheetOptions {
  /** Photos in a row. Default 4. */
  readonly columns?: number
}

const photoWidth = 272
const photoHeight = 148
const captionHeight = 62
const barHeight = 5
const gap = 24
const digitHeight = 12
const largestScale = 6

const paper: Colour = [255, 255, 255]
const card: Colour = [243, 243, 240]
const text: Colour = [52, 54, 58]
const green: Colour = [22, 128, 62]
const red: Colour = [196, 40, 40]

/** Ticks and crosses as lines of this thickness, in digit heights; y goes down from the digit's top. */
const strokes: Readonly<Record<'tick' | 'cross', readonly (readonly [x0: number, y0: number, x1: number, y1: number])[]>> = {
  tick: [[0.02, 0.55, 0.36, 0.9], [0.3, 0.9, 0.98, 0.08]],
  cross: [[0.08, 0.08, 0.92, 0.92], [0.08, 0.92, 0.92, 0.08]],
}
const strokeThickness = 0.18

/** Writes the sheet as a PNG (a temporary name, then renamed). */
export async function writeContactSheet(path: string, cells: readonly ContactSheetCell[], options: ContactSheetOptions = {}): Promise<void> {
  const { data, width, height, channels } = await drawContactSheet(cells, options)
  const partial = `${path}.partial`
  try {
    // 256 colours are enough to the eye and take a fifth of the bytes
    const png = await sharp(data, { raw: { width, height, channels } }).png({ palette: true, effort: 8, dither: 0.6 }).toBuffer()
    await writeFile(partial, png)
    await rename(partial, path)
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  }
}

/** The sheet as pixels. */
export async function drawContactSheet(cells: readonly ContactSheetCell[], { columns = 4 }: ContactSheetOptions = {}): Promise<RawImage> {
  const across = Math.max(1, Math.min(columns, cells.length))
  const down = Math.max(1, Math.ceil(cells.length / across))
  const cellHeight = photoHeight + barHeight + captionHeight
  const sheet = new Canvas(gap + across * (photoWidth + gap), gap + down * (cellHeight + gap))
  sheet.paint(() => paper)
  for (const [place, cell] of cells.entries()) {
    const left = gap + (place % across) * (photoWidth + gap)
    const top = gap + Math.floor(place / across) * (cellHeight + gap)
    await drawCell(sheet, cell, left, top)
  }
  return sheet.toImage()
}

async function drawCell(sheet: Canvas, cell: ContactSheetCell, left: number, top: number): Promise<void> {
  const colour = cell.good ? green : red
  fillRectangle(sheet, left, top, photoWidth, photoHeight + barHeight + captionHeight, card)
  const photo = await enlarge(cell.image)
  sheet.place(photo, left + Math.floor((photoWidth - photo.width) / 2), top + Math.floor((photoHeight - photo.height) / 2))
  fillRectangle(sheet, left, top + photoHeight, photoWidth, barHeight, colour)
  const firstLine = top + photoHeight + barHeight + 14 + digitHeight
  drawText(sheet, cell.caption, left + 14, firstLine, loadTypeface('roboto-mono-500'), text)
  if (cell.second !== undefined) drawText(sheet, cell.second, left + 14, firstLine + 23, loadTypeface('roboto-mono-500'), colour)
  drawMark(sheet, cell.good ? 'tick' : 'cross', left + photoWidth - 16 - 1.4 * digitHeight, firstLine + 23 - 1.4 * digitHeight, 1.4 * digitHeight, colour)
}

/** As large as the cell allows, whole photo seen, aspect kept; smoothly, as a screen would. */
async function enlarge(image: RawImage): Promise<RawImage> {
  const scale = Math.min(photoWidth / image.width, photoHeight / image.height, largestScale)
  const width = Math.max(1, Math.round(image.width * scale))
  const height = Math.max(1, Math.round(image.height * scale))
  const { data } = await sharp(image.data, { raw: { width: image.width, height: image.height, channels: 3 } })
    .resize(width, height, { fit: 'fill', kernel: 'mitchell' })
    .raw()
    .toBuffer({ resolveWithObject: true })
  return { data, width, height, channels: 3 }
}

/** One line of text whose baseline begins at (left, baseline); cut where the cell ends. */
function drawText(sheet: Canvas, line: string, left: number, baseline: number, typeface: Typeface, colour: Colour): void {
  const end = left + photoWidth - 2 * 14
  let x = left
  for (const character of line) {
    const glyph = typeface.glyph(character)
    if (x + glyph.advance * digitHeight > end) return
    const placed = glyph.contours.map((contour) => contour.map((value, place) => value * digitHeight + (place % 2 === 0 ? x : baseline)))
    sheet.fill(fillContours(placed), colour)
    x += glyph.advance * digitHeight
  }
}

function drawMark(sheet: Canvas, mark: keyof typeof strokes, left: number, top: number, size: number, colour: Colour): void {
  const contours = strokes[mark].map(([x0, y0, x1, y1]): Contour => {
    const length = Math.hypot(x1 - x0, y1 - y0)
    const across = (strokeThickness / 2 / length) * (y1 - y0)
    const along = (strokeThickness / 2 / length) * (x1 - x0)
    const corners = [x0 + across, y0 - along, x1 + across, y1 - along, x1 - across, y1 + along, x0 - across, y0 + along]
    return corners.map((value, place) => value * size + (place % 2 === 0 ? left : top))
  })
  sheet.fill(fillContours(contours), colour)
}

function fillRectangle(sheet: Canvas, left: number, top: number, width: number, height: number, colour: Colour): void {
  sheet.fill(fillContours([[left, top, left + width, top, left + width, top + height, left, top + height]]), colour)
}
