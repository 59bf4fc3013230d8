// Shapes cover what they should, and a figure's box is where its pixels are.

import t from 'tap'
import { arc, boxOf, Canvas, createRandom, ellipse, fillContours, foods, paintFigure, part, placeFigure, rectangle, rounded, stroke, type Box, type Contour, type View } from 'millrace'

const areaOf = (...contours: Contour[]): number => fillContours(contours).alpha.reduce((sum, alpha) => sum + alpha, 0)

t.test('shapes cover their areas', async (t) => {
  t.equal(areaOf(rectangle(1.5, 2, 4, 6)), 10)
  t.ok(Math.abs(areaOf(ellipse(30, 30, 20, 10, 1)) / (Math.PI * 200) - 1) < 0.02)
  t.ok(Math.abs(areaOf(...stroke([[10, 10], [50, 10]], 6)) - (40 * 6 + Math.PI * 9)) < 2)
  t.ok(areaOf(...stroke([[10, 10], [50, 10], [10, 12]], 6)) < 2 * 40 * 6, 'a line that turns back on itself stays filled, and is not counted twice')
  t.ok(Math.abs(areaOf(...stroke(arc(40, 40, 20, 20, 0, Math.PI), 4)) / (Math.PI * 20 * 4 + Math.PI * 4) - 1) < 0.1)
  const corners = rounded([[0, 0], [40, 0], [40, 40], [0, 40]], 3)
  t.ok(areaOf(corners.flat()) < 1600 && areaOf(corners.flat()) > 1200)
})

/** Where anything was painted. */
function paintedBox({ width, height, pixels }: Canvas): Box {
  const box = { left: width, top: height, right: 0, bottom: 0 }
  for (let pixel = 0; pixel < width * height; pixel++) {
    if (pixels[3 * pixel]! + pixels[3 * pixel + 1]! + pixels[3 * pixel + 2]! < 8) continue
    const [x, y] = [pixel % width, Math.floor(pixel / width)]
    box.left = Math.min(box.left, x)
    box.top = Math.min(box.top, y)
    box.right = Math.max(box.right, x + 1)
    box.bottom = Math.max(box.bottom, y + 1)
  }
  return box
}

t.test('the box of a figure is around its pixels, as it is turned, mirrored, leant and cut off', async (t) => {
  const views: View[] = [
    { x: 60, y: 50, scale: 25 },
    { x: 60, y: 50, scale: 25, angle: 0.7, stretch: 1.3, slant: 0.2, isMirrored: true },
    { x: 6, y: 88, scale: 30, angle: -2 },
  ]
  for (const [name, draw] of Object.entries(foods)) {
    for (const [index, view] of views.entries()) {
      const canvas = new Canvas(120, 100)
      const figure = placeFigure(draw(createRandom(1, index)), view)
      paintFigure(canvas, figure)
      const [box, painted] = [boxOf(figure, canvas), paintedBox(canvas)]
      for (const edge of ['left', 'top', 'right', 'bottom'] as const) t.ok(Math.abs(box[edge] - painted[edge]) < 1.5, `${name} ${index} ${edge}: ${box[edge]} is ${painted[edge]}`)
    }
  }
})

t.test('shadows are no part of the box', async (t) => {
  const figure = [{ ...part([0, 0, 0], rectangle(0, 0, 20, 20)), opacity: 0.5 }, part([9, 9, 9], rectangle(2, 3, 8, 9))]
  t.same(boxOf(figure, { width: 7, height: 50 }), { left: 2, top: 3, right: 7, bottom: 9 })
})
