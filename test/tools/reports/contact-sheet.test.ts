// A contact sheet is a PNG with one card a photo: a green bar under the right ones, a red one under the wrong.

import t from 'tap'
import sharp from 'sharp'
import { readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { drawContactSheet, drawSamplePhoto, writeContactSheet, type ContactSheetCell } from 'millrace'

const cells = Array.from({ length: 6 }, (_, index): ContactSheetCell => {
  const { digits, image } = drawSamplePhoto(3, 'test', index)
  return { image, caption: `truth ${digits}`, second: `read ${digits} 98.1 %`, good: index !== 2 }
})

t.test('the file decodes, and its size follows from the columns', async (t) => {
  const folder = t.testdir()
  await writeContactSheet(resolve(folder, 'sheet.png'), cells, { columns: 3 })
  t.strictSame(readdirSync(folder), ['sheet.png'], 'no temporary file is left')
  const { info } = await sharp(resolve(folder, 'sheet.png')).raw().toBuffer({ resolveWithObject: true })
  const { width, height } = await drawContactSheet(cells, { columns: 3 })
  t.same([info.width, info.height, info.format], [width, height, 'raw'])
  t.ok((await drawContactSheet(cells, { columns: 2 })).height > height)
})

t.test('right and wrong answers differ in colour', async (t) => {
  const sheet = await drawContactSheet(cells, { columns: 3 })
  t.same(barColours(sheet), ['green', 'green', 'red', 'green', 'green', 'green'])
})

t.test('odd sizes and long lines stay inside their card', async (t) => {
  const image = { data: new Uint8Array(3 * 900), width: 900, height: 1, channels: 3 as const }
  const sheet = await drawContactSheet([{ image, caption: 'x'.repeat(500), good: true }])
  const edge = Array.from({ length: sheet.height }, (_, row) => sheet.data[(row * sheet.width + sheet.width - 1) * 3])
  t.ok(edge.every((value) => value === 255), 'the margin is white')
  const none = await drawContactSheet([])
  t.ok(none.width > 0 && none.height > 0)
})

/** Colours of the runs of strongly green or red pixels down the middle of each card, row by row. */
function barColours({ data, width, height }: { data: Uint8Array; width: number; height: number }): string[] {
  const colours: string[] = []
  for (let row = 1; row < height; row++) {
    for (let column = 0; column < 3; column++) {
      const x = 24 + column * 296 + 1
      const colourAt = (y: number): string => {
        const [red, green, blue] = data.subarray((y * width + x) * 3)
        if (red === 22 && green === 128 && blue === 62) return 'green'
        return red === 196 && green === 40 && blue === 40 ? 'red' : ''
      }
      if (colourAt(row) && !colourAt(row - 1)) colours.push(colourAt(row))
    }
  }
  return colours
}
